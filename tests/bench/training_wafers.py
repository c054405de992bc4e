"""Real maps of wafers with nine classes of defects: how many are recognised, and is the heat on the defect?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.config.training import Augmentations
from hydra_core.intake.images import read_image
from hydra_core.intake.labels_csv import read_labels_csv
from hydra_core.models.asked import TrainSpec
from hydra_core.models.maps import class_map, contrast_map
from hydra_core.models.pixels import model_input
from hydra_core.models.residual import fit_residual
from hydra_core.models.train_on import Fitted, Labelled, split_of
from tests.bench.looking_at_maps import on_defect, overlay
from tests.bench.training_kept import Kept, small
from tests.bench.training_weights import both_ways, told

SIZE = (64, 64) if small() else (128, 128)
EPOCHS = 2 if small() else 60
SEEDS = (1,) if small() else (1, 2, 3)
GOOD = "None"
LOCAL = ("Center", "Donut", "Edge-Loc", "Loc", "Scratch")
#: Pixels of a picture for each die of the wafer, and the brightness of a die that failed.
DIE, FAILED = 3, 255
OVERLAYS = 3


@dataclass(frozen=True)
class Case:
    """What may be done to a training image, and the seed."""

    augment: Augmentations
    seed: int

    @property
    def name(self) -> str:
        return f"wafers-{'turned' if 'rotate90' in self.augment else 'shift'}-seed{self.seed}"


_SHIFTED: Augmentations = ("shift",)
_TURNED: Augmentations = ("shift", "flip_x", "flip_y", "rotate90")
CASES = tuple(Case(augment, seed) for augment in (_SHIFTED, _TURNED) for seed in SEEDS)


def load() -> tuple[np.ndarray, list[str], list[np.ndarray]]:
    """Return images as a network sees them, their classes, and where dies failed: bool (rows, columns) each."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "wafer_maps"
    listed = read_labels_csv(folder / "labels.csv")
    pictures = [read_image((folder / name).read_bytes()) for name, _ in listed]
    images = np.stack([model_input(picture, SIZE) for picture in pictures])
    return images, [label for _, label in listed], [p[DIE // 2 :: DIE, DIE // 2 :: DIE, 0] == FAILED for p in pictures]


def train_case(case: Case, kept: Kept) -> dict[str, Any]:
    """Train on some of the files, each a run of its own; test on others."""
    images, classes, failed = load()
    # The order of the files is that of production: shuffled, so that the sides differ by chance alone.
    runs = np.random.default_rng(3).permutation(len(classes)).tolist()
    given = Labelled(images, classes, runs)
    split = split_of(TrainSpec(size=SIZE, seed=1), given)
    spec = TrainSpec(size=SIZE, epochs=EPOCHS, seed=case.seed, augment=case.augment, arithmetic="float32")
    ways = both_ways(spec, given, split)
    fitted = ways["best"]
    test = fitted.side("test")
    return {
        "classes": list(fitted.classes),
        "sides": {side: int((split.sides == side).sum()) for side in ("train", "validation", "test")},
        "copies": split.copies,
        "best_epoch": fitted.best_epoch,
        "epochs": len(fitted.curve),
        "images": sum(point.images for point in fitted.curve),
        "truth": fitted.labels[test].tolist(),
        "called": fitted.answers["test"].probs.argmax(1).tolist(),
        "ways": told(ways),
        "maps": _maps(fitted, images, classes, failed, kept.folder / "pictures" / case.name),
    }


def _maps(
    fitted: Fitted, images: np.ndarray, classes: list[str], failed: list[np.ndarray], pictures: Path
) -> dict[str, dict[str, list[float]]]:
    """Return for each local class and map how well the heat lies on the defect, over validation and test."""
    place = {name: number for number, name in enumerate(fitted.classes)}
    trained = fitted.side("train")
    residual = fit_residual(images[[i for i in trained if classes[i] == GOOD]])
    which = np.concatenate([fitted.side("validation"), fitted.side("test")])
    cams = np.concatenate([fitted.answers[side].cam for side in ("validation", "test")])
    probs = np.concatenate([fitted.answers[side].probs for side in ("validation", "test")])
    found: dict[str, dict[str, list[float]]] = {}
    for name in LOCAL:
        mine = [k for k, i in enumerate(which) if classes[i] == name]
        made = {
            "class": [class_map(cams[k], int(probs[k].argmax())) for k in mine],
            "contrast": [contrast_map(cams[k], int(probs[k].argmax()), place[GOOD]) for k in mine],
        }
        if residual is not None:
            made["residual"] = list(residual.maps(images[which[mine]]))
        found[name] = {kind: on_defect(maps, [failed[which[k]] for k in mine]) for kind, maps in made.items()}
        for number, k in enumerate(mine[:OVERLAYS]):
            called = fitted.classes[int(probs[k].argmax())]
            path = pictures / f"{name}-{number}-called-{called}.png"
            overlay(images[which[k]], {kind: maps[number] for kind, maps in made.items()}, path)
    return found
