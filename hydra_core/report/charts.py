"""Small charts as numbers for inline SVG: no library, no script."""

from __future__ import annotations

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
