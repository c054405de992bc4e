from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.models.answers import Answers
from hydra_core.models.asked import TrainSpec
from hydra_core.models.spec import Threshold
from hydra_core.models.thresholds import EDGE_MARGIN, Policy, by_policy, policy_of, threshold

#: The widest column of the database for how a threshold came about.
MOST_METHOD = 100

numbers = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.25, 0.5, 0.999, 1.0, float("nan")]))
rows = st.lists(st.tuples(numbers, st.booleans(), st.booleans()), max_size=80)
shares = st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99]))
Rows = list[tuple[float, bool, bool]]


def arrays(made: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores = np.array([row[0] for row in made], np.float32)
    return scores, np.array([row[1] for row in made], bool), np.array([row[2] for row in made], bool)


def chosen(made: Rows, rule: str, share: float) -> Threshold:
    return threshold(*arrays(made), Policy(rule, share))  # type: ignore[arg-type]


@given(made=rows, share=shares)
def test_no_more_false_alarms_than_the_budget_reach_the_threshold(made: Rows, share: float) -> None:
    found = chosen(made, "false_alarms", share)
    scores, truth, _ = arrays(made)
    if found.method.startswith("at most"):
        others = scores[~truth]
        assert (others >= found.value).sum() <= share * len(others)
    elif found.method.startswith("strictest"):
        # Even the strictest threshold lets too many through.
        assert found.value == 1
        assert (scores[~truth] >= 1).sum() + 1 > share * (1 + (~truth).sum()) - 1e-6
    else:
        assert found.method.startswith(("max F1; ", "default: "))
        assert ((~truth).sum() + 1) * share < 1


@given(made=rows, share=shares)
def test_no_smaller_share_of_the_class_than_asked_for_is_confirmed(made: Rows, share: float) -> None:
    found = chosen(made, "recall", share)
    scores, truth, called = arrays(made)
    confirmed = (scores >= found.value) & called & truth
    if found.method.startswith("at least"):
        assert confirmed.sum() >= share * truth.sum()
    elif found.method.startswith("most lenient"):
        assert found.value == 0
        assert confirmed.sum() < truth.sum()
    else:
        assert (truth.sum() + 1) * (1 - share) < 1 + 1e-6


@given(made=rows, share=shares)
def test_a_threshold_lies_off_the_scores_and_says_how_it_came_about(made: Rows, share: float) -> None:
    scores, truth, _ = arrays(made)
    for rule in ("false_alarms", "recall"):
        found = chosen(made, rule, share)
        assert 0 <= found.value <= 1
        assert 0 < len(found.method) <= MOST_METHOD
        assert (found.n, found.positives) == (len(made), truth.sum())
        assert found.f1 is None or 0 <= found.f1 <= 1
        if found.method.startswith("at most"):
            others = scores[~truth].astype(np.float64)
            reached = np.sort(others[others < found.value])
            assert not len(reached) or found.value > reached[-1]


@given(made=rows, share=shares, seed=st.integers(0, 10))
def test_the_order_of_the_images_means_nothing(made: Rows, share: float, seed: int) -> None:
    mixed = [made[i] for i in np.random.default_rng(seed).permutation(len(made))]
    for rule in ("max_f1", "false_alarms", "recall"):
        assert chosen(made, rule, share) == chosen(mixed, rule, share) == chosen(made, rule, share)


@given(made=rows, first=shares, second=shares)
def test_a_larger_budget_never_asks_for_more_confidence(made: Rows, first: float, second: float) -> None:
    few, many = sorted((first, second))
    strict, loose = (chosen(made, "false_alarms", share) for share in (few, many))
    if not strict.method.startswith(("max F1", "default")):
        assert strict.value >= loose.value
    demanding, modest = (chosen(made, "recall", share) for share in (many, few))
    if not demanding.method.startswith(("max F1", "default")):
        assert demanding.value <= modest.value


def test_the_quantile_is_corrected_for_the_number_of_images() -> None:
    # 199 others: a nominal 99 % quantile lets two of them through, a corrected one but one.
    others = [(number / 1000, False, False) for number in range(199)]
    own = [(0.9, True, True)] * 20
    found = chosen([*others, *own], "false_alarms", 0.01)
    assert 0.197 < found.value < 0.198
    assert found.method == "at most 1 % false alarms: 1 of 199 others reach it"


def test_images_of_unseen_runs_keep_the_budget_on_average() -> None:
    rng = np.random.default_rng(5)
    shared = []
    for _ in range(400):
        scores = rng.beta(1, 6, 150)
        found = threshold(scores, np.zeros(150, bool), np.zeros(150, bool), Policy("false_alarms", 0.05))
        shared.append((rng.beta(1, 6, 2000) >= found.value).mean())
    assert np.mean(shared) <= 0.05


def test_of_all_thresholds_that_call_the_same_the_one_nearest_one_half_keeps_the_budget() -> None:
    made = [(0.01, False, False)] * 120 + [(0.98, True, True)] * 30
    assert chosen(made, "false_alarms", 0.01).value == 0.5


def test_recall_asks_for_as_much_confidence_as_it_can() -> None:
    made = [(0.5 + number / 200, True, True) for number in range(40)] + [(0.1, False, False)] * 60
    found = chosen(made, "recall", 0.95)
    # Two of 41 places may be missed, so the second lowest score counts.
    assert 0.5 < found.value < 0.505
    assert found.method == "at least 95 % recall: 39 of 40 are confirmed"
    alone = chosen([(0.9, True, True)] * 40 + [(0.1, False, False)] * 60, "recall", 0.95)
    assert alone.value == pytest.approx(0.9 - EDGE_MARGIN)


@pytest.mark.parametrize(
    ("made", "rule", "share", "value", "method"),
    [
        ([], "false_alarms", 0.01, 0.9, "default: no example of the class; 0 others, 99 needed for 1 % false alarms"),
        ([], "recall", 0.95, 0.9, "default: no example of the class; 0 of the class, 19 needed for 95 % recall"),
        (
            [(0.9, True, True)] * 10 + [(0.2, False, False)] * 98,
            "false_alarms",
            0.01,
            0.5,
            "max F1; 98 others, 99 needed for 1 % false alarms",
        ),
        (
            [(0.9, True, True)] * 18 + [(0.2, False, False)] * 98,
            "recall",
            0.95,
            0.5,
            "max F1; 18 of the class, 19 needed for 95 % recall",
        ),
        (
            [(1.0, False, True)] * 3 + [(0.2, False, False)] * 97,
            "false_alarms",
            0.02,
            1.0,
            "strictest: 3 of 100 others have confidence 1, too many for 2 % false alarms",
        ),
        (
            [(0.4, True, False)] * 5 + [(0.9, True, True)] * 25,
            "recall",
            0.95,
            0.0,
            "most lenient: 25 of 30 are called so at all, too few for 95 % recall",
        ),
        ([(0.2, False, False)] * 99, "false_alarms", 0.01, 0.5, "at most 1 % false alarms: 0 of 99 others reach it"),
    ],
)
def test_too_few_images_and_budgets_that_cannot_be_kept_are_said(
    made: Rows, rule: str, share: float, value: float, method: str
) -> None:
    found = chosen(made, rule, share)
    assert (found.value, found.method) == (value, method)
    ways = {"at most": "asked", "default": "default", "max F1;": "stand_in"}
    assert found.chosen == next((way for words, way in ways.items() if method.startswith(words)), "limit")


def test_ties_at_the_bound_are_all_kept_out_or_all_confirmed() -> None:
    tied = [(0.6, False, True)] * 50 + [(0.1, False, False)] * 50 + [(0.9, True, True)] * 20
    assert chosen(tied, "false_alarms", 0.1).value > 0.6
    own = [(0.6, True, True)] * 30 + [(0.9, True, True)] * 30 + [(0.1, False, False)] * 30
    assert chosen(own, "recall", 0.9).value < 0.6


def answers() -> Answers:
    probs = np.array([[0.9, 0.1]] * 120 + [[0.2, 0.8]] * 30 + [[0.1, 0.9]] * 50, np.float32)
    n = len(probs)
    truth = np.array([0] * 120 + [1] * 30 + [0] * 50, np.int16)
    sides = np.array([0] * 150 + [1] * 50, np.uint8)
    return Answers(("Bad", "Good"), np.zeros((n, 32), np.uint8), np.zeros(n, np.int64), truth, sides, probs)


def test_a_policy_is_tried_on_the_validation_answers_alone() -> None:
    found = by_policy(answers(), "Good", Policy("false_alarms", 0.01))
    assert (found.value, found.n, found.positives) == (0.5, 150, 30)
    assert found.method == "at most 1 % false alarms: 0 of 120 others reach it"
    empty = replace(answers(), sides=np.ones(200, np.uint8))
    assert by_policy(empty, "Good", Policy("recall", 0.9)).method.startswith("default: no example of the class")


def test_a_class_that_the_model_does_not_know_and_a_share_that_is_none_are_refused() -> None:
    with pytest.raises(HydraError, match="knows no class 'Hot'") as caught:
        by_policy(answers(), "Hot", Policy())
    assert "Bad, Good" in caught.value.next_step
    for share in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(HydraError, match="can be no budget"):
            Policy("recall", share)


def test_a_training_asks_for_the_policy_of_its_specification() -> None:
    assert policy_of(TrainSpec()) == Policy("max_f1")
    assert policy_of(TrainSpec(thresholds="false_alarms", false_alarms=0.02)) == Policy("false_alarms", 0.02)
    assert policy_of(TrainSpec(thresholds="recall", recall=0.9)) == Policy("recall", 0.9)
