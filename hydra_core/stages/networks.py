"""Opening the network that a judging set names, and keeping the latest ones open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.errors import DataError
from hydra_core.config.inference import EngineName
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.images import read_image
from hydra_core.models.arrays import Floats
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Prediction
from hydra_core.models.evidence import Evidence, open_evidence
from hydra_core.models.pixels import model_input, preprocessing_hash
from hydra_core.models.precision import Judge, Wish, judge_of
from hydra_core.models.residual import Residual
from hydra_core.models.spec import INT8_BIN, ModelCard
from hydra_core.models.trusted import read_folder
from hydra_core.store.registry import ModelRow, SetModel


@dataclass(frozen=True)
class Network:
    """A model ready to judge, with its card."""

    card: ModelCard
    judge: Judge
    open_maps: Callable[[], Evidence | None]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of its input."""
        return self.card.size

    @property
    def input(self) -> InputSpec:
        """How it takes a plot."""
        return self.card.input

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes, in the order of its outputs."""
        return self.card.classes

    @property
    def residual(self) -> Residual | None:
        """What good plots look like; None where too few were known at its training."""
        return self.judge.residual

    @property
    def way(self) -> str:
        """How it judges an image, in words for a log."""
        return self.judge.way

    @property
    def own_head(self) -> bool:
        """Whether it came whole from the site, so that its maps are the same for each class."""
        return self.card.training.head == "own"

    def predict(self, images: NDArray[np.uint8], *, stage: bool = False) -> Prediction:
        """Judge images, uint8 of shape (n, h, w, 3), with the features for `evidence` if they come for nothing."""
        return self.judge.predict(images, stage=stage)

    def evidence(self, images: NDArray[np.uint8], weights: Floats, features: Floats | None = None) -> Floats | None:
        """Return where the evidence lies, as `Evidence.over_plots`; None for a model without a stage for maps.

        Parameters
        ----------
        images
            uint8, shape (n, h, w, 3).
        weights
            float, shape (n, c): how much each class counts.
        features
            `Prediction.stage` of the images where it is known.
        """
        if self._maps is None:
            return None
        known = self.judge.front().features(images) if features is None else features
        return self._maps.over_plots(known, weights)

    @cached_property
    def _maps(self) -> Evidence | None:
        return self.open_maps()


def network_input(block: Block, number: int, spec: InputSpec) -> NDArray[np.uint8]:
    """Return item `number` of a block as a network with this input takes it.

    What the block keeps ready for networks is used where it was made for just this input, and else the image.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3).
    """
    kept = block.model_input(number, spec.size, preprocessing_hash(spec))
    return model_input(read_image(block.data(number)), spec) if kept is None else kept


def open_network(
    site: Site,
    model: ModelRow,
    threads: int,
    *,
    thresholds: Mapping[str, float] | None = None,
    wish: Wish = "f32",
    engine: EngineName = "openvino",
) -> Network:
    """Load a model after checking that it is the one the database means.

    Parameters
    ----------
    thresholds
        Class -> from which probability on it is confirmed; those of the model where not given.
    wish
        The arithmetic asked for; decisions are those of f32 with each.
    engine
        What computes; see `precision.judge_of`.

    Raises
    ------
    DataError
        When files are missing, altered, or belong to another model.
    """
    folder = site.model_folder(model.plot, model.name)
    trusted = read_folder(folder, for_training=False)
    # Before anything of it is computed with.
    check_identity(folder, model, trusted.identity)
    judge = judge_of(trusted, threads=threads, wish=wish, thresholds=thresholds, engine=engine)
    known = trusted.without_engines()
    return Network(judge.card, judge, lambda: open_evidence(known, judge.front, threads=threads))


def check_identity(folder: Path, model: ModelRow, identity: str) -> None:
    """Refuse a folder whose card is not the one that the database knows.

    Raises
    ------
    DataError
        When `identity`, the SHA-256 of ``model.json`` in `folder`, is of another model.
    """
    if identity != model.card_sha:
        raise DataError(
            f"{folder} does not hold the model {model.name} that the database knows",
            next_step="restore the folder from a backup, or train again",
        )


class Shelf:
    """The networks of a job: opened when first asked for, and closed when newer ones need their room.

    Parameters
    ----------
    opener
        Opens the network of one plot type's entry in a judging set.
    budget
        Bytes of engine files that may be open at a time; the network used last stays, however large it is.
    """

    def __init__(self, site: Site, opener: Callable[[SetModel], Network], budget: int) -> None:
        self._site, self._opener, self._budget = site, opener, budget
        self._open: OrderedDict[int, tuple[Network, int]] = OrderedDict()

    def network(self, entry: SetModel) -> Network:
        """Return the network of an entry, opened if it is not."""
        model = entry.model
        if model.id in self._open:
            self._open.move_to_end(model.id)
            return self._open[model.id][0]
        size = _engine_bytes(self._site.model_folder(model.plot, model.name))
        # Room is made first: two large networks are never open at a time if one alone fits.
        while self._open and sum(kept for _, kept in self._open.values()) + size > self._budget:
            self._open.popitem(last=False)
        network = self._opener(entry)
        self._open[model.id] = (network, size)
        return network


def _engine_bytes(folder: Path) -> int:
    size = 0
    for name in ("engine.bin", INT8_BIN):
        try:
            size += (folder / name).stat().st_size
        except OSError:
            continue
    return size
