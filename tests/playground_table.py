"""Labelled images in a folder, and a playground that one comparison after another is played at."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hydra_core.models.asked import TrainSpec
from hydra_core.stages.labelled import LabelledSet
from hydra_core.stages.labelled_folder import labelled_folder
from hydra_core.stages.playground import Asked, Place, Played, play

BASE = TrainSpec(network="tiny", size=(32, 32), epochs=2, batch=8, min_steps=4, learning_rate=0.01, near=0.0)


def png(seed: int, *, bad: bool) -> bytes:
    """Grey noise, with a dark square where it is bad."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(110, 150, (40, 40, 3)).astype(np.uint8)
    if bad:
        pixels[8:24, 8:24] = 10
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def fill_folder(folder: Path, images: int = 48, runs: bool = True) -> Path:
    """Write labelled images and their table; return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,label,run" if runs else "file,label"]
    for number in range(images):
        name, label = f"{number:02d}.png", ("Good", "Bad")[number % 2]
        (folder / name).write_bytes(png(number, bad=label == "Bad"))
        lines.append(f"{name},{label},{100 + number // 4}" if runs else f"{name},{label}")
    table = folder / "labels.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    folder = tmp_path_factory.mktemp("labelled") / "plots"
    return labelled_folder(folder, fill_folder(folder), print)


class Table:
    """A place that one playground after another is played at."""

    def __init__(self, images: LabelledSet, out: Path) -> None:
        self.images, self.out = images, out
        self.lines: list[str] = []

    def __call__(self, asked: Asked, base: TrainSpec = BASE, images: LabelledSet | None = None) -> Played:
        self.lines.clear()
        place = Place(self.out, "", "Experiment", "plots")
        return play(images or self.images, base, asked, place, problems=("Bad",), threads=1, tell=self.lines.append)


@pytest.fixture
def table(images: LabelledSet, tmp_path: Path) -> Table:
    return Table(images, tmp_path / "out")
