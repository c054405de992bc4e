from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hydra_core.models.asked import InputSpec
from hydra_core.models.pixels import PREPROCESSING_HASH, edge_colour, model_input, preprocessing_hash


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


def test_a_pair_means_the_whole_plot_stretched() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    assert np.array_equal(model_input(rgb, (32, 24)), model_input(rgb, InputSpec(size=(32, 24))))


@given(
    h=st.integers(8, 60),
    w=st.integers(8, 60),
    corner=st.tuples(st.floats(0, 0.8), st.floats(0, 0.8)),
    extent=st.tuples(st.floats(0.01, 0.2), st.floats(0.01, 0.2)),
)
def test_what_lies_under_a_mask_changes_nothing(
    h: int, w: int, corner: tuple[float, float], extent: tuple[float, float]
) -> None:
    left, top = corner
    right, bottom = left + extent[0], top + extent[1]
    spec = InputSpec(size=(32, 32), masks=((left, top, right, bottom),))
    plain = np.full((h, w, 3), 250, np.uint8)
    plain[h // 2, w // 2] = 7
    other = plain.copy()
    rows = slice(math.floor(top * h), math.ceil(bottom * h))
    other[rows, math.floor(left * w) : math.ceil(right * w)] = np.random.default_rng(h * w).integers(0, 256, 3)
    other[0, 0], other[-1, -1] = plain[0, 0], plain[-1, -1]
    spec_edge = edge_colour(plain)
    if np.array_equal(edge_colour(other), spec_edge) and left > 0.05 and top > 0.05:
        assert np.array_equal(model_input(plain, spec), model_input(other, spec))


def test_a_mask_takes_the_commonest_colour_of_the_edge() -> None:
    rgb = np.full((20, 20, 3), (10, 20, 30), np.uint8)
    rgb[0, :5] = 255
    rgb[5:15, 5:15] = 200
    seen = model_input(rgb, InputSpec(size=(20, 20), masks=((0.25, 0.25, 0.75, 0.75),)))
    assert edge_colour(rgb).tolist() == [10, 20, 30]
    assert (seen[5:15, 5:15] == (10, 20, 30)).all()
    assert (seen[0, :5] == 255).all()


def test_padding_keeps_proportions_and_fills_with_the_edge() -> None:
    rgb = np.full((20, 40, 3), 240, np.uint8)
    rgb[5:15, 15:25] = 0
    seen = model_input(rgb, InputSpec(size=(32, 32), aspect="pad"))
    dark = np.argwhere(seen[..., 0] < 120)
    height, width = np.ptp(dark, axis=0) + 1
    assert height == width == 8
    assert (seen[:8] == 240).all()
    assert (seen[24:] == 240).all()


def test_the_identity_of_preparing_tells_masks_and_aspect_apart_and_leaves_the_size_out() -> None:
    plain = InputSpec()
    others = [
        plain.model_copy(update={"aspect": "pad"}),
        plain.model_copy(update={"masks": ((0.0, 0.0, 1.0, 0.1),)}),
        plain.model_copy(update={"masks": ((0.0, 0.0, 1.0, 0.2),)}),
    ]
    found = [preprocessing_hash(spec) for spec in (plain, *others)]
    assert len(set(found)) == 4
    assert found[0] == PREPROCESSING_HASH == preprocessing_hash(InputSpec(size=(64, 32)))


@pytest.mark.parametrize("box", [(0.5, 0, 0.5, 1), (0, 0.2, 1, 0.1), (0, 0, 1.2, 0.1), (0, 0, 1)])
def test_a_box_that_is_none_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        InputSpec.model_validate({"masks": [box]})
