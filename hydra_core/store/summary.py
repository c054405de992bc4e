"""Counts that pages show: one query for a block of runs, however many images they have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.ledger import published_revision
from hydra_core.store.schema import Pass, Revision, Run, VerdictCount


@dataclass(frozen=True)
class StateCount:
    """How many items of a revision and plot type have one state, class and severity."""

    revision_id: int
    plot_type_id: int
    state: str
    class_name: str | None
    severity: int
    count: int


def state_counts(connection: Connection, revision_ids: Collection[int]) -> list[StateCount]:
    """Return the verdicts of some revisions, counted by plot type and state."""
    ids = sorted(revision_ids)
    found: list[StateCount] = []
    of = VerdictCount
    for start in range(0, len(ids), 500):
        query = (
            sa.select(of.revision_id, of.plot_type_id, of.state, of.class_name, of.severity, of.count)
            .where(of.revision_id.in_(ids[start : start + 500]))
            .order_by(of.revision_id, of.plot_type_id, of.state, of.class_name, of.severity)
        )
        for row in connection.execute(query):
            found.append(
                StateCount(
                    row.revision_id,
                    row.plot_type_id,
                    row.state,
                    row.class_name or None,
                    row.severity,
                    row._mapping["count"],
                )
            )
    return found


def newest_runs(connection: Connection, pass_id: int, most: int) -> list[int]:
    """Return the numbers of the newest published runs of a pass, newest first."""
    query = _published(pass_id).order_by(Run.number.desc()).limit(most)
    return [int(number) for number in connection.execute(query).scalars()]


def run_blocks(connection: Connection, pass_id: int, size: int) -> list[int]:
    """Return which blocks of run numbers (``number // size``) of a pass have published runs."""
    blocks: list[int] = []
    while True:
        # One step for each block, however many runs it has.
        beyond = [Run.number >= (blocks[-1] + 1) * size] if blocks else []
        query = _published(pass_id).where(*beyond).order_by(Run.number).limit(1)
        number = connection.execute(query).scalar_one_or_none()
        if number is None:
            return blocks
        blocks.append(int(number) // size)


def _published(pass_id: int) -> sa.Select[int]:
    return sa.select(Run.number).where(Run.pass_id == pass_id, published_revision().is_not(None))


@dataclass(frozen=True)
class PassCount:
    """A pass with what it holds."""

    id: int
    name: str
    state: str
    wanted: int
    published: int


def pass_counts(connection: Connection) -> list[PassCount]:
    """Return every pass with the numbers of its runs, newest pass first."""
    columns = (Pass.id, Pass.name, Pass.state, Pass.run_count, Pass.published_count)
    return [PassCount(*row) for row in connection.execute(sa.select(*columns).order_by(Pass.id.desc()))]


@dataclass(frozen=True)
class Totals:
    """The whole database in numbers: counted over the newest published revision of each run."""

    runs: int
    images: int
    flagged: int
    unreadable: int


def totals(connection: Connection, pass_id: int) -> Totals:
    """Count a pass."""
    newest = (
        sa.select(Revision.run_id, sa.func.max(Revision.revision).label("top"))
        .join(Run, Run.id == Revision.run_id)
        .where(Run.pass_id == pass_id, Revision.state == "published")
        .group_by(Revision.run_id)
        .subquery()
    )
    row = connection.execute(
        sa.select(
            sa.func.count(Revision.id),
            sa.func.coalesce(sa.func.sum(Revision.item_count), 0),
            sa.func.coalesce(sa.func.sum(Revision.flagged_count), 0),
            sa.func.coalesce(sa.func.sum(Revision.unreadable_count), 0),
        ).join(newest, (newest.c.run_id == Revision.run_id) & (newest.c.top == Revision.revision))
    ).one()
    return Totals(*(int(value) for value in row))
