"""Reading the next images while a network looks at these."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from hydra_core.models.arrays import Images
from hydra_core.models.engine import BATCH

Wanted = TypeVar("Wanted")

#: Batches that are being read while one is looked at: one to go on with, one because images differ in cost.
_AHEAD = 2


def read_ahead(
    groups: Iterable[Sequence[Wanted]], read: Callable[[Wanted], Images], *, threads: int, batch: int = BATCH
) -> Iterator[tuple[Sequence[Wanted], Images]]:
    """Yield what is wanted in batches, with its images; the next batches are read meanwhile.

    Memory holds three batches at most, however many images are wanted.

    Parameters
    ----------
    groups
        A batch never holds members of two groups; groups may have images of different sizes.
    read
        Returns one image: uint8, shape (h, w, 3). Called from several threads at a time.
    threads
        Cores this job was given.

    Yields
    ------
    tuple
        Members of one group, `batch` at most, and their images: uint8, shape (n, h, w, 3).
    """
    pieces = (group[first : first + batch] for group in groups for first in range(0, len(group), batch))

    def read_all(some: Sequence[Wanted]) -> list[Images]:
        return [read(one) for one in some]

    with ThreadPoolExecutor(max_workers=threads) as pool:
        reading: deque[tuple[Sequence[Wanted], list[Future[list[Images]]]]] = deque()
        for piece in pieces:
            # One task for each thread and not for each image: handing over a small image costs more than reading it.
            share = -(-len(piece) // threads)
            parts = (piece[first : first + share] for first in range(0, len(piece), share))
            reading.append((piece, [pool.submit(read_all, part) for part in parts]))
            if len(reading) > _AHEAD:
                yield _whole(*reading.popleft())
        while reading:
            yield _whole(*reading.popleft())


def _whole(piece: Sequence[Wanted], parts: list[Future[list[Images]]]) -> tuple[Sequence[Wanted], Images]:
    return piece, np.stack([image for part in parts for image in part.result()])
