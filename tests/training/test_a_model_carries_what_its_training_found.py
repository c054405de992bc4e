"""What a training measures besides the weights lies in the folder of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.models.engine import load
from hydra_core.models.figures import faults_told
from hydra_core.models.planted import NO_FAULT, Planted
from hydra_core.models.spec import TrainSpec
from hydra_core.models.train import train

pytestmark = pytest.mark.training


def test_the_card_keeps_the_intervals_of_its_figures(trained: Any) -> None:
    test = trained.result.card.test
    assert test.accuracy_interval.low <= test.accuracy <= test.accuracy_interval.high
    assert test.per_class["Dead"].recall_interval is not None
    assert 0 <= test.calibration_error <= 1
    assert 0 <= test.unconfirmed <= 1


def test_a_model_brings_its_own_residual_along(trained: Any) -> None:
    residual = load(trained.result.folder, threads=1).residual
    assert residual is not None
    good = sum(trained.class_names[i] == "Good" for i in np.flatnonzero(trained.result.split.sides == "train"))
    assert residual.images == good
    dead = [i for i, name in enumerate(trained.class_names) if name == "Dead"][:12]
    hits = 0
    for image, made in zip(trained.images[dead], residual.maps(trained.images[dead]), strict=True):
        y, x = (np.array(np.unravel_index(made.argmax(), made.shape)) * 32 / 64).astype(int)
        hits += int(image[y, x].max() < 40)
    assert hits >= 11


def half_bad(n: int) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(3)
    images = rng.integers(110, 150, (n, 32, 32, 3)).astype(np.uint8)
    names = [("Good", "Bad")[number % 2] for number in range(n)]
    images[1::2, 8:20, 8:20] = 10
    return images, names


def test_the_card_keeps_which_planted_faults_were_noticed_and_says_it(tmp_path: Path) -> None:
    images, names = half_bad(64)
    seen: list[list[int]] = []

    def of_test(tested: np.ndarray) -> Planted:
        seen.append(tested.tolist())
        good = images[[i for i in tested if names[i] == "Good"]]
        faulty = good.copy()
        faulty[:, 8:20, 8:20] = 10
        kinds = (NO_FAULT,) * len(good) + ("dead_board",) * len(good)
        return Planted(np.concatenate([good, faulty]), kinds, {"Good"})

    spec = TrainSpec(network="tiny", size=(32, 32), epochs=6, batch=8, min_steps=8, learning_rate=0.01, near=0.0)
    runs = [number // 4 for number in range(64)]
    result = train(
        spec, images, names, runs, [str(n) for n in range(64)], tmp_path / "m", lambda _: None, planted=of_test
    )
    assert seen == [np.flatnonzero(result.split.sides == "test").tolist()]
    found = {one.kind: one for one in result.card.faults}
    assert found["dead_board"].found == found["dead_board"].images > 0
    assert found[NO_FAULT].found == 0
    told = dict(faults_told(result.card))
    assert told["emulated: dead board"].startswith(f"{found['dead_board'].images} of ")
    assert "emulated: no fault at all" in told
