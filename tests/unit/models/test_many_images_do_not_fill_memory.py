from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hydra_core.models.pictures import pieces, provider_of, room_for


@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_room_is_filled_and_read_alike_in_memory_and_in_a_file(tmp_path: Path, in_memory: int) -> None:
    with room_for(5, (4, 6), tmp_path / "work", in_memory=in_memory) as images:
        assert (images.shape, images.dtype) == ((5, 4, 6, 3), np.uint8)
        for number in range(5):
            images[number] = number
        taken = provider_of(images)(np.array([3, 1]))
        assert (tmp_path / "work" / "images.raw").exists() == (in_memory == 0)
    assert taken[:, 0, 0, 0].tolist() == [3, 1]
    assert not (tmp_path / "work" / "images.raw").exists()


def test_a_provider_of_a_site_is_asked_as_it_is() -> None:
    def made(which: np.ndarray) -> np.ndarray:
        return np.full((len(which), 2, 2, 3), 7, np.uint8)

    assert provider_of(made) is made


def test_pieces_hold_all_indices_once_in_their_order() -> None:
    assert [piece.tolist() for piece in pieces(np.arange(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(pieces(np.arange(0), 2)) == []
