"""Small charts as numbers for inline SVG: no library, no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 26


@dataclass(frozen=True)
class Chart:
    """Lines or bars in a box of `WIDTH` x `HEIGHT`, with the values at the ends of its axes."""

    paths: tuple[str, ...]
    bars: tuple[tuple[float, float, float, float, str], ...]
    left: int
    right: int
    top: int
    bottom: int
    y_top: str
    y_bottom: str
    x_first: str
    x_last: str


def _box(**values: object) -> Chart:
    sides = {"left": _LEFT, "right": WIDTH - _RIGHT, "top": _TOP, "bottom": HEIGHT - _BOTTOM}
    return Chart(**{"paths": (), "bars": (), "y_bottom": "0", **sides, **values})  # type: ignore[arg-type]


def lines(x: Sequence[float], series: Sequence[Sequence[float]]) -> Chart:
    """Return curves over a common x, from zero up to the greatest value; what is not finite breaks nothing.

    Parameters
    ----------
    x
        Abscissa, ascending, length n.
    series
        Each of length n.
    """
    finite = [value for one in series for value in one if value == value and abs(value) != float("inf")]
    top = max([*finite, 1e-9])
    first, last = (x[0], x[-1]) if x else (0.0, 1.0)
    paths = []
    for one in series:
        points = []
        for at, value in zip(x, one, strict=True):
            if value != value or abs(value) == float("inf"):
                continue
            across = _LEFT + (at - first) / ((last - first) or 1) * (WIDTH - _LEFT - _RIGHT)
            up = HEIGHT - _BOTTOM - max(0.0, value) / top * (HEIGHT - _TOP - _BOTTOM)
            points.append(f"{across:.1f} {up:.1f}")
        paths.append("M" + "L".join(points) if points else "")
    return _box(paths=tuple(paths), y_top=f"{top:.3g}", x_first=f"{first:g}", x_last=f"{last:g}")


def bars(values: Sequence[tuple[str, int]]) -> Chart:
    """Return one bar for each (name, number), each with its sentence."""
    top = max([number for _, number in values] + [1])
    room = min((WIDTH - _LEFT - _RIGHT) / max(len(values), 1), 40.0)
    drawn = []
    for position, (name, number) in enumerate(values):
        height = number / top * (HEIGHT - _TOP - _BOTTOM)
        across = _LEFT + position * room
        drawn.append(
            (round(across + room * 0.1, 1), round(HEIGHT - _BOTTOM - height, 1), round(room * 0.8, 1),
             round(height, 1), f"{name}: {number}")
        )  # fmt: skip
    ends = (values[0][0], values[-1][0]) if values else ("", "")
    return _box(bars=tuple(drawn), y_top=f"{top:,}".replace(",", "\u202f"), x_first=ends[0], x_last=ends[1])


#: Width and height of the small histogram in a cell of a confusion matrix.
CELL_WIDTH, CELL_HEIGHT = 60, 18


def confidences(cells: Sequence[Sequence[Sequence[int]]]) -> list[list[str]]:
    """Return a path for each cell: the histogram of its counts on a logarithmic scale that all cells share.

    Parameters
    ----------
    cells
        Rows of cells of equally many counts.
    """
    most = max((number for row in cells for counts in row for number in counts), default=0)
    return [[_steps(counts, most) for counts in row] for row in cells]


def _steps(counts: Sequence[int], most: int) -> str:
    wide, path = CELL_WIDTH / max(len(counts), 1), ""
    for place, number in enumerate(counts):
        if number:
            # One image is to be seen, however many there are elsewhere.
            high = CELL_HEIGHT * (0.25 + 0.75 * math.log(number) / math.log(max(most, 2)))
            path += f"M{place * wide:.1f} {CELL_HEIGHT}v{-high:.1f}h{wide:.1f}v{high:.1f}z"
    return path


@dataclass(frozen=True)
class Reliability:
    """Points in a box of `WIDTH` x `HEIGHT`: confidence to the right, share of right answers upwards.

    Attributes
    ----------
    honest
        Path of the line on which confidence means what it says.
    points
        (x, y, radius, number of images, sentence).
    """

    honest: str
    points: tuple[tuple[float, float, float, int, str], ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def reliability(bins: Sequence[tuple[float, float, int]]) -> Reliability:
    """Return what confidence means as a chart, from (confidence, share right, number of images)."""

    def at(confidence: float, right: float) -> tuple[float, float]:
        across = _LEFT + confidence * (WIDTH - _LEFT - _RIGHT)
        return round(across, 1), round(HEIGHT - _BOTTOM - right * (HEIGHT - _TOP - _BOTTOM), 1)

    most = max((images for *_, images in bins), default=1)
    points = tuple(
        (*at(confidence, right), round(3 + 4 * math.sqrt(images / most), 1), images,
         f"where it is {confidence:.2f} sure, {right:.2f} of {images} images are right")
        for confidence, right, images in bins
    )  # fmt: skip
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    return Reliability(f"M{x0} {y0}L{x1} {y1}", points)
