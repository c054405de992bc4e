"""Drawing histograms: always the same way, so that a change of the picture is a change of the data.

The frame (axes, titles, colour bar) is drawn once by matplotlib and kept; the contents are painted into it as an
array of pixels. So a picture costs some milliseconds, nothing of a user's matplotlib settings reaches it, and equal
input gives equal bytes (with the same versions of matplotlib, numpy and Pillow).
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.draw_frame import STYLE_VERSION, frame_pixels
from hydra_core.intake.histograms.histogram import BoolArray, Histogram
from hydra_core.intake.histograms.paint_map import paint_map
from hydra_core.intake.histograms.paint_steps import paint_steps
from hydra_core.intake.histograms.prepare import Prepared, prepare, rebinned_cells
from hydra_core.intake.histograms.view import Box, DrawScale, resolve

__all__ = ["STYLE_VERSION", "DrawScale", "draw_png", "draw_rgb", "drawing_style", "region_box"]

Pixels = npt.NDArray[np.uint8]


def drawing_style(scale: DrawScale | None = None) -> str:
    """Return what a picture's looks depend on besides its contents: style version, and a digest of fixed ranges.

    Pictures of one plot type can be compared, and judged by one network, when they have the same style.

    Examples
    --------
    >>> drawing_style() == STYLE_VERSION
    True
    >>> drawing_style(DrawScale(y=(0, 1))) == drawing_style(DrawScale(y=(0.0, 1.0)))
    True
    """
    plain = DrawScale()
    # What is not set leaves no trace, so a setting that a later program adds changes no style.
    chosen = [(one.name, getattr(scale, one.name)) for one in fields(DrawScale) if scale is not None]
    set_ones = [
        (name, tuple(map(float, value)) if isinstance(value, tuple) else value)
        for name, value in chosen
        if value != getattr(plain, name)
    ]
    if not set_ones:
        return STYLE_VERSION
    return f"{STYLE_VERSION}-{hashlib.sha256(repr(set_ones).encode()).hexdigest()[:8]}"


def draw_png(
    hist: Histogram,
    *,
    size: tuple[int, int] = (600, 400),
    scale: DrawScale | None = None,
    frames: Path | None = None,
) -> bytes:
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
    frames
        Folder in which frames of fixed ranges are kept from one process to the next, if anywhere.

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
    Image.fromarray(draw_rgb(hist, size=size, scale=scale, frames=frames)).save(stream, format="PNG", compress_level=5)
    return stream.getvalue()


def draw_rgb(
    hist: Histogram,
    *,
    size: tuple[int, int] = (600, 400),
    scale: DrawScale | None = None,
    frames: Path | None = None,
) -> Pixels:
    """Draw a histogram; see `draw_png`.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (height, width, 3).
    """
    chosen = scale or DrawScale()
    view, contents = resolve(_prepared(hist, chosen), size, chosen)
    # A range of the contents' own comes once and never again: its frame is not worth keeping.
    fixed = chosen.colour is not None if view.kind == "map" else chosen.y is not None
    pixels = frame_pixels(view, frames if fixed else None).copy()
    left, top, right, bottom = view.inner
    paint = paint_map if view.kind == "map" else paint_steps
    pixels[top:bottom, left:right] = paint(contents, view, pixels[top:bottom, left:right])
    return pixels


def _prepared(hist: Histogram, scale: DrawScale) -> Prepared:
    return prepare(
        hist,
        normalise=scale.normalise == "entries",
        rebin=scale.rebin,
        fixed_x=scale.x is not None,
        fixed_y=scale.y is not None,
    )


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
    chosen = scale or DrawScale()
    prepared = _prepared(hist, chosen)
    view, _ = resolve(prepared, size, chosen)
    if not cells.any():
        return None
    cells, hist = rebinned_cells(cells, hist, chosen.rebin), prepared.hist
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
