from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import DataError
from hydra_core.models import precision
from hydra_core.models.engine import BF16_DRIFT, bf16_drift, load, start
from hydra_core.models.precision import Judge, near_a_decision, open_judge, precision_for
from hydra_core.models.spec import Calibration
from tests.decisions import decisions
from tests.training.conftest import squares

pytestmark = pytest.mark.training


@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 5),
    drift=st.sampled_from([0.001, 0.02, 0.1]),
    sharp=st.floats(0.2, 12),
)
def test_what_is_not_near_a_decision_cannot_be_decided_otherwise(
    seed: int, classes: int, drift: float, sharp: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(200, classes))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    thresholds = rng.uniform(0, 1, classes)
    moved = probs + rng.choice([-drift, drift], probs.shape) * 0.999
    near = near_a_decision(moved, thresholds, drift)
    assert np.array_equal(decisions(probs, thresholds)[~near], decisions(moved, thresholds)[~near])


def hard_images(trained: Any) -> np.ndarray:
    """Return plots of every kind and mixtures of two, among which there are close calls."""
    images, _ = squares(160, seed=11)
    shares = np.random.default_rng(3).uniform(0, 1, (160, 1, 1, 1))
    mixed = shares * images + (1 - shares) * images[::-1]
    return np.concatenate([images, mixed.astype(np.uint8), trained.images])


@pytest.mark.parametrize("value", [0.3, 0.5, 0.9])
def test_decisions_on_many_images_are_those_of_f32(trained: Any, value: float) -> None:
    images = hard_images(trained)
    thresholds = dict.fromkeys(trained.result.card.classes, value)
    exact = load(trained.result.folder, threads=1).predict(images)
    judge = open_judge(trained.result.folder, threads=1, wish="bf16", thresholds=thresholds)
    found = judge.predict(images)
    wanted = np.full(3, value)
    assert np.array_equal(decisions(found.probs, wanted), decisions(exact.probs, wanted))
    assert judge.judged == len(images)
    assert 0 < judge.again < len(images)
    near = near_a_decision(found.probs, wanted)
    assert np.allclose(found.probs[near], exact.probs[near], atol=1e-5)
    assert np.abs(found.probs - exact.probs).max() > 0
    assert found.cam.shape == exact.cam.shape


def test_where_nearly_all_is_near_a_decision_f32_goes_on_alone(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "near_a_decision", lambda probs, *_: np.ones(len(probs), np.bool_))
    judge = open_judge(trained.result.folder, threads=1, wish="bf16")
    judge.predict(trained.images[:40])
    assert (judge.judged, judge.again) == (40, 40)
    exact = load(trained.result.folder, threads=1).predict(trained.images[:40])
    assert np.allclose(judge.predict(trained.images[:40]).probs, exact.probs, atol=1e-6)
    assert judge.judged == 40


def test_a_model_that_bf16_moves_too_far_is_judged_in_f32(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*given: Any, **named: Any) -> Any:
        if named.get("precision") == "bf16":
            raise DataError("the model gives other probs on its golden batch than at export", next_step="")
        return start(*given, **named)

    monkeypatch.setattr(precision, "start", refusing)
    judge = open_judge(trained.result.folder, threads=1, wish="bf16")
    exact = load(trained.result.folder, threads=1).predict(trained.images)
    assert np.array_equal(judge.predict(trained.images).probs, exact.probs)


def test_sharper_confidence_is_looked_at_again_from_further_away(trained: Any) -> None:
    card = trained.result.card
    sharp, soft = (
        card.model_copy(update={"calibration": Calibration(temperature=value, why_not="")}) for value in (0.5, 2.0)
    )
    assert (bf16_drift(card), bf16_drift(sharp), bf16_drift(soft)) == (BF16_DRIFT, 2 * BF16_DRIFT, BF16_DRIFT)


@pytest.mark.parametrize(("able", "used"), [(True, "bf16"), (False, "f32")])
def test_auto_is_what_the_processor_has(monkeypatch: pytest.MonkeyPatch, able: bool, used: str) -> None:
    monkeypatch.setattr(precision, "machine_has_bf16", lambda: able)
    assert precision_for("auto") == used
    assert [precision_for("f32"), precision_for("bf16")] == ["f32", "bf16"]


def test_the_processor_is_asked_only_once() -> None:
    precision.machine_has_bf16.cache_clear()
    assert precision.machine_has_bf16() in (True, False)
    assert precision.machine_has_bf16.cache_info().misses == 1


def test_an_altered_model_is_refused_in_any_arithmetic(trained: Any, tmp_path: Path) -> None:
    assert isinstance(open_judge(trained.result.folder, threads=1), Judge)
    with pytest.raises(DataError, match=r"model\.json"):
        open_judge(tmp_path, threads=1, wish="bf16")
