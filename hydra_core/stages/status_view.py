"""How Hydra itself is doing: what waits and why, what tasks cost, how much room is used."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import timedelta

from sqlalchemy.engine import Connection

import hydra_core
from hydra_core.base.clock import now
from hydra_core.base.plot_names import argument_of
from hydra_core.config.site import Site
from hydra_core.report.site_views import NewTypeView, StatusView, TaskTiming
from hydra_core.stages.new_types import waiting_types
from hydra_core.store.ledger import RevisionRow, all_passes, unfinished
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import newest_judging_set
from hydra_core.store.schema import SCHEMA_REVISION
from hydra_core.store.summary import pass_counts
from hydra_core.store.timings import images_per_day, load_unmatched, timing_summaries

_WHY = {
    "wanted": "its images are not read yet",
    "chunked": "its images are read, but not judged yet",
    "judged": "judged, not archived yet",
    "archived": "archived, its page is not published yet",
}
#: A file of histograms may bring thousands of plot types; a page that names them all would be read by nobody.
_MOST_NAMED = 30


def status_view(connection: Connection, site: Site) -> StatusView:
    """Return the state of the whole deployment."""
    waiting = []
    for row in all_passes(connection):
        if row.state == "open":
            waiting += [(row.name, found.run, _why(found)) for found in unfinished(connection, row.id)[:50]]
    newest = newest_judging_set(connection)
    known = all_plot_types(connection)
    new, more = waiting_types(connection, site, _MOST_NAMED)
    return StatusView(
        experiment=site.settings.site.experiment,
        updated_at=now(),
        passes=tuple((one.name, one.state, one.wanted, one.published) for one in pass_counts(connection)),
        waiting=tuple(waiting),
        timings=tuple(
            TaskTiming(one.task, one.jobs, one.wall_s, one.cpu_s, one.max_rss_mb, one.images_per_s)
            for one in timing_summaries(connection)
        ),
        images_per_day=tuple(images_per_day(connection, now() - timedelta(days=365))),
        versions=(
            ("Hydra", hydra_core.__version__),
            ("database schema", SCHEMA_REVISION),
            ("judging set", str(newest.number) if newest else "none yet"),
            ("Cylc", importlib.metadata.version("cylc-flow")),
            ("OpenVINO", importlib.metadata.version("openvino")),
            ("Python", platform.python_version()),
            ("kind of database", connection.dialect.name),
        ),
        sizes=tuple(_sizes(site)),
        unmatched=tuple(load_unmatched(connection)),
        new_types=tuple(
            NewTypeView(argument_of(one.plot, known), one.first_seen_at, one.images, one.more) for one in new
        ),
        more_new_types=more,
    )


def _why(revision: RevisionRow) -> str:
    return f"revision {revision.revision}: {_WHY[revision.state]}"


def _sizes(site: Site) -> list[tuple[str, int]]:
    found = []
    database = site.root / "hydra.sqlite"
    if database.exists():
        found.append(("database file", database.stat().st_size))
    for name in ("inbox", "quarantine"):
        folder = site.root / name
        held = sum(path.lstat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
        found.append((name, held))
    return found
