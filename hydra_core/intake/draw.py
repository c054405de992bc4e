"""Drawing histograms: always the same way, so that a change of the picture is a change of the data.

The frame (axes, titles, colour bar) is drawn once by matplotlib and kept; the contents are painted into it as an
array of pixels. So a picture costs some milliseconds, nothing of a user's matplotlib settings reaches it, and equal
input gives equal bytes (with the same versions of matplotlib, numpy and Pillow).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hydra_core.intake.draw_frame import (
    FILL,
    LINE,
    Box,
    DrawScale,
    View,
    colour_table,
    frame_pixels,
    resolve,
)
from hydra_core.intake.histogram import BoolArray, FloatArray, Geometry, Histogram

__all__ = ["STYLE_VERSION", "DrawScale", "draw_png", "draw_rgb", "region_box"]

#: Changes whenever the same histogram would give another picture.
STYLE_VERSION = "1"

_FINE = 3  # samples a pixel and direction, averaged: edges without steps
_BAR_MARGIN = 0.12  # empty part on either side of a named bin
IntArray = npt.NDArray[np.int32]
Pixels = npt.NDArray[np.uint8]


def draw_png(hist: Histogram, *, size: tuple[int, int] = (600, 400), scale: DrawScale | None = None) -> bytes:
    """Draw a histogram as PNG (8-bit RGB, no metadata, no date).

    Parameters
    ----------
    hist
        What to draw. Contents that are not finite are left out, as are empty bins of maps whose range starts at zero
        or above.
    size
        Width and height in pixels, each at least 64.
    scale
        Fixed ranges; a range not given is taken from the contents, rounded up.

    Returns
    -------
    bytes
        The file. Equal arguments give equal bytes.

    Raises
    ------
    ValueError
        When `size` or a range cannot be drawn.
    """
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(draw_rgb(hist, size=size, scale=scale)).save(stream, format="PNG", compress_level=5)
    return stream.getvalue()


def draw_rgb(hist: Histogram, *, size: tuple[int, int] = (600, 400), scale: DrawScale | None = None) -> Pixels:
    """Draw a histogram; see `draw_png`.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (height, width, 3).
    """
    view = resolve(hist, size, scale)
    pixels = frame_pixels(view).copy()
    left, top, right, bottom = view.inner
    area = (bottom - top, right - left)
    if hist.y is not None or hist.geometry is not None:
        painted = _paint_map(hist, view, area, pixels[top:bottom, left:right])
    else:
        painted = _paint_steps(hist, view, area, pixels[top:bottom, left:right])
    pixels[top:bottom, left:right] = painted
    return pixels


def region_box(
    hist: Histogram, cells: BoolArray, *, size: tuple[int, int] = (600, 400), scale: DrawScale | None = None
) -> Box | None:
    """Return where some bins lie in the picture that `draw_png` makes.

    Parameters
    ----------
    hist
        The histogram, as drawn.
    cells
        True for the bins asked for; shape of ``hist.values``.

    Returns
    -------
    tuple of float or None
        Left, top, right, bottom as fractions of width and height, from the upper left; None where no bin asked for is
        in the picture. Bins of a histogram of one dimension reach over the whole height of the axes.
    """
    view = resolve(hist, size, scale)
    if not cells.any():
        return None
    if hist.geometry is not None:
        corners = hist.geometry.polygons[cells].reshape(-1, 2)
        xs, ys = corners[:, 0], corners[:, 1]
    elif hist.y is None:
        bins = np.flatnonzero(cells)
        xs, ys = hist.x.edges[[bins[0], bins[-1] + 1]], np.asarray(view.y)
    else:
        bins, rows = (np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0)))
        xs, ys = hist.x.edges[[bins[0], bins[-1] + 1]], hist.y.edges[[rows[0], rows[-1] + 1]]
    across = np.clip((np.array([xs.min(), xs.max()]) - view.x[0]) / (view.x[1] - view.x[0]), 0, 1)
    up = np.clip((np.array([ys.min(), ys.max()]) - view.y[0]) / (view.y[1] - view.y[0]), 0, 1)
    if across[0] == across[1] or up[0] == up[1]:
        return None
    left, top, right, bottom = view.outer
    width, height = size
    return (
        float((left + across[0] * (right - left)) / width),
        float((bottom - up[1] * (bottom - top)) / height),
        float((left + across[1] * (right - left)) / width),
        float((bottom - up[0] * (bottom - top)) / height),
    )


def _paint_map(hist: Histogram, view: View, area: tuple[int, int], under: Pixels) -> Pixels:
    samples = (
        _polygon_samples(hist.geometry, area, view.x, view.y)
        if hist.geometry is not None
        else _Samples.of(_grid_index(hist, view, area), area)
    )
    values = hist.values.ravel()
    shown = np.isfinite(values) if view.log or view.colour[0] < 0 else np.isfinite(values) & (values != 0)
    if view.log:
        shown &= values > 0
    if hist.mask is not None:
        shown &= ~hist.mask.ravel()
    steps = np.zeros(values.size, dtype=np.int64)
    steps[shown] = np.clip(view.colour_fraction(values[shown]) * 256, 0, 255).astype(np.int64)
    # One more colour, at index -1: see-through, what the frame has there.
    table = np.zeros((values.size + 1, 3), dtype=np.uint8)
    table[:-1] = colour_table()[steps]
    solid = np.append(shown, False)
    return _paint(samples, table, solid, under)


@dataclass(frozen=True, eq=False)
class _Samples:
    """Which bin lies under each pixel, in reading order; -1 for none.

    Attributes
    ----------
    first
        The bin under a pixel's first sample, int32 of shape (pixels,).
    mixed
        Pixels whose samples lie in different bins, shape (mixed,).
    mixed_bins
        The bins under all samples of those, int32 of shape (samples a pixel, mixed).
    """

    first: IntArray
    mixed: npt.NDArray[np.intp]
    mixed_bins: IntArray

    @classmethod
    def of(cls, index: IntArray, area: tuple[int, int]) -> _Samples:
        """Sort out the samples of an area of (height, width) pixels, given as a finer image."""
        height, width = area
        fine_y, fine_x = index.shape[0] // height, index.shape[1] // width
        samples = index.reshape(height, fine_y, width, fine_x).transpose(1, 3, 0, 2).reshape(-1, height * width)
        mixed = np.flatnonzero((samples != samples[0]).any(axis=0))
        return cls(samples[0].copy(), mixed, samples[:, mixed].copy())


def _paint(samples: _Samples, table: Pixels, solid: BoolArray, under: Pixels) -> Pixels:
    """Give each pixel the mean colour of the bins in it; bins that are not solid show what is under them."""
    base = under.reshape(-1, 3)
    painted = np.where(solid[samples.first][:, None], table[samples.first], base)
    bins = samples.mixed_bins
    if bins.size:
        colours = np.where(solid[:, None], table, 0).astype(np.uint16)
        total = np.zeros((bins.shape[1], 3), dtype=np.uint16)
        covered = np.zeros((bins.shape[1], 1), dtype=np.uint16)
        for layer in bins:
            total += colours[layer]
            covered += solid[layer][:, None]
        painted[samples.mixed] = (total + (len(bins) - covered) * base[samples.mixed].astype(np.uint16)) // len(bins)
    return painted.reshape(under.shape)


def _grid_index(hist: Histogram, view: View, area: tuple[int, int]) -> IntArray:
    """Return the flat bin number under each sample of the area, -1 outside the axes.

    There is more than one sample a pixel where bins are finer than pixels, so that a single bin is not lost.
    """
    if hist.y is None:
        raise ValueError(f"histogram {hist.name!r} has no second axis")
    columns = _bin_of_sample(hist.x.edges, view.x, area[1])
    rows = _bin_of_sample(hist.y.edges, view.y, area[0])[::-1]
    index = columns[None, :] * hist.y.bins + rows[:, None]
    index[:, columns < 0] = -1
    index[rows < 0, :] = -1
    return np.ascontiguousarray(index, dtype=np.int32)


def _bin_of_sample(edges: FloatArray, limits: tuple[float, float], pixels: int) -> IntArray:
    fine = int(min(8, max(1, -(-2 * (edges.size - 1) // pixels))))
    count = pixels * fine
    places = limits[0] + (np.arange(count) + 0.5) / count * (limits[1] - limits[0])
    bins = np.searchsorted(edges, places, side="right") - 1
    return np.where((bins < 0) | (bins >= edges.size - 1), -1, bins).astype(np.int32)


@lru_cache(maxsize=16)
def _polygon_samples(
    geometry: Geometry, area: tuple[int, int], x: tuple[float, float], y: tuple[float, float]
) -> _Samples:
    """Return the channel under each pixel of the area, -1 between channels."""
    from PIL import Image, ImageDraw

    height, width = area[0] * _FINE, area[1] * _FINE
    image = Image.new("I", (width, height), -1)
    pen = ImageDraw.Draw(image)
    polygons = geometry.polygons
    across = (polygons[:, :, 0] - x[0]) / (x[1] - x[0]) * width - 0.5
    down = (y[1] - polygons[:, :, 1]) / (y[1] - y[0]) * height - 0.5
    for number, corners in enumerate(np.stack([across, down], axis=2)):
        pen.polygon([(float(right), float(low)) for right, low in corners], fill=number)
    index = np.array(image, dtype=np.int32)
    # Rounding leaves cracks of one sample between neighbours with a flat common side.
    above, middle, below = index[:-2], index[1:-1], index[2:]
    cracks = (middle < 0) & (above >= 0) & (below >= 0)
    middle[cracks] = above[cracks]
    return _Samples.of(index, area)


def _paint_steps(hist: Histogram, view: View, area: tuple[int, int], under: Pixels) -> Pixels:
    """Paint contents as a filled outline; named bins as bars with a gap between them."""
    height, width = area
    fine_width = width * _FINE
    places = view.x[0] + (np.arange(fine_width) + 0.5) / fine_width * (view.x[1] - view.x[0])
    bins = np.searchsorted(hist.x.edges, places, side="right") - 1
    inside = (bins >= 0) & (bins < hist.x.bins)
    bins = np.clip(bins, 0, hist.x.bins - 1)
    values = np.where(np.isfinite(hist.values), hist.values, 0.0)
    if hist.mask is not None:
        inside &= ~hist.mask[bins]
    if hist.x.labels is not None:
        within = (places - hist.x.edges[bins]) / np.diff(hist.x.edges)[bins]
        inside &= (within > _BAR_MARGIN) & (within < 1 - _BAR_MARGIN)
    base = float(np.clip(view.content_fraction(np.zeros(1))[0], 0, 1)) * height
    tops = np.clip(view.content_fraction(values[bins]), -0.1, 1.1) * height
    tops = np.where(inside, tops, base)
    # The outline is as thick as a line of the frame; between two columns it joins their heights.
    half = 0.55 * view.line_pixels
    low, high = _spread(tops, max(1, round(half * _FINE)))
    drawn = (high > base + 1e-9) | (low < base - 1e-9)
    line_low, line_high = np.where(drawn, low - half, 0.0), np.where(drawn, high + half, 0.0)
    fill_low, fill_high = np.minimum(tops, base), np.maximum(tops, base)
    line = _overlap(line_low, line_high, area)
    both = _overlap(np.maximum(fill_low, line_low), np.minimum(fill_high, line_high), area)
    fill = _overlap(fill_low, fill_high, area) - both
    rest = 1 - line - fill
    painted = np.empty_like(under)
    for band in range(3):
        painted[:, :, band] = rest * under[:, :, band] + fill * FILL[band] + line * LINE[band] + 0.5
    return painted


def _spread(heights: FloatArray, reach: int) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest value within `reach` columns of each."""
    padded = np.pad(heights, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return windows.min(axis=1), windows.max(axis=1)


def _overlap(low: FloatArray, high: FloatArray, area: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return how much of each pixel lies between two heights given for each fine column, float32 of shape `area`."""
    height, width = area
    floors = np.arange(height, dtype=np.float32)[::-1, None]
    top = np.minimum(high.astype(np.float32)[None, :], floors + 1)
    top -= np.maximum(low.astype(np.float32)[None, :], floors)
    np.maximum(top, 0, out=top)
    covered: npt.NDArray[np.float32] = top.reshape(height, width, _FINE).mean(axis=2)
    return covered
