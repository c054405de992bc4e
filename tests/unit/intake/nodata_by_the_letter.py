"""The rule ``nodata-1`` pixel by pixel, slow and plain: what the fast one of `hydra_core.intake.nodata` must say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.nodata import Box, NoData

_CONTRAST = 32
#: Some styles draw no frame but a ground that is only a little darker than the paper.
_FAINT = 10
_PALE = 110
#: Dashes are shorter than this share of a grid line.
_DASH = 0.15
_LEAST_PIXELS = 2
_LEAST_SHARE = 0.01
#: Above this share of ink, boxes and ticks cannot be all there is.
_SURELY_INK = 0.05
_LEAST_SIDE = 0.10
_TICK = 0.045
_LINE_WIDTH = 4

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


def is_empty_plot(rgb: Pixels) -> NoData:
    """Say whether a plot shows axes and no data.

    Parameters
    ----------
    rgb
        uint8, shape (height, width, 3).
    """
    edges = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    distance = _distance(rgb, _commonest(edges))
    drawn = distance > _CONTRAST
    frames = find_frames(drawn) or find_frames(_closed(distance > _FAINT))
    if not frames or _more_outside(rgb, drawn, frames):
        ink = int((_distance(rgb, _commonest(rgb.reshape(-1, 3))) > _CONTRAST).sum())
        return _verdict(ink, rgb.shape[0] * rgb.shape[1], "the picture")
    inked = [_ink_inside(rgb[box.top + 2 : box.bottom - 2, box.left + 2 : box.right - 2]) for box in frames]
    area = sum(box.area for box in frames)
    return _verdict(sum(inked), area, "its frame" if len(frames) == 1 else f"its {len(frames)} frames")


def find_frames(drawn: Mask) -> list[Box]:
    """Return the frames of axes in a picture, without colour bars, from the top down.

    Parameters
    ----------
    drawn
        bool, shape (height, width): where the picture differs from its ground.
    """
    height, width = drawn.shape
    found: list[Box] = []
    for row, left, right in _runs(drawn, max(12, int(_LEAST_SIDE * width))):
        if any(box.top <= row < box.bottom and box.left <= left + 8 and right <= box.right + 2 for box in found):
            continue
        climb, side = _climb(drawn, row, left)
        if climb < max(12, _LEAST_SIDE * height):
            continue
        box = Box(row + 1 - climb, row + 1, side, right)
        if _stands_free(drawn, box):
            found.append(box)
    kept: list[Box] = []
    for box in sorted(found, key=lambda box: (-box.area, box.top, box.left)):
        if not any(box.overlaps(other) for other in kept):
            kept.append(box)
    return sorted(kept, key=lambda box: (box.top, box.left))


def _verdict(ink: int, area: int, place: str) -> NoData:
    share = ink / area
    if ink < _LEAST_PIXELS and share < _LEAST_SHARE:
        said = f"there is nothing inside {place}: {ink} of {area} pixels differ from the background"
        return NoData(True, share, said)
    return NoData(False, share, f"{100 * share:.2g} % of {place} differs from the background")


def _more_outside(rgb: Pixels, drawn: Mask, frames: list[Box]) -> bool:
    """Say whether the frames found are not what the picture is about: small ones, or much colour beside them."""
    outside = drawn.copy()
    for box in frames:
        outside[box.top : box.bottom, box.left : box.right] = False
    beside = rgb[outside].astype(np.int16)
    coloured = int((beside.max(axis=1) - beside.min(axis=1) > 60).sum()) if len(beside) else 0
    return sum(box.area for box in frames) < 0.2 * drawn.size or coloured > 0.12 * drawn.size


def _ink_inside(inner: Pixels) -> int:
    """Count the pixels of a frame's inside that are data."""
    ground = _commonest(inner.reshape(-1, 3))
    distance = _distance(inner, ground)
    ink = distance > _CONTRAST
    _erase_lines(ink, distance, levels=True)
    _erase_lines(ink.T, distance.T, levels=False)
    if ink.mean() > _SURELY_INK:
        return int(ink.sum())
    _erase_boxes(ink)
    ink &= ~(_pale_strokes(inner, ground, distance) & ~_thick(ink))
    _erase_ticks(ink)
    _erase_ticks(ink.T)
    return int(ink.sum())


def _pale_strokes(inner: Pixels, ground: NDArray[np.int16], distance: NDArray[np.int16]) -> Mask:
    """Return where the ground is only shaded, without colour: candidates for outlines and guide lines."""
    shift = inner.astype(np.int16) - ground
    shaded: Mask = (distance < _PALE) & (shift.max(axis=2) - shift.min(axis=2) <= 12)
    return shaded


def _thick(ink: Mask) -> Mask:
    """Return the ink that is part of a filled square of 3 x 3 pixels."""
    padded = np.pad(ink, 2)
    inner = np.ones((ink.shape[0] + 2, ink.shape[1] + 2), bool)
    shifts = [(down, across) for down in range(3) for across in range(3)]
    for down, across in shifts:
        inner &= padded[down : down + inner.shape[0], across : across + inner.shape[1]]
    thick = np.zeros_like(ink)
    for down, across in shifts:
        thick |= inner[down : down + ink.shape[0], across : across + ink.shape[1]]
    return thick


def _erase_lines(ink: Mask, distance: NDArray[np.int16], *, levels: bool) -> None:
    """Take grid lines away, and with `levels` a zero line: rows that are inked along and thin across."""
    height, width = ink.shape
    along = ink.sum(axis=1) >= 0.3 * width
    for top, bottom in _stretches(along):
        if bottom - top > _LINE_WIDTH:
            continue
        places = np.flatnonzero(ink[top:bottom].any(axis=0))
        first, last = int(places[0]), int(places[-1])
        strong = (distance[top:bottom] >= _PALE).any(axis=0)
        longest = max((end - start for start, end in _stretches(strong)), default=0)
        grid = first <= 2 and last >= width - 3 and longest < _DASH * width
        middle = (top + bottom) / 2 / height
        unbroken = max(end - start for start, end in _stretches(ink[top:bottom].any(axis=0)))
        level = levels and unbroken >= 0.85 * (last - first + 1)
        zero = level and (abs(middle - 0.5) < 0.02 or middle > 0.97)
        if grid or zero:
            ink[max(0, top - 1) : bottom + 1] = False


def _erase_boxes(ink: Mask) -> None:
    """Take boxes of text away: closed rectangles in the upper half that are mostly ground."""
    height, width = ink.shape
    for row, left, right in _runs(ink, max(12, int(0.08 * width))):
        wide, low = right - left > 0.6 * width, row > 0.7 * height
        climb, _ = _climb(ink, row, left)
        top = row + 1 - climb
        if wide or low or climb < 8 or top > 0.5 * height:
            continue
        open_right = right < width - 2 and _climb(ink, row, right - 1)[0] < 0.8 * climb
        open_top = top > 2 and ink[max(0, top - 3) : top + 3, left:right].any(axis=0).mean() < 0.8
        if not open_right and not open_top and ink[top + 2 : row - 1, left + 2 : right - 2].mean() < 0.35:
            ink[max(0, top - 4) : row + 2, max(0, left - 2) : right + 2] = False


def _erase_ticks(ink: Mask) -> None:
    """Take short thin strokes away that stand on the first or the last row."""
    height = ink.shape[0]
    reach = max(4, int(_TICK * height))
    for strip, beyond in ((ink[:reach], ink[reach]), (ink[-reach:], ink[-reach - 1])):
        for first, last in _stretches(strip.any(axis=0)):
            if last - first <= _LINE_WIDTH and not beyond[first:last].any():
                strip[:, first:last] = False


def _stands_free(drawn: Mask, box: Box) -> bool:
    """Say whether beyond the left side and the lower line of a box there is mostly ground."""
    below = drawn[box.bottom + 2 : box.bottom + 3, box.left : box.right]
    beside = drawn[box.top : box.bottom, max(0, box.left - 4) : max(0, box.left - 3)]
    return (below.size == 0 or below.mean() < 0.3) and (beside.size == 0 or beside.mean() < 0.3)


def _climb(mask: Mask, row: int, column: int) -> tuple[int, int]:
    """Return how many rows a line goes up from a corner, and its column: the corner may be off by a tick's length."""
    reach = range(max(0, column - 2), min(mask.shape[1], column + 3 + mask.shape[1] // 60))
    best, place = 0, column
    for nearby in reach:
        # Rounded corners: the side begins up to three rows above the line.
        gaps = np.flatnonzero(~mask[: max(1, row - 2), nearby])
        climb = row - int(gaps[-1]) if len(gaps) else row + 1
        if climb > best:
            best, place = climb, nearby
    return best, place


def _runs(mask: Mask, least: int) -> Iterator[tuple[int, int, int]]:
    """Yield (row, first column, column behind the last) of each unbroken run of at least `least` pixels, upwards."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    for index in np.flatnonzero(ends - starts >= least)[::-1]:
        yield int(rows[index]), int(starts[index]), int(ends[index])


def _closed(mask: Mask) -> Mask:
    """Return a mask without gaps of up to 4 pixels along rows and columns: white grid lines on a grey ground."""
    filled = mask.copy()
    for axis in (0, 1):
        wide = mask.copy()
        for step in (1, 2):
            wide |= np.roll(mask, step, axis) | np.roll(mask, -step, axis)
        narrow = wide.copy()
        for step in (1, 2):
            narrow &= np.roll(wide, step, axis) & np.roll(wide, -step, axis)
        filled |= narrow
    return filled


def _stretches(flags: Mask) -> list[tuple[int, int]]:
    """Return (first, behind the last) of each stretch of true values."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return [
        (int(first), int(last))
        for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
    ]


def _commonest(pixels: Pixels) -> NDArray[np.int16]:
    """Return the commonest colour of pixels (n, 3): the median of the fullest of 32 768 colour bins."""
    red, green, blue = ((pixels[:, channel] >> 3).astype(np.int32) for channel in range(3))
    bins = (red << 10) | (green << 5) | blue
    fullest = int(np.bincount(bins).argmax())
    colour: NDArray[np.int16] = np.median(pixels[bins == fullest], axis=0).astype(np.int16)
    return colour


def _distance(rgb: Pixels, colour: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the largest difference of the channels, shape (height, width)."""
    red, green, blue = (np.abs(rgb[:, :, channel].astype(np.int16) - colour[channel]) for channel in range(3))
    distance: NDArray[np.int16] = np.maximum(np.maximum(red, green), blue)
    return distance
