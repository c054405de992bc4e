from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.models.residual import RESIDUAL_ARRAYS, Residual, fit_residual, residual_of


def plots(n: int, seed: int = 0, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Smooth pictures that vary in two ways, with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    made = []
    for one, two in rng.uniform(0.7, 1.3, (n, 2)):
        grey = 90 + 60 * one * np.sin(6 * x) + 40 * two * y + rng.normal(0, 2, size)
        made.append(np.stack([grey, 255 - grey, grey / 2], axis=-1))
    return np.clip(made, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def residual() -> Residual:
    found = fit_residual(plots(40))
    assert found is not None
    return found


@given(y=st.integers(2, 38), x=st.integers(2, 54), shade=st.sampled_from([0, 255]))
@settings(max_examples=25)
def test_the_map_points_at_what_is_planted(residual: Residual, y: int, x: int, shade: int) -> None:
    (plot,) = plots(1, seed=7)
    plot[y : y + 8, x : x + 8] = shade
    (made,) = residual.maps(plot[None])
    assert made.shape == (48, 64)
    assert made.max() == 1
    top, left = np.unravel_index(made.argmax(), made.shape)
    assert y - 1 <= top <= y + 8
    assert x - 1 <= left <= x + 8


def test_nothing_is_shown_on_nearly_all_good_plots(residual: Residual) -> None:
    shown = residual.maps(plots(60, seed=5)).any(axis=(1, 2))
    assert shown.mean() <= 0.2


def test_a_variation_that_good_plots_have_is_not_shown(residual: Residual) -> None:
    ordinary = residual.differences(plots(1, seed=9)).max()
    assert ordinary < residual.differences(np.roll(plots(1, seed=9), 20, axis=2)).max() / 3


def test_equal_plots_give_equal_bytes_and_are_read_back(residual: Residual) -> None:
    again = fit_residual(plots(40))
    assert again is not None
    assert again.to_bytes() == residual.to_bytes()
    arrays = {name: getattr(residual, name) for name in RESIDUAL_ARRAYS}
    back = residual_of({name: np.asarray(value) for name, value in arrays.items()})
    assert np.array_equal(back.differences(plots(3, 2)), residual.differences(plots(3, 2)))


@pytest.mark.parametrize("n", [0, 1, 7])
def test_too_few_good_plots_say_nothing(n: int) -> None:
    assert fit_residual(plots(n) if n else np.zeros((0, 8, 8, 3), np.uint8)) is None


def test_plots_that_never_change_are_no_trouble() -> None:
    same = np.full((9, 20, 20, 3), 200, np.uint8)
    found = fit_residual(same)
    assert found is not None
    assert not found.maps(same[:1]).any()
    spot = same[:1].copy()
    spot[0, 4:8, 4:8] = 0
    assert found.maps(spot)[0].max() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.zeros((65, 64, 3))),
        ("mean", np.zeros((48, 64))),
        ("components", np.zeros((2, 7))),
        ("typical", np.zeros((48, 64))),
        ("typical", np.full((48, 64), np.nan)),
        ("usual", np.float32(np.inf)),
        ("usual", np.zeros(2)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(residual: Residual, name: str, value: np.ndarray) -> None:
    arrays = {key: np.asarray(getattr(residual, key)) for key in RESIDUAL_ARRAYS} | {name: np.asarray(value)}
    with pytest.raises(ValueError, match=r"fit|number|small picture"):
        residual_of(arrays)
