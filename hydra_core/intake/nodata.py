"""Is a plot empty? A rule that looks at pixels only, for pictures of which no numbers are kept.

The rule ``nodata-1``:

1. The frames of the picture's axes are found: a long unbroken lower line (or the lower edge of a filled area) with a
   closed left side, and nothing but the picture's ground beyond the two. Narrow ones (colour bars) do not count.
   Without a frame the whole picture is looked at.
2. Inside each frame the commonest colour is the ground, be it white or the zero colour of a colour map.
3. What differs from the ground by more than 32 of 255 in any channel is ink, except for thin pale grey strokes (the
   detector's outline, guide lines), grid lines (edge to edge, pale or broken), ticks that point inwards, a zero line
   (flat, at the lower edge or in the very middle) and boxes of text in the upper half (statistics, legend).
4. The plot is empty when less than 2 pixels (and less than 1 % of the area) are ink.

It errs on the side of content: a mark that it does not know counts as ink. A histogram that is constant all over
cannot be told from an empty one by pixels; where numbers are kept, they decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.histograms.histogram import Histogram

NODATA_RULE = "nodata-1"

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
#: Red, green and blue, uint8 of shape (height, width) each: whole planes are compared many times faster than pixels.
Planes = tuple[Pixels, Pixels, Pixels]
Colour = tuple[int, int, int]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class NoData:
    """Whether a plot is empty, the share of its area (0..1) that holds ink, and why, in a sentence."""

    empty: bool
    ink: float
    sentence: str


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `bottom` and `right` are the first row and column behind it."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def overlaps(self, other: Box) -> bool:
        """Say whether two rectangles share a pixel."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


def is_empty_plot(rgb: Pixels) -> NoData:
    """Say whether a plot shows axes and no data.

    Parameters
    ----------
    rgb
        uint8, shape (height, width, 3).
    """
    planes = _planes(rgb)
    edges = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    distance = _distance(planes, _commonest(_planes(edges[None])))
    drawn = distance > _CONTRAST
    frames = find_frames(drawn) or find_frames(_closed(distance > _FAINT))
    if not frames or _more_outside(planes, drawn, frames):
        ink = int(np.count_nonzero(_distance(planes, _commonest(planes)) > _CONTRAST))
        return _verdict(ink, rgb.shape[0] * rgb.shape[1], "the picture")
    inked = [_ink_inside(_planes(rgb[box.top + 2 : box.bottom - 2, box.left + 2 : box.right - 2])) for box in frames]
    area = sum(box.area for box in frames)
    return _verdict(sum(inked), area, "its frame" if len(frames) == 1 else f"its {len(frames)} frames")


def is_empty_histogram(hist: Histogram) -> NoData:
    """Say whether a histogram holds nothing; `ink` is the share of its bins that hold something."""
    contents = hist.values if hist.mask is None else hist.values[~hist.mask]
    filled = int(np.isfinite(contents).sum() if hist.ratio is not None else np.count_nonzero(np.nan_to_num(contents)))
    share = filled / max(1, contents.size)
    if filled == 0:
        return NoData(True, 0.0, f"none of its {contents.size} bins holds anything ({hist.entries:.0f} entries)")
    return NoData(False, share, f"{filled} of {contents.size} bins hold something ({hist.entries:.0f} entries)")


def find_frames(drawn: Mask) -> list[Box]:
    """Return the frames of axes in a picture, without colour bars, from the top down.

    Parameters
    ----------
    drawn
        bool, shape (height, width): where the picture differs from its ground.
    """
    height, width = drawn.shape
    found: list[Box] = []
    rows, lefts, rights = _runs(drawn, max(12, int(_LEAST_SIDE * width)))
    climbs, sides = _climbs(drawn, rows, lefts)
    high = climbs >= max(12, _LEAST_SIDE * height)
    lines = (values[high].tolist() for values in (rows, lefts, rights, climbs, sides))
    for row, left, right, climb, side in zip(*lines, strict=True):
        if any(box.top <= row < box.bottom and box.left <= left + 8 and right <= box.right + 2 for box in found):
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


def _more_outside(planes: Planes, drawn: Mask, frames: list[Box]) -> bool:
    """Say whether the frames found are not what the picture is about: small ones, or much colour beside them."""
    outside = drawn.copy()
    for box in frames:
        outside[box.top : box.bottom, box.left : box.right] = False
    outside &= _spread(planes) > 60
    coloured = int(np.count_nonzero(outside))
    return sum(box.area for box in frames) < 0.2 * drawn.size or coloured > 0.12 * drawn.size


def _ink_inside(inner: Planes) -> int:
    """Count the pixels of a frame's inside that are data."""
    ground = _commonest(inner)
    distance = _distance(inner, ground)
    ink = distance > _CONTRAST
    _erase_lines(ink, distance, _per_row(ink), levels=True)
    _erase_lines(ink.T, distance.T, _per_column(ink), levels=False)
    count = int(np.count_nonzero(ink))
    if count / ink.size > _SURELY_INK:
        return count
    _erase_boxes(ink)
    _erase_pale_strokes(ink, inner, ground, distance)
    _erase_ticks(ink)
    _erase_ticks(ink.T)
    return int(np.count_nonzero(ink))


def _erase_pale_strokes(ink: Mask, inner: Planes, ground: Colour, distance: Pixels) -> None:
    """Take thin strokes away where the ground is only shaded, without colour: outlines and guide lines."""
    rows, columns = np.nonzero(ink & (distance < _PALE))
    shift = np.stack([plane[rows, columns].astype(np.int16) - base for plane, base in zip(inner, ground, strict=True)])
    shaded = shift.max(axis=0) - shift.min(axis=0) <= 12
    if shaded.any():
        rows, columns = rows[shaded], columns[shaded]
        ink[rows, columns] = _thick(ink)[rows, columns]


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


def _erase_lines(ink: Mask, distance: Pixels, inked: Numbers, *, levels: bool) -> None:
    """Take grid lines away, and with `levels` a zero line: rows that are inked along and thin across.

    Parameters
    ----------
    inked
        Number of inked pixels of each row.
    """
    height, width = ink.shape
    for top, bottom in _stretches(inked >= 0.3 * width):
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
    lines = (values.tolist() for values in _runs(ink, max(12, int(0.08 * width))))
    for row, left, right in zip(*lines, strict=True):
        wide, low = right - left > 0.6 * width, row > 0.7 * height
        climb = _climb(ink, row, left)
        top = row + 1 - climb
        if wide or low or climb < 8 or top > 0.5 * height:
            continue
        open_right = right < width - 2 and _climb(ink, row, right - 1) < 0.8 * climb
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
    return all(part.size == 0 or np.count_nonzero(part) / part.size < 0.3 for part in (below, beside))


def _climb(mask: Mask, row: int, column: int) -> int:
    return int(_climbs(mask, np.array([row]), np.array([column]))[0][0])


def _climbs(mask: Mask, rows: Numbers, columns: Numbers) -> tuple[Numbers, Numbers]:
    """Return how many rows lines go up from corners, and their columns: a corner may be off by a tick's length."""
    width = mask.shape[1]
    reach = np.clip(columns[:, None] + np.arange(-2, 3 + width // 60), 0, width - 1)
    asked = np.zeros(width, np.bool_)
    asked[reach] = True
    place = np.cumsum(asked) - 1
    part = mask[:, asked]
    gaps = np.maximum.accumulate(np.where(part, -1, np.arange(len(mask))[:, None]), axis=0)
    # Rounded corners: the side begins up to three rows above the line.
    climbs = rows[:, None] - gaps[np.maximum(0, rows - 3)[:, None], place[reach]]
    best = climbs.argmax(axis=1)[:, None]
    highest = np.take_along_axis(climbs, best, axis=1)[:, 0]
    sides = np.take_along_axis(reach, best, axis=1)[:, 0]
    return highest, np.where(highest > 0, sides, columns)


def _runs(mask: Mask, least: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return (row, first column, column behind the last) of each unbroken run of at least `least` pixels, upwards."""
    width = mask.shape[1] + 1
    padded = np.zeros(mask.shape[0] * width + 1, np.bool_)
    padded[1:].reshape(-1, width)[:, :-1] = mask
    # One pixel of ground ends each row, so in the flat picture every run is a step up and a step down.
    steps = np.flatnonzero(padded[1:] != padded[:-1])
    starts, ends = steps[::2], steps[1::2]
    long = np.flatnonzero(ends - starts >= least)[::-1]
    rows, lefts = np.divmod(starts[long], width)
    return rows, lefts, lefts + ends[long] - starts[long]


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


def _planes(rgb: Pixels) -> Planes:
    red, green, blue = (np.ascontiguousarray(rgb[:, :, channel]) for channel in range(3))
    return red, green, blue


def _commonest(planes: Planes) -> Colour:
    """Return the commonest colour of pixels: the median of the fullest of 32 768 colour bins."""
    guess = _frequent(planes)
    if guess is not None:
        return guess
    red, green, blue = (plane.ravel() for plane in planes)
    bins = (red >> 3).astype(np.uint16) << 10
    bins |= (green >> 3).astype(np.uint16) << 5
    bins |= blue >> 3
    chosen = bins == np.bincount(bins).argmax()
    return _median(red[chosen]), _median(green[chosen]), _median(blue[chosen])


def _frequent(planes: Planes) -> Colour | None:
    """Return the colour that more than half of all pixels have, if a sample shows it.

    It is then the median of its bin and its bin the fullest, so nothing needs to be counted.
    """
    step = max(1, min(planes[0].shape) // 16)
    red, green, blue = (plane[::step, ::step].ravel().astype(np.uint32) for plane in planes)
    sample = np.sort((red << 16) | (green << 8) | blue)
    middle = int(sample[len(sample) // 2]) if len(sample) else 0
    colour = (middle >> 16, middle >> 8 & 255, middle & 255)
    same = planes[0] == colour[0]
    same &= planes[1] == colour[1]
    same &= planes[2] == colour[2]
    return colour if 2 * int(np.count_nonzero(same)) > same.size else None


def _median(values: Pixels) -> int:
    """Return the median of numbers 0 to 255, rounded down."""
    below = np.cumsum(np.bincount(values, minlength=256))
    low, high = np.searchsorted(below, [(len(values) - 1) // 2, len(values) // 2], side="right")
    return int(low + high) // 2


def _distance(planes: Planes, colour: Colour) -> Pixels:
    """Return the largest difference of the channels, shape (height, width)."""
    distance = np.zeros_like(planes[0])
    for plane, value in zip(planes, colour, strict=True):
        # A whole plane of the colour: comparing bytes with one number is twenty times slower.
        base = np.full_like(plane, value)
        np.maximum(distance, np.maximum(plane, base) - np.minimum(plane, base), out=distance)
    return distance


def _spread(planes: Planes) -> Pixels:
    """Return how far the channels of each pixel are apart: 0 for grey."""
    red, green, blue = planes
    spread: Pixels = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return spread


def _per_row(mask: Mask) -> Numbers:
    counted: Numbers = mask.view(np.uint8).sum(axis=1, dtype=np.int64)
    return counted


def _per_column(mask: Mask) -> Numbers:
    """Return how many values of each column are true; in strips, since sums of bytes stay bytes up to 255 rows."""
    counted = np.zeros(mask.shape[1], np.int64)
    for top in range(0, len(mask), 255):
        counted += np.add.reduce(mask[top : top + 255].view(np.uint8), axis=0, dtype=np.uint8)
    return counted
