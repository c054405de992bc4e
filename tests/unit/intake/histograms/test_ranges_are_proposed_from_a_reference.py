from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hydra_core.config.plots import DrawSettings
from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.histogram import Axis, Geometry, Histogram, Ratio
from hydra_core.intake.histograms.ranges import mean_range, round_up
from hydra_core.intake.histograms.reference import scale_of

RNG = np.random.default_rng(11)


def spectrum(events: int) -> Histogram:
    values = RNG.multinomial(events, np.exp(-0.5 * np.linspace(-4, 4, 100) ** 2) / 31.33)[:100].astype(np.float64)
    return Histogram("t", "Time", Axis.regular(100, -2, 2, "t [ns]"), None, values, float(events))


def occupancy(events: int) -> Histogram:
    shares = np.outer(np.linspace(1, 2, 24), np.linspace(2, 1, 16))
    values = RNG.poisson(shares / shares.sum() * events).astype(np.float64)
    return Histogram("m", "M", Axis.regular(24, 0, 24, "x"), Axis.regular(16, 0, 16, "y"), values, float(events))


def scaled(hist: Histogram, like: Histogram) -> np.ndarray:
    return draw_rgb(hist, scale=DrawScale(**scale_of(like).model_dump()))


@pytest.mark.parametrize("make", [spectrum, occupancy])
def test_a_run_twice_as_long_gives_nearly_the_same_picture(make) -> None:  # type: ignore[no-untyped-def]
    reference, longer, plain = make(2_000_000), make(4_000_000), make(2_000_000)
    broken = longer.values.copy()
    broken[5:9] *= 0.2
    near = np.abs(scaled(reference, reference).astype(int) - scaled(longer, reference))
    far = np.abs(scaled(replace(longer, values=broken), reference).astype(int) - scaled(longer, reference))
    own = np.abs(scaled(reference, reference).astype(int) - scaled(plain, reference))
    assert near.mean() < 1.0
    assert near.mean() < 2 * own.mean() + 0.1
    assert (near > 60).mean() < 0.01
    assert far.max() > 60


def test_the_axes_keep_their_ends_and_contents_get_readable_ones_with_room_above() -> None:
    found = scale_of(spectrum(100_000))
    assert found.x == (-2.0, 2.0)
    assert found.normalise == "entries"
    assert found.y == (0.0, 0.05)
    assert found.colour is None
    assert not found.log
    found = scale_of(occupancy(100_000))
    assert (found.x, found.y) == ((0.0, 24.0), (0.0, 16.0))
    assert found.colour == (0.0, 0.008)


def test_a_hot_channel_of_the_reference_does_not_set_the_range() -> None:
    reference = spectrum(100_000)
    hot = reference.values.copy()
    hot[3] = 1e5
    assert scale_of(replace(reference, values=hot)).y == scale_of(reference).y


def test_a_peak_in_few_bins_does_set_it() -> None:
    values = np.array([50_000.0, 30.0, 20.0, 10.0])
    found = scale_of(Histogram("n", "N", Axis.regular(4, 0, 4), None, values, 50_060.0))
    assert found.y is not None
    assert found.y[1] > 1.0


def test_counts_that_fall_over_decades_are_logarithmic() -> None:
    values = np.round(1e6 * np.exp(-np.arange(60) / 3.0)) + 1
    found = scale_of(Histogram("e", "E", Axis.regular(60, 0, 1), None, values, values.sum()))
    assert found.log
    assert found.y is not None
    assert 0 < found.y[0] < 1 / values.sum()
    assert not scale_of(spectrum(100_000)).log
    stray = np.ones(60)
    stray[20:25] = 5000.0
    assert not scale_of(Histogram("p", "P", Axis.regular(60, 0, 1), None, stray, stray.sum())).log


@pytest.mark.parametrize("entries", [0.0, 99.0])
def test_with_few_entries_only_the_axes_are_fixed(entries: float) -> None:
    found = scale_of(replace(spectrum(50), entries=entries))
    assert (found.x, found.y, found.log) == ((-2.0, 2.0), None, False)


def test_contents_that_were_set_instead_of_filled_are_not_divided() -> None:
    values = np.full(100, 1e6)
    found = scale_of(Histogram("s", "S", Axis.regular(100, 0, 1), None, values, 100.0))
    assert (found.normalise, found.y) == ("none", (0.0, 1.5e6))


def test_negative_contents_get_a_range_about_zero() -> None:
    values = np.linspace(-50.0, 100.0, 20)
    found = scale_of(Histogram("d", "D", Axis.regular(20, 0, 1), None, values, 1000.0), normalise=False)
    assert found.y == (-150.0, 150.0)


def test_means_efficiencies_and_detector_maps_have_ranges_of_their_own() -> None:
    filled = np.full(10, 100.0)
    ratio = Ratio(filled * np.linspace(98.5, 101, 10), filled)
    axis = Axis.regular(10, 0, 1)
    profile = Histogram("p", "P", axis, None, ratio.quotient(), 1000.0, kind="profile", ratio=ratio)
    found = scale_of(profile)
    assert found.y is not None
    assert 90 < found.y[0] < 98.5 < 101 < found.y[1] < 110
    assert found.normalise == "none"
    assert scale_of(replace(profile, kind="efficiency")).y == (0.0, 1.05)
    grid = Histogram("e", "E", axis, axis, np.ones((10, 10)), 1000.0, kind="efficiency")
    assert scale_of(grid).colour == (0.0, 1.0)
    corners = np.array([[[n, 0.0], [n + 1, 0.0], [n, 1.0]] for n in range(10)])
    channels = Histogram("g", "G", axis, None, filled, 1000.0, geometry=Geometry(corners, (0.0, 11.0), (0.0, 2.0)))
    found = scale_of(channels)
    assert (found.x, found.y, found.colour) == (None, None, (0.0, 0.15))


def test_axes_with_named_bins_are_not_fixed() -> None:
    assert scale_of(Histogram("b", "B", Axis.named(("a", "b")), None, np.array([300.0, 200.0]), 500.0)).x is None


CONTENTS = st.floats(width=64) | st.integers(0, 10**6).map(float)
EDGES = st.floats(-1e308, 1e308) | st.floats(-1e3, 1e3)


@settings(max_examples=20)
@given(
    arrays(np.float64, 6, elements=CONTENTS),
    st.lists(EDGES, min_size=7, max_size=7, unique=True).map(sorted),
    st.floats(width=64),
    st.sampled_from(["counts", "profile", "efficiency"]),
)
def test_any_histogram_has_settings_that_can_be_written_and_drawn(values, edges, entries, kind) -> None:  # type: ignore[no-untyped-def]
    hist = Histogram("h", "H", Axis(np.array(edges)), None, values, entries, kind=kind)
    found = scale_of(hist)
    assert DrawSettings.model_validate_json(found.model_dump_json(exclude_defaults=True)) == found
    draw_rgb(hist, size=(150, 100), scale=DrawScale(**found.model_dump()))


@given(st.floats(1e-90, 1e90))
def test_a_rounded_number_is_not_below_and_not_far_above(value: float) -> None:
    assert value <= round_up(value) <= 1.5 * value
    assert len(f"{round_up(value):e}".rstrip("0")) < len("1.2345678e+00")


@given(arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)))
def test_a_range_about_means_holds_them_all(values: np.ndarray) -> None:
    low, high = mean_range(values)
    assert low <= values.min() <= values.max() <= high
    assert low < high
