"""Opening the network that a judging set names, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.errors import DataError
from hydra_core.config.site import Site
from hydra_core.models.engine import Engine, Prediction, load
from hydra_core.models.spec import ModelCard
from hydra_core.store.registry import ModelRow


@dataclass(frozen=True)
class Network:
    """A model ready to judge, with its card."""

    card: ModelCard
    engine: Engine

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of its input."""
        return self.card.size

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes, in the order of its outputs."""
        return self.card.classes

    def predict(self, images: NDArray[np.uint8]) -> Prediction:
        """Judge images: uint8, shape (n, h, w, 3)."""
        return self.engine.predict(images)


def open_network(site: Site, model: ModelRow, threads: int) -> Network:
    """Load a model's engine after checking that it is the one the database means.

    Raises
    ------
    DataError
        When files are missing, altered, or belong to another model.
    """
    folder = site.model_folder(model.plot, model.name)
    engine = load(folder, threads=threads)
    if engine.card is None or engine.identity != model.card_sha:
        raise DataError(
            f"{folder} does not hold the model {model.name} that the database knows",
            next_step="restore the folder from a backup, or train again",
        )
    return Network(engine.card, engine)
