from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram
from hydra_core.intake.histograms.thin import bins_of_places, extremes, thinned

RNG = np.random.default_rng(5)


def channels(values: FloatArray) -> Histogram:
    return Histogram("c", "C", Axis.regular(values.size, 0, 1), None, values, float(values.sum()))


def grid(values: FloatArray) -> Histogram:
    x, y = (Axis.regular(side, 0, 1) for side in values.shape)
    return Histogram("m", "M", x, y, values, float(values.sum()))


@pytest.mark.parametrize("place", [0, 1, 31_337, 99_998, 99_999])
@pytest.mark.parametrize("content", [0.0, 900.0])
def test_a_hot_and_a_dead_channel_among_a_hundred_thousand_are_seen(place: int, content: float) -> None:
    values = np.full(100_000, 300.0)
    changed = values.copy()
    changed[place] = content
    scale = DrawScale(y=(0.0, 1000.0))
    before, after = draw_rgb(channels(values), scale=scale), draw_rgb(channels(changed), scale=scale)
    assert ((before != after).any(axis=2)).sum() > 80


@pytest.mark.parametrize("place", [(0, 0), (617, 444), (999, 799)])
@pytest.mark.parametrize("content", [0.0, 3000.0])
def test_a_hot_and_a_dead_bin_of_a_fine_map_are_seen(place: tuple[int, int], content: float) -> None:
    values = RNG.poisson(300.0, (1000, 800)).astype(np.float64)
    changed = values.copy()
    changed[place] = content
    scale = DrawScale(colour=(0.0, 3000.0))
    before, after = draw_rgb(grid(values), scale=scale), draw_rgb(grid(changed), scale=scale)
    difference = np.abs(before.astype(int) - after).max(axis=2)
    assert (difference > 60).sum() == 1


def test_a_dead_board_of_a_fine_map_stays_white() -> None:
    values = RNG.poisson(50.0, (1000, 800)).astype(np.float64)
    values[500:600, 300:400] = 0.0
    before = (draw_rgb(grid(np.full((1000, 800), 50.0))) == 255).all(axis=2).sum()
    after = (draw_rgb(grid(values)) == 255).all(axis=2).sum()
    assert after - before == pytest.approx(432 * 310 * 100 * 100 / (1000 * 800), rel=0.4)


def test_chance_alone_gives_no_spots() -> None:
    values = RNG.poisson(40.0, (1000, 800)).astype(np.float64)
    few = thinned(grid(values), (310, 432), (0.0, 1.0), (0.0, 1.0))
    assert few.values.shape == (432, 310)
    # About 6 bins a pixel: their mean is known to less than half of their root, or a single bin is shown.
    assert (np.abs(few.values - 40) > 5 * np.sqrt(40 / 4)).mean() < 1e-3


def test_bins_of_one_axis_alone_are_joined_where_only_they_are_fine() -> None:
    values = np.zeros((4, 8000))
    values[2, 4321] = 7.0
    few = thinned(grid(values), (310, 432), (0.0, 1.0), (0.0, 1.0))
    assert few.values.shape == (4, 310)
    assert few.values[2].max() == 7.0
    assert (few.values[[0, 1, 3]] == 0).all()


def test_masked_bins_do_not_count() -> None:
    values = np.full((2000, 10), 5.0)
    values[::2] = 1000.0
    mask = np.zeros((2000, 10), dtype=np.bool_)
    mask[::2] = True
    hist = Histogram("m", "M", Axis.regular(2000, 0, 1), Axis.regular(10, 0, 1), values, 1.0, mask)
    few = thinned(hist, (310, 432), (0.0, 1.0), (0.0, 1.0))
    assert (few.values[np.isfinite(few.values)] == 5.0).all()


@given(
    st.lists(st.floats(0.001, 10), min_size=1, max_size=60),
    st.integers(1, 40),
    st.floats(-5, 50),
    st.floats(0.5, 200),
)
def test_every_bin_that_is_shown_whole_belongs_to_a_place(
    widths: list[float], count: int, low: float, wide: float
) -> None:
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    shown = low, low + wide
    places = low + (np.arange(count) + 0.5) / count * wide
    first, last = bins_of_places(edges, places, shown)
    assert ((first == -1) == (last == -1)).all()
    assert (first <= last).all()
    assert (last < len(widths)).all()
    covered = {bin_ for start, end in zip(first, last, strict=True) if start >= 0 for bin_ in range(start, end + 1)}
    whole = {i for i in range(len(widths)) if edges[i] >= shown[0] and edges[i + 1] <= shown[1]}
    assert whole <= covered
    under = [(int(np.searchsorted(edges, place, side="right")) - 1, k) for k, place in enumerate(places)]
    assert all(first[k] <= one <= last[k] for one, k in under if 0 <= one < len(widths))


def test_the_extremes_of_ranges_leave_out_what_is_no_number() -> None:
    values = np.array([3.0, np.nan, 1.0, np.nan, 9.0])
    first, last = np.array([0, -1, 3, 3]), np.array([2, -1, 3, 4])
    low, high = extremes(values, first, last)
    np.testing.assert_array_equal(low, [1.0, np.nan, np.nan, 9.0])
    np.testing.assert_array_equal(high, [3.0, np.nan, np.nan, 9.0])
