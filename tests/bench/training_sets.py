"""Emulated occupancy plots for measuring trainings: good ones, and ones with a fault whose place is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import apply_fault
from hydra_core.emulate.items import fault_cells
from hydra_core.emulate.plots import DemoPlot, make_item, rng_for
from hydra_core.intake.histograms.draw import draw_rgb, region_box
from hydra_core.intake.histograms.histogram import BoolArray, Histogram
from hydra_core.models.pixels import model_input

SEED = 11
CHUNKS = 4
#: No hot channels: where a map is bright they are of the colour of its neighbours, and nobody could tell.
FAULTS = ("dead_board", "board_at_30_percent", "swapped_cable")
#: Four by six parts of a map of 32 x 48 channels.
BOARDS_DOWN, BOARDS_ACROSS = 4, 6
BOARDS = BOARDS_DOWN * BOARDS_ACROSS


@dataclass(frozen=True)
class Runs:
    """Runs from which plots are made: `count` of them from `first` on."""

    first: int
    count: int

    def run(self, number: int) -> int:
        """Return the run of plot `number`, so that plots of all kinds come from all runs alike."""
        return self.first + number % self.count


def shown(hist: Histogram, kind: DemoPlot, size: tuple[int, int]) -> np.ndarray:
    """Return a drawn histogram as a network sees it: uint8, shape (height, width, 3)."""
    return model_input(draw_rgb(hist, scale=kind.scale), size)


def occupancy(name: str, good: int, bad: int, runs: Runs, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return good plots and, after them, bad ones with faults in turn.

    Returns
    -------
    dict
        ``images`` uint8 (n, h, w, 3); ``bad`` bool (n,); ``runs`` int (n,); ``faults`` str (n,), empty for good ones;
        ``boxes`` float (n, 4): left, top, right, bottom of the fault as fractions, 0 for good ones.
    """
    kind = demo_plot(name)
    images = np.empty((good + bad, *size, 3), np.uint8)
    numbers, boxes = np.empty(good + bad, np.int64), np.zeros((good + bad, 4))
    faults = np.array([""] * good + [FAULTS[i % len(FAULTS)] for i in range(bad)])
    for i in range(good):
        numbers[i] = runs.run(i // CHUNKS)
        images[i] = shown(make_item(kind, SEED, int(numbers[i]), i % CHUNKS), kind, size)
    for i in range(bad):
        fault = FAULTS[i % len(FAULTS)]
        # A step that shares no factor with the number of runs spreads few plots over all of them.
        run = runs.run(7 * i)
        hist = make_item(kind, SEED, run, CHUNKS + i // runs.count)
        hist, cells = planted(kind, fault, hist, run, i)
        box = region_box(hist, cells, scale=kind.scale)
        assert box is not None, (fault, i)
        numbers[good + i], boxes[good + i] = run, box
        images[good + i] = shown(hist, kind, size)
    return {"images": images, "bad": np.arange(good + bad) >= good, "runs": numbers, "faults": faults, "boxes": boxes}


def planted(kind: DemoPlot, fault: str, before: Histogram, run: int, number: int) -> tuple[Histogram, BoolArray]:
    """Plant a fault into a part drawn at random; return the histogram and the bins that it concerns."""
    rng = rng_for(SEED, "planted", kind.name, run, number)
    live = kind.live()
    while True:
        cells = fault_cells(kind, fault, int(rng.integers(0, kind.part_count("board"))))
        if (cells & live).any():
            break
    after = apply_fault(fault, before, cells, rng)
    return after, cells


def boards_of_24(name: str) -> DemoPlot:
    """Return a plot type of 48 x 32 channels cut into 24 boards of 8 x 8."""
    kind = demo_plot(name)
    x, y = np.indices(kind.frame.values.shape)
    across, down = kind.frame.values.shape[0] // BOARDS_ACROSS, kind.frame.values.shape[1] // BOARDS_DOWN
    return replace(kind, parts={"board": (x // across) * BOARDS_DOWN + y // down})


def with_boards(kind: DemoPlot, boards: tuple[int, ...], rate: float, run: int, chunk: int) -> Histogram:
    """Return a plot of which some boards count only the share `rate`."""
    hist = make_item(kind, SEED, run, chunk)
    for board in boards:
        rng = rng_for(SEED, "board", kind.name, run, chunk, board)
        hist = apply_fault("board_at_30_percent", hist, kind.cells("board", board), rng, rate)
    return hist
