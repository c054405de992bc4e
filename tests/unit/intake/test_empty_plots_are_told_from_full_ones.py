"""The NoData rule on plots drawn by two libraries and by hand, and on real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image, ImageDraw

from hydra_core.intake.images import read_image
from hydra_core.intake.nodata import find_frames, is_empty_plot

ZERO, FIELD = np.zeros(100), np.zeros((50, 60))
SPIKE, FIRST, LAST = (np.where(np.arange(100) == place, 10.0, 0.0) for place in (40, 0, 99))
NOISE = np.random.default_rng(1).poisson(50, 100).astype(float)
CELL = np.where((np.arange(3000) == 1215).reshape(50, 60), 1.0, 0.0)
STYLES = ("default", "seaborn-v0_8-darkgrid", "ggplot", "dark_background", "bmh")
ONE_D: dict[str, dict[str, Any]] = {
    "plain": {},
    "filled": {"fill": True},
    "grid": {"grid": {"linestyle": "-"}},
    "dots": {"grid": {"linestyle": ":"}},
    "dashes": {"grid": {"linestyle": "--", "color": "k", "linewidth": 0.5}},
    "inward ticks": {"ticks": "in"},
    "from zero": {"limits": (0, 12)},
    "legend": {"legend": True},
    "open": {"open": True},
    "large": {"size": (12, 9)},
    "small": {"size": (3, 2)},
}


def drawn(draw: Callable[[Any], None], size: tuple[float, float] = (6.4, 4.8), style: str = "default") -> np.ndarray:
    with plt.style.context(style):
        figure = plt.figure(figsize=size, dpi=100)
        draw(figure)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
        plt.close(figure)
    return pixels


def histogram(values: np.ndarray, style: str = "default", **how: Any) -> np.ndarray:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.tick_params(direction=how.get("ticks", "out"), top="ticks" in how, right="ticks" in how)
        axes.stairs(values, np.arange(101), fill=how.get("fill", False), label="hits")
        axes.set(title="CDC occupancy, run 50001", xlabel="straw", ylabel="hits", ylim=how.get("limits"))
        axes.spines[["top", "right"]].set_visible("open" not in how)
        if "grid" in how:
            axes.grid(True, **how["grid"])
        if "legend" in how:
            axes.legend()

    return drawn(draw, how.get("size", (6.4, 4.8)), style)


def field(values: np.ndarray, colours: str = "viridis", *, blank: bool = False, style: str = "default") -> np.ndarray:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        shown = np.ma.masked_equal(values, 0) if blank else values
        figure.colorbar(axes.pcolormesh(shown, cmap=colours, vmin=0, vmax=1))
        axes.set_title("FDC occupancy")

    return drawn(draw, style=style)


def root_like(peak: int, *, box: bool) -> np.ndarray:
    """Draw as ROOT does: ticks inside, zero line on the axis, a statistics box over the frame's corner."""
    image = Image.new("RGB", (796, 572), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 57, 716, 514), outline="black")
    for step in range(11):
        pen.line((80 + step * 63, 514, 80 + step * 63, 500), fill="black")
        pen.line((80, 514 - step * 45, 100, 514 - step * 45), fill="black")
        pen.text((75 + step * 63, 520), str(step), fill="black")
    pen.line((80, 514, 716, 514), fill=(0, 0, 153))
    if peak:
        pen.rectangle((280, 514 - peak, 281, 514), outline=(0, 0, 153))
    if box:
        pen.rectangle((620, 37, 780, 128), fill="white", outline="black")
        pen.line((620, 68, 780, 68), fill="black")
        for line, words in enumerate(("h1", "Entries 0", "Mean 0", "Std Dev 0")):
            pen.text((628, 42 + 20 * line), words, fill="black")
    return np.asarray(image)


@pytest.mark.parametrize("how", ONE_D)
def test_a_histogram_without_entries_is_empty_and_a_narrow_peak_is_not(how: str) -> None:
    assert is_empty_plot(histogram(ZERO, **ONE_D[how])).empty
    assert not is_empty_plot(histogram(SPIKE, **ONE_D[how])).empty


@pytest.mark.parametrize("values", [FIRST, LAST, NOISE], ids=["first bin", "last bin", "noise"])
@pytest.mark.parametrize("how", ["plain", "inward ticks"])
def test_entries_at_the_edge_and_everywhere_are_seen(values: np.ndarray, how: str) -> None:
    assert not is_empty_plot(histogram(values, **ONE_D[how])).empty


@pytest.mark.parametrize("style", STYLES)
def test_styles_do_not_matter(style: str) -> None:
    assert is_empty_plot(histogram(ZERO, style)).empty
    assert is_empty_plot(field(FIELD, style=style)).empty
    assert not is_empty_plot(histogram(SPIKE, style)).empty
    assert not is_empty_plot(field(CELL, style=style)).empty


@pytest.mark.parametrize("colours", ["viridis", "jet", "Blues"])
@pytest.mark.parametrize("blank", [False, True])
def test_a_map_of_the_zero_colour_is_empty_and_one_cell_is_enough(colours: str, blank: bool) -> None:
    assert is_empty_plot(field(FIELD, colours, blank=blank)).empty
    assert not is_empty_plot(field(CELL, colours, blank=blank)).empty


def test_a_statistics_box_and_inward_ticks_are_no_data() -> None:
    assert is_empty_plot(root_like(0, box=True)).empty
    assert is_empty_plot(root_like(0, box=False)).empty
    assert not is_empty_plot(root_like(50, box=True)).empty


def test_the_outline_of_a_detector_is_no_data() -> None:
    def chamber(hits: int) -> np.ndarray:
        def draw(figure: Any) -> None:
            axes = figure.add_subplot(aspect="equal")
            angle = np.linspace(0, 7, 200)
            for radius in (10, 57):
                axes.plot(radius * np.cos(angle), radius * np.sin(angle), color="0.7", linewidth=0.8)
            axes.scatter(np.full(hits, 30), np.full(hits, 5), s=4)
            axes.set(xlim=(-60, 60), ylim=(-60, 60))

        return drawn(draw)

    assert is_empty_plot(chamber(0)).empty
    assert not is_empty_plot(chamber(1)).empty


def test_a_canvas_is_empty_only_when_all_its_pads_are() -> None:
    def canvas(last: np.ndarray) -> np.ndarray:
        def draw(figure: Any) -> None:
            for place, values in enumerate((ZERO, ZERO, ZERO, last), 1):
                figure.add_subplot(2, 2, place).stairs(values, np.arange(101))

        return drawn(draw)

    verdict = is_empty_plot(canvas(ZERO))
    assert verdict.empty
    assert "4 frames" in verdict.sentence
    assert not is_empty_plot(canvas(SPIKE)).empty


def test_a_constant_that_is_not_zero_is_data() -> None:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 100], [1, 1])
        axes.set(ylim=(0, 1.2), xlim=(0, 100))

    assert not is_empty_plot(drawn(draw)).empty


def test_pictures_without_axes_are_judged_whole() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert not is_empty_plot(noise).empty
    assert is_empty_plot(np.full((64, 64, 3), 255, np.uint8)).empty
    assert is_empty_plot(np.zeros((1, 1, 3), np.uint8)).empty


def test_a_colour_bar_is_no_frame() -> None:
    pixels = field(CELL)
    assert len(find_frames((pixels < 200).any(axis=2))) == 1


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["hallb_calorimeter_maps", "spectrogram_plots", "wafer_maps/None"])
def test_no_real_plot_is_called_empty(real_data: Path, folder: str) -> None:
    paths = sorted((real_data / folder).rglob("*.png"))
    assert paths
    assert [path.name for path in paths if is_empty_plot(read_image(path.read_bytes())).empty] == []
