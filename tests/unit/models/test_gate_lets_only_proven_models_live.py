from __future__ import annotations

import pytest

from hydra_core.models.proof import gate, measure
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
def test_gate(
    candidate: Metrics, live: Metrics | None, knows: list[str], problems: list[str], goes_live: bool, word: str
) -> None:
    decision = gate(candidate, live, knows=knows, problem_classes=problems)
    assert decision.live is goes_live
    assert word in decision.reason


def test_a_class_learned_from_emulated_images_is_proven_by_real_ones_alone() -> None:
    asked = {"knows": ["Bad", "Good", "Hot"], "problem_classes": ["Bad", "Hot"]}
    refused = gate(results(0), None, **asked, emulated={"Hot": 30})
    assert refused.reason == "it learned Hot from emulated images, and no test run holds a real one"
    assert not refused.live
    assert gate(results(0), None, **asked, emulated={"Bad": 30}).live
    assert not gate(measure(["Hot"] * 9, ["Good"] * 9, ["Hot", "Good"]), None, **asked, emulated={"Bad": 1}).live
