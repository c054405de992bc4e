"""The incidents of the recent runs of a pass: which of them are open, and which are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.report.views import IncidentView
from hydra_core.stages.wording import incident_view
from hydra_core.store.items import IncidentRow, load_incidents, run_series
from hydra_core.store.ledger import RevisionRow
from hydra_core.store.summary import state_counts


def recent_incidents(
    connection: Connection, site: Site, pass_id: int, recent: Sequence[RevisionRow], keys: Mapping[int, PlotKey]
) -> tuple[IncidentView, ...]:
    """Return the incidents of some runs: the open ones, worst first, then those that are over, newest first.

    An incident is open as long as no later plot of its plot type needs no look or shows another trouble.

    Parameters
    ----------
    recent
        The newest published revisions of the newest runs.
    keys
        Number of a plot type in the database -> its key.
    """
    if not recent:
        return ()
    found = load_incidents(connection, pass_id, since_run=min(one.run for one in recent))
    is_open = _open(connection, pass_id, recent, found)
    opened = [one for one in found if is_open[one]]
    over = [one for one in found if not is_open[one]]
    opened.sort(key=lambda one: (-one.severity, -one.last_run, -one.count))
    over.sort(key=lambda one: (-one.last_run, -one.last_chunk, -one.severity))
    views = [(incident_view(site, keys[one.plot_type_id], one), is_open[one]) for one in (*opened, *over)]
    return tuple(replace(view, open=lasts) for view, lasts in views)


def _open(
    connection: Connection, pass_id: int, recent: Sequence[RevisionRow], incidents: Sequence[IncidentRow]
) -> dict[IncidentRow, bool]:
    if not incidents:
        return {}
    runs = {one.id: one.run for one in recent}
    newest: dict[int, int] = {}
    for count in state_counts(connection, list(runs)):
        newest[count.plot_type_id] = max(newest.get(count.plot_type_id, 0), runs[count.revision_id])
    # Incidents may reach runs that are judged and not published yet.
    for one in incidents:
        newest[one.plot_type_id] = max(newest.get(one.plot_type_id, 0), one.last_run)
    chunks = {run: run_series(connection, pass_id, run) for run in {newest[one.plot_type_id] for one in incidents}}

    def lasts(one: IncidentRow) -> bool:
        run = newest[one.plot_type_id]
        last = chunks[run].get(one.plot_type_id)
        return one.last_run == run and (not last or one.last_chunk >= last[-1].chunk)

    return {one: lasts(one) for one in incidents}
