"""Ranges of contents with readable ends."""

from __future__ import annotations

import math

import numpy as np

from hydra_core.intake.histograms.histogram import FloatArray, Histogram

Range = tuple[float, float]
_LARGEST = 1e100  # contents beyond it, and below its inverse, do not widen a range
#: Upper ends that a range taken from contents is rounded up to, times a power of ten.
_NICE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def content_range(hist: Histogram, log: bool, is_map: bool) -> Range:
    """Return the range of contents that shows a histogram whole, with readable ends.

    Contents that are not finite, or beyond 1e100, do not widen it.
    """
    if hist.kind == "efficiency" and not log:
        return (0.0, 1.0) if is_map else (0.0, 1.05)
    values = hist.values if hist.mask is None else hist.values[~hist.mask]
    values = np.clip(values[np.isfinite(values)], -_LARGEST, _LARGEST)
    positive = values[values > 1 / _LARGEST]
    if log:
        if positive.size == 0:
            return 0.5, 10.0
        top = round_up(float(positive.max()) * 2)
        return min(10.0 ** math.floor(math.log10(float(positive.min()))) / 2, top / 10), top
    if hist.kind == "profile":
        return mean_range(values)
    headroom = 1.0 if is_map else 1.08
    high = round_up(float(positive.max()) * headroom) if positive.size else 0.0
    negative = values[values < -1 / _LARGEST]
    low = -round_up(-float(negative.min()) * headroom) if negative.size else 0.0
    return (low, high) if low < high else (0.0, 1.0)


def mean_range(values: FloatArray, room: float = 0.15) -> Range:
    """Return a range of readable numbers about means: it need not begin at zero.

    Parameters
    ----------
    values
        Finite means, any shape.
    room
        Free part above and below, as a share of the distance between the lowest and the highest.
    """
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 0.02 * max(abs(low), abs(high)), 10 / _LARGEST)
    if 0 <= low < high / 2:
        return 0.0, round_up(high + room * span)
    if low / 2 < high <= 0:
        return -round_up(-low + room * span), 0.0
    step = 10.0 ** math.floor(math.log10(span)) / 2
    ends = math.floor((low - room * span) / step) * step, math.ceil((high + room * span) / step) * step
    return float(f"{ends[0]:.9g}"), float(f"{ends[1]:.9g}")


def round_up(value: float) -> float:
    """Return the next readable number (1, 1.2, 1.5, 2, … times a power of ten) not below a positive one."""
    unit = 10.0 ** math.floor(math.log10(value))
    found = unit * next((nice for nice in _NICE if nice * unit >= value), 10.0)
    return max(value, float(f"{found:.3g}"))
