"""Painting the contents of maps: bins of two dimensions, or channels at their places in the detector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.draw_frame import colour_table
from hydra_core.intake.histograms.histogram import BoolArray, FloatArray, Geometry, Histogram
from hydra_core.intake.histograms.view import View

_FINE = 3  # samples a pixel and direction, averaged: edges without steps
IntArray = npt.NDArray[np.int32]
Pixels = npt.NDArray[np.uint8]


def paint_map(hist: Histogram, view: View, under: Pixels) -> Pixels:
    """Return the inner part of the axes with the contents of a map.

    Parameters
    ----------
    hist
        A histogram of two dimensions or with a geometry, thinned.
    view
        Its frame.
    under
        The inner part of the frame, uint8 of shape (height, width, 3).
    """
    area = under.shape[0], under.shape[1]
    samples = (
        _polygon_samples(hist.geometry, area, view.x, view.y)
        if hist.geometry is not None
        else _Samples.of(_grid_index(hist, view, area), area)
    )
    values = hist.values.ravel()
    shown = np.isfinite(values)
    # No count is no colour; a mean or an efficiency of zero is one.
    if hist.kind == "counts" and not view.log and view.colour[0] >= 0:
        shown &= values != 0
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
