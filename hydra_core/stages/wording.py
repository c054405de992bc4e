"""How stages name things on pages: plot types, classes, incidents."""

from __future__ import annotations

from collections.abc import Sequence

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.report.views import ClassStyle, IncidentView, PlotColumn
from hydra_core.store.items import IncidentRow
from hydra_core.store.schema import ONCE_A_RUN


def shown_name(site: Site, key: PlotKey) -> str:
    """Return what people call a plot type."""
    display = site.plot_type(key).display or key.name
    twin = PlotKey(key.name, not key.chunked)
    if any(plot.key == twin for plot in site.plots.plots):
        return f"{display} (per chunk)" if key.chunked else f"{display} (per run)"
    return display


def styles(site: Site, more: Sequence[str] = ()) -> tuple[ClassStyle, ...]:
    """Return the classes of a site, and others that a verdict names."""
    names = [known.name for known in site.plots.classes]
    names += sorted(set(more) - set(names))
    found = [site.plot_class(name) for name in names]
    return tuple(ClassStyle(known.name, known.colour, known.problem, normal=known.normal) for known in found)


def column(site: Site, key: PlotKey) -> PlotColumn:
    """Return a plot type as the index shows it."""
    plot = site.plot_type(key)
    return PlotColumn(key.slug, shown_name(site, key), plot.group, plot.contact, plot.description)


def incident_view(site: Site, key: PlotKey, row: IncidentRow, page_of: int | None = None) -> IncidentView:
    """Return an incident with a sentence that says what, since when and for how long.

    The page of a run, `page_of`, does not name that run where the incident lies in it alone.
    """
    what = row.class_name if row.state in ("confirmed", "unconfirmed") else row.state.replace("_", " ")
    doubt = " (unsure)" if row.state == "unconfirmed" else ""
    span = _span(row, page_of)
    unit = "run" if row.first_chunk == ONCE_A_RUN else "chunk"
    plots = "" if row.first_run == row.last_run else f", {row.count} {unit}s in a row"
    return IncidentView(
        plot=shown_name(site, key),
        plot_slug=key.slug,
        class_name=row.class_name,
        state=row.state,  # type: ignore[arg-type]
        first_run=row.first_run,
        first_chunk=None if row.first_chunk == ONCE_A_RUN else row.first_chunk,
        last_run=row.last_run,
        last_chunk=None if row.last_chunk == ONCE_A_RUN else row.last_chunk,
        count=row.count,
        sentence=f"{shown_name(site, key)}: {what}{doubt} {span}{plots}",
    )


def _span(row: IncidentRow, page_of: int | None) -> str:
    if row.first_run != row.last_run:
        return f"from {_moment(row.first_run, row.first_chunk)} to {_moment(row.last_run, row.last_chunk)}"
    here = row.first_run == page_of
    if row.first_chunk == ONCE_A_RUN:
        return "in this run" if here else f"in run {row.first_run}"
    run = "" if here else f"run {row.first_run}, "
    if row.first_chunk == row.last_chunk:
        return f"in {run}chunk {row.first_chunk}"
    joined = "and" if row.last_chunk == row.first_chunk + 1 else "to"
    return f"in {run}chunks {row.first_chunk} {joined} {row.last_chunk}"


def _moment(run: int, chunk: int) -> str:
    return f"run {run}" if chunk == ONCE_A_RUN else f"run {run}, chunk {chunk}"
