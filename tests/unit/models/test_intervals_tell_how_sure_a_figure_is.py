from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.figures import few_runs_told, figures, told
from hydra_core.models.intervals import (
    ONE_RUN,
    calibration_error,
    confusion_of_runs,
    draws,
    intervals,
    share_interval,
    with_intervals,
)
from hydra_core.models.proof import measure
from hydra_core.models.spec import Interval, Metrics, Threshold

CLASSES = ("Bad", "Good")
Answers = list[tuple[int, int, int]]
answers = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 6)), min_size=1, max_size=40)


def counts_of(rows: Answers) -> Any:
    true, called, runs = np.array(rows).T
    return confusion_of_runs(true, called, runs, 2)


def measured(truth: list[str], runs: list[int], bad: list[float], threshold: float = 0.5) -> Metrics:
    probs = np.array([[p, 1 - p] for p in bad])
    called = [CLASSES[number] for number in probs.argmax(1)]
    thresholds = {name: Threshold(value=threshold, method="x", n=0, positives=0, f1=None) for name in CLASSES}
    return with_intervals(measure(truth, called, CLASSES), truth, runs, probs, CLASSES, thresholds)


@given(answers)
def test_an_interval_holds_the_median_of_what_other_runs_would_give(rows: Answers) -> None:
    counts = counts_of(rows)
    found = intervals(counts)
    for name, values in draws(counts).items():
        kept = values[~np.isnan(values)]
        interval = found[name]
        if interval is not None:
            assert interval.low <= np.median(kept) + 1e-12
            assert interval.high >= np.median(kept) - 1e-12
        else:
            assert len(counts) == 1 or 2 * len(kept) < len(values)


@given(answers)
def test_the_order_of_the_images_means_nothing(rows: Answers) -> None:
    assert intervals(counts_of(rows)) == intervals(counts_of(rows[::-1]))


@given(answers)
def test_each_draw_is_as_a_test_of_these_runs(rows: Answers) -> None:
    counts = counts_of(rows)
    truth, called = ([CLASSES[row[side]] for row in rows for _ in range(3)] for side in (0, 1))
    # Where all runs are alike, every draw gives the figures of the test itself.
    alike = np.repeat(counts.sum(axis=0)[None], 3, axis=0)
    metrics, found = measure(truth, called, CLASSES), draws(alike, times=5)
    assert found["accuracy"] == pytest.approx([metrics.accuracy] * 5)
    assert found["macro_f1"] == pytest.approx([metrics.macro_f1] * 5)
    for number, name in enumerate(CLASSES):
        for kind in ("precision", "recall"):
            value = getattr(metrics.per_class[name], kind)
            assert found[f"{kind} {number}"] == pytest.approx([np.nan if value is None else value] * 5, nan_ok=True)


def test_whole_runs_are_drawn_so_that_a_run_of_many_images_makes_no_figure_surer() -> None:
    rows = [(1, 1, run) for run in range(8)] + [(0, 1, 8), (0, 1, 9)]
    few, many = intervals(counts_of(rows)), intervals(counts_of(rows * 50))
    assert few == many
    accuracy = many["accuracy"]
    assert accuracy is not None
    assert accuracy.low < 0.7 < 0.8 < accuracy.high


def test_one_run_gives_no_interval_and_says_why() -> None:
    metrics = measured(["Bad", "Good"] * 5, [7] * 10, [0.9, 0.2] * 5)
    assert (metrics.accuracy_interval, metrics.macro_f1_interval) == (None, None)
    assert metrics.no_interval == ONE_RUN
    assert {(one.precision_interval, one.recall_interval) for one in metrics.per_class.values()} == {(None, None)}
    assert dict(figures(metrics))["no interval"] == ONE_RUN
    assert dict(figures(metrics))["accuracy"] == "1.00"


def test_a_figure_that_is_none_has_no_interval() -> None:
    metrics = measured(["Good"] * 6, [1, 2, 3] * 2, [0.1] * 6)
    assert (metrics.per_class["Bad"].recall, metrics.per_class["Bad"].recall_interval) == (None, None)
    assert metrics.per_class["Good"].recall_interval == share_interval(3, 3)


def test_runs_that_are_all_right_leave_a_range_as_wide_as_they_are_few() -> None:
    two, twenty = (
        measured(["Bad", "Good"] * n, [run for run in range(n) for _ in "ab"], [0.9, 0.2] * n) for n in (2, 20)
    )
    for metrics, low in ((two, 0.34), (twenty, 0.84)):
        assert metrics.accuracy_interval == metrics.macro_f1_interval
        assert metrics.accuracy_interval is not None
        assert metrics.accuracy_interval.high == 1
        assert metrics.accuracy_interval.low == pytest.approx(low, abs=0.01)


def test_a_class_of_one_run_counts_as_one_trial_however_many_images_it_has() -> None:
    metrics = measured(["Good"] * 6 + ["Bad"] * 30, [1, 2, 3] * 2 + [1] * 30, [0.1] * 6 + [0.9] * 30)
    assert metrics.per_class["Bad"].recall_interval == share_interval(1, 1)


def test_what_lies_below_its_threshold_is_unconfirmed() -> None:
    metrics = measured(["Bad"] * 4, [1, 2, 3, 4], [0.95, 0.85, 0.6, 0.1], threshold=0.9)
    assert metrics.unconfirmed == 0.5
    assert dict(figures(metrics))["unconfirmed"] == "50 % of 4 test images, below the needed confidence"


def test_no_image_leaves_the_figures_as_they_are() -> None:
    none = measure([], [], CLASSES)
    assert with_intervals(none, [], [], np.zeros((0, 2)), CLASSES, {}) == none


def test_lists_of_different_images_are_refused() -> None:
    with pytest.raises(ValueError, match="of the same images"):
        with_intervals(measure(["Bad"], ["Bad"], CLASSES), ["Bad"], [1, 2], np.zeros((1, 2)), CLASSES, {})


@pytest.mark.parametrize(
    ("confidence", "right", "error"),
    [
        ([1.0] * 20, [True] * 20, 0.0),
        ([0.8] * 20, [True] * 16 + [False] * 4, 0.0),
        ([0.8] * 20, [False] * 4 + [True] * 16, 0.0),
        ([0.9] * 20, [True] * 10 + [False] * 10, 0.4),
        ([0.6] * 10 + [1.0] * 10, [True] * 6 + [False] * 4 + [True] * 5 + [False] * 5, 0.25),
        ([0.7], [True], 0.3),
    ],
)
def test_calibration_error_is_how_far_confidence_lies_from_the_share_of_right_answers(
    confidence: list[float], right: list[bool], error: float
) -> None:
    assert calibration_error(np.array(confidence), np.array(right)) == pytest.approx(error)


def test_a_figure_is_told_with_its_interval() -> None:
    assert told(0.931, Interval(low=0.884, high=0.967)) == "0.93 (0.88 to 0.97)"
    assert told(0.5, None) == "0.50"
    assert told(None, None) == "-"
    assert figures(None)[0][1].startswith("none")


def test_a_card_of_a_version_without_intervals_is_read() -> None:
    plain = measure(["Bad"], ["Bad"], CLASSES).model_dump()
    older = {key: plain[key] for key in ("classes", "n", "accuracy", "macro_f1", "confusion", "images")}
    figures_only = {"precision", "recall", "f1", "support"}
    older["per_class"] = {
        name: {key: value for key, value in one.items() if key in figures_only}
        for name, one in plain["per_class"].items()
    }
    assert Metrics.model_validate(older) == measure(["Bad"], ["Bad"], CLASSES)


@pytest.mark.parametrize(
    ("runs", "said"), [(1, ()), (2, (("note", "Only 2 test runs: the ranges are rough"),)), (10, ())]
)
def test_few_test_runs_are_said_to_leave_the_ranges_rough(runs: int, said: tuple[tuple[str, str], ...]) -> None:
    assert few_runs_told(runs) == said
