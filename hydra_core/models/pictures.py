"""Training images, read in batches from wherever they lie, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hydra_core.models.arrays import Images, Ints

#: Gets indices, shape (n,); returns uint8 of shape (n, h, w, 3).
Provider = Callable[[Ints], Images]

#: Images that are read at a time where all of them are looked at.
PIECE = 256

#: More bytes than this are kept in a file instead of in memory.
IN_MEMORY = 512 * 2**20


def provider_of(images: Images | Provider) -> Provider:
    """Return a provider; an array (also one that is mapped from a file) gives its own images."""
    if not isinstance(images, np.ndarray):
        return images
    held = images

    def taken(which: Ints) -> Images:
        return np.ascontiguousarray(held[which])

    return taken


def pieces(which: Ints, size: int = PIECE) -> Iterator[Ints]:
    """Yield indices in pieces of at most `size`."""
    for start in range(0, len(which), size):
        yield which[start : start + size]


@contextmanager
def room_for(n: int, size: tuple[int, int], folder: Path, *, in_memory: int = IN_MEMORY) -> Iterator[Images]:
    """Yield an array for `n` images: in memory, or in a file of `folder` where they are many.

    The file is gone at the end; the system keeps of it in memory what there is room for.

    Parameters
    ----------
    size
        Height and width in pixels.
    in_memory
        Bytes from which on a file is used.

    Yields
    ------
    numpy.ndarray
        uint8, shape (n, height, width, 3), to be filled.
    """
    shape = (n, *size, 3)
    if n * size[0] * size[1] * 3 <= in_memory:
        yield np.zeros(shape, np.uint8)
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "images.raw"
    try:
        yield np.memmap(path, np.uint8, "w+", shape=shape)
    finally:
        path.unlink(missing_ok=True)
