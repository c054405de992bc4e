"""Judging with an exported model, without the training framework.

A model folder is trusted only as far as it proves itself: known files, their SHA-256, and the outputs of its golden
batch. Nothing in it is ever unpickled or run as code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hydra_core.base.errors import DataError
from hydra_core.models.arrays import AnyArray, Floats, Images
from hydra_core.models.lazy import openvino
from hydra_core.models.residual import Residual
from hydra_core.models.spec import INT8_XML, ModelCard
from hydra_core.models.trusted import MEND, OUTPUTS, SCORE, STAGE, Trusted, read_folder
from hydra_core.models.trusted import read_card as read_card

#: Images per call of the engine: larger batches gain nothing on a CPU and cost memory.
BATCH = 8

Precision = Literal["f32", "bf16", "int8"]

#: Largest change of a probability in bf16 against f32 that is reckoned with (seen on trained networks: 0.06).
BF16_DRIFT = 0.1


@dataclass(frozen=True)
class Prediction:
    """What a network says of n images.

    Attributes
    ----------
    probs
        float32 (n, c): probability of each class, in the order of the card's classes.
    embed
        float32 (n, d): the features before the decision.
    cam
        float32 (n, h', w', c): class maps; their mean over the area is the logit.
    stage
        float32 (n, h", w", d'): the features from which finer maps are made, where they were asked for and are known.
    """

    probs: Floats
    embed: Floats
    cam: Floats
    stage: Floats | None = None

    def part(self, which: Sequence[int]) -> Prediction:
        """Return what is said of some of the images."""
        stage = None if self.stage is None else self.stage[which]
        return Prediction(self.probs[which], self.embed[which], self.cam[which], stage)


def check_images(images: Images, size: tuple[int, int]) -> None:
    """Refuse what is not uint8 of shape (n, height, width, 3).

    Raises
    ------
    ValueError
        When `images` has another shape or type.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*size, 3):
        height, width = size
        raise ValueError(f"images must be uint8 (n, {height}, {width}, 3), not {images.dtype} {images.shape}")


def numbers_alone(found: Prediction) -> Prediction:
    """Return a prediction as it is if it holds numbers alone.

    Raises
    ------
    DataError
        When the network answered with something that is not a number.
    """
    if not all(np.isfinite(values).all() for values in (found.probs, found.embed, found.cam)):
        raise DataError("the network answers with something that is not a number", next_step=MEND)
    return found


def differs(name: str, have: AnyArray, want: AnyArray, tolerance: float) -> bool:
    """Say whether the output `name` of a golden batch is another than at export."""
    # Maps and features have no fixed scale, so their drift is taken against their own size.
    scale = 1.0 if name == "probs" else max(1.0, float(np.abs(want).max()))
    return want.shape != have.shape or not np.abs(want - have).max() <= tolerance * scale


class Engine:
    """A compiled network, ready to judge. Made by `load`.

    Attributes
    ----------
    card
        The model's card; None while a model is still being exported.
    identity
        SHA-256 of ``model.json``, which itself holds the hash of every other file.
    residual
        What good plots look like; None where too few were known at the training.
    golden
        What it said of the golden batch, or the part of it that was asked, when it started; None for one that was not.
    graph
        The network as OpenVINO read it, for what makes finer maps; None where it gives no features for them.
    """

    def __init__(
        self,
        compiled: Any,
        size: tuple[int, int],
        card: ModelCard | None,
        identity: str,
        residual: Residual | None = None,
        graph: Any = None,
    ) -> None:
        self._compiled = compiled
        self._size = size
        self.graph = graph
        self.golden: Prediction | None = None
        self.card = card
        self.identity = identity
        self.residual = residual

    @classmethod
    def compile(
        cls,
        xml: bytes,
        weights: bytes,
        *,
        size: tuple[int, int],
        threads: int,
        precision: Precision = "f32",
        card: ModelCard | None = None,
        identity: str = "",
        residual: Residual | None = None,
    ) -> Engine:
        """Compile an OpenVINO model from memory.

        Raises
        ------
        ValueError
            When its outputs are not those of our networks.
        RuntimeError
            When OpenVINO cannot read it.
        """
        ov = openvino()
        core = ov.Core()
        model = core.read_model(model=xml, weights=weights)
        named = {name: result for result in model.get_results() for name in result.output(0).names}
        found = {name: named[name] for name in (*OUTPUTS, STAGE, SCORE) if name in named}
        known = found.keys() in (set(OUTPUTS), {*OUTPUTS, STAGE, SCORE})
        if not known or len(found) != len(model.outputs) or len(model.inputs) != 1:
            raise ValueError(f"its outputs are {', '.join(sorted(named)) or 'unnamed'}, not {', '.join(OUTPUTS)}")
        # In 8 bits and in bf16 the features are others, and maps are made in f32.
        graph = model if STAGE in found and precision == "f32" else None
        names = OUTPUTS if graph is None else (*OUTPUTS, STAGE)
        judging = ov.Model([found[name] for name in names], model.get_parameters(), "judging")
        compiled = core.compile_model(judging, "CPU", cls.options(precision, threads))
        return cls(compiled, size, card, identity, residual, graph)

    @staticmethod
    def options(precision: Precision, threads: int) -> dict[str, Any]:
        """Return how OpenVINO is to compile: in this arithmetic, for the cores that this job was given."""
        return {
            # What an 8-bit engine does not compute in 8 bits, it computes in f32.
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Pinned jobs of one node would sit on the same cores.
            "ENABLE_CPU_PINNING": False,
        }

    def predict(self, images: Images, *, stage: bool = False) -> Prediction:
        """Judge images.

        Parameters
        ----------
        images
            uint8, shape (n, h, w, 3), as made by `pixels.model_input` for the card's input; n may be 0.
        stage
            Whether the features from which finer maps are made are wanted: up to a MiB an image.

        Raises
        ------
        ValueError
            When `images` has another shape or type.
        DataError
            When the network answers with something that is not a number.
        """
        check_images(images, self._size)
        # One blank image stands in for none, to learn the shapes.
        padded = images if len(images) else np.zeros((1, *images.shape[1:]), np.uint8)
        names = (*OUTPUTS, STAGE) if stage and self.graph is not None else OUTPUTS
        parts: dict[str, list[Floats]] = {name: [] for name in names}
        for start in range(0, len(padded), BATCH):
            answer = self._compiled(padded[start : start + BATCH].astype(np.float32))
            for name in names:
                parts[name].append(np.array(answer[name], dtype=np.float32))
        return numbers_alone(Prediction(*(np.concatenate(parts[name])[: len(images)] for name in names)))

    def features(self, images: Images) -> Floats:
        """Return the features from which finer maps are made, `Prediction.stage`; errors as of `predict`.

        Raises
        ------
        ValueError
            When the network was exported without a stage, or computes in other than f32.
        """
        return _stage_of(self.predict(images, stage=True))

    def features_of_golden(self) -> Floats:
        """Return `features` of the part of the golden batch that it was asked of; errors as of `features`."""
        return _stage_of(self.golden)


def _stage_of(found: Prediction | None) -> Floats:
    if found is None or found.stage is None:
        raise ValueError("the engine gives no features")
    return found.stage


def load(folder: Path, *, threads: int, precision: Precision = "f32", golden: int | None = None) -> Engine:
    """Load a model folder after checking everything in it.

    Parameters
    ----------
    folder
        As written by `export.export`.
    threads
        Cores this job was given.
    precision
        ``bf16`` is about twice as fast on CPUs that have it, and moves probabilities by up to 0.06; ``int8`` for
        models that have an 8-bit engine.
    golden
        How many images of the golden batch are judged again; all where None. The files are compared in any case, so
        few images are enough to see that this machine computes as the one that exported.

    Raises
    ------
    DataError
        When a file is missing, foreign, a link or altered, when the model was made with another preprocessing, when
        classes and outputs do not match, or when the golden batch gives other outputs than at export.
    ValueError
        When ``int8`` is wanted of a model that has no 8-bit engine.
    """
    return start(read_folder(folder), threads=threads, precision=precision, golden=golden)


def start(trusted: Trusted, *, threads: int, precision: Precision = "f32", golden: int | None = None) -> Engine:
    """Compile a model whose files are trusted and let it prove itself; parameters and errors as of `load`."""
    engine = _compile(trusted, threads, precision)
    told = {name: values[:golden] for name, values in trusted.golden.items()}
    if precision == "f32":
        _check_golden(trusted, engine, told, trusted.card.golden.tolerance)
    else:
        _check_golden(
            trusted, engine, {name: told[name] for name in ("images", "probs")}, drift_of(trusted.card, precision)
        )
    return engine


def bf16_drift(card: ModelCard) -> float:
    """Return by how much bf16 may change a probability of a model: more where its temperature sharpened confidence."""
    return BF16_DRIFT / min(1.0, card.calibration.temperature)


def drift_of(card: ModelCard, precision: Precision) -> float:
    """Return by how much an arithmetic is reckoned to change a probability of a model."""
    if precision == "int8":
        # A probability moves by a quarter of what its log odds move, at most; far out, these are not counted.
        return card.int8.band / 4 + 1e-3
    return bf16_drift(card)


def _compile(trusted: Trusted, threads: int, precision: Precision) -> Engine:
    xml, weights = trusted.xml, trusted.weights
    if precision == "int8":
        if trusted.int8 is None:
            raise ValueError(f"the model in {trusted.folder} has no 8-bit engine")
        xml, weights = trusted.int8
    try:
        return Engine.compile(
            xml,
            weights,
            size=trusted.card.size,
            threads=threads,
            precision=precision,
            card=trusted.card,
            identity=trusted.identity,
            residual=trusted.residual,
        )
    except (RuntimeError, ValueError) as error:
        named = trusted.folder / (INT8_XML if precision == "int8" else "engine.xml")
        raise DataError(f"{named} cannot be used: {error}", next_step=MEND) from error


def _check_golden(trusted: Trusted, engine: Engine, golden: dict[str, AnyArray], tolerance: float) -> None:
    folder, images = trusted.folder, golden["images"]
    try:
        got = engine.golden = engine.predict(images, stage=True)
    except RuntimeError as error:
        raise DataError(f"{folder / 'engine.xml'} cannot be run: {error}", next_step=MEND) from error
    classes = len(trusted.card.classes)
    if got.probs.shape[1] != classes or got.cam.shape[3] != classes:
        raise DataError(
            f"{folder / 'engine.xml'} knows {got.probs.shape[1]} classes, model.json names {classes}", next_step=MEND
        )
    for name in golden.keys() - {"images", "evidence"}:
        if name == "residual":
            have = trusted.residual.differences(images) if trusted.residual else np.zeros(0, np.float32)
        else:
            have = getattr(got, name)
        if differs(name, have, golden[name], tolerance):
            raise DataError(
                f"the model in {folder} gives other {name} on its golden batch than at export",
                next_step="compare the versions of openvino; restore the folder or train this plot type again",
            )
