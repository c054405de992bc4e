"""More bins than pixels: what a pixel then shows, so that neither a hot channel nor a dead one vanishes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram
from hydra_core.intake.histograms.prepare import weight_of

#: A bin that lies farther from the mean of its pixel, in standard deviations, is shown instead of the mean.
_STANDS_OUT = 5.0
IntArray = npt.NDArray[np.intp]


def bins_of_places(edges: FloatArray, places: FloatArray, shown: tuple[float, float]) -> tuple[IntArray, IntArray]:
    """Return which bins each of many places along an axis stands for.

    A place stands for the bin that it lies in and for all bins between it and the place before, so none is left out.
    Where bins are wider than the distance of places, that is the bin under the place alone.

    Parameters
    ----------
    edges
        Bin edges, shape (bins + 1,).
    places
        Increasing positions inside `shown`, shape (places,).
    shown
        Where the picture begins and ends.

    Returns
    -------
    tuple of numpy.ndarray
        First bin and last bin of each place, intp of shape (places,); both -1 where a place is outside the axis.
    """
    bins = edges.size - 1
    last = np.searchsorted(edges, places, side="right") - 1
    # Bins that the picture shows whole, be they narrower than the way to the first place or from the last one.
    whole = int(np.searchsorted(edges, shown[0], side="left")), int(np.searchsorted(edges, shown[1], side="right")) - 2
    first = np.minimum(last, np.append(whole[0], last[:-1] + 1))
    inside = np.flatnonzero((last >= 0) & (last < bins))
    if inside.size:
        last[inside[-1]] = max(last[inside[-1]], whole[1])
    elif whole[0] <= whole[1]:
        # The whole axis lies between two places.
        inside = np.array([min(int(np.searchsorted(places, edges[0])), places.size - 1)])
        first[inside], last[inside] = whole
    outside = np.ones(places.size, dtype=np.bool_)
    outside[inside] = False
    first[outside], last[outside] = -1, -1
    return np.where(outside, -1, np.maximum(first, 0)), last


def extremes(values: FloatArray, first: IntArray, last: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest content of each range of bins, NaN where there is none.

    Parameters
    ----------
    values
        Contents, shape (bins,); NaN is left out.
    first, last
        Ranges as `bins_of_places` gives them.
    """
    inside = np.flatnonzero(first >= 0)
    lowest, highest = np.full(first.size, np.nan), np.full(first.size, np.nan)
    if inside.size:
        known = np.isnan(values)
        ends = np.stack([first[inside], last[inside] + 1], axis=1).ravel()
        low = np.minimum.reduceat(np.append(np.where(known, np.inf, values), np.inf), ends)[::2]
        high = np.maximum.reduceat(np.append(np.where(known, -np.inf, values), -np.inf), ends)[::2]
        some = low <= high
        lowest[inside], highest[inside] = np.where(some, low, np.nan), np.where(some, high, np.nan)
    return lowest, highest


def thinned(hist: Histogram, area: tuple[int, int], x: tuple[float, float], y: tuple[float, float]) -> Histogram:
    """Return a map with at most one bin a pixel.

    A pixel shows the mean of the bins whose middle lies in it. Where one of them stands out, high or low, by more
    than chance explains (five standard deviations), it shows that bin: single hot and dead channels stay visible.

    Parameters
    ----------
    hist
        A histogram of two dimensions, as it is drawn.
    area
        Height and width of the picture inside its frame, in pixels.
    x, y
        Ranges that the picture shows.
    """
    if hist.y is None:
        return hist
    columns, rows = _pixels(hist.x, x, area[1]), _pixels(hist.y, y, area[0])
    if columns is None and rows is None:
        return hist
    values = np.where(np.isfinite(hist.values), hist.values, np.nan)
    if hist.mask is not None:
        values[hist.mask] = np.nan
    return replace(
        hist,
        x=hist.x if columns is None else columns.axis,
        y=hist.y if rows is None else rows.axis,
        values=_shown(values, hist, (columns, rows)),
        mask=None,
        variances=None,
        ratio=None,
    )


@dataclass(frozen=True, eq=False)
class _Pixels:
    """The pixels along an axis as bins, and where the ranges of bins that they stand for begin and end in turn."""

    axis: Axis
    ranges: IntArray


def _pixels(axis: Axis, shown: tuple[float, float], pixels: int) -> _Pixels | None:
    """Return the pixels of an axis, or None where its bins are wide enough to be seen as they are."""
    begin, end = np.searchsorted(axis.edges, shown)
    if end - begin <= pixels:
        return None
    edges = np.linspace(*shown, pixels + 1)
    first, last = bins_of_places(axis.edges, edges[:-1] / 2 + edges[1:] / 2, shown)
    inside = np.flatnonzero(first >= 0)
    ranges = np.stack([first[inside], last[inside] + 1], axis=1).ravel()
    return _Pixels(Axis(edges[inside[0] : inside[-1] + 2], axis.title), ranges)


def _shown(values: FloatArray, hist: Histogram, along: tuple[_Pixels | None, ...]) -> FloatArray:
    known = np.isfinite(values)
    with np.errstate(all="ignore"):
        count = _over(np.add, known.astype(np.float64), 0.0, along)
        mean = _over(np.add, np.where(known, values, 0.0), 0.0, along) / count
        high = _over(np.maximum, np.where(known, values, -np.inf), -np.inf, along)
        low = _over(np.minimum, np.where(known, values, np.inf), np.inf, along)
        if hist.kind == "counts":
            # Chance, from what is seen: n counts vary by their root, and a count has its weight.
            weight = weight_of(hist)
            noise = np.sqrt(np.maximum(np.abs(mean) * weight, weight**2))
        else:
            middle = float(np.median(values[known])) if known.any() else 0.0
            noise = np.full(mean.shape, 1.4826 * float(np.median(np.abs(values[known] - middle))) if known.any() else 0)
        up, down = high - mean, mean - low
        shown = np.where((up >= down) & (up > _STANDS_OUT * noise), high, mean)
        shown = np.where((down > up) & (down > _STANDS_OUT * noise), low, shown)
    return np.where(count > 0, shown, np.nan)


def _over(function: np.ufunc, values: FloatArray, nothing: float, along: tuple[_Pixels | None, ...]) -> FloatArray:
    for direction, pixels in enumerate(along):
        if pixels is not None:
            # One more bin, since a range is given by the first bin behind it.
            padding = [(0, int(direction == axis)) for axis in range(values.ndim)]
            padded = np.pad(values, padding, constant_values=nothing)
            taken = function.reduceat(padded, pixels.ranges, axis=direction)
            values = taken[::2] if direction == 0 else taken[:, ::2]
    return values
