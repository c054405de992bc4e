"""Images that are nearly the same: on two sides of a split they would make a test of memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from hydra_core.models.arrays import Bools, Images, Ints, Names
from hydra_core.models.pictures import Provider, pieces

#: Cells along each side of the small grey image that is compared.
CELLS = 32
#: Grey levels by which neighbouring cells must differ to count as structure.
_STEP = 3
_BITS = 2 * CELLS * CELLS
_ROWS = 512
_ONES_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1, dtype=np.uint8)


def structure(rgb: Images) -> Bools:
    """Return where one image becomes brighter and where darker, from left to right: bool, shape (2048,).

    A difference hash of 32 x 32 cells in two bits each: flat parts are zeros, so what is compared is the structure.
    """
    grey = Image.fromarray(rgb).convert("L").resize((CELLS + 1, CELLS), Image.Resampling.BOX)
    cells = np.asarray(grey, dtype=np.int16)
    step = cells[:, 1:] - cells[:, :-1]
    return np.concatenate([(step > _STEP).ravel(), (step < -_STEP).ravel()])


def structures(images: Provider, n: int) -> Images:
    """Return the structures of images 0..n-1, packed: uint8, shape (n, 256)."""
    made = np.zeros((n, _BITS // 8), np.uint8)
    for piece in pieces(np.arange(n)):
        made[piece] = np.packbits(np.stack([structure(one) for one in images(piece)]), axis=1)
    return made


def near(one: Images, others: Images, share: float) -> Bools:
    """Say of which of `others` an image is a copy, or nearly: bool, shape (m,).

    Two images are near when they differ in at most `share` of the structure of the one that has more.

    Parameters
    ----------
    one, others
        Packed structures: uint8, shapes (256,) and (m, 256).
    """
    found: Bools = _near_pairs(np.atleast_2d(one), others, share)[0]
    return found


def leave_out_copies(
    sides: Names, order: Sequence[str], left_out: str, hashes: Sequence[str] | None, packed: Images | None, share: float
) -> int:
    """Keep equal and nearly equal images on one side: that of `order` which comes first. `sides` is changed.

    Parameters
    ----------
    sides
        Side of each image, shape (n,).
    left_out
        What the others become.
    hashes
        Equal ones mean equal images.
    packed
        Structures of `structures`, shape (n, 256); None where only equal images count.
    share
        See `near`.

    Returns
    -------
    int
        How many were left out.
    """
    home: dict[str, str] = {}
    kept: Ints = np.empty(0, np.int64)
    count = 0
    for side in order:
        mine = np.flatnonzero(sides == side)
        gone = np.zeros(len(mine), np.bool_)
        if hashes is not None:
            gone |= np.array([home.setdefault(hashes[i], side) != side for i in mine], np.bool_)
        if packed is not None and len(kept) and len(mine):
            gone |= _has_near(packed[mine], packed[kept], share)
        sides[mine[gone]] = left_out
        count += int(gone.sum())
        kept = np.concatenate([kept, mine[~gone]])
    return count


def _has_near(some: Images, others: Images, share: float) -> Bools:
    others = np.unique(others, axis=0)
    weight = _ones(others)
    rank = np.argsort(weight, kind="stable")
    others, weight = others[rank], weight[rank]
    found = np.zeros(len(some), np.bool_)
    mine = _ones(some)
    by_weight = np.argsort(mine, kind="stable")
    for start in range(0, len(some), _ROWS):
        rows = by_weight[start : start + _ROWS]
        # Only images with about as much structure can be near: the rest is never compared.
        low, high = mine[rows].min() * (1 - share), mine[rows].max() / (1 - share)
        window = slice(int(np.searchsorted(weight, low - 1)), int(np.searchsorted(weight, high + 1, "right")))
        for first in range(window.start, window.stop, 8 * _ROWS):
            part = others[first : min(first + 8 * _ROWS, window.stop)]
            found[rows] |= _near_pairs(some[rows], part, share).any(1)
    return found


def _near_pairs(some: Images, others: Images, share: float) -> Bools:
    a, b = (np.unpackbits(packed, axis=1).astype(np.float32) for packed in (some, others))
    in_a, in_b = a.sum(1), b.sum(1)
    # Sums of at most 2048 ones are exact in float32, and a matrix product is the fastest way to count.
    differ = in_a[:, None] + in_b[None, :] - 2 * (a @ b.T)
    near_enough: Bools = differ <= share * np.maximum(in_a[:, None], in_b[None, :])
    return near_enough


def _ones(packed: Images) -> Ints:
    ones: Ints = _ONES_OF_BYTE[packed].sum(1, dtype=np.int64)
    return ones
