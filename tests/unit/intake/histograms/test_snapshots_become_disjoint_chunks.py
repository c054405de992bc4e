from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hydra_core.intake.histograms.cumulative import disjoint
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Ratio

AXIS = Axis.regular(5, 0, 5)


def counts(values: FloatArray | list[float], **more: object) -> Histogram:
    array = np.asarray(values, dtype=np.float64)
    hist = Histogram("h", "H", AXIS, None, array, float(array.sum()), variances=array.copy())
    return replace(hist, **more)  # type: ignore[arg-type]


def profile(numerator: FloatArray, denominator: FloatArray) -> Histogram:
    ratio = Ratio(numerator, denominator, numerator * 2)
    return Histogram("p", "P", AXIS, None, ratio.quotient(), denominator.sum(), kind="profile", ratio=ratio)


def named(labels: str, values: list[float]) -> Histogram:
    axis = Axis.named(tuple(label.replace("-", "") for label in labels.split()))
    return Histogram("b", "B", axis, None, np.array(values), float(np.sum(values)))


CHUNKS = st.lists(arrays(np.float64, 5, elements=st.integers(0, 10**6)), min_size=1, max_size=6)


@given(CHUNKS)
def test_the_chunks_add_up_to_the_last_snapshot(chunks: list[FloatArray]) -> None:
    sums = np.cumsum(chunks, axis=0)
    found = disjoint([(number, counts(values)) for number, values in enumerate(sums)])
    for (_, hist, _), chunk in zip(found, chunks, strict=True):
        np.testing.assert_array_equal(hist.values, chunk)
        assert hist.entries == chunk.sum()
        assert hist.variances is not None
        np.testing.assert_array_equal(hist.variances, chunk)
    np.testing.assert_array_equal(sum(hist.values for _, hist, _ in found), sums[-1])


@given(CHUNKS, st.lists(st.integers(-50, 50), min_size=6, max_size=6))
def test_the_sums_behind_means_add_up_to_those_of_the_last_snapshot(chunks: list[FloatArray], size: list[int]) -> None:
    parts = [(filled * size[index], filled) for index, filled in enumerate(chunks)]
    sums = np.cumsum(parts, axis=0)
    found = disjoint([(number, profile(*pair)) for number, pair in enumerate(sums)])
    for (_, hist, _), (numerator, filled) in zip(found, parts, strict=True):
        assert hist.ratio is not None
        assert hist.ratio.squares is not None
        np.testing.assert_array_equal(hist.ratio.numerator, numerator)
        np.testing.assert_array_equal(hist.ratio.denominator, filled)
        np.testing.assert_array_equal(hist.ratio.squares, numerator * 2)
        np.testing.assert_array_equal(np.isnan(hist.values), filled == 0)
        np.testing.assert_array_equal(hist.values, hist.ratio.quotient())


@given(st.permutations(range(5)))
def test_the_order_in_which_snapshots_come_does_not_matter(order: list[int]) -> None:
    snapshots = [(number, counts(np.full(5, 10.0 * number))) for number in range(5)]
    found = disjoint([snapshots[place] for place in order])
    assert [number for number, _, _ in found] == [0, 1, 2, 3, 4]
    assert [hist.values[0] for _, hist, _ in found] == [0, 10, 10, 10, 10]


def test_what_is_subtracted_is_left_as_it_was() -> None:
    first, second = counts(np.ones(5)), counts(np.full(5, 3.0))
    disjoint([(0, first), (1, second)])
    assert first.values.tolist() == [1.0] * 5
    assert second.values.tolist() == [3.0] * 5
    assert disjoint([]) == []


def test_fewer_entries_are_a_new_start() -> None:
    found = disjoint([(3, counts(np.full(5, 100.0))), (4, counts(np.full(5, 30.0))), (5, counts(np.full(5, 50.0)))])
    assert found[1][1].values[0] == 30
    assert found[1][2] == "the counting started again between chunk 3 and 4"
    assert found[2][1].values[0] == 20
    assert found[2][2] == ""


def test_most_bins_going_down_is_a_new_start_though_entries_grew() -> None:
    found = disjoint([(3, counts([100, 100, 100, 100, 100])), (4, counts([900, 10, 10, 10, 100]))])
    assert found[1][1].values.tolist() == [900, 10, 10, 10, 100]
    assert "started again" in found[1][2]


def test_a_few_bins_going_down_are_kept_and_said() -> None:
    found = disjoint([(3, counts([100, 100, 100, 100, 100])), (4, counts([200, 200, 97, 99, 200]))])
    assert found[1][1].values.tolist() == [100, 100, -3, -1, 100]
    assert found[1][2] == ("2 bins went down by up to 3 since chunk 3: the producer may weight or correct events")
    assert found[1][1].variances is not None
    assert (found[1][1].variances >= 0).all()


def test_what_single_precision_lost_is_not_a_bin_that_went_down() -> None:
    old = np.array([1234.5, 1.5, 2.5, 3.5, 4.5])
    new = np.add(old, [-1e-4, 1, 1, 1, 1])
    ((_, _, _), (_, hist, note)) = disjoint([(0, counts(old)), (1, counts(new))])
    assert hist.values[0] == 0.0
    assert note == ""


def test_equal_snapshots_hold_no_new_event() -> None:
    found = disjoint([(3, counts(np.full(5, 7.0))), (4, counts(np.full(5, 7.0))), (5, counts(np.full(5, 9.0)))])
    assert found[1][2] == "no new event since chunk 3"
    assert (found[1][1].values == 0).all()
    assert found[1][1].entries == 0
    assert found[2][1].values.tolist() == [2] * 5
    means = profile(np.arange(5.0), np.arange(5.0))
    note = disjoint([(0, means), (1, means)])[1]
    assert np.isnan(note[1].values).all()
    assert note[2] == "no new event since chunk 0"


def test_missing_chunks_are_named() -> None:
    found = disjoint([(2, counts(np.ones(5))), (5, counts(np.full(5, 2.0)))])
    assert [note for _, _, note in found] == [
        "holds the events of all chunks up to 2",
        "holds the events of chunks 3 to 5",
    ]


def test_a_changed_axis_or_kind_is_taken_whole() -> None:
    wider = replace(counts(np.full(5, 9.0)), x=Axis.regular(5, 0, 10))
    finer = Histogram("h", "H", Axis.regular(10, 0, 5), None, np.ones(10), 10.0)
    flat = Histogram("h", "H", AXIS, Axis.regular(1, 0, 1), np.ones((5, 1)), 99.0)
    for other in (wider, finer, flat):
        _, hist, note = disjoint([(3, counts(np.ones(5))), (4, other)])[1]
        assert hist is other
        assert note == "the axes changed between chunk 3 and 4: taken whole"
    other = profile(np.ones(5), np.ones(5) * 9)
    assert "kind" in disjoint([(3, counts(np.ones(5))), (4, other)])[1][2]


def test_means_without_their_sums_stay_what_they_are() -> None:
    means = [replace(profile(np.ones(5) * n, np.ones(5) * n), ratio=None) for n in (1, 2)]
    _, hist, note = disjoint([(0, means[0]), (1, means[1])])[1]
    assert hist is means[1]
    assert note == "holds all events up to chunk 1: means without their sums cannot be taken apart"


def test_named_bins_are_found_again_where_they_moved() -> None:
    first, second = named("a b - -", [5, 7, 0, 0]), named("b c a -", [9, 2, 6, 0])
    _, hist, note = disjoint([(0, first), (1, second)])[1]
    assert hist.values.tolist() == [2, 2, 1, 0]
    assert note == ""
    gone = named("b c - -", [90, 20, 0, 0])
    assert "axes changed" in disjoint([(0, first), (1, gone)])[1][2]
    unnamed = named("a b - -", [5, 7, 3, 0])
    assert "axes changed" in disjoint([(0, unnamed), (1, named("b c a -", [9, 20, 6, 0]))])[1][2]


def test_entries_that_a_producer_does_not_keep_are_counted_from_the_contents() -> None:
    pair = [replace(counts(np.full(5, content)), entries=0.0) for content in (3.0, 5.0)]
    _, hist, note = disjoint([(0, pair[0]), (1, pair[1])])[1]
    assert hist.entries == 10.0
    assert note == ""


def test_twins_are_refused() -> None:
    with pytest.raises(ValueError, match="same chunk number"):
        disjoint([(1, counts(np.ones(5))), (1, counts(np.ones(5)))])


HUGE = np.full(5, 1.7e308)


@given(st.lists(arrays(np.float64, 5, elements=st.floats(width=64)), min_size=2, max_size=4), st.floats(width=64))
@example([HUGE * -1, HUGE], 0.0)
@example([np.full(5, np.inf), HUGE], float("nan"))
def test_no_content_stops_it(contents: list[FloatArray], entries: float) -> None:
    found = disjoint([(n, replace(counts(np.zeros(5)), values=one, entries=entries)) for n, one in enumerate(contents)])
    assert len(found) == len(contents)
