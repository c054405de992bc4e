"""One tiny trained model for all tests of this folder: training and its libraries take most of the time here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hydra_core.models.spec import TrainSpec
from hydra_core.models.train import TrainResult, train
from hydra_core.models.train_on import Labelled

# White images are copies of each other, and are wanted on every side all the same.
SPEC = TrainSpec(
    network="tiny", size=(32, 32), epochs=8, batch=8, min_steps=8, patience=8, learning_rate=0.01, near=0.0
)


@dataclass(frozen=True)
class Trained:
    spec: TrainSpec
    result: TrainResult
    images: np.ndarray
    class_names: list[str]
    groups: list[int]
    hashes: list[str]
    lines: list[str]


def squares(n: int, seed: int = 3) -> tuple[np.ndarray, list[str]]:
    """Grey noise (Good), with a dark square somewhere (Dead), or white (NoData)."""
    rng = np.random.default_rng(seed)
    names = [("Good", "Dead", "NoData")[i % 3] for i in range(n)]
    images = rng.integers(110, 150, (n, 32, 32, 3)).astype(np.uint8)
    for image, name in zip(images, names, strict=True):
        if name == "Dead":
            y, x = rng.integers(2, 20, 2)
            image[y : y + 10, x : x + 10] = rng.integers(0, 20)
        elif name == "NoData":
            image[:] = rng.integers(240, 256)
    return images, names


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    images, names = squares(96)
    groups = [100 + i // 8 for i in range(96)]
    hashes = [f"image-{i}" for i in range(96)]
    lines: list[str] = []
    folder: Path = tmp_path_factory.mktemp("models") / "m1"
    result = train(SPEC, images, names, groups, hashes, folder, lines.append, threads=1)
    return Trained(SPEC, result, images, names, groups, hashes, lines)


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """Return a copy of the trained model that a test may change."""
    return Path(shutil.copytree(trained.result.folder, tmp_path / "model"))


def dark_patches(seed: int) -> Labelled:
    """Return 48 small images of 12 runs, every other one with a dark patch and Bad."""
    rng = np.random.default_rng(seed)
    images = rng.integers(100, 156, (48, 16, 16, 3)).astype(np.uint8)
    images[::2, 4:10, 4:10] = 0
    names = ["Bad" if i % 2 == 0 else "Good" for i in range(48)]
    return Labelled(images, names, [i // 4 for i in range(48)], [str(i) for i in range(48)])
