from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.config.training import UNLEARNED_THRESHOLD
from hydra_core.models.thresholds import max_f1_threshold


def f1(scores: np.ndarray, truth: np.ndarray, value: float) -> float:
    called = scores >= value
    return 2 * float((called & truth).sum()) / max(1, int(called.sum() + truth.sum()))


scored = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, float("nan")])), st.booleans()), max_size=60
)


@given(rows=scored)
def test_no_other_threshold_is_better(rows: list[tuple[float, bool]]) -> None:
    scores, truth = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], dtype=bool)
    chosen = max_f1_threshold(scores, truth)
    assert 0 <= chosen.value <= 1
    assert (chosen.n, chosen.positives) == (len(rows), truth.sum())
    if chosen.method == "max F1":
        assert chosen.f1 is not None
        assert all(f1(scores, truth, t) <= chosen.f1 + 1e-9 for t in np.unique(scores[~np.isnan(scores)]))
        assert chosen.f1 == pytest.approx(f1(scores, truth, chosen.value))
    else:
        assert (chosen.value, chosen.chosen) == (UNLEARNED_THRESHOLD, "default")


def test_of_a_plateau_the_value_nearest_one_half_is_taken() -> None:
    truth = np.arange(40) >= 20
    assert max_f1_threshold(np.where(truth, 0.99, 0.01), truth).value == 0.5
    assert max_f1_threshold(np.where(truth, 0.99, 0.8), truth).value == pytest.approx(0.801)
    assert max_f1_threshold(np.where(truth, 0.3, 0.01), truth).value == pytest.approx(0.299)
    assert max_f1_threshold(np.where(truth, 0.3001, 0.3), truth).value == pytest.approx(0.30005)


def test_ties_between_classes_call_all_or_none() -> None:
    truth = np.arange(40) % 2 == 0
    chosen = max_f1_threshold(np.full(40, 0.7), truth)
    assert chosen.value == 0.5
    assert chosen.f1 == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("scores", "truth", "method"),
    [
        ([], [], "default: no example of the class"),
        ([0.2] * 30, [False] * 30, "default: no example of the class"),
        ([0.9] * 30, [True] * 30, "default: every example is of the class"),
        ([0.9, 0.1] * 9, [True, False] * 9, "default: too few examples, 9 of 18"),
        ([0.9] * 4 + [0.1] * 40, [True] * 4 + [False] * 40, "default: too few examples, 4 of 44"),
        ([float("nan")] * 30, [True, False] * 15, "default: no score is a number"),
    ],
)
def test_where_nothing_can_be_chosen_the_threshold_is_cautious_and_said_to_be_a_default(
    scores: list[float], truth: list[bool], method: str
) -> None:
    chosen = max_f1_threshold(np.array(scores), np.array(truth, dtype=bool))
    assert (chosen.value, chosen.method) == (0.9, method)


def test_a_score_that_is_no_number_is_never_called() -> None:
    truth = np.arange(40) >= 20
    scores = np.where(truth, 0.9, 0.1)
    scores[[0, 39]] = np.nan
    assert max_f1_threshold(scores, truth).f1 == pytest.approx(38 / 39)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        max_f1_threshold(np.zeros(3), np.zeros(4, dtype=bool))
