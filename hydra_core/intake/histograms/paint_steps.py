"""Painting the contents of histograms of one dimension: a filled outline, bars of named bins, means with errors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.draw_frame import FILL, LINE
from hydra_core.intake.histograms.histogram import FloatArray, Histogram
from hydra_core.intake.histograms.prepare import errors_of
from hydra_core.intake.histograms.thin import bins_of_places, extremes
from hydra_core.intake.histograms.view import View

_FINE = 3  # columns a pixel, averaged: edges without steps
_BAR_MARGIN = 0.12  # empty part on either side of a named bin
Pixels = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.intp]


def paint_steps(hist: Histogram, view: View, under: Pixels) -> Pixels:
    """Return the inner part of the axes with the contents of a histogram of one dimension.

    Counts are a filled outline, named bins bars with a gap between them, means and efficiencies a line with a band
    of one standard deviation where that is known. Where several bins share a column, the line reaches from the lowest
    to the highest.

    Parameters
    ----------
    hist
        A histogram of one dimension, as it is drawn.
    view
        Its frame.
    under
        The inner part of the frame, uint8 of shape (height, width, 3).
    """
    height, width = under.shape[:2]
    fine_width = width * _FINE
    places = view.x[0] + (np.arange(fine_width) + 0.5) / fine_width * (view.x[1] - view.x[0])
    first, last = bins_of_places(hist.x.edges, places, view.x)
    if hist.x.labels is not None:
        # The gap between bars; a bar narrower than a column has none.
        alone = (first == last) & (first >= 0)
        bins = np.where(alone, first, 0)
        with np.errstate(all="ignore"):
            within = (places - hist.x.edges[bins]) / np.diff(hist.x.edges)[bins]
        gap = alone & ((within <= _BAR_MARGIN) | (within >= 1 - _BAR_MARGIN)) & (hist.x.bins < width // 2)
        first, last = np.where(gap, -1, first), np.where(gap, -1, last)
    if hist.kind == "counts":
        fill, line = _outline(hist, view, (first, last), (height, width))
    else:
        fill, line = _means(hist, view, (first, last), (height, width))
    rest = 1 - line - fill
    painted = np.empty_like(under)
    for band in range(3):
        painted[:, :, band] = rest * under[:, :, band] + fill * FILL[band] + line * LINE[band] + 0.5
    return painted


Coverage = npt.NDArray[np.float32]


def _outline(
    hist: Histogram, view: View, bins: tuple[IntArray, IntArray], area: tuple[int, int]
) -> tuple[Coverage, Coverage]:
    """Return how much of each pixel is filled area and how much is outline, float32 of shape `area`."""
    values = np.where(np.isfinite(hist.values), hist.values, 0.0)
    if hist.mask is not None:
        values[hist.mask] = np.nan
    base = float(np.clip(view.content_fraction(np.zeros(1))[0], 0, 1)) * area[0]
    lowest, highest = (
        np.where(np.isnan(found), base, np.clip(view.content_fraction(found), -0.1, 1.1) * area[0])
        for found in extremes(values, *bins)
    )
    # The outline is as thick as a line of the frame; between two columns it joins their heights.
    half = 0.55 * view.line_pixels
    low, high = _spread(lowest, highest, max(1, round(half * _FINE)))
    drawn = (high > base + 1e-9) | (low < base - 1e-9)
    line_low, line_high = np.where(drawn, low - half, 0.0), np.where(drawn, high + half, 0.0)
    fill_low, fill_high = np.minimum(lowest, base), np.maximum(highest, base)
    line = _overlap(line_low, line_high, area)
    both = _overlap(np.maximum(fill_low, line_low), np.minimum(fill_high, line_high), area)
    return _overlap(fill_low, fill_high, area) - both, line


def _means(
    hist: Histogram, view: View, bins: tuple[IntArray, IntArray], area: tuple[int, int]
) -> tuple[Coverage, Coverage]:
    """Return how much of each pixel is band of errors and how much is line, float32 of shape `area`."""
    values = np.where(np.isfinite(hist.values), hist.values, np.nan)
    if hist.mask is not None:
        values[hist.mask] = np.nan
    errors = errors_of(hist)
    band_values = (values, values) if errors is None else (values - errors, values + errors)
    lowest, highest = (_heights(view, found, area[0]) for found in extremes(values, *bins))
    band_low = _heights(view, extremes(band_values[0], *bins)[0], area[0])
    band_high = _heights(view, extremes(band_values[1], *bins)[1], area[0])
    half = 0.8 * view.line_pixels
    known = ~np.isnan(lowest)
    band_low, band_high = np.where(known, band_low, 0.0), np.where(known, band_high, 0.0)
    # A line reaches a little beyond its bins, or a single mean between empty bins would hardly be seen.
    low, high = _spread(np.where(known, lowest, np.inf), np.where(known, highest, -np.inf), max(1, round(half * _FINE)))
    known = low <= high
    line_low, line_high = np.where(known, low - half, 0.0), np.where(known, high + half, 0.0)
    line = _overlap(line_low, line_high, area)
    both = _overlap(np.maximum(band_low, line_low), np.minimum(band_high, line_high), area)
    return _overlap(band_low, band_high, area) - both, line


def _heights(view: View, values: FloatArray, height: int) -> FloatArray:
    """Return where contents lie above the lower end, in pixels; NaN stays NaN."""
    found: FloatArray = np.clip(view.content_fraction(values), -0.1, 1.1) * height
    return found


def _spread(lowest: FloatArray, highest: FloatArray, reach: int) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest value within `reach` columns of each."""
    low, high = (
        np.lib.stride_tricks.sliding_window_view(np.pad(found, reach, mode="edge"), 2 * reach + 1)
        for found in (lowest, highest)
    )
    return low.min(axis=1), high.max(axis=1)


def _overlap(low: FloatArray, high: FloatArray, area: tuple[int, int]) -> Coverage:
    """Return how much of each pixel lies between two heights given for each fine column, float32 of shape `area`."""
    floors = np.arange(area[0], dtype=np.float32)[::-1, None]
    covered = np.zeros(area, dtype=np.float32)
    for column in range(_FINE):
        top = np.minimum(high[column::_FINE].astype(np.float32), floors + 1)
        top -= np.maximum(low[column::_FINE].astype(np.float32), floors)
        covered += np.maximum(top, 0, out=top)
    covered /= _FINE
    return covered
