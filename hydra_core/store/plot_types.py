"""Plot types: which ones were seen, and what a coordinator decided about them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey
from hydra_core.store.schema import Item, PlotTypeRow, Revision, Run
from hydra_core.store.upsert import insert_new

#: ``new`` waits for a decision and calls nobody; ``ignored`` is left out of runs; ``renamed`` goes by another name.
TypeStatus = Literal["new", "active", "ignored", "renamed"]
#: Entry of a stored drawing: when it was decided, which need not be when the type was.
_DRAWN_AT = "decided_at"

_COLUMNS = (
    PlotTypeRow.id,
    PlotTypeRow.name,
    PlotTypeRow.chunked,
    PlotTypeRow.status,
    PlotTypeRow.drawing,
    PlotTypeRow.first_seen_at,
    PlotTypeRow.decided_by,
    PlotTypeRow.decided_at,
)


@dataclass(frozen=True)
class KnownType:
    """A plot type as the database knows it; `drawing` are the ranges that its histograms are drawn with."""

    id: int
    plot: PlotKey
    status: TypeStatus
    renamed_to: PlotKey | None
    drawing: Mapping[str, Any] | None
    first_seen_at: datetime
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True)
class NewDecision:
    """What somebody decided about a plot type, and the ranges that its histograms are to be drawn with, if given."""

    plot: PlotKey
    status: TypeStatus
    who: str
    made_at: datetime
    renamed_to: PlotKey | None = None
    drawing: Mapping[str, Any] | None = None


def plot_type_ids(
    connection: Connection, keys: Collection[PlotKey], new: Collection[PlotKey] = ()
) -> dict[PlotKey, int]:
    """Return the row of each plot type, entering those that are not there.

    Parameters
    ----------
    new
        Those of `keys` that enter as new, to wait for a decision; the others enter as active.
    """
    rows = [
        {
            "name": key.name,
            "chunked": key.chunked,
            "first_seen_at": now(),
            "status": "new" if key in new else "active",
            "decided_by": "",
        }
        for key in sorted(set(keys))
    ]
    insert_new(connection, PlotTypeRow, rows)
    known = all_plot_types(connection)
    return {key: known[key] for key in set(keys)}


def all_plot_types(connection: Connection) -> dict[PlotKey, int]:
    """Return every plot type with its row, by name."""
    query = sa.select(PlotTypeRow.name, PlotTypeRow.chunked, PlotTypeRow.id)
    found = {PlotKey(row.name, bool(row.chunked)): row.id for row in connection.execute(query)}
    return dict(sorted(found.items()))


def known_types(connection: Connection) -> dict[PlotKey, KnownType]:
    """Return all that is known of every plot type, by name."""
    other = PlotTypeRow.__table__.alias()
    query = sa.select(*_COLUMNS, other.c.name.label("to"), other.c.chunked.label("by")).outerjoin(
        other, other.c.id == PlotTypeRow.renamed_to
    )
    found = {}
    for row in connection.execute(query):
        key = PlotKey(row.name, bool(row.chunked))
        found[key] = KnownType(
            row.id,
            key,
            row.status,
            PlotKey(row.to, bool(row.by)) if row.to is not None else None,
            _ranges(row.drawing),
            row.first_seen_at,
            row.decided_by,
            row.decided_at,
        )
    return dict(sorted(found.items()))


def decide_types(connection: Connection, decisions: Sequence[NewDecision]) -> None:
    """Write down what was decided; of each plot type the newest decision counts, in whatever order they come.

    Of two from the same instant the one with the greater status, other name and person counts. The newest decision that
    brings a drawing gives the drawing, so one without leaves it as it was. Types that were never seen, new names among
    them, enter as active. The caller holds the database (see `hold_database`): two that decide at once would meet.
    """
    if not decisions:
        return
    ids = plot_type_ids(connection, {key for one in decisions for key in (one.plot, one.renamed_to) if key is not None})
    names = {row: key for key, row in all_plot_types(connection).items()}
    columns = (
        PlotTypeRow.status,
        PlotTypeRow.renamed_to,
        PlotTypeRow.decided_by,
        PlotTypeRow.decided_at,
        PlotTypeRow.drawing,
    )
    for one in decisions:
        this = PlotTypeRow.id == ids[one.plot]
        row = connection.execute(sa.select(*columns).where(this)).one()
        values: dict[str, Any] = {}
        old = (row.decided_at, row.status, names.get(row.renamed_to), row.decided_by)
        if row.decided_at is None or _rank(one.made_at, one.status, one.renamed_to, one.who) > _rank(*old):
            target = None if one.renamed_to is None else ids[one.renamed_to]
            values = {"status": one.status, "renamed_to": target, "decided_by": one.who, "decided_at": one.made_at}
        if one.drawing is not None:
            stamped = {**one.drawing, _DRAWN_AT: _cut(one.made_at).astimezone(UTC).isoformat(timespec="milliseconds")}
            if _drawing_rank(stamped) > _drawing_rank(row.drawing):
                values["drawing"] = stamped
        if values:
            connection.execute(sa.update(PlotTypeRow).where(this).values(**values))


def _rank(at: datetime, status: str, renamed_to: PlotKey | None, who: str) -> tuple[datetime, str, str, str]:
    return _cut(at), status, str(renamed_to or ""), who


def _cut(instant: datetime) -> datetime:
    # The database keeps milliseconds.
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _drawing_rank(drawing: Mapping[str, Any] | None) -> tuple[str, str]:
    # Instants of one zone and one form are in the order of their texts.
    return ("", "") if drawing is None else (drawing.get(_DRAWN_AT, ""), json.dumps(drawing, sort_keys=True))


def _ranges(drawing: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return drawing and {key: value for key, value in drawing.items() if key != _DRAWN_AT}


def image_counts(
    connection: Connection, plot_type_ids: Collection[int], *, at_most: int | None = None
) -> dict[int, int]:
    """Return how many readable images some plot types have in all runs; those that have none are not named.

    Parameters
    ----------
    at_most
        Do not count further than this: every run may bring some.
    """
    counts = {}
    for plot_type_id in sorted(plot_type_ids):
        images = sa.select(Item.id).where(Item.plot_type_id == plot_type_id, Item.status == "ok").limit(at_most)
        counted = sa.select(sa.func.count()).select_from(images.subquery())
        counts[plot_type_id] = int(connection.execute(counted).scalar_one())
    return {plot_type_id: count for plot_type_id, count in counts.items() if count}


def newest_place(connection: Connection, plot_type_id: int) -> tuple[int, int, int] | None:
    """Return (pass row, run number, revision) of the newest run that has a readable item of a plot type."""
    newest = (
        sa.select(Item.revision_id)
        .where(Item.plot_type_id == plot_type_id, Item.status == "ok")
        .order_by(Item.revision_id.desc())
        .limit(1)
    )
    revision_id = connection.execute(newest).scalar_one_or_none()
    if revision_id is None:
        return None
    place = sa.select(Run.pass_id, Run.number, Revision.revision).join(Revision, Revision.run_id == Run.id)
    row = connection.execute(place.where(Revision.id == revision_id)).one()
    return int(row[0]), int(row[1]), int(row[2])
