"""Items of a run revision, and what was said of them: evidence, verdicts, incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.schema import (
    ONCE_A_RUN,
    Evidence,
    Image,
    Incident,
    Item,
    PlotTypeRow,
    Revision,
    Run,
    Verdict,
    VerdictCount,
)
from hydra_core.store.upsert import insert_new


@dataclass(frozen=True)
class NewItem:
    """An item as intake found it."""

    plot: PlotKey
    chunk: int | None
    block_index: int
    status: str
    reason: str
    sha256: str | None
    duplicate_of: str
    source: str
    bytes: int
    width: int
    height: int
    member: str = ""
    held: bool = False
    tombstone: str = ""


@dataclass(frozen=True)
class ItemRow:
    """An item as the database knows it."""

    id: int
    plot: PlotKey
    plot_type_id: int
    chunk: int | None
    block_index: int
    status: str
    reason: str
    sha256: str | None
    duplicate_of: str
    source: str
    width: int | None
    height: int | None
    member: str
    tombstone: str

    @property
    def has_image(self) -> bool:
        """Whether the archive holds its image."""
        return self.status == "ok" and not self.tombstone


@dataclass(frozen=True)
class EvidenceRow:
    """What one judge says of one item."""

    item_id: int
    judge: str
    status: str
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    model_id: int | None = None


@dataclass(frozen=True)
class VerdictRow:
    """What Hydra says of one item."""

    item_id: int
    class_name: str | None
    state: str
    severity: int
    confidence: float | None
    threshold: float | None
    reasons: tuple[str, ...]
    next_step: str
    judging_set_id: int
    model_id: int | None
    code_version: str
    task: str
    made_at: datetime


@dataclass(frozen=True)
class IncidentRow:
    """Consecutive flagged chunks of one plot type; chunks are `ONCE_A_RUN` where the type has none."""

    plot_type_id: int
    class_name: str | None
    state: str
    severity: int
    first_run: int
    first_chunk: int
    last_run: int
    last_chunk: int
    count: int


def replace_items(connection: Connection, revision_id: int, items: Sequence[NewItem]) -> None:
    """Make `items` the items of a revision; whatever was there of them, and said of them, goes."""
    connection.execute(sa.delete(Item).where(Item.revision_id == revision_id))
    connection.execute(sa.delete(VerdictCount).where(VerdictCount.revision_id == revision_id))
    types = plot_type_ids(connection, {item.plot for item in items}, {item.plot for item in items if item.held})
    images = {item.sha256: item for item in items if item.sha256 is not None and item.status == "ok"}
    insert_new(
        connection,
        Image,
        [
            {
                "sha256": sha,
                "bytes": item.bytes,
                "width": item.width,
                "height": item.height,
                "first_seen_at": now(),
            }
            for sha, item in sorted(images.items())
        ],
    )
    rows = [
        {
            "revision_id": revision_id,
            "plot_type_id": types[item.plot],
            "chunk": ONCE_A_RUN if item.chunk is None else item.chunk,
            "block_index": item.block_index,
            "status": item.status,
            "reason": item.reason,
            "image_sha": item.sha256 if item.status == "ok" else None,
            "duplicate_of": item.duplicate_of,
            "source": item.source,
            "member": item.member,
            "tombstone": item.tombstone,
        }
        for item in items
    ]
    if rows:
        connection.execute(sa.insert(Item), rows)


def load_items(connection: Connection, revision_id: int) -> list[ItemRow]:
    """Return the items of a revision in the order of its block."""
    query = (
        sa.select(
            Item.id,
            PlotTypeRow.name,
            PlotTypeRow.chunked,
            Item.plot_type_id,
            Item.chunk,
            Item.block_index,
            Item.status,
            Item.reason,
            Item.image_sha,
            Item.duplicate_of,
            Item.source,
            Item.member,
            Item.tombstone,
            Image.width,
            Image.height,
        )
        .join(PlotTypeRow, PlotTypeRow.id == Item.plot_type_id)
        .outerjoin(Image, Image.sha256 == Item.image_sha)
        .where(Item.revision_id == revision_id)
        .order_by(Item.block_index)
    )
    return [
        ItemRow(
            id=row.id,
            plot=PlotKey(row.name, bool(row.chunked)),
            plot_type_id=row.plot_type_id,
            chunk=None if row.chunk == ONCE_A_RUN else row.chunk,
            block_index=row.block_index,
            status=row.status,
            reason=row.reason,
            sha256=row.image_sha,
            duplicate_of=row.duplicate_of,
            source=row.source,
            width=row.width,
            height=row.height,
            member=row.member,
            tombstone=row.tombstone,
        )
        for row in connection.execute(query)
    ]


def bury_items(connection: Connection, tombstones: Mapping[int, str]) -> None:
    """Write down why images (by item) are no longer in the archive."""
    for item_id, words in sorted(tombstones.items()):
        values = {"tombstone": words, "dropped_at": now()}
        connection.execute(sa.update(Item).where(Item.id == item_id).values(**values))


def save_evidence(connection: Connection, rows: Sequence[EvidenceRow]) -> None:
    """Write evidence; what the same judge said of the same item before is replaced."""
    if not rows:
        return
    for judge in {row.judge for row in rows}:
        ids = [row.item_id for row in rows if row.judge == judge]
        for start in range(0, len(ids), 500):
            part = Evidence.item_id.in_(ids[start : start + 500])
            connection.execute(sa.delete(Evidence).where(part, Evidence.judge == judge))
    connection.execute(
        sa.insert(Evidence),
        [
            {
                "item_id": row.item_id,
                "judge": row.judge,
                "status": row.status,
                "numbers": dict(row.numbers),
                "sentence": row.sentence,
                "model_id": row.model_id,
            }
            for row in rows
        ],
    )


def load_evidence(connection: Connection, revision_id: int) -> dict[int, list[EvidenceRow]]:
    """Return the evidence of a revision: item -> rows, by judge."""
    query = (
        sa.select(
            Evidence.item_id, Evidence.judge, Evidence.status, Evidence.sentence, Evidence.numbers, Evidence.model_id
        )
        .join(Item, Item.id == Evidence.item_id)
        .where(Item.revision_id == revision_id)
        .order_by(Evidence.item_id, Evidence.judge)
    )
    found: dict[int, list[EvidenceRow]] = {}
    for row in connection.execute(query):
        found.setdefault(row.item_id, []).append(EvidenceRow(**row._mapping))
    return found


def save_verdicts(connection: Connection, revision_id: int, rows: Sequence[VerdictRow]) -> None:
    """Make `rows` the verdicts of a revision."""
    query = sa.select(Item.id, Item.plot_type_id).where(Item.revision_id == revision_id)
    types = {row.id: row.plot_type_id for row in connection.execute(query)}
    ids = sorted(types)
    # MariaDB would read every verdict for a deletion by a question about other rows.
    for start in range(0, len(ids), 500):
        connection.execute(sa.delete(Verdict).where(Verdict.item_id.in_(ids[start : start + 500])))
    _save_counts(connection, revision_id, Counter(_kind(types[row.item_id], row) for row in rows))
    if rows:
        connection.execute(
            sa.insert(Verdict),
            [{**vars(row), "reasons": list(row.reasons)} for row in rows],
        )


def _kind(plot_type_id: int, row: VerdictRow) -> tuple[int, str, str, int]:
    return plot_type_id, row.state, row.class_name or "", row.severity


def _save_counts(connection: Connection, revision_id: int, counts: Mapping[tuple[int, str, str, int], int]) -> None:
    connection.execute(sa.delete(VerdictCount).where(VerdictCount.revision_id == revision_id))
    rows = [
        {
            "revision_id": revision_id,
            "plot_type_id": plot_type_id,
            "state": state,
            "class_name": class_name,
            "severity": severity,
            "count": count,
        }
        for (plot_type_id, state, class_name, severity), count in sorted(counts.items())
    ]
    if rows:
        connection.execute(sa.insert(VerdictCount), rows)


def load_verdicts(connection: Connection, revision_id: int) -> dict[int, VerdictRow]:
    """Return the verdicts of a revision: item -> row."""
    columns = [getattr(Verdict, name) for name in VerdictRow.__dataclass_fields__]
    query = sa.select(*columns).join(Item, Item.id == Verdict.item_id).where(Item.revision_id == revision_id)
    found = {}
    for row in connection.execute(query):
        values = dict(row._mapping)
        values["reasons"] = tuple(values["reasons"])
        found[row.item_id] = VerdictRow(**values)
    return found


@dataclass(frozen=True)
class FlaggedChunk:
    """A verdict in the order of time, as incidents need it."""

    run: int
    chunk: int
    class_name: str | None
    state: str
    severity: int


def verdict_series(
    connection: Connection, pass_id: int, plot_type_id: int, runs: Collection[int]
) -> list[FlaggedChunk]:
    """Return the verdicts of one plot type in the newest judged revision of some runs, by (run, chunk)."""
    judged = sa.select(Run.number, _newest_judged().label("revision_id")).where(
        Run.pass_id == pass_id, Run.number.in_(list(runs))
    )
    of_runs = {row.revision_id: row.number for row in connection.execute(judged) if row.revision_id is not None}
    ids, found = sorted(of_runs), []
    for start in range(0, len(ids), 500):
        query = (
            sa.select(Item.revision_id, Item.chunk, Verdict.class_name, Verdict.state, Verdict.severity)
            .join(Verdict, Verdict.item_id == Item.id)
            .where(Item.revision_id.in_(ids[start : start + 500]), Item.plot_type_id == plot_type_id)
        )
        for row in connection.execute(query):
            run = of_runs[row.revision_id]
            found.append(FlaggedChunk(run, row.chunk, row.class_name, row.state, row.severity))
    return sorted(found, key=lambda one: (one.run, one.chunk))


def run_series(connection: Connection, pass_id: int, run: int) -> dict[int, list[FlaggedChunk]]:
    """Return the verdicts in a run's newest judged revision: plot type -> its verdicts by chunk."""
    newest = sa.select(_newest_judged().label("revision_id")).where(Run.pass_id == pass_id, Run.number == run)
    revision_id = connection.execute(newest).scalar_one_or_none()
    query = (
        sa.select(Item.plot_type_id, Item.chunk, Verdict.class_name, Verdict.state, Verdict.severity)
        .join(Verdict, Verdict.item_id == Item.id)
        .where(Item.revision_id == revision_id)
    )
    found: dict[int, list[FlaggedChunk]] = {}
    for row in sorted(connection.execute(query), key=lambda one: one.chunk):
        one = FlaggedChunk(run, row.chunk, row.class_name, row.state, row.severity)
        found.setdefault(row.plot_type_id, []).append(one)
    return found


def _newest_judged() -> sa.ScalarSelect[int]:
    """Return the newest judged revision of the run of the query around it."""
    return (
        sa.select(Revision.id)
        .where(Revision.run_id == Run.id, Revision.judged_at.is_not(None))
        .order_by(Revision.revision.desc())
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )


def neighbour_run(connection: Connection, pass_id: int, plot_type_id: int, run: int, *, later: bool) -> int | None:
    """Return the next run before or after `run` whose newest judged revision has a verdict for this plot type."""
    # As a value, not as a join: runs are walked one by one from here on, and none is read beyond the first that fits.
    verdict = (
        sa.select(Verdict.item_id)
        .join(Item, Item.id == Verdict.item_id)
        .where(Item.revision_id == _newest_judged(), Item.plot_type_id == plot_type_id)
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )
    beyond = Run.number > run if later else Run.number < run
    order = Run.number.asc() if later else Run.number.desc()
    query = sa.select(Run.number).where(Run.pass_id == pass_id, beyond, verdict.is_not(None)).order_by(order).limit(1)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


def judged_beside(connection: Connection, pass_id: int, run: int, *, later: bool) -> int | None:
    """Return the next run before or after `run` of which a revision was judged."""
    beyond = Run.number > run if later else Run.number < run
    order = Run.number.asc() if later else Run.number.desc()
    judged = _newest_judged().is_not(None)
    query = sa.select(Run.number).where(Run.pass_id == pass_id, beyond, judged).order_by(order).limit(1)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


def replace_incidents(
    connection: Connection, pass_id: int, spans: Mapping[int, tuple[int, int]], rows: Sequence[IncidentRow]
) -> None:
    """Make `rows` the incidents of some plot types, each in its span of runs.

    Incidents of one plot type never overlap, so of those that began earlier only the last can reach into the span.

    Parameters
    ----------
    spans
        Plot type -> its first and its last run.
    rows
        Incidents of these plot types within their spans.
    """
    types: dict[tuple[int, int], list[int]] = {}
    for plot_type_id, span in spans.items():
        types.setdefault(span, []).append(plot_type_id)
    over: list[int] = []
    for (first, last), some in types.items():
        within = (Incident.pass_id == pass_id) & Incident.first_run.between(first, last)
        over += connection.execute(sa.select(Incident.id).where(within, Incident.plot_type_id.in_(some))).scalars()
        over += connection.execute(_reaching(pass_id, first, Incident.id).where(PlotTypeRow.id.in_(some))).scalars()
    for start in range(0, len(over), 500):
        connection.execute(sa.delete(Incident).where(Incident.id.in_(over[start : start + 500])))
    if rows:
        connection.execute(sa.insert(Incident), [{"pass_id": pass_id, **vars(row)} for row in rows])


def _reaching(pass_id: int, run: int, *columns: Any) -> sa.Select[Any]:
    """Return a query for the incidents that began before a run and reach it: of each plot type the last one or none."""
    earlier = Incident.__table__.alias().c
    last_before = (
        sa.select(earlier.id)
        .where(earlier.pass_id == pass_id, earlier.plot_type_id == PlotTypeRow.id, earlier.first_run < run)
        .order_by(earlier.first_run.desc(), earlier.first_chunk.desc())
        .limit(1)
        .correlate(PlotTypeRow)
        .scalar_subquery()
    )
    joined = sa.select(*columns).select_from(PlotTypeRow).join(Incident, Incident.id == last_before)
    return joined.where(Incident.last_run >= run)


def run_incidents(connection: Connection, pass_id: int, run: int) -> list[IncidentRow]:
    """Return the incidents that a run is part of, newest first, the worst of one run first.

    Incidents of one plot type never overlap, so beside those that begin in the run only the last one before it counts.
    """
    columns = [getattr(Incident, name) for name in IncidentRow.__dataclass_fields__]
    beginning = sa.select(*columns).where(Incident.pass_id == pass_id, Incident.first_run == run)
    rows = [*connection.execute(_reaching(pass_id, run, *columns)), *connection.execute(beginning)]
    found = [IncidentRow(**row._mapping) for row in rows]
    return sorted(
        found, key=lambda one: (-one.last_run, -one.severity, one.plot_type_id, one.first_run, one.first_chunk)
    )


def load_incidents(connection: Connection, pass_id: int, *, since_run: int = 0, limit: int = 100) -> list[IncidentRow]:
    """Return the incidents that reach `since_run` or later, newest first."""
    columns = [getattr(Incident, name) for name in IncidentRow.__dataclass_fields__]
    query = (
        sa.select(*columns)
        .where(Incident.pass_id == pass_id, Incident.last_run >= since_run)
        .order_by(Incident.last_run.desc(), Incident.severity.desc(), Incident.plot_type_id, Incident.first_run)
        .limit(limit)
    )
    return [IncidentRow(**row._mapping) for row in connection.execute(query)]
