"""Fixed ranges for a plot type from one histogram of it, so that a change of picture means a change of data."""

from __future__ import annotations

import math

import numpy as np

from hydra_core.config.plots import DrawSettings
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram
from hydra_core.intake.histograms.prepare import prepare, weight_of
from hydra_core.intake.histograms.ranges import Range, mean_range, round_up
from hydra_core.intake.histograms.thin import thinned

#: With fewer entries the contents say little about those of another run.
FEWEST_ENTRIES = 100
_HEADROOM = 1.3
_TOWER = 10.0  # a single bin so many times higher than all others is a fault, not what a range is made for
_FEW_BINS = 50  # but where bins are few, one may well be that much higher
_STEEP = 1e3  # highest content over the median one, from which on a linear scale shows little else than the highest
_LEAST_FILLED = 10
_SET = 10.0
_USUAL_AREA = 310, 431  # height and width of a map's axes in pixels
_FARTHEST = 1e90


def scale_of(hist: Histogram, *, normalise: bool = True) -> DrawSettings:
    """Return fixed ranges in which this histogram and later ones of its plot type can be compared by eye.

    Axes keep their ends. Contents get a range with readable ends and some room above: of counts from zero, of means
    about them, of efficiencies from 0 to 1. Logarithmic are counts whose highest is over a thousand times the median
    of what is filled, if that is more than a few stray ones.

    Parameters
    ----------
    hist
        A well filled histogram of the plot type. With fewer than 100 entries, or nothing but zeros, only the axes are
        fixed: then the range of contents is taken from each histogram anew.
    normalise
        Divide counts by the number of entries, so that the range holds for runs of any length.

    Returns
    -------
    DrawSettings
        ``settings.model_dump(mode="json", exclude_defaults=True)`` is a JSON object of what it sets.
    """
    is_map = hist.y is not None or hist.geometry is not None
    x = None if hist.geometry else _axis_range(hist.x)
    y = _axis_range(hist.y) if hist.y is not None else None
    per_entry = normalise and hist.kind == "counts" and math.isfinite(hist.entries) and hist.entries > 0
    # Contents that were set, not filled: their number of entries is that of the bins.
    per_entry = per_entry and weight_of(hist) < _SET
    drawn = prepare(hist, normalise=per_entry, fixed_x=True, fixed_y=True).hist
    weight = weight_of(drawn)
    if y is not None and drawn.y is not None:
        # As it is drawn: in a map of more bins than pixels, means of bins.
        drawn = thinned(drawn, _USUAL_AREA, (drawn.x.low, drawn.x.high), (drawn.y.low, drawn.y.high))
    values = drawn.values if drawn.mask is None else drawn.values[~drawn.mask]
    values = values[np.isfinite(values) & (np.abs(values) < _FARTHEST)]
    contents, log = None, False
    if hist.kind == "efficiency":
        contents = (0.0, 1.0) if is_map else (0.0, 1.05)
    elif values.any() and hist.entries >= FEWEST_ENTRIES:
        contents, log = _content_range(values, hist.kind == "profile", weight)
    if contents is not None and not _usable(contents):
        contents, log = None, False
    return DrawSettings(
        x=x,
        y=y if is_map else contents,
        colour=contents if is_map else None,
        log=log,
        normalise="entries" if per_entry else "none",
    )


def _content_range(values: FloatArray, means: bool, weight: float) -> tuple[Range, bool]:
    if means:
        return mean_range(values, room=_HEADROOM - 1), False
    positive = np.sort(values[values > 0])
    if positive.size < values.size and (values < 0).any():
        top = round_up(float(np.abs(values).max()) * _HEADROOM)
        return (-top, top if positive.size else 0.0), False
    highest = float(positive[-1])
    middle = float(np.median(positive))
    # Stray counts far below a peak are no reason: there must be something to see that a linear scale hides.
    if positive.size >= _LEAST_FILLED and middle * _STEEP < highest and middle > _LEAST_FILLED * weight:
        # Room below too: a run with more events has smaller shares in its least filled bins.
        low = 10.0 ** math.floor(math.log10(float(positive[0]) / 3))
        return (low, round_up(highest * 2)), True
    if positive.size > 1 and values.size >= _FEW_BINS and highest > _TOWER * positive[-2]:
        highest = float(positive[-2])
    return (0.0, round_up(highest * _HEADROOM)), False


def _axis_range(axis: Axis) -> Range | None:
    limits = axis.low, axis.high
    return limits if axis.labels is None and _usable(limits) else None


def _usable(limits: Range) -> bool:
    """Say whether the configuration takes a range; what is too far out is left to each picture."""
    try:
        DrawSettings(x=limits)
    except ValueError:
        return False
    return True
