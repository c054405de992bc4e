"""What tasks cost, and files that nobody could name: the material of the status page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.files import sha256_bytes
from hydra_core.store.schema import Revision, StageTiming, Unmatched
from hydra_core.store.upsert import insert_new


@dataclass(frozen=True)
class Timing:
    """What one task cost: seconds, MiB of peak memory, images it handled."""

    task: str
    submit: int
    wall_s: float
    cpu_s: float
    max_rss_mb: float
    images: int


@dataclass(frozen=True)
class TimingSummary:
    """Medians over the runs that are counted, and the sum of their processor time."""

    task: str
    jobs: int
    wall_s: float
    cpu_s: float
    cpu_s_total: float
    max_rss_mb: float
    images_per_s: float | None


def save_timing(connection: Connection, revision_id: int, timing: Timing) -> None:
    """Note what a task cost; an earlier attempt of the same task is replaced."""
    where = (StageTiming.revision_id == revision_id) & (StageTiming.task == timing.task)
    connection.execute(sa.delete(StageTiming).where(where))
    connection.execute(sa.insert(StageTiming).values(revision_id=revision_id, finished_at=now(), **vars(timing)))


def timing_summaries(connection: Connection, *, newest: int = 2000) -> list[TimingSummary]:
    """Return medians per task over the newest rows."""
    query = (
        sa.select(StageTiming.task, StageTiming.wall_s, StageTiming.cpu_s, StageTiming.max_rss_mb, StageTiming.images)
        .order_by(StageTiming.finished_at.desc())
        .limit(newest)
    )
    rows = connection.execute(query).all()
    found = []
    for task in sorted({row.task for row in rows}):
        mine = [row for row in rows if row.task == task]
        busy = [row for row in mine if row.images and row.wall_s > 0]
        found.append(
            TimingSummary(
                task=task,
                jobs=len(mine),
                wall_s=statistics.median(row.wall_s for row in mine),
                cpu_s=statistics.median(row.cpu_s for row in mine),
                cpu_s_total=sum(row.cpu_s for row in mine),
                max_rss_mb=max(row.max_rss_mb for row in mine),
                images_per_s=sum(row.images for row in busy) / sum(row.wall_s for row in busy) if busy else None,
            )
        )
    return found


def images_per_day(connection: Connection, since: datetime) -> list[tuple[str, int]]:
    """Return (ISO date, images judged) for each day since an instant."""
    query = sa.select(Revision.judged_at, Revision.item_count).where(Revision.judged_at >= since)
    days: dict[str, int] = {}
    for row in connection.execute(query):
        day = row.judged_at.date().isoformat()
        days[day] = days.get(day, 0) + row.item_count
    return sorted(days.items())


def save_unmatched(connection: Connection, pass_id: int, files: Iterable[tuple[str, str]]) -> None:
    """Note files (path, why) that no naming rule took; each once a pass."""
    rows = [
        {
            "pass_id": pass_id,
            "path_sha": sha256_bytes(path.encode("utf-8", "surrogateescape")),
            "path": path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
            "reason": reason,
            "seen_at": now(),
        }
        for path, reason in files
    ]
    insert_new(connection, Unmatched, rows)


def load_unmatched(connection: Connection, *, limit: int = 200) -> list[tuple[str, str]]:
    """Return files that no naming rule took, newest first."""
    query = sa.select(Unmatched.path, Unmatched.reason).order_by(Unmatched.id.desc()).limit(limit)
    return [(row.path, row.reason) for row in connection.execute(query)]
