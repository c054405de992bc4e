"""The maps of a freshly exported network: its engine and what lies behind the stage, as jobs use them together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.models.engine import Engine
from hydra_core.models.evidence import Evidence
from hydra_core.models.export import convert


@dataclass(frozen=True)
class MapsOfImages:
    """Gives the maps of images and not of features."""

    engine: Engine
    evidence: Evidence

    def maps(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return self.evidence.maps(self.engine.features(images), weights)

    def over_plots(self, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return self.evidence.over_plots(self.engine.features(images), weights)


def maps_of_images(model: Any, stage: Any, folder: Path) -> MapsOfImages:
    """Export a Keras model into a folder and compile it, with maps at the layer `stage`."""
    convert(model, folder / "engine.xml", stage)
    data = [(folder / name).read_bytes() for name in ("engine.xml", "engine.bin")]
    _, height, width, _ = model.input.shape
    engine = Engine.compile(*data, size=(height, width), threads=1)
    return MapsOfImages(engine, Evidence.compile(engine, threads=1))
