"""Counts that are kept beside what they count: whether they agree with it, and how they are taken anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.ledger import lock_pass
from hydra_core.store.schema import Label, LabelCount, Pass, PlotTypeRow, Revision, Run


@dataclass(frozen=True)
class WrongCount:
    """A count that is not what is there: of a pass or a plot type, in words, the number kept and the right one."""

    what: str
    kept: int
    right: int


def wrong_counts(connection: Connection) -> list[WrongCount]:
    """Return the counts of passes and plot types that do not agree with the runs and labels that are there."""
    found = []
    right = _passes(connection)
    for row in connection.execute(sa.select(Pass.id, Pass.name, Pass.run_count, Pass.published_count)):
        wanted, published = right.get(row.id, (0, 0))
        found.append(WrongCount(f"runs of the pass {row.name}", row.run_count, wanted))
        found.append(WrongCount(f"published runs of the pass {row.name}", row.published_count, published))
    labels, kept = _labels(connection), _kept(connection)
    names = connection.execute(sa.select(PlotTypeRow.id, PlotTypeRow.name)).all()
    found += [WrongCount(f"labels of {name}", kept.get(kind, 0), labels.get(kind, 0)) for kind, name in names]
    return [one for one in found if one.kept != one.right]


def recount(connection: Connection) -> None:
    """Take every count anew, where it is wrong."""
    for pass_id in sorted(connection.execute(sa.select(Pass.id)).scalars()):
        lock_pass(connection, pass_id)
    right = _passes(connection)
    for row in connection.execute(sa.select(Pass.id, Pass.run_count, Pass.published_count)).all():
        wanted, published = right.get(row.id, (0, 0))
        if (row.run_count, row.published_count) != (wanted, published):
            values = {"run_count": wanted, "published_count": published}
            connection.execute(sa.update(Pass).where(Pass.id == row.id).values(values))
    if _labels(connection) != _kept(connection):
        # Whoever brings labels at the same moment waits for the rows that go, or was there before they are counted.
        connection.execute(sa.delete(LabelCount))
        labels = _labels(connection)
        if labels:
            rows = [{"plot_type_id": kind, "count": count} for kind, count in sorted(labels.items())]
            connection.execute(sa.insert(LabelCount), rows)


def _passes(connection: Connection) -> Mapping[int, tuple[int, int]]:
    """Return (runs, published runs) of each pass that has any."""
    published = sa.exists().where(Revision.run_id == Run.id, Revision.state == "published")
    first = sa.func.sum(sa.case((published, 1), else_=0))
    query = sa.select(Run.pass_id, sa.func.count(), first).group_by(Run.pass_id)
    return {int(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(query)}


def _labels(connection: Connection) -> Mapping[int, int]:
    query = sa.select(Label.plot_type_id, sa.func.count()).group_by(Label.plot_type_id)
    return {int(kind): int(count) for kind, count in connection.execute(query)}


def _kept(connection: Connection) -> Mapping[int, int]:
    rows = connection.execute(sa.select(LabelCount.plot_type_id, LabelCount.count.label("kept")))
    return {int(row.plot_type_id): int(row.kept) for row in rows if row.kept}
