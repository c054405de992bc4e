"""Counts that pages show: one query for a block of runs, however many images they have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.schema import Item, Pass, Revision, Run, Verdict


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
    columns = (Item.revision_id, Item.plot_type_id, Verdict.state, Verdict.class_name, Verdict.severity)
    for start in range(0, len(ids), 500):
        query = (
            sa.select(*columns, sa.func.count().label("count"))
            .join(Verdict, Verdict.item_id == Item.id)
            .where(Item.revision_id.in_(ids[start : start + 500]))
            .group_by(*columns)
            .order_by(*columns)
        )
        found += [StateCount(**row._mapping) for row in connection.execute(query)]
    return found


def run_numbers(connection: Connection, pass_id: int) -> list[int]:
    """Return the numbers of all published runs of a pass."""
    query = (
        sa.select(Run.number)
        .join(Revision, Revision.run_id == Run.id)
        .where(Run.pass_id == pass_id, Revision.state == "published")
        .distinct()
        .order_by(Run.number)
    )
    return [int(number) for number in connection.execute(query).scalars()]


@dataclass(frozen=True)
class PassCount:
    """A pass with what it holds."""

    id: int
    name: str
    state: str
    wanted: int
    published: int


def pass_counts(connection: Connection) -> list[PassCount]:
    """Return every pass with its runs counted, newest pass first."""
    wanted = sa.select(sa.func.count(Run.id)).where(Run.pass_id == Pass.id).scalar_subquery()
    published = (
        sa.select(sa.func.count(sa.distinct(Revision.run_id)))
        .join(Run, Run.id == Revision.run_id)
        .where(Run.pass_id == Pass.id, Revision.state == "published")
        .scalar_subquery()
    )
    query = sa.select(Pass.id, Pass.name, Pass.state, wanted.label("wanted"), published.label("published")).order_by(
        Pass.id.desc()
    )
    return [PassCount(**row._mapping) for row in connection.execute(query)]


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
