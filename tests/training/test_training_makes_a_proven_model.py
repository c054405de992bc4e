from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.models.engine import load, read_card
from hydra_core.models.spec import ANSWERS_FILE, CARD_VERSION, MODEL_FILES, RESIDUAL_FILE, TrainingError
from hydra_core.models.train import train

pytestmark = pytest.mark.training


def test_the_network_learns_what_it_is_shown(trained: Any) -> None:
    card = trained.result.card
    assert card.classes == ("Dead", "Good", "NoData")
    assert card.test is not None
    assert card.test.accuracy >= 0.8
    assert card.training.images["train"] + card.training.images["validation"] + card.test.n == 96
    assert set(card.training.runs["test"]).isdisjoint(card.training.runs["train"])


def test_the_folder_holds_the_model_and_nothing_else(trained: Any) -> None:
    names = {path.name for path in trained.result.folder.iterdir()}
    assert names == {*MODEL_FILES, RESIDUAL_FILE, ANSWERS_FILE, "model.json"}
    assert read_card(trained.result.folder)[0] == trained.result.card
    assert [p for p in trained.result.folder.parent.iterdir() if p.name.startswith(".")] == []


def test_progress_is_told_in_plain_lines(trained: Any) -> None:
    assert any(re.match(r"epoch 1/8  .+ left  loss \d.*validation accuracy", line) for line in trained.lines)
    assert any(line.startswith("test: accuracy ") for line in trained.lines)
    assert all(line.isprintable() for line in trained.lines)


def test_the_engine_scores_the_test_runs_as_the_card_says(trained: Any) -> None:
    card = trained.result.card
    test = np.flatnonzero(trained.result.split.sides == "test")
    probs = load(trained.result.folder, threads=1).predict(trained.images[test]).probs
    right = [card.classes[c] == trained.class_names[i] for c, i in zip(probs.argmax(1), test, strict=True)]
    assert card.test is not None
    assert np.mean(right) == pytest.approx(card.test.accuracy)
    assert card.golden.parity < 1e-4


def test_a_finished_training_is_not_repeated(trained: Any) -> None:
    lines: list[str] = []
    args = (trained.images, trained.class_names, trained.groups, trained.hashes, trained.result.folder)
    again = train(trained.spec, *args, lines.append, threads=1)
    assert again.card == trained.result.card
    assert "this very training" in lines[-1]
    with pytest.raises(TrainingError, match="another model"):
        train(trained.spec.model_copy(update={"seed": 2}), *args, lines.append, threads=1)


def test_two_runs_without_validation_still_train(trained: Any, tmp_path: Path) -> None:
    images, names = trained.images[:30], trained.class_names[:30]
    spec = trained.spec.model_copy(update={"epochs": 1, "min_steps": 1})
    result = train(
        spec, images, names, [i // 15 for i in range(30)], [str(i) for i in range(30)], tmp_path / "m", print
    )
    assert result.card.validation is None
    assert result.card.thresholds["Dead"].method == "default: no example of the class"
    assert load(result.folder, threads=1).card == result.card


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ([], []),
        (["Good"] * 40, list(range(40))),
        (["Good", "Bad"] * 20, [7] * 40),
        (["Good"] * 38 + ["Bad"] * 2, [1, 2] * 20),
    ],
)
def test_too_few_labels_are_refused_with_what_is_needed(
    names: list[str], groups: list[int], trained: Any, tmp_path: Path
) -> None:
    images = np.zeros((len(names), 32, 32, 3), np.uint8)
    with pytest.raises(TrainingError, match="two classes or more") as caught:
        train(trained.spec, images, names, groups, [str(i) for i in range(len(names))], tmp_path / "m", lambda _: None)
    assert "label more images" in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_the_card_is_plain_json(trained: Any) -> None:
    text = (trained.result.folder / "model.json").read_text(encoding="utf-8")
    assert json.loads(text)["version"] == CARD_VERSION
    assert "NaN" not in text
