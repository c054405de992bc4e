"""From a plan to one picture: healthy counts, the faults planted in them, the file that a producer leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np

from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import FAULTS, FILE_FAULTS, apply_fault
from hydra_core.emulate.plan import DemoPlan, DemoRun, PlanFile, Planted
from hydra_core.emulate.plots import DemoPlot, make_item, rng_for
from hydra_core.intake.histograms.draw import draw_png, region_box
from hydra_core.intake.histograms.draw_frame import Box
from hydra_core.intake.histograms.histogram import BoolArray, Histogram

_SIGNIFICANT = 4.0  # standard deviations by which a bin must change to count as changed
_PAIR_RATIO = 1.6  # boards of a swapped cable differ at least so much, or nobody could see it
#: What is known of the item of a file fault: the state its verdict should have.
_FILE_STATES = {"truncated_png": "unreadable", "zero_byte": "unreadable", "duplicate": "stuck"}


@dataclass(frozen=True)
class TruthItem:
    """One planted fault, as it came out.

    Attributes
    ----------
    plot_type
        ``NAME:chunks`` or ``NAME``; None for a fault of the whole run.
    path
        The file, relative to the intake folder; the run's folder for a fault of the whole run.
    expected
        The class that an expert would give (Bad, NoData); None where no class applies.
    state
        The state that a verdict should have where no class applies: ``unreadable``, ``stuck``.
    box
        Where the fault is in the picture: left, top, right, bottom as fractions from the upper left; None for file
        faults.
    """

    run: int
    plot_type: str | None
    chunk: int | None
    fault: str
    path: str
    expected: str | None
    state: str | None
    box: Box | None


def faults_of(run: DemoRun, plot: str, chunk: int | None) -> tuple[Planted, ...]:
    """Return what is planted in one item."""
    return tuple(fault for fault in run.planted if fault.plot == plot and (chunk is None or chunk in fault.chunks))


def item_histogram(
    plan: DemoPlan, run: DemoRun, plot: str, chunk: int | None
) -> tuple[Histogram, dict[str, BoolArray]]:
    """Return the contents of one item with its planted faults.

    Returns
    -------
    Histogram
        What the detector delivered.
    dict
        By name of fault: True for the bins that it changed.
    """
    kind = demo_plot(plot)
    hist = make_item(kind, plan.seed, run.number, chunk, 150.0 if not run.has_beam else run.beam_current_na)
    touched = {}
    for number, planted in enumerate(faults_of(run, plot, chunk)):
        if planted.fault in FILE_FAULTS:
            continue
        cells = fault_cells(kind, planted.fault, planted.part)
        rng = rng_for(plan.seed, "fault", str(kind.key), run.number, chunk, number)
        before, hist = hist, apply_fault(planted.fault, hist, cells, rng, planted.amount)
        touched[planted.fault] = _touched(planted.fault, before, hist, cells)
    return hist, touched


def fault_cells(plot: DemoPlot, fault: str, part: int) -> BoolArray:
    """Return True for the bins that a named fault strikes in a plot type."""
    scope = FAULTS[fault].scope
    if scope == "pair" and "board" in plot.parts:
        return _pair(plot, part)
    if scope == "beam" and plot.beamless is not None:
        return plot.live() & ~plot.beamless
    if scope in ("board", "sector"):
        return plot.cells(scope, part)
    return plot.live()


def item_bytes(plan: DemoPlan, file: PlanFile) -> bytes:
    """Return the file of one image as the producer left it, file faults included."""
    if file.plot is None:
        raise ValueError(f"{file.path} is not an image")
    names = {fault.fault for fault in faults_of(file.run, file.plot, file.chunk)}
    chunk = file.chunk
    if "zero_byte" in names:
        return b""
    if "duplicate" in names and chunk is not None and chunk > 1:
        chunk -= 1
    hist, _ = item_histogram(plan, file.run, file.plot, chunk)
    data = draw_png(hist, scale=demo_plot(file.plot).scale)
    return data[: len(data) * 11 // 20] if "truncated_png" in names else data


def item_truth(plan: DemoPlan, file: PlanFile) -> tuple[TruthItem, ...]:
    """Return what is planted in one file; for a ``metadata.json`` what is planted in its whole run."""
    run = file.run
    if file.plot is None:
        folder = run.folder()
        return tuple(
            TruthItem(run.number, None, chunk, fault.fault, folder, None, None, None)
            for fault in run.planted
            if fault.plot is None
            for chunk in (fault.chunks or (None,))
        )
    plot = demo_plot(file.plot)
    planted = faults_of(run, file.plot, file.chunk)
    if not planted:
        return ()
    hist, touched = item_histogram(plan, run, file.plot, file.chunk)
    whole = TruthItem(run.number, str(plot.key), file.chunk, "", file.path, None, None, None)
    found = []
    for fault in planted:
        if fault.fault in FILE_FAULTS:
            found.append(replace(whole, fault=fault.fault, state=_FILE_STATES[fault.fault]))
            continue
        box = region_box(hist, touched[fault.fault], scale=plot.scale)
        rounded = cast(Box, tuple(round(side, 4) for side in box)) if box is not None else None
        found.append(replace(whole, fault=fault.fault, expected=FAULTS[fault.fault].expected_class, box=rounded))
    return tuple(found)


def _touched(fault: str, before: Histogram, after: Histogram, cells: BoolArray) -> BoolArray:
    if FAULTS[fault].scope != "all" and fault != "hot_channel":
        return cells
    change = np.abs(after.values - before.values)
    changed: BoolArray = change > _SIGNIFICANT * np.sqrt(after.values + before.values + 1)
    return changed if changed.any() else cells


@lru_cache(maxsize=256)
def _pair(plot: DemoPlot, part: int) -> BoolArray:
    """Return the channels of a board and of another, equally many: the nearest that counts clearly more or less."""
    boards = plot.parts["board"].ravel()
    first = part % plot.part_count("board")
    mean = plot.expected(0.0).ravel()
    places = (
        plot.frame.geometry.polygons.mean(axis=1)
        if plot.frame.geometry is not None
        else np.stack(np.unravel_index(np.arange(boards.size), plot.frame.values.shape), axis=1).astype(np.float64)
    )
    mine = np.flatnonzero(boards == first)
    options = []
    for other in range(plot.part_count("board")):
        theirs = np.flatnonzero(boards == other)
        if other == first or not theirs.size or not (theirs[0] > mine[-1] or theirs[-1] < mine[0]):
            continue
        ratio = (mean[theirs].mean() + 1e-9) / (mean[mine].mean() + 1e-9)
        distance = float(np.hypot(*(places[theirs].mean(axis=0) - places[mine].mean(axis=0))))
        options.append((max(ratio, 1 / ratio) < _PAIR_RATIO, distance, other))
    cells = np.zeros(boards.size, dtype=np.bool_)
    partner = np.flatnonzero(boards == min(options)[2]) if options else mine
    count = min(mine.size, partner.size)
    cells[mine[:count]] = True
    cells[partner[:count]] = True
    return cells.reshape(plot.frame.values.shape)
