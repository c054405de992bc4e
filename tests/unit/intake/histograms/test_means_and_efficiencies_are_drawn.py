from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.draw_frame import FILL, LINE
from hydra_core.intake.histograms.histogram import Axis, BoolArray, FloatArray, Histogram, Kind, Ratio
from hydra_core.intake.histograms.prepare import errors_of, prepare
from hydra_core.intake.histograms.view import View, resolve
from hydra_core.intake.nodata import is_empty_plot


def profile(spread: float = 1.0) -> Histogram:
    bins, filled = 40, np.full(40, 25.0)
    filled[10:20] = 0.0
    means = np.linspace(99.0, 101.0, bins)
    ratio = Ratio(filled * means, filled, filled * (means**2 + spread**2))
    axis = Axis.regular(bins, 0, 10, "z [cm]")
    return Histogram("p", "Mean time", axis, None, ratio.quotient(), filled.sum(), kind="profile", ratio=ratio)


def efficiency(share: float = 0.5) -> Histogram:
    total = np.full(20, 100.0)
    ratio = Ratio(total * share, total)
    return Histogram("e", "E", Axis.regular(20, 0, 1), None, ratio.quotient(), 2000.0, kind="efficiency", ratio=ratio)


def view_of(hist: Histogram) -> View:
    return resolve(prepare(hist), (600, 400), DrawScale())[0]


def painted(picture: np.ndarray, colour: tuple[int, int, int]) -> BoolArray:
    return (np.abs(picture.astype(int) - colour) < 50).all(axis=2)


def test_a_range_of_means_need_not_begin_at_zero() -> None:
    low, high = view_of(profile()).y
    assert 97 < low < 99
    assert 101 < high < 103


def test_means_are_a_line_with_a_band_of_errors_and_nothing_where_nothing_was_filled() -> None:
    hist = profile()
    picture = draw_rgb(hist)
    left, top, right, bottom = view_of(hist).inner
    inner = picture[top:bottom, left:right]
    wide = right - left
    assert (inner[3:-3, round(wide * 0.27) : round(wide * 0.48)] == 255).all()
    columns = painted(inner, LINE).any(axis=0)
    assert columns[: wide // 5].all()
    assert columns[wide * 3 // 5 :].all()
    more, less = (painted(draw_rgb(profile(spread)), FILL).sum() for spread in (3.0, 1.0))
    assert more > 2 * less > 0


def test_the_error_of_a_mean_is_that_of_its_entries() -> None:
    errors = errors_of(profile(spread=2.0))
    assert errors is not None
    assert errors[0] == pytest.approx(2.0 / 5.0)
    assert errors[15] == 0.0
    share = errors_of(efficiency(0.5))
    assert share is not None
    assert share[0] == pytest.approx(0.05)
    assert errors_of(Histogram("h", "H", Axis.regular(2, 0, 1), None, np.ones(2), 2.0)) is None


def test_a_single_mean_between_empty_bins_is_seen() -> None:
    values = np.full(400, np.nan)
    values[123] = 5.0
    hist = Histogram("p", "P", Axis.regular(400, 0, 1), None, values, 1.0, kind="profile")
    assert painted(draw_rgb(hist)[40:340, 80:570], LINE).sum() >= 2


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_efficiency_is_seen_at_every_value_on_one_and_the_same_scale(share: float) -> None:
    hist = efficiency(share)
    assert view_of(hist).y == (0.0, 1.05)
    left, top, right, bottom = view_of(hist).inner
    assert painted(draw_rgb(hist)[top:bottom, left:right], LINE).any(axis=0).all()


def test_a_map_of_means_leaves_out_what_was_not_filled_but_shows_zero() -> None:
    values = np.array([[0.0, np.nan], [2.0, 3.0]])
    hist = Histogram("m", "M", Axis.regular(2, 0, 2), Axis.regular(2, 0, 2), values, 3.0, kind="profile")
    left, top, right, bottom = view_of(hist).inner
    inner = draw_rgb(hist)[top:bottom, left:right]
    high, wide = inner.shape[:2]
    assert (inner[high // 4, wide // 4] == 255).all()
    assert (inner[3 * high // 4, wide // 4] != 255).any()
    assert view_of(replace(hist, kind="efficiency")).colour == (0.0, 1.0)


EMPTY: tuple[tuple[Kind, float], ...] = (
    ("counts", 0.0),
    ("counts", np.nan),
    ("profile", np.nan),
    ("efficiency", np.nan),
)


@pytest.mark.parametrize(("kind", "content"), EMPTY)
@pytest.mark.parametrize("shape", [(50,), (20, 10), (1,), (1, 1), (5000,), (900, 700)])
@pytest.mark.parametrize("log", [False, True])
def test_an_empty_histogram_is_told_as_empty(kind: Kind, content: float, shape: tuple[int, ...], log: bool) -> None:
    values: FloatArray = np.full(shape, content)
    y = Axis.regular(shape[1], -3, 3, "y") if len(shape) == 2 else None
    hist = Histogram("n", "Nothing", Axis.regular(shape[0], 0, 1, "x"), y, values, 0.0, kind=kind)
    assert is_empty_plot(draw_rgb(hist, scale=DrawScale(log=log))).empty
    hot = values.copy()
    hot.flat[hot.size // 2] = 1.0
    # One colour all over, or a single pixel, is empty to the rule: there numbers decide.
    if kind == "counts" and shape not in ((1, 1), (900, 700)):
        assert not is_empty_plot(draw_rgb(replace(hist, values=hot, entries=1.0), scale=DrawScale(log=log))).empty
