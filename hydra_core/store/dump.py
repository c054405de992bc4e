"""Tables as lines of JSON, the same from every kind of database: a row is a list of its values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import iso_exact
from hydra_core.store.columns import Sha256, UtcTime
from hydra_core.store.schema import Base

#: Rows that are read, and written, at a time.
BATCH = 10_000
#: How a value is written, and what the column is for a statement. JSON stays the text that it is.
_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "sha256": Sha256(),
    "instant": UtcTime(),
    "json": sa.Text(),
    "truth": sa.Boolean(),
    "integer": sa.Integer(),
    "number": sa.Double(),
    "text": sa.Text(),
}


@dataclass(frozen=True)
class TableShape:
    """A table as a dump tells it, so that it can be filled by a program whose tables are others.

    Attributes
    ----------
    columns
        Name and kind of each value of a row: ``sha256`` (hexadecimal digits), ``instant`` (ISO 8601, UTC, with
        milliseconds), ``json`` (JSON once more, as text), ``truth``, ``integer``, ``number``, ``text``.
    """

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def table(self) -> sa.TableClause:
        """The table for statements."""
        return sa.table(self.name, *(sa.column(name, _KINDS[kind]) for name, kind in self.columns))


def table_shapes() -> tuple[TableShape, ...]:
    """Return the tables of this program, each after those that its rows refer to."""
    return tuple(
        TableShape(table.name, tuple((column.name, _kind(column.type)) for column in table.columns))
        for table in Base.metadata.sorted_tables
    )


def known_kinds() -> frozenset[str]:
    """Return the kinds of values that can be read."""
    return frozenset(_KINDS)


def _kind(of: sa.types.TypeEngine[Any]) -> str:
    for kind, known in (("sha256", Sha256), ("instant", UtcTime), ("json", sa.JSON), ("truth", sa.Boolean)):
        if isinstance(of, known):
            return kind
    if isinstance(of, sa.Integer):
        return "integer"
    return "number" if isinstance(of, sa.Float) else "text"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return iso_exact(value)
    raise TypeError(f"{type(value).__name__} has no place in a dump")


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def dump_rows(connection: Connection, shape: TableShape) -> Iterator[list[bytes]]:
    """Yield the rows of a table of this program in the order of their keys, as lines, some thousands at a time."""
    keys = [column.name for column in Base.metadata.tables[shape.name].primary_key]
    query = sa.select(shape.table).order_by(*(shape.table.c[key] for key in keys))
    found = connection.execute(query, execution_options={"stream_results": True, "max_row_buffer": BATCH})
    for rows in found.partitions(BATCH):
        yield [_ENCODE(list(row)).encode() + b"\n" for row in rows]


def parsed_rows(shape: TableShape, lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows for an insert, some thousands at a time.

    Raises
    ------
    ValueError
        When a line is not a row of that table.
    """
    names = [name for name, _ in shape.columns]
    instants = [number for number, (_, kind) in enumerate(shape.columns) if kind == "instant"]
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        rows = []
        for line in batch:
            values = json.loads(line)
            for number in instants:
                if values[number] is not None:
                    values[number] = datetime.fromisoformat(values[number])
            rows.append(dict(zip(names, values, strict=True)))
        yield rows


def blocks_writers(connection: Connection) -> bool:
    """Whether reading for minutes would keep others from writing: SQLite where it has no write-ahead log."""
    if connection.dialect.name != "sqlite":
        return False
    return connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal"


def copy_database(engine: Engine, target: Path) -> None:
    """Copy an SQLite database as it stands now into a new file; others wait only as long as that takes."""
    with engine.connect() as connection, closing(sqlite3.connect(target)) as copy:
        source: Any = connection.connection.dbapi_connection
        source.backup(copy)
