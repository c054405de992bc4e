from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from hydra_core.intake.histograms.draw import DrawScale, draw_png, region_box
from hydra_core.intake.histograms.draw_frame import packed_frame
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Kind, Ratio

SMALL = (150, 100)
HARD = (0.0, -0.0, 1.0, -1.0, 5e-324, -1e-310, 1e-100, 1e100, 1e308, -1.7e308, np.nan, np.inf, -np.inf, 3.7, 12345.0)
CONTENTS = st.sampled_from(HARD) | st.floats(width=64)
SHAPES = ((1,), (2,), (130,), (433,), (5000,), (1, 1), (3, 5), (40, 2000), (200, 150))
MILLIONS = ((10**6,), (1000, 1000), (1, 10**6))


def filled(shape: tuple[int, ...], pool: list[float], seed: int) -> FloatArray:
    """A few different contents over many bins: mostly the first, the others here and there."""
    rng = np.random.default_rng(seed)
    values = np.full(shape, pool[0])
    places = rng.integers(0, values.size, 50)
    values.flat[places] = rng.choice(pool, 50)
    return values


@st.composite
def axes(draw: st.DrawFn, bins: int) -> Axis:
    title = draw(st.text(max_size=12) | st.just("#sqrt{s_{NN}} $\\x$"))
    if bins <= 130 and draw(st.booleans()):
        return Axis.named(tuple(draw(st.text(max_size=8)) for _ in range(min(bins, 5))) + ("x",) * (bins - 5), title)
    if bins <= 130 and draw(st.booleans()):
        edges = draw(st.lists(CONTENTS.filter(np.isfinite), min_size=bins + 1, max_size=bins + 1, unique=True))
        return Axis(np.array(sorted(edges)), title)
    low = draw(st.sampled_from([0.0, -5.0, 1e-5, -1e307, 1e9]))
    edges = low + np.arange(bins + 1) * draw(st.sampled_from([1.0, 1e-3, 1e301, 7.0]))
    return Axis(edges if (np.diff(edges) > 0).all() else np.arange(bins + 1), title)


@st.composite
def histograms(draw: st.DrawFn, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> Histogram:
    shape = draw(st.sampled_from(shapes))
    kind: Kind = draw(st.sampled_from(["counts", "profile", "efficiency"]))
    pool, seed = draw(st.lists(CONTENTS, min_size=1, max_size=6)), draw(st.integers(0, 99))
    values = filled(shape, pool, seed)
    extra = [filled(shape, draw(st.lists(CONTENTS, min_size=1, max_size=3)), seed + n) for n in range(2)]
    ratio = Ratio(extra[0], extra[1], extra[0]) if draw(st.booleans()) else None
    return Histogram(
        name="h",
        title=draw(st.text(max_size=30)),
        x=draw(axes(shape[0])),
        y=draw(axes(shape[1])) if len(shape) == 2 else None,
        values=values,
        entries=draw(st.floats(width=64)),
        mask=filled(shape, [0.0, 1.0], seed) > 0 if draw(st.booleans()) else None,
        kind=kind,
        variances=extra[1] if draw(st.booleans()) else None,
        ratio=ratio,
        content_title=draw(st.text(max_size=10)),
    )


SCALES = st.builds(
    DrawScale,
    log=st.booleans(),
    normalise=st.sampled_from(["none", "entries"]),
    rebin=st.sampled_from([(1, 1), (3, 7), (10**4, 1)]),
)
HUGE = Histogram("h", "", Axis(np.array([-1.7e308, 0.0, 1.7e308])), None, np.array([1e308, 1e308]), 2.0)
TINY = Histogram("h", "", Axis(np.array([0.0, 5e-324, 1e-323])), None, np.array([5e-324, 1.0]), 2.0)


@settings(max_examples=5)
@given(histograms(), SCALES)
@example(HUGE, DrawScale(log=True, normalise="entries"))
@example(TINY, DrawScale(normalise="entries"))
def test_any_histogram_gives_a_picture_and_always_the_same(hist: Histogram, scale: DrawScale) -> None:
    first = draw_png(hist, size=SMALL, scale=scale)
    packed_frame.cache_clear()
    assert draw_png(hist, size=SMALL, scale=scale) == first
    cells = np.zeros(hist.values.shape, dtype=np.bool_)
    cells.flat[-1] = True
    box = region_box(hist, cells, size=SMALL, scale=scale)
    assert box is None or all(0 <= side <= 1 for side in box)


@settings(max_examples=2, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(histograms(MILLIONS), SCALES)
def test_a_million_bins_are_drawn(hist: Histogram, scale: DrawScale) -> None:
    assert draw_png(hist, size=SMALL, scale=scale) == draw_png(hist, size=SMALL, scale=scale)


@pytest.mark.parametrize("hist", [HUGE, TINY])
def test_an_axis_that_no_scale_can_show_has_its_ends_written(hist: Histogram) -> None:
    other = Histogram("h", "", Axis(hist.x.edges * 0.5 if hist is HUGE else hist.x.edges * 2), None, hist.values, 2.0)
    assert draw_png(hist) != draw_png(other)
