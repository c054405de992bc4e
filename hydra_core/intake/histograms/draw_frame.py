"""The part of a picture that does not depend on bin contents: axes, titles, colour bar. Drawn once and kept."""

from __future__ import annotations

import contextlib
import importlib.metadata
import threading
import warnings
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.intake.histograms.view import Box, View, crowded

__all__ = ["FILL", "LINE", "STYLE_VERSION", "Box", "colour_table", "frame_pixels"]

#: Changes whenever the same histogram would give another picture.
STYLE_VERSION = "1"
#: Colours (RGB) of filled area and outline of a histogram of one dimension.
FILL = (198, 216, 239)
LINE = (27, 62, 130)
_OUTLINE = "#b9b9b9"
_SMALLEST = 0.75  # a text that is written smaller than this share of its usual size is cut instead
# matplotlib's settings are global: one frame is built at a time.
_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def colour_table() -> npt.NDArray[np.uint8]:
    """Return the 256 colours of a map (viridis), uint8 of shape (256, 3)."""
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.arange(256), bytes=True)
    return np.asarray(colours, dtype=np.uint8)[:, :3].copy()


def frame_pixels(view: View, folder: Path | None = None) -> npt.NDArray[np.uint8]:
    """Return the frame with nothing in it, uint8 of shape (height, width, 3), not to be written to.

    Parameters
    ----------
    folder
        Where frames are kept from one process to the next, if anywhere: building one takes matplotlib ten times as
        long as painting contents into it. One that cannot be kept or read is simply built.
    """
    width, height = view.size
    packed = packed_frame(view) if folder is None or view.geometry is not None else _kept_frame(view, folder)
    return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width, 3)


# Packed, since a run may have a thousand plot types, and frames are mostly white.
@lru_cache(maxsize=2048)
def packed_frame(view: View) -> bytes:
    """Return the bytes of the frame, packed by zlib."""
    import matplotlib

    with _LOCK, matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        # A title in a script that the font lacks shows boxes; that is no reason to stop.
        warnings.simplefilter("ignore")
        return zlib.compress(_build(view).tobytes(), 1)


@lru_cache(maxsize=2048)
def _kept_frame(view: View, folder: Path) -> bytes:
    key = sha256_bytes(f"{STYLE_VERSION} {_matplotlib_version()} {view!r}".encode("utf-8", "backslashreplace"))
    path = folder / key[:2] / f"{key}.frame"
    width, height = view.size
    with contextlib.suppress(OSError, zlib.error):
        packed = path.read_bytes()
        if len(zlib.decompress(packed)) == width * height * 3:
            return packed
    packed = packed_frame(view)
    with contextlib.suppress(OSError):
        write_bytes(path, packed)
    return packed


@lru_cache(maxsize=1)
def _matplotlib_version() -> str:
    return importlib.metadata.version("matplotlib")


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
    bar = _colour_bar(figure, view) if view.kind == "map" else None
    canvas.draw()
    if _fit(axes, bar, view):
        canvas.draw()
        # Numbers that are written shorter make room for what stands beside them.
        if _fit(axes, bar, view):
            canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _name_ticks(axes: Any, view: View) -> None:
    if view.x_ticks is not None:
        turn = {"rotation": 38, "ha": "right", "rotation_mode": "anchor"} if crowded(view.x_ticks) else {}
        axes.set_xticks(view.x_ticks.places, view.x_ticks.names, fontsize=8.5, parse_math=False, **turn)
    if view.y_ticks is not None:
        axes.set_yticks(view.y_ticks.places, view.y_ticks.names, fontsize=8.5, parse_math=False)


def _colour_bar(figure: Any, view: View) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    width, height = view.size
    _, top, right, bottom = view.outer
    bar = figure.add_axes((right / width + 0.018, 1 - bottom / height, 0.03, (bottom - top) / height))
    norm = (LogNorm if view.log else Normalize)(*view.colour)
    figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar).ax.tick_params(labelsize=8.5, length=3)
    if view.bar_title:
        at = 1 - 8 * view.zoom / width, 1 - (top + bottom) / 2 / height
        title = {"rotation": 90, "ha": "center", "va": "center", "fontsize": 8.5, "parse_math": False}
        bar.hydra_title = figure.text(*at, view.bar_title, **title)
    return bar


def _fit(axes: Any, bar: Any, view: View) -> bool:
    """Make what reaches out of the picture smaller or shorter; say whether anything was changed."""
    width, height = view.size
    left, top, right, bottom = view.outer
    edge = 3 * view.zoom
    across = 2 * (min(left + right, 2 * width - left - right) / 2 - edge)
    upright = 2 * (min(top + bottom, 2 * height - top - bottom) / 2 - edge)
    changed = [_shorten(text, across, 0) for text in (axes.title, axes.xaxis.label)]
    changed += [_shorten(axes.yaxis.label, upright, 1)]
    if _reach(axes.yaxis).x0 < 0:
        changed.append(_write_powers(axes, "y"))
    if bar is not None:
        room = width - (16 * view.zoom if view.bar_title else 0)
        if _reach(bar.yaxis).x1 > room:
            changed.append(_write_powers(bar, "y"))
        if view.bar_title:
            changed.append(_shorten(bar.hydra_title, upright, 1))
    return any(changed)


def _reach(axis: Any) -> Any:
    """Return the box of an axis's numbers and title; where there are none, an empty one."""
    from matplotlib.transforms import Bbox

    found = axis.get_tightbbox()
    return Bbox.from_bounds(0, 0, 0, 0) if found is None else found


def _shorten(text: Any, room: float, direction: int) -> bool:
    """Write a text smaller, then shorter, until it fits into `room` pixels across (0) or upright (1)."""

    def length() -> float:
        return float(text.get_window_extent().size[direction])

    size, whole = text.get_fontsize(), text.get_text()
    if not whole or length() <= room:
        return False
    text.set_fontsize(max(_SMALLEST * size, size * room / length()))
    kept = len(whole)
    while length() > room and kept > 1:
        kept = min(kept - 1, int(kept * room / length()))
        text.set_text(whole[:kept].rstrip() + "…")
    return True


def _write_powers(axes: Any, name: str) -> bool:
    """Write numbers of an axis with a common power of ten, where they are long ones."""
    from matplotlib.ticker import ScalarFormatter

    axis = getattr(axes, f"{name}axis")
    formatter = axis.get_major_formatter()
    if not isinstance(formatter, ScalarFormatter) or getattr(formatter, "hydra_powers", False):
        return False
    shorter: Any = ScalarFormatter()
    shorter.set_powerlimits((0, 0))
    shorter.hydra_powers = True
    axis.set_major_formatter(shorter)
    return True
