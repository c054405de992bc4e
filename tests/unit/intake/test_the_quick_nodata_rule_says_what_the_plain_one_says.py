from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.emulate.items import item_bytes
from hydra_core.emulate.plan import plan_demo
from hydra_core.intake.images import Unreadable, read_image
from hydra_core.intake.nodata import is_empty_plot
from tests.unit.intake import nodata_by_the_letter


def agree(rgb: np.ndarray) -> None:
    assert is_empty_plot(rgb) == nodata_by_the_letter.is_empty_plot(rgb)


def test_on_the_plots_of_the_demo_with_all_its_faults() -> None:
    plan = plan_demo(4, 8, 2)
    emptied = 0
    for file in [file for file in plan.files() if file.plot is not None][::3]:
        try:
            rgb = read_image(item_bytes(plan, file))
        except Unreadable:
            continue
        agree(rgb)
        emptied += is_empty_plot(rgb).empty
    assert emptied


@st.composite
def scribbles(draw: st.DrawFn) -> np.ndarray:
    """Grounds with frames, bars, lines, boxes and noise, few of them where a plot would have them."""
    height, width = draw(st.integers(1, 160)), draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    colours = np.array([[255, 255, 255], [0, 0, 0], [225, 224, 226], [40, 90, 160], [150, 150, 150], [250, 20, 20]])
    rgb = np.full((height, width, 3), colours[rng.integers(len(colours))], np.uint8)
    for _ in range(draw(st.integers(0, 8))):
        top, left = rng.integers(height), rng.integers(width)
        bottom, right = rng.integers(top, height) + 1, rng.integers(left, width) + 1
        kind = rng.integers(5)
        colour = colours[rng.integers(len(colours))]
        if kind == 0:
            rgb[top:bottom, left:right] = colour
        elif kind == 1:
            rgb[top:bottom, [left, right - 1]] = colour
            rgb[[top, bottom - 1], left:right] = colour
        elif kind == 2:
            rgb[top : top + rng.integers(1, 5), left:right] = colour
        elif kind == 3:
            rgb[top:bottom, left : left + rng.integers(1, 5)] = colour
        else:
            some = rng.random((bottom - top, right - left)) < rng.choice([0.005, 0.1, 0.6])
            rgb[top:bottom, left:right][some] = rng.integers(0, 256, (int(some.sum()), 3))
    return rgb


@given(rgb=scribbles())
@settings(max_examples=150)
def test_on_scribbles(rgb: np.ndarray) -> None:
    agree(rgb)


@given(seed=st.integers(0, 2**32 - 1), colours=st.integers(1, 9), pixels=st.integers(1, 60))
@settings(max_examples=60)
def test_on_pictures_without_one_commonest_colour(seed: int, colours: int, pixels: int) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3))
    near = palette[rng.integers(colours, size=(pixels, pixels))] + rng.integers(0, 8, (pixels, pixels, 1))
    agree(np.clip(near, 0, 255).astype(np.uint8))


@pytest.mark.real_data
def test_on_real_plots() -> None:
    paths = sorted(Path(os.environ["HYDRA_REAL_DATA"]).rglob("*.png"))[::4]
    compared = 0
    for path in paths:
        try:
            rgb = read_image(path.read_bytes())
        except Unreadable:
            continue
        agree(rgb)
        compared += 1
    assert compared > 300
