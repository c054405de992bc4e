from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.models import fit as fit_module
from hydra_core.models.arrays import Images
from hydra_core.models.asked import TrainSpec
from hydra_core.models.checkpoint import Checkpoint, Progress
from hydra_core.models.engine import read_card
from hydra_core.models.train import train, work_folder
from hydra_core.models.train_on import Fitted, Labelled, train_on
from tests.training.conftest import dark_patches

pytestmark = pytest.mark.training

SPEC = TrainSpec(
    network="tiny", size=(16, 16), epochs=4, batch=8, min_steps=2, shift=8, arithmetic="float32", near=0, min_examples=2
)


class Killed(BaseException):
    """What takes the place of a kill: nothing in a training catches it."""


@pytest.fixture(scope="module")
def given() -> Labelled:
    return dark_patches(1)


@pytest.fixture(scope="module")
def whole(given: Labelled) -> dict[str, Fitted]:
    """Return trainings that nobody stopped, by which weights they keep."""
    return {
        keep: train_on(SPEC.model_copy(update={"keep": keep}), given, tell=lambda _line: None)
        for keep in ("best", "averaged")
    }


def weights(fitted: Fitted) -> list[np.ndarray]:
    found: list[np.ndarray] = fitted.model.get_weights()
    return found


def test_a_training_killed_in_an_epoch_goes_on_to_the_same_weights(
    whole: dict[str, Fitted],
    given: Labelled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = whole["best"]
    taken, fatal = 0, 2 * (expected.curve[0].images // SPEC.batch) + 2
    really = fit_module.augmented

    def augmented(*given_to: Any) -> Images:
        nonlocal taken
        taken += 1
        if taken == fatal:
            raise Killed
        return really(*given_to)

    monkeypatch.setattr(fit_module, "augmented", augmented)
    with pytest.raises(Killed):
        train_on(expected.spec, given, tell=lambda _line: None, work=tmp_path / "work", identity="a")
    monkeypatch.undo()

    asked: list[int] = []
    held = given.images
    assert isinstance(held, np.ndarray)

    def provider(which: np.ndarray) -> np.ndarray:
        asked.append(len(which))
        taken_out: np.ndarray = held[which]
        return taken_out

    lines: list[str] = []
    lazy = replace(given, images=provider)
    again = train_on(expected.spec, lazy, tell=lines.append, work=tmp_path / "work", identity="a")
    assert "goes on after epoch 2, where it was stopped" in lines
    assert not any(line.startswith("epoch 2/") for line in lines)
    assert [point.loss for point in again.curve] == [point.loss for point in expected.curve]
    assert again.best_epoch == expected.best_epoch
    assert all(np.array_equal(a, b) for a, b in zip(weights(again), weights(expected), strict=True))
    # No more than an evaluation's batch is ever asked for, whatever the number of images.
    assert max(asked) <= 32


def test_averaged_weights_are_others_than_the_best_and_of_the_last_epoch(whole: dict[str, Fitted]) -> None:
    ends = [whole["best"], whole["averaged"]]
    assert not all(np.array_equal(a, b) for a, b in zip(*map(weights, ends), strict=True))
    assert ends[1].best_epoch == SPEC.epochs


def test_a_state_of_another_training_or_a_broken_one_is_not_taken_up(tmp_path: Path) -> None:
    mine = Checkpoint(tmp_path, "mine")
    assert mine.load() is None
    mine.save(Progress(epoch=3), {"model": [np.arange(4.0), np.zeros((2, 2))], "average": []})
    found = mine.load()
    assert found is not None
    assert found[0].epoch == 3
    assert [one.tolist() for one in found[1]["model"]] == [[0, 1, 2, 3], [[0, 0], [0, 0]]]
    assert Checkpoint(tmp_path, "another").load() is None
    state = tmp_path / "state.npz"
    state.write_bytes(state.read_bytes()[:-40])
    assert mine.load() is None


def test_a_training_in_bfloat16_keeps_its_state_beside_the_model_until_that_is_there(
    given: Labelled, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    seen: list[bool] = []

    def tell(line: str) -> None:
        if line.startswith("epoch "):
            seen.append((work_folder(folder) / "state.npz").exists() and not folder.exists())

    spec = SPEC.model_copy(update={"epochs": 2, "arithmetic": "mixed_bfloat16"})
    emulated = [i % 4 == 0 for i in range(48)]
    result = train(spec, given.images, given.classes, given.runs, given.hashes or [], folder, tell, emulated=emulated)
    assert seen == [True, True]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert read_card(folder)[0] == result.card
    assert result.card.training.arithmetic == "mixed_bfloat16"
    side = result.split.sides
    assert result.card.training.emulated == {
        "Bad": sum(e and s == "train" for e, s in zip(emulated, side, strict=True))
    }
    assert not any(e and s in ("validation", "test") for e, s in zip(emulated, side, strict=True))


def test_without_numbers_in_bfloat16_the_training_begins_again_in_float32(
    given: Labelled, whole: dict[str, Fitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fit(model: Any, *_rest: Any, **_more: Any) -> Any:
        asked.append(model.get_layer("body").layers[2].compute_dtype)
        if len(asked) == 1:
            raise fit_module.NotFiniteError("the training loss is not a number after epoch 1")
        return whole["best"].curve, 1

    monkeypatch.setattr("hydra_core.models.train_on.fit", fit)
    lines: list[str] = []
    fitted = train_on(SPEC.model_copy(update={"arithmetic": "mixed_bfloat16"}), given, tell=lines.append)
    assert asked == ["bfloat16", "float32"]
    assert fitted.arithmetic == "float32"
    assert "the loss is not a number in bfloat16: once more in float32" in lines
