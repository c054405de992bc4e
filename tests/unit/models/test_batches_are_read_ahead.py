from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.batches import read_ahead


def picture(number: int) -> np.ndarray:
    return np.full((2 + number // 100, 3, 3), number % 251, np.uint8)


@given(sizes=st.lists(st.integers(0, 20), max_size=6), batch=st.integers(1, 9), threads=st.integers(1, 3))
def test_everything_comes_once_in_order_and_groups_do_not_mix(sizes: list[int], batch: int, threads: int) -> None:
    groups = [[100 * place + number for number in range(size)] for place, size in enumerate(sizes)]
    seen: list[int] = []
    for piece, images in read_ahead(groups, picture, threads=threads, batch=batch):
        assert 1 <= len(piece) <= batch
        assert len({number // 100 for number in piece}) == 1
        assert [int(image[0, 0, 0]) for image in images] == [number % 251 for number in piece]
        seen += piece
    assert seen == [number for group in groups for number in group]


def test_the_next_images_are_read_while_these_are_looked_at() -> None:
    read: list[int] = []
    ready = threading.Event()

    def note(number: int) -> np.ndarray:
        read.append(number)
        if len(read) >= 8:
            ready.set()
        return picture(number)

    pieces = read_ahead([list(range(40))], note, threads=2, batch=4)
    next(pieces)
    assert ready.wait(30)
    time.sleep(0.05)
    # Three batches at most, so memory does not grow with the run.
    assert 8 <= len(read) <= 12
    assert len(list(pieces)) == 9


def test_a_defect_of_one_image_is_told() -> None:
    def broken(number: int) -> np.ndarray:
        if number == 5:
            raise RuntimeError("image 5 is damaged")
        return picture(number)

    with pytest.raises(RuntimeError, match="image 5"):
        list(read_ahead([list(range(9))], broken, threads=2, batch=2))
