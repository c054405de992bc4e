from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.models.comparison import HeldOut, Result, disagreements, over_seeds, rows, short_names
from hydra_core.models.spec import TrainSpec

CLASSES = ("Bad", "Good", "Hot")


def result(called: Sequence[int], number: int = 1, confidence: float = 0.9, **choice: object) -> Result:
    return Result(
        identity="same",
        number=number,
        spec=TrainSpec.model_validate({"network": "tiny", **choice}),
        classes=CLASSES,
        parameters=5,
        images_seen=100,
        seconds=1.0,
        milliseconds=0.1,
        best_epoch=1,
        curve=(),
        called=tuple(called),
        confidence=(confidence,) * len(called),
    )


def held_out(truth: Sequence[int], runs: Sequence[int], problems: Sequence[str] = ("Bad", "Hot")) -> HeldOut:
    return HeldOut(tuple(CLASSES[one] for one in truth), tuple(runs), frozenset(problems))


TRUTH = [0, 1, 1, 2, 1, 0, 1, 1, 2, 0, 1, 1]
RUNS = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


@settings(max_examples=25)
@given(st.lists(st.tuples(*(st.integers(0, 2),) * 3, st.integers(1, 6)), min_size=2, max_size=40))
def test_a_network_that_says_the_same_as_the_first_is_no_better_with_certainty(
    images: list[tuple[int, int, int, int]],
) -> None:
    truth, first, _, runs = zip(*images, strict=True)
    table = rows([result(first), result(first, 2, seed=2)], held_out(truth, runs))
    assert table[0].macro_f1.gain is None
    for figure in (table[1].accuracy, table[1].macro_f1, table[1].problems):
        assert figure.gain in (0.0, None)
        assert figure.gain_span is None or (figure.gain_span.low, figure.gain_span.high) == (0.0, 0.0)
    assert all(row.level for row in table)


@settings(max_examples=25)
@given(st.lists(st.tuples(*(st.integers(0, 2),) * 3, st.integers(1, 6)), min_size=2, max_size=40))
def test_differences_are_those_of_the_figures_and_turn_round_with_the_order(
    images: list[tuple[int, int, int, int]],
) -> None:
    truth, one, other, runs = zip(*images, strict=True)
    test = held_out(truth, runs)
    there = rows([result(one), result(other, 2, seed=2)], test)[1]
    back = rows([result(other), result(one, 2, seed=2)], test)[1]
    for name in ("accuracy", "macro_f1", "problems"):
        gain, loss = getattr(there, name), getattr(back, name)
        if gain.value is None:
            assert gain.gain is None
            continue
        assert gain.gain == pytest.approx(gain.value - loss.value)
        assert loss.gain == pytest.approx(-gain.gain)
        if gain.gain_span is not None:
            assert (-gain.gain_span.high, -gain.gain_span.low) == pytest.approx(
                (loss.gain_span.low, loss.gain_span.high)
            )


def test_paired_draws_see_a_small_difference_that_two_intervals_hide() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 400)
    hard = np.repeat(rng.random(40) < 0.5, 10)
    worse = np.where(hard, (truth + 1) % 3, truth)
    better = worse.copy()
    better[::10] = truth[::10]
    table = rows([result(worse.tolist()), result(better.tolist(), 2, seed=2)], held_out(truth.tolist(), range(400)))
    by_run = rows(
        [result(worse.tolist()), result(better.tolist(), 2, seed=2)],
        held_out(truth.tolist(), np.repeat(np.arange(40), 10).tolist()),
    )
    for first, second in (table, by_run):
        assert first.accuracy.span is not None
        assert second.accuracy.span is not None
        assert first.accuracy.span.high > second.accuracy.span.low
        assert second.accuracy.gain_span is not None
        assert second.accuracy.gain_span.low > 0


def test_recall_of_problems_is_the_mean_over_their_classes() -> None:
    called = [0, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1]
    (row,) = rows([result(called)], held_out(TRUTH, RUNS))
    assert row.recalls["Bad"][0].value == pytest.approx(1 / 3)
    assert row.recalls["Hot"][0].value == 1
    assert row.recalls["Hot"][1] == 2
    assert row.problems.value == pytest.approx((1 / 3 + 1) / 2)
    assert row.problems.span is not None
    assert row.problems.span.low < row.problems.value < row.problems.span.high


def test_without_a_problem_class_nothing_is_said_of_problems() -> None:
    (row,) = rows([result(TRUTH)], held_out(TRUTH, RUNS, ()))
    assert (row.problems.value, row.problems.span) == (None, None)


def test_one_test_run_gives_figures_without_ranges() -> None:
    table = rows([result([1] * 12), result(TRUTH, 2, seed=2)], held_out(TRUTH, [7] * 12))
    assert table[1].accuracy.value == 1
    assert (table[1].accuracy.span, table[1].accuracy.gain_span) == (None, None)
    assert table[1].accuracy.gain == pytest.approx(5 / 12)
    assert [row.level for row in table] == [False, True]


def test_answers_for_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="11 images, the test has 12"):
        rows([result(TRUTH[:-1])], held_out(TRUTH, RUNS))


def test_names_hold_what_tells_networks_apart_and_nothing_else() -> None:
    specs = [TrainSpec(network="compact", seed=1), TrainSpec(network="compact", seed=2)]
    assert short_names(specs) == ("compact, seed 1", "compact, seed 2")
    assert short_names(specs[:1]) == ("compact",)
    mixed = [TrainSpec(network="tiny", sampling="normal"), TrainSpec(network="compact", size=(64, 96))]
    assert short_names(mixed) == ("tiny, 128 x 128, normal", "compact, 64 x 96, rotating")


def test_seeds_of_one_network_are_put_together() -> None:
    wrong = [1] * 12
    table = rows(
        [result(TRUTH, seed=1), result(wrong, 2, seed=2), result(TRUTH, 3, network="compact")], held_out(TRUTH, RUNS)
    )
    (group,) = over_seeds(table)
    assert (group.name, group.seeds, group.high) == ("tiny", 2, 1.0)
    assert group.low == table[1].metrics.macro_f1
    assert group.mean == pytest.approx((1 + group.low) / 2)


def test_what_splits_the_networks_most_comes_first() -> None:
    three = [result([0, 0, 1, 2]), result([0, 1, 1, 2], 2, seed=2), result([0, 2, 2, 2], 3, seed=3)]
    assert disagreements(three, 9) == (1, 2)
    assert disagreements(three, 1) == (1,)
    assert disagreements(three[:1], 9) == ()
