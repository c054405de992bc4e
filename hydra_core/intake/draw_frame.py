"""The part of a drawing that does not depend on bin contents: ranges, layout, axes, titles, colour bar."""

from __future__ import annotations

import math
import threading
import unicodedata
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histogram import Axis, FloatArray, Geometry, Histogram

Range = tuple[float, float]
#: Left, top, right, bottom.
Box = tuple[float, float, float, float]
PixelBox = tuple[int, int, int, int]

#: Colours (RGB) of filled area and outline of a histogram of one dimension.
FILL = (198, 216, 239)
LINE = (27, 62, 130)
_OUTLINE = "#b9b9b9"
_MIN_PIXELS, _MAX_PIXELS = 64, 8192
_MAX_TICK_LABELS = 24
_MIN_AXES = 8
_LARGEST = 1e100  # contents beyond it, and below its inverse, do not widen a range
#: Upper ends that a range taken from contents is rounded up to, times a power of ten.
_NICE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
# matplotlib's settings are global: one frame is built at a time.
_LOCK = threading.Lock()


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
    """

    x: Range | None = None
    y: Range | None = None
    colour: Range | None = None
    log: bool = False
    equal: bool = False


@dataclass(frozen=True)
class _Ticks:
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
    x: Range
    y: Range
    colour: Range
    log: bool
    outer: PixelBox
    kind: str
    x_ticks: _Ticks | None
    y_ticks: _Ticks | None
    geometry: Geometry | None

    @property
    def inner(self) -> PixelBox:
        """The part of the axes that contents are painted into."""
        left, top, right, bottom = self.outer
        return left + 1, top + 1, right, bottom

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


def resolve(hist: Histogram, size: tuple[int, int], scale: DrawScale | None) -> View:
    """Return what the frame of a histogram shows: ranges from `scale`, else from the axes and contents.

    Raises
    ------
    ValueError
        When a range is empty, not finite, or not above zero on a logarithmic scale.
    """
    if not all(_MIN_PIXELS <= side <= _MAX_PIXELS for side in size):
        raise ValueError(f"a picture of {size[0]} x {size[1]} pixels cannot be drawn")
    chosen = scale or DrawScale()
    geometry = hist.geometry
    is_map = hist.y is not None or geometry is not None
    content = (chosen.colour if is_map else chosen.y) or _content_range(hist, chosen.log, 1.0 if is_map else 1.08)
    x = chosen.x or (geometry.x if geometry else (hist.x.low, hist.x.high))
    y = content
    if is_map:
        y = chosen.y or (geometry.y if geometry else (hist.y.low, hist.y.high) if hist.y else content)
    for name, limits in (("x", x), ("y", y), ("content", content)):
        _check_range(hist.name, name, limits, chosen.log and name == "content")
    return View(
        size=size,
        title=_plain(hist.title, 72),
        x_title=_plain(geometry.x_title if geometry else hist.x.title, 60),
        y_title=_plain(geometry.y_title if geometry else hist.y.title if hist.y else "Counts", 40),
        x=(float(x[0]), float(x[1])),
        y=(float(y[0]), float(y[1])),
        colour=(float(content[0]), float(content[1])),
        log=chosen.log,
        outer=_outer(size, hist, (x[1] - x[0]) / (y[1] - y[0]) if geometry or chosen.equal else None),
        kind="map" if is_map else "steps",
        x_ticks=_ticks(hist.x) if geometry is None else None,
        y_ticks=_ticks(hist.y) if hist.y is not None else None,
        geometry=geometry,
    )


def _check_range(plot: str, name: str, limits: Range, log: bool) -> None:
    if not (math.isfinite(limits[0]) and math.isfinite(limits[1]) and limits[0] < limits[1]):
        raise ValueError(f"histogram {plot!r}: the {name} range {limits} cannot be drawn")
    if log and limits[0] <= 0:
        raise ValueError(f"histogram {plot!r}: a logarithmic {name} range must start above zero, not at {limits[0]}")


def _content_range(hist: Histogram, log: bool, headroom: float) -> Range:
    values = hist.values if hist.mask is None else hist.values[~hist.mask]
    values = np.clip(values[np.isfinite(values)], -_LARGEST, _LARGEST)
    positive = values[values > 1 / _LARGEST]
    if log:
        if positive.size == 0:
            return 0.5, 10.0
        top = _round_up(float(positive.max()) * 2)
        return min(10.0 ** math.floor(math.log10(float(positive.min()))) / 2, top / 10), top
    high = _round_up(float(positive.max()) * headroom) if positive.size else 0.0
    negative = values[values < -1 / _LARGEST]
    low = -_round_up(-float(negative.min()) * headroom) if negative.size else 0.0
    return (low, high) if low < high else (0.0, 1.0)


def _round_up(value: float) -> float:
    unit = 10.0 ** math.floor(math.log10(value))
    return unit * next((nice for nice in _NICE if nice * unit >= value), 10.0)


def _outer(size: tuple[int, int], hist: Histogram, aspect: float | None) -> PixelBox:
    """Return the axes' rectangle in whole pixels; of the given width to height if one is given."""
    width, height = size
    is_map = hist.y is not None or hist.geometry is not None
    left, right = 0.125 * width, (0.845 if is_map else 0.965) * width
    top, bottom = 0.09 * height, 0.865 * height
    if hist.geometry is None and (ticks := _ticks(hist.x)) is not None and _crowded(ticks):
        bottom = 0.79 * height
    if aspect is not None:
        wide = min(right - left, (bottom - top) * aspect)
        middle, tall = (left + right) / 2, wide / aspect
        left, right = middle - wide / 2, middle + wide / 2
        top, bottom = (top + bottom - tall) / 2, (top + bottom + tall) / 2
    box = round(left), round(top), round(right), round(bottom)
    if box[2] - box[0] < _MIN_AXES or box[3] - box[1] < _MIN_AXES:
        raise ValueError(f"histogram {hist.name!r}: one axis is too long for the other to be drawn with equal scale")
    return box


def _ticks(axis: Axis) -> _Ticks | None:
    if axis.labels is None:
        return None
    step = -(-axis.bins // _MAX_TICK_LABELS)
    middles = (axis.edges[:-1] + axis.edges[1:]) / 2
    chosen = range(0, axis.bins, step)
    return _Ticks(tuple(float(middles[i]) for i in chosen), tuple(_plain(axis.labels[i], 14) for i in chosen))


def _crowded(ticks: _Ticks) -> bool:
    return sum(map(len, ticks.names)) > 52


def _plain(text: str, limit: int) -> str:
    """Return a text from outside as one short line of printable characters."""
    line = "".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


@lru_cache(maxsize=1)
def colour_table() -> npt.NDArray[np.uint8]:
    """Return the 256 colours of a map (viridis), uint8 of shape (256, 3)."""
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.arange(256), bytes=True)
    return np.asarray(colours, dtype=np.uint8)[:, :3].copy()


@lru_cache(maxsize=64)
def frame_pixels(view: View) -> npt.NDArray[np.uint8]:
    """Return the frame with nothing in it, uint8 of shape (height, width, 3), not to be written to."""
    import matplotlib

    with _LOCK, matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        # A title in a script that the font lacks shows boxes; that is no reason to stop.
        warnings.simplefilter("ignore")
        pixels = _build(view)
    pixels.flags.writeable = False
    return pixels


def _build(view: View) -> npt.NDArray[np.uint8]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = view.size
    dpi = 100 * view.zoom
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    left, top, right, bottom = view.outer
    rectangle = (left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height)
    axes: Any = figure.add_axes(rectangle)
    axes.set_xlim(*view.x)
    axes.set_ylim(*view.y)
    axes.tick_params(labelsize=9, length=3.5)
    if view.kind == "steps" and view.log:
        axes.set_yscale("log")
        axes.set_ylim(*view.y)
    _name_ticks(axes, view)
    axes.set_title(view.title, fontsize=11.5, pad=5 if view.kind == "map" else 6, parse_math=False)
    axes.set_xlabel(view.x_title, fontsize=10, parse_math=False)
    axes.set_ylabel(view.y_title, fontsize=10, parse_math=False)
    for line in view.geometry.outlines if view.geometry else ():
        axes.plot(*line.T, color=_OUTLINE, linewidth=0.7)
    if view.kind == "map":
        _colour_bar(figure, view)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _name_ticks(axes: Any, view: View) -> None:
    if view.x_ticks is not None:
        turn = {"rotation": 38, "ha": "right", "rotation_mode": "anchor"} if _crowded(view.x_ticks) else {}
        axes.set_xticks(view.x_ticks.places, view.x_ticks.names, fontsize=8.5, parse_math=False, **turn)
    if view.y_ticks is not None:
        axes.set_yticks(view.y_ticks.places, view.y_ticks.names, fontsize=8.5, parse_math=False)


def _colour_bar(figure: Any, view: View) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    width, height = view.size
    _, top, right, bottom = view.outer
    bar = figure.add_axes((right / width + 0.018, 1 - bottom / height, 0.03, (bottom - top) / height))
    norm = (LogNorm if view.log else Normalize)(*view.colour)
    figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar).ax.tick_params(labelsize=8.5, length=3)
