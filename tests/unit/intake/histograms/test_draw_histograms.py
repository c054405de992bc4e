from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from hydra_core.intake.histograms import draw_frame
from hydra_core.intake.histograms.draw import DrawScale, draw_png, draw_rgb, region_box
from hydra_core.intake.histograms.histogram import Axis, Geometry, Histogram

SMALL = (150, 100)


def steps() -> Histogram:
    values = 900 * np.exp(-0.5 * np.linspace(-4, 4, 80) ** 2) + 20
    return Histogram("t", "Time", Axis.regular(80, -2, 2, "t [ns]"), None, np.round(values), 0.0)


def bars() -> Histogram:
    return Histogram("b", "Bits", Axis.named(("one", "two", "three"), "bit"), None, np.array([5.0, 9.0, 7.0]), 21.0)


def grid() -> Histogram:
    values = np.arange(24.0).reshape(6, 4) + 1
    return Histogram("m", "Map", Axis.regular(6, 0, 6, "x"), Axis.regular(4, 0, 4, "y"), values, 0.0)


def ring() -> Histogram:
    turns = np.arange(12) / 12 * 2 * np.pi
    corners = np.stack([turns, turns, turns + 0.5, turns + 0.5], axis=1)
    reach = np.array([4.0, 9.0, 9.0, 4.0])
    polygons = np.stack([reach * np.cos(corners), reach * np.sin(corners)], axis=2)
    circle = np.stack([9.5 * np.cos(turns), 9.5 * np.sin(turns)], axis=1)
    geometry = Geometry(polygons, (-10.0, 10.0), (-10.0, 10.0), "x", "y", (circle,))
    return Histogram("r", "Ring", Axis.regular(12, 0, 12), None, np.full(12, 50.0), 600.0, geometry=geometry)


KINDS = pytest.mark.parametrize("make", [steps, bars, grid, ring])


def chunk_types(png: bytes) -> set[bytes]:
    found, position = set(), 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        found.add(png[position + 4 : position + 8])
        position += 12 + length
    return found


@KINDS
def test_equal_histograms_give_equal_bytes_without_metadata(make: Callable[[], Histogram]) -> None:
    first = draw_png(make())
    draw_frame.packed_frame.cache_clear()
    assert draw_png(make()) == first
    assert chunk_types(first) == {b"IHDR", b"IDAT", b"IEND"}
    image = Image.open(io.BytesIO(first))
    assert (image.size, image.mode) == ((600, 400), "RGB")


def test_a_users_matplotlib_settings_do_not_reach_the_picture() -> None:
    import matplotlib

    plain = draw_png(grid())
    draw_frame.packed_frame.cache_clear()
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "axes.grid": True}):
        assert draw_png(grid()) == plain
        assert matplotlib.rcParams["font.size"] == 30


@KINDS
def test_a_changed_bin_changes_the_picture_only_where_the_bin_is(make: Callable[[], Histogram]) -> None:
    hist = make()
    scale = DrawScale(y=(0.0, 1000.0)) if make is steps else DrawScale(y=(0, 20)) if make is bars else None
    if hist.y is not None or hist.geometry is not None:
        scale = DrawScale(colour=(0.0, 100.0))
    changed = hist.values.copy()
    changed.ravel()[2] += 8 if make is bars else 60
    cells = changed != hist.values
    before, after = draw_rgb(hist, scale=scale), draw_rgb(hist.with_values(changed), scale=scale)
    rows, columns = np.nonzero((before != after).any(axis=2))
    box = region_box(hist, cells, scale=scale)
    assert box is not None
    assert rows.size > 20
    # An outline is painted one pixel beyond the bin.
    assert columns.min() >= box[0] * 600 - 2
    assert columns.max() <= box[2] * 600 + 2
    assert rows.min() >= box[1] * 400 - 2
    assert rows.max() <= box[3] * 400 + 2


def test_empty_and_masked_bins_of_a_map_stay_white() -> None:
    hist = grid()
    mask = np.zeros((6, 4), dtype=np.bool_)
    mask[5, 3] = True
    values = hist.values.copy()
    values[0, 0] = 0.0
    masked = Histogram("m", "Map", hist.x, hist.y, values, 0.0, mask)
    picture = draw_rgb(masked)
    for cell, white in (((0, 0), True), ((5, 3), True), ((3, 2), False)):
        cells = np.zeros((6, 4), dtype=np.bool_)
        cells[cell] = True
        box = region_box(masked, cells)
        assert box is not None
        middle = picture[round((box[1] + box[3]) * 200), round((box[0] + box[2]) * 300)]
        assert (middle == 255).all() == white


def test_zero_is_a_content_where_the_range_goes_below_zero() -> None:
    hist = grid().with_values(np.zeros((6, 4)))
    assert (draw_rgb(hist, scale=DrawScale(colour=(-1.0, 1.0)))[200, 300] != 255).any()
    assert (draw_rgb(hist, scale=DrawScale(colour=(0.0, 1.0)))[200, 300] == 255).all()


def test_a_single_bin_finer_than_a_pixel_is_not_lost() -> None:
    axis = Axis.regular(2000, 0, 1)
    values = np.full((2000, 3), 1.0)
    hist = Histogram("f", "Fine", axis, Axis.regular(3, 0, 1), values, 0.0)
    hot = values.copy()
    hot[777, 1] = 100.0
    scale = DrawScale(colour=(0.0, 100.0))
    assert (draw_rgb(hist, scale=scale) != draw_rgb(hist.with_values(hot), scale=scale)).any()


def test_a_map_of_equal_scale_is_as_wide_as_high() -> None:
    cells = np.ones((6, 4), dtype=np.bool_)
    box = region_box(grid(), cells, scale=DrawScale(equal=True))
    assert box is not None
    width, height = (box[2] - box[0]) * 600, (box[3] - box[1]) * 400
    assert width / height == pytest.approx(6 / 4, rel=0.02)


def test_bins_outside_the_picture_have_no_place_in_it() -> None:
    cells = np.zeros(80, dtype=np.bool_)
    assert region_box(steps(), cells) is None
    cells[0] = True
    assert region_box(steps(), cells, scale=DrawScale(x=(0.0, 1.0))) is None


def test_names_of_bins_are_written() -> None:
    other = Histogram("b", "Bits", Axis.named(("one", "two", "four"), "bit"), None, np.array([5.0, 9.0, 7.0]), 21.0)
    assert draw_png(bars()) != draw_png(other)


def test_a_logarithmic_scale_shows_small_counts() -> None:
    hist = steps().with_values(np.where(np.arange(80) == 40, 10_000, 3))
    linear = draw_rgb(hist, scale=DrawScale(y=(0.0, 20_000.0)))
    log = draw_rgb(hist, scale=DrawScale(y=(0.5, 20_000.0), log=True))
    filled = np.array(draw_frame.FILL)
    assert (log == filled).all(axis=2).sum() > 10 * (linear == filled).all(axis=2).sum()


@pytest.mark.parametrize("size", [(600, 40), (63, 400), (600, 9000)])
def test_an_impossible_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_png(steps(), size=size)


@pytest.mark.parametrize(
    "scale",
    [
        DrawScale(x=(1.0, 1.0)),
        DrawScale(y=(0.0, float("nan"))),
        DrawScale(y=(0.0, 10.0), log=True),
        DrawScale(y=(5.0, -5.0)),
    ],
)
def test_an_impossible_range_is_refused(scale: DrawScale) -> None:
    with pytest.raises(ValueError, match="range"):
        draw_png(steps(), scale=scale)


@pytest.mark.parametrize("title", ["$\\frac{1", "a\nb\0c", "x" * 500, "\U0001f600 \u05d0", "", "100 % {}"])
def test_any_title_is_drawn_as_plain_text(title: str) -> None:
    hist = Histogram(title, title, Axis.regular(4, 0, 1, title), None, np.ones(4), 4.0)
    assert draw_rgb(hist, size=SMALL).shape == (100, 150, 3)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("extreme", [1.7e308, -1.7e308, 5e-324, 1e-310, np.inf, -np.inf, np.nan])
def test_an_extreme_content_is_drawn(extreme: float, log: bool) -> None:
    hist = steps().with_values(np.where(np.arange(80) == 7, extreme, np.arange(80.0)))
    assert draw_rgb(hist, size=SMALL, scale=DrawScale(log=log)).shape == (100, 150, 3)
    alone = steps().with_values(np.where(np.arange(80) == 7, extreme, 0.0))
    assert draw_rgb(alone, size=SMALL, scale=DrawScale(log=log)).shape == (100, 150, 3)


@settings(max_examples=8)
@given(arrays(np.float64, (5, 3), elements=st.floats(width=64)), st.booleans(), st.booleans())
def test_any_contents_are_drawn(values: np.ndarray, log: bool, flat: bool) -> None:
    y = None if flat else Axis.regular(3, 0, 3)
    contents = values[:, 0] if flat else values
    hist = Histogram("any", "Any", Axis(np.array([0.0, 1, 2, 4, 8, 16])), y, contents, 0.0)
    assert draw_rgb(hist, size=SMALL, scale=DrawScale(log=log)).shape == (100, 150, 3)


def test_drawing_loads_matplotlib_only_when_it_draws() -> None:
    code = "import sys, hydra_core.intake.histograms.draw; print(sorted({'matplotlib', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_axes_and_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="increasing"):
        Axis(np.array([0.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="labels"):
        Axis(np.array([0.0, 1.0, 2.0]), "x", ("only one",))
    with pytest.raises(ValueError, match="contents of shape"):
        Histogram("h", "h", Axis.regular(3, 0, 1), None, np.zeros(4), 0.0)
    with pytest.raises(ValueError, match="mask of shape"):
        Histogram("h", "h", Axis.regular(3, 0, 1), None, np.zeros(3), 0.0, np.zeros(4, dtype=np.bool_))
    with pytest.raises(ValueError, match="one cell a bin"):
        Histogram("h", "h", Axis.regular(3, 0, 1), None, np.zeros(3), 0.0, geometry=ring().geometry)
    with pytest.raises(ValueError, match="corners"):
        Geometry(np.zeros((3, 2)), (0.0, 1.0), (0.0, 1.0))
    with pytest.raises(ValueError, match="extent"):
        Geometry(np.zeros((3, 4, 2)), (0.0, 0.0), (0.0, 1.0))


def test_new_contents_leave_out_what_the_mask_hides() -> None:
    mask = np.array([False, True, False])
    hist = Histogram("h", "h", Axis.regular(3, 0, 1), None, np.zeros(3), 0.0, mask)
    filled = hist.with_values(np.array([1, 2, 3]))
    assert filled.values.tolist() == [1.0, 0.0, 3.0]
    assert filled.entries == 4.0
    assert hist.values.tolist() == [0.0, 0.0, 0.0]


def test_frames_of_fixed_ranges_are_kept_in_a_folder_and_a_damaged_one_is_drawn_again(tmp_path: Path) -> None:
    hist = Histogram("h", "Hits", Axis.regular(10, 0.0, 5.0), None, np.arange(10.0), 45.0)
    scale = DrawScale(y=(0.0, 12.0))
    plain = draw_png(hist, scale=scale)
    assert draw_png(hist, scale=scale, frames=tmp_path) == plain
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = kept.read_bytes()
    for damaged in (whole[:50], zlib.compress(b"short"), b""):
        kept.write_bytes(damaged)
        draw_frame._kept_frame.cache_clear()
        assert draw_png(hist, scale=scale, frames=tmp_path) == plain
        assert kept.read_bytes() == whole
    draw_png(hist, frames=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    nowhere = tmp_path / "file"
    nowhere.write_bytes(b"")
    assert draw_png(hist, scale=scale, frames=nowhere) == plain
