from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models.pixels import model_input


@given(h=st.integers(1, 90), w=st.integers(1, 90), size=st.tuples(st.integers(1, 70), st.integers(1, 70)))
def test_any_image_comes_out_in_the_size_asked_for(h: int, w: int, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(h * 100 + w).integers(0, 256, (h, w, 3)).astype(np.uint8)
    made = model_input(rgb, size)
    assert made.shape == (*size, 3)
    assert made.dtype == np.uint8
    assert rgb.min() <= made.min()
    assert made.max() <= rgb.max()


def test_a_line_one_pixel_wide_does_not_vanish() -> None:
    for column in range(20, 30):
        rgb = np.full((400, 600, 3), 255, np.uint8)
        rgb[:, column] = 0
        assert model_input(rgb, (128, 128)).min() < 235


def test_an_image_of_the_right_size_is_not_touched() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    assert np.array_equal(model_input(rgb, (64, 48)), rgb)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_anything_but_rgb_bytes_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        model_input(wrong, (8, 8))
