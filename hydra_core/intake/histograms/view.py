"""What a picture shows apart from its contents: ranges, titles, names of bins, and where the axes lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

import numpy as np

from hydra_core.intake.histograms.histogram import Axis, FloatArray, Geometry, Histogram
from hydra_core.intake.histograms.plain_text import plain_text
from hydra_core.intake.histograms.prepare import Ends, Prepared
from hydra_core.intake.histograms.ranges import Range, content_range
from hydra_core.intake.histograms.thin import thinned

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]
PixelBox = tuple[int, int, int, int]

_MIN_PIXELS, _MAX_PIXELS = 64, 8192
_MAX_TICK_LABELS = 24
_USUAL_NAME, _LONGEST_NAME = 14, 18
_LINE_OF_NAMES = 160  # twice the characters that fit side by side below an axis
_MIN_AXES = 8
_COUNTS = "Counts"


@dataclass(frozen=True)
class DrawScale:
    """Fixed ranges of a plot type.

    Attributes
    ----------
    x, y
        Ranges (low, high) of the axes; for a histogram of one dimension `y` is the range of contents.
    colour
        Range of contents of a map.
    log
        Contents (height or colour) on a logarithmic scale; the low end must then be above zero.
    equal
        A unit of x is as long as a unit of y, as in a map in centimetres.
    normalise
        ``"entries"``: counts are divided by the number of entries, and fixed ranges are those of the quotient.
    rebin
        How many neighbouring bins along x and y are drawn as one.
    """

    x: Range | None = None
    y: Range | None = None
    colour: Range | None = None
    log: bool = False
    equal: bool = False
    normalise: Literal["none", "entries"] = "none"
    rebin: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Ticks:
    """Names at places of an axis."""

    places: tuple[float, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """Everything that a frame shows; hashable, so that equal views share one frame.

    Attributes
    ----------
    outer, inner
        The axes' rectangle in pixels from the upper left: with its lines, and the part that contents are painted into.
    """

    size: tuple[int, int]
    title: str
    x_title: str
    y_title: str
    bar_title: str
    x: Range
    y: Range
    colour: Range
    log: bool
    outer: PixelBox
    kind: str
    x_ticks: Ticks | None
    y_ticks: Ticks | None
    geometry: Geometry | None

    @property
    def inner(self) -> PixelBox:
        """The part of the axes that contents are painted into."""
        return _inner(self.outer)

    @property
    def line_pixels(self) -> float:
        """Width of a thin line in pixels."""
        return max(1.0, self.zoom)

    @property
    def zoom(self) -> float:
        """Size of text and lines relative to a picture of 600 x 400."""
        return min(self.size[0] / 600, self.size[1] / 400)

    def content_fraction(self, values: FloatArray) -> FloatArray:
        """Return the height of contents as a fraction of the axes (1-D)."""
        return _fraction(values, self.y, self.log)

    def colour_fraction(self, values: FloatArray) -> FloatArray:
        """Return the place of contents in the colour bar, 0 to 1 within the range."""
        return _fraction(values, self.colour, self.log)


def _fraction(values: FloatArray, limits: Range, log: bool) -> FloatArray:
    if not log:
        span = limits[1] - limits[0]
        # Far outside is outside: no content, however large, overflows.
        return cast(FloatArray, (np.clip(values, limits[0] - span, limits[1] + span) - limits[0]) / span)
    floor = limits[0] * 1e-3
    low, high = math.log(limits[0]), math.log(limits[1])
    return cast(FloatArray, (np.log(np.maximum(values, floor)) - low) / (high - low))


def resolve(prepared: Prepared, size: tuple[int, int], scale: DrawScale) -> tuple[View, Histogram]:
    """Return what the frame of a histogram shows, and the contents to be painted: of a map at most one bin a pixel.

    Ranges are those of `scale`, else those of the axes and of the contents that are painted.

    Raises
    ------
    ValueError
        When a range is empty, not finite, or not above zero on a logarithmic scale.
    """
    if not all(_MIN_PIXELS <= side <= _MAX_PIXELS for side in size):
        raise ValueError(f"a picture of {size[0]} x {size[1]} pixels cannot be drawn")
    hist = prepared.hist
    geometry = hist.geometry
    is_map = hist.y is not None or geometry is not None
    x = scale.x or (geometry.x if geometry else (hist.x.low, hist.x.high))
    y = scale.y or (geometry.y if geometry else (hist.y.low, hist.y.high) if hist.y else None)
    _check_range(hist.name, "x", x)
    aspect = None
    if is_map and y is not None:
        _check_range(hist.name, "y", y)
        aspect = (x[1] - x[0]) / (y[1] - y[0]) if geometry or scale.equal else None
    outer = _outer(size, hist, aspect)
    painted = hist
    if hist.y is not None and y is not None:
        left, top, right, bottom = _inner(outer)
        painted = thinned(hist, (bottom - top, right - left), x, y)
    content = (scale.colour if is_map else scale.y) or content_range(painted, scale.log, is_map)
    _check_range(hist.name, "content", content, log=scale.log)
    y = y if is_map and y is not None else content
    contents = _content_title(prepared)
    y_title = geometry.y_title if geometry else hist.y.title if hist.y else contents
    view = View(
        size=size,
        title=plain_text(hist.title, 160) or plain_text(hist.name.rpartition("/")[2], 160),
        x_title=plain_text(geometry.x_title if geometry else hist.x.title, 120),
        y_title=plain_text(y_title, 90),
        bar_title=plain_text(contents, 40) if is_map and contents != _COUNTS else "",
        x=(float(x[0]), float(x[1])),
        y=(float(y[0]), float(y[1])),
        colour=(float(content[0]), float(content[1])),
        log=scale.log,
        outer=outer,
        kind="map" if is_map else "steps",
        x_ticks=_ticks(hist.x, prepared.x_ends) if geometry is None else None,
        y_ticks=_ticks(hist.y, prepared.y_ends) if hist.y is not None else None,
        geometry=geometry,
    )
    return view, painted


def _inner(outer: PixelBox) -> PixelBox:
    left, top, right, bottom = outer
    return left + 1, top + 1, right, bottom


def _content_title(prepared: Prepared) -> str:
    hist = prepared.hist
    if hist.kind != "counts":
        return hist.content_title or {"profile": "Mean", "efficiency": "Efficiency"}[hist.kind]
    return f"{hist.content_title or _COUNTS}{' per entry' if prepared.per_entry else ''}"


def _check_range(plot: str, name: str, limits: Range, *, log: bool = False) -> None:
    if not (math.isfinite(limits[0]) and math.isfinite(limits[1]) and limits[0] < limits[1]):
        raise ValueError(f"histogram {plot!r}: the {name} range {limits} cannot be drawn")
    if log and limits[0] <= 0:
        raise ValueError(f"histogram {plot!r}: a logarithmic {name} range must start above zero, not at {limits[0]}")


def _outer(size: tuple[int, int], hist: Histogram, aspect: float | None) -> PixelBox:
    """Return the axes' rectangle in whole pixels; of the given width to height if one is given."""
    width, height = size
    is_map = hist.y is not None or hist.geometry is not None
    left, right = 0.125 * width, (0.845 if is_map else 0.965) * width
    top, bottom = 0.09 * height, 0.865 * height
    if hist.geometry is None and (ticks := _ticks(hist.x, None)) is not None and crowded(ticks):
        long = max(map(len, ticks.names)) > _USUAL_NAME
        bottom = (0.79 if not long else 0.705 if hist.x.title else 0.745) * height
    if aspect is not None:
        wide = min(right - left, (bottom - top) * aspect)
        middle, tall = (left + right) / 2, wide / aspect
        left, right = middle - wide / 2, middle + wide / 2
        top, bottom = (top + bottom - tall) / 2, (top + bottom + tall) / 2
    box = round(left), round(top), round(right), round(bottom)
    if box[2] - box[0] < _MIN_AXES or box[3] - box[1] < _MIN_AXES:
        raise ValueError(f"histogram {hist.name!r}: one axis is too long for the other to be drawn with equal scale")
    return box


def _ticks(axis: Axis, ends: Ends | None) -> Ticks | None:
    if ends is not None:
        return Ticks((axis.low, axis.high), ends)
    if axis.labels is None:
        return None
    step = -(-axis.bins // _MAX_TICK_LABELS)
    middles = (axis.edges[:-1] + axis.edges[1:]) / 2
    chosen = range(0, axis.bins, step)
    return Ticks(tuple(float(middles[i]) for i in chosen), tuple(_short(axis.labels[i]) for i in chosen))


def _short(name: str) -> str:
    """Return the name of a bin without its middle where it is long: beginnings are often the same."""
    whole = plain_text(name, 200)
    return whole if len(whole) <= _LONGEST_NAME else f"{whole[: _LONGEST_NAME // 2]}…{whole[-_LONGEST_NAME // 2 + 1 :]}"


def crowded(ticks: Ticks) -> bool:
    """Say whether names of bins are too long to stand side by side."""
    lengths = [len(name) for name in ticks.names]
    longest = max((left + right for left, right in pairwise(lengths)), default=0)
    return sum(lengths) > 52 or longest * len(lengths) > _LINE_OF_NAMES
