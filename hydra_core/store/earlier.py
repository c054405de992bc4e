"""Rows that were taken over from a database of the original Hydra, each of them once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.store.schema import EarlierLabel, EarlierModel, EarlierVerdict, Import
from hydra_core.store.upsert import insert_new


@dataclass(frozen=True)
class NewEarlierLabel:
    """A label there; `reason` says why it could not be given to an image, and is empty where it was."""

    number: int
    plot_type_id: int
    period: str
    run: int
    chunk: int
    class_name: str
    who: str
    made_at: datetime | None
    path: str
    image_sha: str | None
    reason: str


@dataclass(frozen=True)
class NewEarlierVerdict:
    """A verdict there; `origin` is the table, and `number` says which of its rows."""

    origin: str
    number: int
    plot_type_id: int
    period: str
    run: int
    chunk: int
    class_name: str
    confidence: float | None
    confirmed: bool | None
    transition: int | None
    probs: Mapping[str, float] | None
    thresholds: Mapping[str, float] | None
    model: int | None
    made_at: datetime


@dataclass(frozen=True)
class NewEarlierModel:
    """What is known of a model there."""

    number: int
    plot_type_id: int | None
    parent: int | None
    name: str
    active: bool
    classes: Sequence[str]
    thresholds: Mapping[str, Any]
    facts: Mapping[str, Any]
    made_at: datetime | None


def begin_import(connection: Connection, source: str) -> int:
    """Enter a database that is taken over, unless it is there already; return its row."""
    row = {"source": source, "taken": {}, "not_taken": [], "began_at": now(), "ended_at": None}
    insert_new(connection, Import, [row])
    return int(connection.execute(sa.select(Import.id).where(Import.source == source)).scalar_one())


def end_import(
    connection: Connection, import_id: int, taken: Mapping[str, int], not_taken: Sequence[Sequence[object]]
) -> None:
    """Write down what came of it; where it says so already, nothing changes."""
    row = connection.execute(
        sa.select(Import.taken, Import.not_taken, Import.ended_at).where(Import.id == import_id)
    ).one()
    told = {"taken": dict(taken), "not_taken": [list(line) for line in not_taken]}
    if row.ended_at is None or {"taken": row.taken, "not_taken": row.not_taken} != told:
        connection.execute(sa.update(Import).where(Import.id == import_id).values(**told, ended_at=now()))


def known_labels(connection: Connection, import_id: int, first: int, last: int) -> dict[int, tuple[str | None, str]]:
    """Return of the labels with these numbers what is known: number -> (SHA-256 of the image, reason)."""
    query = sa.select(EarlierLabel.number, EarlierLabel.image_sha, EarlierLabel.reason).where(
        EarlierLabel.import_id == import_id, EarlierLabel.number.between(first, last)
    )
    return {row.number: (row.image_sha, row.reason) for row in connection.execute(query)}


def save_labels(
    connection: Connection, import_id: int, labels: Sequence[NewEarlierLabel], known: Collection[int]
) -> None:
    """Enter labels; of those that are known, what became of their image is written anew."""
    insert_new(
        connection,
        EarlierLabel,
        [{"import_id": import_id, **vars(label)} for label in labels if label.number not in known],
    )
    changed = [
        {
            "this_number": label.number,
            "image_sha": label.image_sha,
            "reason": label.reason,
            "made_at": label.made_at,
            "path": label.path,
        }
        for label in labels
        if label.number in known
    ]
    if changed:
        this = (EarlierLabel.import_id == import_id) & (EarlierLabel.number == sa.bindparam("this_number"))
        connection.execute(sa.update(EarlierLabel).where(this), changed)


def save_models(connection: Connection, import_id: int, models: Sequence[NewEarlierModel]) -> int:
    """Enter models, or write down what has changed of them; return how many rows that were."""
    columns = [column for column in EarlierModel.__table__.c if column.name != "import_id"]
    query = sa.select(*columns).where(EarlierModel.import_id == import_id)
    found = {row["number"]: dict(row) for row in connection.execute(query).mappings()}
    rows = [{**vars(model), "classes": list(model.classes)} for model in models]
    new = [{"import_id": import_id, **row} for row in rows if row["number"] not in found]
    insert_new(connection, EarlierModel, new)
    changed = [row for row in rows if row["number"] in found and found[row["number"]] != row]
    for row in changed:
        this = (EarlierModel.import_id == import_id) & (EarlierModel.number == row["number"])
        connection.execute(sa.update(EarlierModel).where(this).values(**row))
    return len(new) + len(changed)


def save_verdicts(connection: Connection, import_id: int, verdicts: Sequence[NewEarlierVerdict]) -> int:
    """Enter verdicts that are not there yet; return how many those are."""
    parts: dict[str, list[NewEarlierVerdict]] = {}
    for verdict in verdicts:
        parts.setdefault(verdict.origin, []).append(verdict)
    count = 0
    for origin, part in parts.items():
        numbers = [verdict.number for verdict in part]
        query = sa.select(EarlierVerdict.number).where(
            EarlierVerdict.import_id == import_id,
            EarlierVerdict.origin == origin,
            EarlierVerdict.number.between(min(numbers), max(numbers)),
        )
        known = set(connection.execute(query).scalars())
        rows = [{"import_id": import_id, **vars(verdict)} for verdict in part if verdict.number not in known]
        insert_new(connection, EarlierVerdict, rows)
        count += len(rows)
    return count
