"""How the files of a run are read at this site: its settings, and what was decided about plot types."""

from __future__ import annotations

from functools import partial

from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.config.plots import DrawSettings
from hydra_core.config.site import Site
from hydra_core.intake.chunking import Reading
from hydra_core.intake.decisions import Decisions
from hydra_core.intake.histogram_items import HistogramRules
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.reader import ReadLimits
from hydra_core.intake.images import ImageLimits
from hydra_core.intake.kept_input import keep_nothing, keep_where_it_pays
from hydra_core.models.pixels import model_input
from hydra_core.stages.chosen_network import chosen_network
from hydra_core.store.plot_types import known_types


def reading_of(site: Site, decisions: Decisions, *, threads: int) -> Reading:
    """Return how this site reads files."""
    intake = site.settings.intake
    histograms = intake.histograms
    return Reading(
        limits=ImageLimits(max_bytes=intake.max_bytes, max_pixels=intake.max_pixels),
        histograms=HistogramRules(
            limits=ReadLimits(seconds_per_file=histograms.seconds, memory_mb=histograms.memory_mb),
            take=histograms.take,
            leave=histograms.leave,
            only_listed=histograms.only_listed,
            size=histograms.size,
            frames=site.frames,
        ),
        decisions=decisions,
        expected=tuple(plot.key for plot in site.plots.plots if plot.expected),
        prepare=keep_where_it_pays(partial(model_input, spec=chosen_network(site).size))
        if intake.keep_model_input
        else keep_nothing,
        threads=threads,
    )


def decisions_of(connection: Connection, site: Site) -> Decisions:
    """Return what stands of plot types: the site's own file counts before what was decided since."""
    known = known_types(connection)
    listed = {plot.key: plot for plot in site.plots.plots}
    drawings: dict[PlotKey, DrawScale] = {}
    for key in {*listed, *known}:
        settings = listed[key].draw if key in listed else None
        if settings is None and key in known and known[key].drawing is not None:
            settings = DrawSettings.model_validate(known[key].drawing)
        if settings is not None:
            drawings[key] = DrawScale(**settings.model_dump())
    return Decisions(
        active={*listed, *(key for key, found in known.items() if found.status == "active")},
        ignored={key for key, found in known.items() if found.status == "ignored" and key not in listed},
        renamed={
            key: found.renamed_to
            for key, found in known.items()
            if found.renamed_to is not None and found.status == "renamed" and key not in listed
        },
        hold_new=site.settings.intake.new_types == "hold",
        drawings=drawings,
        sums={key: plot.cumulative for key, plot in listed.items() if plot.cumulative is not None},
        others_sum=site.settings.intake.histograms.cumulative,
    )
