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
    with ThreadPoolExecutor(max_workers=threads) as pool:
        reading: deque[tuple[Sequence[Wanted], list[Future[Images]]]] = deque()
        for piece in pieces:
            reading.append((piece, [pool.submit(read, one) for one in piece]))
            if len(reading) > _AHEAD:
                yield _whole(*reading.popleft())
        while reading:
            yield _whole(*reading.popleft())


def _whole(piece: Sequence[Wanted], images: list[Future[Images]]) -> tuple[Sequence[Wanted], Images]:
    return piece, np.stack([image.result() for image in images])
