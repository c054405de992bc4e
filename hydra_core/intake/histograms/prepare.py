"""What is done to contents before they are drawn: bins joined, divided by entries; and how far contents may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hydra_core.intake.histograms.histogram import Axis, BoolArray, FloatArray, Histogram, Ratio

# Beyond these matplotlib finds no ticks.
_FARTHEST, _NARROWEST = 1e100, 1e-9
Ends = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A histogram as it is drawn.

    Attributes
    ----------
    x_ends, y_ends
        What is written at the ends of an axis whose bins are only counted, since no scale can show their edges.
    per_entry
        Contents are divided by the number of entries.
    """

    hist: Histogram
    x_ends: Ends | None = None
    y_ends: Ends | None = None
    per_entry: bool = False


def prepare(
    hist: Histogram,
    *,
    normalise: bool = False,
    rebin: tuple[int, int] = (1, 1),
    fixed_x: bool = False,
    fixed_y: bool = False,
) -> Prepared:
    """Return a histogram as it is drawn.

    Parameters
    ----------
    hist
        What was read.
    normalise
        Divide counts by the number of entries.
    rebin
        How many neighbouring bins along x and y become one.
    fixed_x, fixed_y
        The axis is drawn in a given range, so its edges are kept whatever they are.
    """
    drawn = rebinned(hist, rebin)
    per_entry = normalise and hist.kind == "counts"
    if per_entry:
        drawn = _per_entry(drawn)
    x, x_ends = (drawn.x, None) if fixed_x or drawn.geometry else _countable(drawn.x)
    y, y_ends = (drawn.y, None) if fixed_y or drawn.y is None else _countable(drawn.y)
    if x is not drawn.x or y is not drawn.y:
        drawn = replace(drawn, x=x, y=y)
    return Prepared(drawn, x_ends, y_ends, per_entry)


def rebinned(hist: Histogram, rebin: tuple[int, int]) -> Histogram:
    """Return a histogram whose neighbouring bins are joined; axes with named bins and geometries stay as they are.

    Counts and variances are added; means and efficiencies are taken anew from their sums, or averaged without them.
    A last bin may hold fewer than the others.
    """
    steps = _steps(hist, rebin)
    if set(steps) == {1}:
        return hist

    def added(array: FloatArray) -> FloatArray:
        return _added(array, steps)

    ratio, variances = None, None
    if hist.ratio is not None:
        squares = None if hist.ratio.squares is None else added(hist.ratio.squares)
        ratio = Ratio(added(hist.ratio.numerator), added(hist.ratio.denominator), squares)
        values = ratio.quotient()
    elif hist.kind == "counts":
        values = added(hist.values)
        variances = None if hist.variances is None else added(hist.variances)
    else:
        finite = np.isfinite(hist.values)
        values = Ratio(added(np.where(finite, hist.values, 0.0)), added(finite.astype(np.float64))).quotient()
    mask = None if hist.mask is None else added((~hist.mask).astype(np.float64)) == 0
    y = None if hist.y is None else _joined(hist.y, steps[1])
    return replace(hist, x=_joined(hist.x, steps[0]), y=y, values=values, variances=variances, ratio=ratio, mask=mask)


def rebinned_cells(cells: BoolArray, hist: Histogram, rebin: tuple[int, int]) -> BoolArray:
    """Return which bins of ``rebinned(hist, rebin)`` hold one of the bins asked for."""
    steps = _steps(hist, rebin)
    found: BoolArray = cells if set(steps) == {1} else _added(cells.astype(np.float64), steps) > 0
    return found


def errors_of(hist: Histogram) -> FloatArray | None:
    """Return how far each mean or efficiency may be off (one standard deviation), or None where that is not known.

    Returns
    -------
    numpy.ndarray or None
        float64, shape of ``hist.values``, in the unit of the contents; zero where nothing can be said.
    """
    found: FloatArray | None = None
    with np.errstate(all="ignore"):
        if hist.ratio is not None and hist.kind == "efficiency":
            share = np.clip(hist.values, 0.0, 1.0)
            found = np.sqrt(share * (1 - share) / hist.ratio.denominator)
        elif hist.ratio is not None and hist.ratio.squares is not None:
            spread = np.maximum(hist.ratio.squares / hist.ratio.denominator - hist.values**2, 0.0)
            found = np.sqrt(spread / hist.ratio.denominator)
        elif hist.kind != "counts" and hist.variances is not None:
            found = np.sqrt(hist.variances)
    return None if found is None else np.where(np.isfinite(found), found, 0.0)


def weight_of(hist: Histogram) -> float:
    """Return what one entry adds to the contents, about: 1 for counts, less for counts divided by their entries."""
    total = float(np.abs(np.clip(hist.values[np.isfinite(hist.values)], -_FARTHEST, _FARTHEST)).sum())
    usable = math.isfinite(hist.entries) and hist.entries > 0 and total > 0
    return total / hist.entries if usable else 1.0


def _steps(hist: Histogram, rebin: tuple[int, int]) -> tuple[int, ...]:
    along_x = 1 if hist.x.labels is not None or hist.geometry is not None else min(rebin[0], hist.x.bins)
    if hist.y is None:
        return (along_x,)
    return along_x, 1 if hist.y.labels is not None else min(rebin[1], hist.y.bins)


def _per_entry(hist: Histogram) -> Histogram:
    divisor = float(hist.entries)
    if not (math.isfinite(divisor) and divisor > 0):
        divisor = float(np.abs(np.clip(hist.values[np.isfinite(hist.values)], -_FARTHEST, _FARTHEST)).sum()) or 1.0
    with np.errstate(all="ignore"):
        variances = None if hist.variances is None else hist.variances / divisor / divisor
        return replace(hist, values=hist.values / divisor, variances=variances)


def _countable(axis: Axis) -> tuple[Axis, Ends | None]:
    widest = max(abs(axis.low), abs(axis.high))
    if widest <= _FARTHEST and axis.high - axis.low >= max(1 / _FARTHEST, _NARROWEST * widest):
        return axis, None
    return Axis(np.arange(axis.bins + 1.0), axis.title, axis.labels), (f"{axis.low:.4g}", f"{axis.high:.4g}")


def _joined(axis: Axis, step: int) -> Axis:
    if step == 1:
        return axis
    edges = axis.edges[::step]
    return Axis(edges if axis.bins % step == 0 else np.append(edges, axis.high), axis.title)


def _added(array: FloatArray, steps: tuple[int, ...]) -> FloatArray:
    with np.errstate(all="ignore"):
        for direction, step in enumerate(steps):
            if step > 1:
                array = np.add.reduceat(array, np.arange(0, array.shape[direction], step), axis=direction)
    return array
