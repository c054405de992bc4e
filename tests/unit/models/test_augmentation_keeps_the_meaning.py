from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hydra_core.models.asked import TrainSpec
from hydra_core.models.augment import augmented, shifted

NAMES = ("shift", "flip_x", "flip_y", "rotate90", "brightness")


def spec(*names: str) -> TrainSpec:
    return TrainSpec.model_validate({"size": (16, 16), "augment": names, "shift": 8})


def plots(n: int = 20) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3)).astype(np.uint8)


@given(names=st.lists(st.sampled_from(NAMES), unique=True), seed=st.integers(0, 1000))
def test_a_batch_keeps_its_form_and_the_original_is_not_touched(names: list[str], seed: int) -> None:
    images = plots(4)
    before = images.copy()
    made = augmented(images, spec(*names), np.random.default_rng(seed))
    assert (made.shape, made.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert np.array_equal(made, augmented(images, spec(*names), np.random.default_rng(seed)))


def test_nothing_changes_where_nothing_is_allowed() -> None:
    assert np.array_equal(augmented(plots(), spec(), np.random.default_rng(0)), plots())


def test_a_shift_moves_without_wrapping_round() -> None:
    images = np.zeros((20, 16, 16, 3), np.uint8)
    images[:, :, 12:] = 200
    moved = shifted(images, np.random.default_rng(0), 3)
    assert moved.shape == images.shape
    assert (moved[:, :, 0] == 0).all()
    assert (moved[:, :, 15] == 200).all()
    assert not np.array_equal(moved, images)


@pytest.mark.parametrize(("name", "axis"), [("flip_x", 1), ("flip_y", 0)])
def test_a_flip_shows_the_plot_or_its_mirror_image_and_both_in_turn(name: str, axis: int) -> None:
    made = augmented(plots(), spec(name), np.random.default_rng(0))
    flipped = [not np.array_equal(one, old) for one, old in zip(made, plots(), strict=True)]
    assert 0 < sum(flipped) < 20
    for one, old, turned in zip(made, plots(), flipped, strict=True):
        assert np.array_equal(one, np.flip(old, axis) if turned else old)


def test_quarter_turns_show_all_four_sides_and_need_a_square() -> None:
    made = augmented(plots(), spec("rotate90"), np.random.default_rng(0))
    turns = {
        k for one, old in zip(made, plots(), strict=True) for k in range(4) if np.array_equal(one, np.rot90(old, k))
    }
    assert turns == {0, 1, 2, 3}
    with pytest.raises(ValidationError, match="square"):
        TrainSpec(size=(16, 32), augment=("rotate90",))


def test_brightness_changes_all_of_an_image_by_the_same_small_share() -> None:
    images = np.full((50, 16, 16, 3), 100, np.uint8)
    made = augmented(images, spec("brightness"), np.random.default_rng(0))
    assert all(len(np.unique(one)) == 1 for one in made)
    assert 88 < made.min() < 96 < 104 < made.max() < 112
