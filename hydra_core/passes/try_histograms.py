"""``hydra try`` on files of histograms: fixed ranges for each plot type, taken from the first runs that show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from hydra_core.base.names import PlotKey
from hydra_core.config.plots import PlotType
from hydra_core.intake.histograms.reader import read_many
from hydra_core.intake.histograms.reference import FEWEST_ENTRIES, scale_of
from hydra_core.intake.naming import ParsedName, Unmatched, histogram_plot

#: Files in which ranges are looked for; what only later ones hold is drawn in ranges of its own.
FILES = 8


def drawn_types(folder: Path, names: Mapping[PurePosixPath, ParsedName]) -> list[PlotType]:
    """Return the plot types of the first files of histograms, each with the ranges that it is to be drawn with.

    So a picture changes from run to run only where the contents do.

    Parameters
    ----------
    names
        What each file's path means; images among them are passed over.
    """
    files = sorted(
        (path for path, parsed in names.items() if parsed.reads == "histograms"),
        key=lambda path: (names[path].run or 0, names[path].chunk or 0, path),
    )[:FILES]
    found: dict[PlotKey, PlotType] = {}
    for path, content in zip(files, read_many(folder, [(path, None) for path in files]), strict=True):
        for one in content.histograms:
            plot = histogram_plot(names[path], one.path)
            if isinstance(plot, Unmatched) or plot in found or one.hist.entries < FEWEST_ENTRIES:
                continue
            group = plot.name.split("/")[0] if "/" in plot.name else ""
            found[plot] = PlotType(name=plot.name, chunked=plot.chunked, group=group, draw=scale_of(one.hist))
    return list(found.values())
