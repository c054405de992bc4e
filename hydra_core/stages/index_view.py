"""A pass at a glance: the rows of the index blocks that a run touches, and the incidents that matter now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey, reading_order
from hydra_core.config.site import Site
from hydra_core.judge.rules import LOOK
from hydra_core.report.paths import BLOCK_SIZE, revision_href
from hydra_core.report.site_views import FrontView, PassSummary
from hydra_core.report.views import IndexView, PlotCell, RunRow
from hydra_core.stages.incidents_view import recent_incidents
from hydra_core.stages.new_types import new_types
from hydra_core.stages.run_view import condition_words
from hydra_core.stages.wording import column, styles
from hydra_core.store.ledger import PassRow, RevisionRow, newest_revisions
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.summary import StateCount, newest_runs, pass_counts, run_blocks, state_counts

#: Incidents that ended before this many published runs are left to the run pages.
RECENT_RUNS = 50


def index_view(connection: Connection, site: Site, row: PassRow, run: int) -> IndexView:
    """Return the pass with the rows of the block that holds `run`."""
    first = run // BLOCK_SIZE * BLOCK_SIZE
    revisions = newest_revisions(
        connection, row.id, first_run=first, last_run=first + BLOCK_SIZE - 1, state="published"
    )
    keys = {number: key for key, number in all_plot_types(connection).items()}
    counts: dict[int, dict[int, list[StateCount]]] = {}
    for count in state_counts(connection, [revision.id for revision in revisions]):
        counts.setdefault(count.revision_id, {}).setdefault(count.plot_type_id, []).append(count)
    rows = tuple(_row(row.name, revision, counts.get(revision.id, {}), keys) for revision in revisions)
    newest = newest_runs(connection, row.id, RECENT_RUNS)
    recent = (
        newest_revisions(connection, row.id, first_run=newest[-1], last_run=newest[0], state="published")
        if newest
        else []
    )
    present = sorted({cell.plot_slug for entry in rows for cell in entry.cells})
    columns = [key for key in sorted(keys.values()) if key.slug in present]
    configured = [plot.key for plot in site.plots.plots if plot.key not in columns]
    ranked = _in_order(site, columns + configured)
    names = {cell.class_name for entry in rows for cell in entry.cells if cell.class_name}
    return IndexView(
        pass_name=row.name,
        experiment=site.settings.site.experiment,
        columns=tuple(column(site, key) for key in ranked),
        rows=rows,
        incidents=recent_incidents(connection, site, row.id, recent, keys),
        blocks=tuple(run_blocks(connection, row.id, BLOCK_SIZE)),
        newest_run=newest[0] if newest else None,
        updated_at=now(),
        expected_every_s=site.settings.publish.expected_every_s,
        classes=styles(site, sorted(names)),
        new_types=len(new_types(connection, site)),
        without_plots=_without_plots(recent),
        recent_runs=RECENT_RUNS,
    )


def _without_plots(recent: Sequence[RevisionRow]) -> tuple[int, ...]:
    """Return those of these runs (the newest last) of which no plot came and that need a look all the same."""
    return tuple(one.run for one in reversed(recent) if one.severity >= LOOK and not one.flagged_count)


def _in_order(site: Site, keys: list[PlotKey]) -> list[PlotKey]:
    order = {plot.key: number for number, plot in enumerate(site.plots.plots)}
    return sorted(keys, key=lambda key: (order.get(key, len(order)), reading_order(key.name), key.chunked))


def _row(
    pass_name: str, revision: RevisionRow, counts: dict[int, list[StateCount]], keys: dict[int, PlotKey]
) -> RunRow:
    cells = []
    for plot_type_id, found in sorted(counts.items(), key=lambda pair: keys[pair[0]]):
        worst = max(found, key=lambda one: (one.severity, one.count))
        cells.append(
            PlotCell(
                plot_slug=keys[plot_type_id].slug,
                state=worst.state,  # type: ignore[arg-type]
                class_name=worst.class_name,
                severity=worst.severity,  # type: ignore[arg-type]
                flagged=sum(one.count for one in found if one.severity >= 2),
                total=sum(one.count for one in found),
            )
        )
    return RunRow(
        run=revision.run,
        run_name=revision.run_name,
        revision=revision.revision,
        made_at=revision.judged_at or revision.wanted_at,
        images=revision.item_count,
        flagged=revision.flagged_count,
        unreadable=revision.unreadable_count,
        severity=revision.severity,  # type: ignore[arg-type]
        href=revision_href(pass_name, revision.run, revision.revision),
        conditions=", ".join(f"{name} {value}" for name, value in condition_words(revision.conditions)),
        cells=tuple(cells),
    )


def front_view(connection: Connection, site: Site) -> FrontView:
    """Return all passes."""
    passes = pass_counts(connection)
    summaries = tuple(PassSummary(found.name, found.state, found.published) for found in passes)
    return FrontView(site.settings.site.experiment, now(), summaries)
