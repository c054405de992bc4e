"""Which fixed ranges the histograms of a plot type are to be drawn in, taken from the newest run that has it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.errors import DataError
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.intake.histograms.reference import scale_of
from hydra_core.stages.context import RunContext, block_file
from hydra_core.store.ledger import all_passes, revisions_of
from hydra_core.store.plot_types import all_plot_types, newest_place
from hydra_core.store.session import reading


def propose_drawings(
    site: Site,
    engine: Engine,
    plots: Collection[PlotKey],
    problem: Callable[[str], None] = lambda _line: None,
) -> dict[PlotKey, dict[str, Any]]:
    """Return ranges for plot types: those whose newest run has bin contents, and for which plots.toml gives no ranges.

    Parameters
    ----------
    problem
        Receives a line for each block that cannot be read; its plot types get no ranges.
    """
    fixed = {plot.key for plot in site.plots.plots if plot.draw is not None}
    places: dict[tuple[int, int, int], list[PlotKey]] = {}
    with reading(engine) as connection:
        rows = all_plot_types(connection)
        for plot in sorted(set(plots) - fixed):
            place = newest_place(connection, rows[plot]) if plot in rows else None
            if place is not None:
                places.setdefault(place, []).append(plot)
        passes = {row.id: row for row in all_passes(connection)}
        blocks = []
        for (pass_id, run, number), wanted in sorted(places.items()):
            revision = next(row for row in revisions_of(connection, pass_id, run) if row.revision == number)
            blocks.append((block_file(RunContext(site, engine, passes[pass_id], run), revision), set(wanted)))
    found: dict[PlotKey, dict[str, Any]] = {}
    for path, here in blocks:
        try:
            with Block.open(path) as block:
                fullest = _fullest(block, here)
        except DataError as error:
            problem(f"no ranges from {path}: {error.cause}")
            continue
        for plot, histogram in fullest.items():
            found[plot] = scale_of(histogram).model_dump(mode="json", exclude_defaults=True)
    return found


def _fullest(block: Block, plots: Collection[PlotKey]) -> dict[PlotKey, Histogram]:
    """Return of each plot type the histogram with most entries: it says most about the next ones."""
    found: dict[PlotKey, Histogram] = {}
    for number, item in enumerate(block.items):
        histogram = block.histogram(number) if item.plot in plots and item.status == "ok" else None
        if histogram is not None and (item.plot not in found or histogram.entries > found[item.plot].entries):
            found[item.plot] = histogram
    return found
