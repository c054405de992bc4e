from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hydra_core.models.gate import Decision, gate
from hydra_core.models.paired import Calls, Paired, pair
from hydra_core.models.proof import measure
from hydra_core.models.spec import Metrics

HASHES = [str(i) for i in range(10)]
TRUTH = ["Good"] * 5 + ["Bad"] * 5


def results(wrong: int, hashes: list[str] = HASHES) -> Metrics:
    return measure(TRUTH, [*TRUTH[: 10 - wrong], *["Good"] * wrong], ["Bad", "Good"], hashes)


def test_numbers_are_those_of_the_confusion_matrix() -> None:
    metrics = measure(["a", "a", "a", "b", "c"], ["a", "a", "b", "b", "b"], ["a", "b", "c"])
    assert metrics.confusion == ((2, 1, 0), (0, 1, 0), (0, 1, 0))
    assert metrics.accuracy == pytest.approx(0.6)
    a, b, c = (metrics.per_class[k] for k in "abc")
    assert (a.precision, a.recall, a.f1, a.support) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8), 3)
    assert (b.precision, b.recall, b.f1) == (pytest.approx(1 / 3), 1.0, 0.5)
    assert (c.precision, c.recall, c.f1) == (None, 0.0, 0.0)
    assert metrics.macro_f1 == pytest.approx((0.8 + 0.5 + 0) / 3)


def test_a_class_that_the_model_does_not_know_counts_against_it() -> None:
    metrics = measure(["Good", "Dead"], ["Good", "Good"], ["Good", "Hot"])
    assert metrics.classes == ("Good", "Hot", "Dead")
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_no_images_give_no_score() -> None:
    assert measure([], [], ["a", "b"]).macro_f1 == 0


WHOLE = Calls(TRUTH, ("Bad", "Good"))


@pytest.mark.parametrize(
    ("candidate", "live", "knows", "problems", "goes_live", "word"),
    [
        (results(0), None, ["Bad", "Good"], ["Bad"], True, "no model was live"),
        (results(0), results(1), ["Bad", "Good"], ["Bad"], True, "against"),
        (results(1), results(1), ["Bad", "Good"], ["Bad"], True, "against"),
        (results(1), results(0), ["Bad", "Good"], ["Bad"], False, "worse"),
        (results(5), None, ["Bad", "Good"], ["Bad"], False, "floor"),
        (results(0), None, ["Bad", "Good"], ["Hot"], False, "no class that means a problem"),
        (results(0), None, ["Bad", "Good", "Hot"], ["Hot"], False, "no test run"),
        (results(0), results(0, HASHES[::-1]), ["Bad", "Good"], ["Bad"], True, "against"),
        (results(0), results(1, [*HASHES[1:], "x"]), ["Bad", "Good"], ["Bad"], False, "same named images"),
        (results(0, []), results(1, []), ["Bad", "Good"], ["Bad"], False, "same named images"),
    ],
)
def test_a_candidate_is_measured_on_the_newest_runs_and_against_the_live_model(
    candidate: Metrics, live: Metrics | None, knows: list[str], problems: list[str], goes_live: bool, word: str
) -> None:
    decision = gate(Paired(candidate, live), knows=knows, problem_classes=problems)
    assert decision.live is goes_live
    assert word in decision.reason
    assert ("there is no gold set" in decision.reason) is goes_live


def test_a_class_learned_from_emulated_images_is_proven_by_real_ones_alone() -> None:
    asked: Any = {"knows": ["Bad", "Good", "Hot"], "problem_classes": ["Bad", "Hot"]}
    refused = gate(Paired(results(0)), **asked, emulated={"Hot": 30})
    assert refused.reason == "it learned Hot from emulated images, and no test run holds a real one"
    assert not refused.live
    assert gate(Paired(results(0)), **asked, emulated={"Bad": 30}).live
    hot = measure(["Hot"] * 9, ["Good"] * 9, ["Hot", "Good"])
    assert not gate(Paired(hot), **asked, emulated={"Bad": 1}).live
    seen = measure(["Hot", "Good"], ["Hot", "Good"], ["Hot", "Good"], HASHES[:2])
    assert gate(Paired(results(0)), Paired(seen), **asked, emulated={"Hot": 30}).live


def judge(newest: Paired, gold: Paired, problems: tuple[str, ...] = ("Bad",)) -> Decision:
    return gate(newest, gold, knows=["Bad", "Good"], problem_classes=problems)


def test_with_a_gold_set_a_candidate_has_to_hold_on_both() -> None:
    better, worse = Paired(results(0), results(1)), Paired(results(2), results(1))
    good = judge(better, better)
    assert good.live
    assert good.reason == (
        "macro-F1 1.000 against the live model's 0.899 on the same 10 test images; "
        "macro-F1 1.000 against the live model's 0.899 on the same 10 gold images"
    )
    assert "is worse than the live model's 0.899 on the same 10 gold images" in judge(better, worse).reason
    assert "is worse than the live model's 0.899 on the same 10 test images" in judge(worse, better).reason
    assert not judge(better, worse).live
    assert not judge(worse, better).live


def test_a_gold_set_below_the_floor_keeps_a_first_model_out() -> None:
    assert judge(Paired(results(0)), Paired(results(1))).live
    assert judge(Paired(results(0)), Paired(results(5))).reason.endswith(
        "on 10 gold images is below the floor of 0.600"
    )


def test_a_problem_that_is_found_less_often_keeps_a_candidate_out_though_its_score_is_higher() -> None:
    truth = ["Good"] * 8 + ["Bad"] * 4
    names = [str(number) for number in range(12)]
    missing = measure(truth, [*["Good"] * 9, *["Bad"] * 3], ["Bad", "Good"], names)
    calling = measure(truth, [*["Good"] * 4, *["Bad"] * 8], ["Bad", "Good"], names)
    assert missing.macro_f1 > calling.macro_f1
    equal = Paired(calling, calling)
    told = "it finds 3 of 4 gold images of Bad, the live model 4"
    assert judge(equal, Paired(missing, calling)) == Decision(False, told)
    assert judge(Paired(missing, calling), equal).reason == told.replace("gold", "test")
    assert judge(equal, equal).live
    # A class that only the live model knows counts as well.
    other = measure(["Hot", "Good", "Bad"], ["Hot", "Good", "Bad"], ["Bad", "Good", "Hot"], names[:3])
    mine = measure(["Hot", "Good", "Bad"], ["Bad", "Good", "Bad"], ["Bad", "Good"], names[:3])
    reason = gate(equal, Paired(mine, other), knows=["Bad"], problem_classes=["Hot", "Bad"], floor=0).reason
    assert "macro-F1" in reason
    # Without a gold set only the score is asked, as one test of few runs is too small to count single images.
    assert gate(Paired(missing, calling), knows=["Bad"], problem_classes=["Bad"]).live


def test_the_difference_of_two_models_is_told_with_its_interval_over_runs() -> None:
    rng = np.random.default_rng(3)
    runs = [number // 10 for number in range(200)]
    truth = [("Good", "Bad")[number % 2] for number in range(200)]
    hashes = [str(number) for number in range(200)]
    poor = Calls([name if rng.random() > 0.2 else "Good" for name in truth], ("Bad", "Good"))
    found = pair(truth, runs, hashes, Calls(truth, ("Bad", "Good")), poor)
    assert found.live is not None
    assert found.difference is not None
    low, high = found.difference
    assert 0 < low < found.candidate.macro_f1 - found.live.macro_f1 < high
    assert f"(the difference lies from {low:+.3f} to {high:+.3f} with 95 %)" in judge(found, found).reason
    same = pair(truth, runs, hashes, poor, poor)
    assert same.difference == (0, 0)


def test_images_of_one_run_tell_nothing_of_other_runs() -> None:
    assert pair(TRUTH, [7] * 10, HASHES, WHOLE, WHOLE).difference is None
    with pytest.raises(ValueError, match="10 images and 3 runs"):
        pair(TRUTH, [7] * 3, HASHES, WHOLE, WHOLE)


def test_models_of_other_classes_are_measured_on_the_same_truth() -> None:
    found = pair(TRUTH, [1, 2] * 5, HASHES, WHOLE, Calls(["Good"] * 10, ("Dead", "Good")))
    assert found.candidate.macro_f1 == 1
    assert found.live is not None
    assert found.live.per_class["Bad"].recall == 0
