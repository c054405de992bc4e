from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hydra_core.intake.histograms.draw import STYLE_VERSION, DrawScale, draw_rgb, drawing_style, region_box
from hydra_core.intake.histograms.histogram import Axis, Histogram, Ratio
from hydra_core.intake.histograms.prepare import prepare, rebinned
from hydra_core.intake.histograms.view import resolve

SMALL = (300, 200)


def spectrum(factor: float = 1.0) -> Histogram:
    values = np.round(1000 * np.exp(-0.5 * np.linspace(-4, 4, 100) ** 2)) * factor
    return Histogram("t", "Time", Axis.regular(100, -2, 2, "t [ns]"), None, values, float(values.sum()))


def profile(bins: int = 12) -> Histogram:
    filled = np.arange(bins, dtype=np.float64) % 4
    numerator = filled * np.linspace(5, 7, bins)
    ratio = Ratio(numerator, filled, filled * np.linspace(5, 7, bins) ** 2 + filled)
    return Histogram(
        "p", "P", Axis.regular(bins, 0, 1), None, ratio.quotient(), filled.sum(), kind="profile", ratio=ratio
    )


def test_contents_per_entry_make_runs_of_any_length_comparable() -> None:
    scale = DrawScale(y=(0.0, 0.05), normalise="entries")
    assert (draw_rgb(spectrum(), scale=scale) == draw_rgb(spectrum(7.0), scale=scale)).all()
    plain = DrawScale(y=(0.0, 2000.0))
    assert (draw_rgb(spectrum(), scale=plain) != draw_rgb(spectrum(7.0), scale=plain)).any()


@pytest.mark.parametrize("entries", [0.0, -5.0, float("nan"), float("inf")])
def test_without_a_usable_number_of_entries_contents_are_divided_by_their_sum(entries: float) -> None:
    drawn = prepare(replace(spectrum(), entries=entries), normalise=True)
    assert drawn.per_entry
    assert drawn.hist.values.sum() == pytest.approx(1.0)


def test_the_picture_says_that_contents_are_per_entry() -> None:
    scale = DrawScale(normalise="entries")
    grid = Histogram("m", "M", Axis.regular(3, 0, 1), Axis.regular(2, 0, 1), np.ones((3, 2)), 6.0)
    assert resolve(prepare(spectrum(), normalise=True), (600, 400), scale)[0].y_title == "Counts per entry"
    assert resolve(prepare(grid, normalise=True), (600, 400), scale)[0].bar_title == "Counts per entry"
    assert resolve(prepare(grid), (600, 400), DrawScale())[0].bar_title == ""
    named = replace(spectrum(), content_title="hits / 2 ns")
    assert resolve(prepare(named, normalise=True), (600, 400), scale)[0].y_title == "hits / 2 ns per entry"


def test_means_are_not_divided_by_entries() -> None:
    drawn = prepare(profile(), normalise=True)
    assert not drawn.per_entry
    np.testing.assert_array_equal(drawn.hist.values, profile().values)


@given(arrays(np.float64, (7, 5), elements=st.integers(0, 1000)), st.integers(1, 9), st.integers(1, 9))
def test_joined_bins_keep_the_sum_and_the_ends_of_the_axes(values: np.ndarray, along_x: int, along_y: int) -> None:
    hist = Histogram("m", "M", Axis.regular(7, -1, 1), Axis.regular(5, 0, 5), values, 1.0, variances=values)
    joined = rebinned(hist, (along_x, along_y))
    assert joined.values.shape == (-(-7 // min(along_x, 7)), -(-5 // min(along_y, 5)))
    assert joined.values.sum() == values.sum()
    assert joined.variances is not None
    assert joined.variances.sum() == values.sum()
    assert joined.y is not None
    assert (joined.x.low, joined.x.high, joined.y.low, joined.y.high) == (-1, 1, 0, 5)
    assert joined.values[0, 0] == values[:along_x, :along_y].sum()


def test_joined_means_are_the_means_of_all_their_entries() -> None:
    joined = rebinned(profile(), (3, 1))
    assert joined.ratio is not None
    ratio = profile().ratio
    assert ratio is not None
    assert joined.values[1] == pytest.approx(ratio.numerator[3:6].sum() / ratio.denominator[3:6].sum())
    without = rebinned(replace(profile(), ratio=None), (4, 1))
    assert without.values[0] == pytest.approx(profile().values[1:4].mean())


def test_named_bins_and_masked_ones_are_not_joined_away() -> None:
    named = Histogram("b", "B", Axis.named(("a", "b", "c", "d")), None, np.ones(4), 4.0)
    assert rebinned(named, (2, 2)) is named
    mask = np.array([True, True, True, False])
    masked = Histogram("h", "H", Axis.regular(4, 0, 1), None, np.ones(4), 4.0, mask)
    joined = rebinned(masked, (2, 1))
    assert joined.mask is not None
    assert joined.mask.tolist() == [True, False]


def test_a_region_is_found_where_its_joined_bin_is_drawn() -> None:
    cells = np.zeros(100, dtype=np.bool_)
    cells[57] = True
    fine, joined = region_box(spectrum(), cells), region_box(spectrum(), cells, scale=DrawScale(rebin=(10, 1)))
    assert fine is not None
    assert joined is not None
    assert joined[0] < fine[0] < fine[2] < joined[2]
    assert joined[2] - joined[0] == pytest.approx(10 * (fine[2] - fine[0]), rel=1e-6)


def test_a_style_names_the_version_and_the_ranges() -> None:
    assert drawing_style() == drawing_style(DrawScale()) == STYLE_VERSION
    styles = {
        drawing_style(scale)
        for scale in (
            None,
            DrawScale(x=(0, 1)),
            DrawScale(y=(0, 1)),
            DrawScale(y=(0, 2)),
            DrawScale(log=True),
            DrawScale(normalise="entries"),
            DrawScale(rebin=(2, 1)),
        )
    }
    assert len(styles) == 7
    assert all(style.startswith(STYLE_VERSION) for style in styles)
