"""Databases that hold a fabricated history, and how much work a question is to them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from tests.store_calls import Call, Middle

#: Tables that grow with every run, every request or every training.
LARGE_TABLES = frozenset(
    {
        "items",
        "evidence",
        "verdicts",
        "verdict_counts",
        "images",
        "labels",
        "runs",
        "revisions",
        "training_images",
        "predictions",
    }
    | {"stage_timings", "requests", "incidents", "kept_images", "judging_set_models", "training_report_responses"}
    | {"earlier_verdicts", "earlier_labels"}
)
_STEPS, _SMALL = 10, 500


@contextmanager
def empty_mariadb(server_url: str, name: str = "") -> Iterator[str]:
    """Yield the URL of an empty database on a server; it is dropped afterwards."""
    name = name or f"hydra_test_{secrets.token_hex(6)}"
    server = sa.create_engine(server_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
    finally:
        server.dispose()


def analyse(engine: Engine) -> None:
    """Let the database count what its planner goes by."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ANALYZE")
        else:
            connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(sorted(LARGE_TABLES))}").all()
        connection.commit()


@dataclass(frozen=True)
class Statement:
    """What was sent to the database."""

    text: str
    parameters: Any


def statements_of(connection: Connection, call: Call, at: Middle) -> list[Statement]:
    """Return what a call sends, each different text once; nothing of it stays."""
    found: dict[str, Statement] = {}

    def note(_c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, many: bool) -> None:
        found.setdefault(text, Statement(text, parameters[0] if many else parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        with connection.begin() as transaction:
            call.work(connection, at)
            transaction.rollback()
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
    return list(found.values())


def scans_of(connection: Connection, statement: Statement) -> list[str]:
    """Return the large tables, with the line of the plan, that a statement reads from end to end.

    A walk along an index that ends at the statement's LIMIT is none.
    """
    if statement.text.startswith("INSERT"):
        return []
    plan = _sqlite_plan if connection.dialect.name == "sqlite" else _mariadb_plan
    lines = plan(connection, statement)
    walks = "LIMIT" in statement.text and not any(line.sorts for line in lines)
    return [line.text for line in lines if line.scanned in LARGE_TABLES and not (walks and line.by_index)]


@dataclass(frozen=True)
class _Line:
    """A line of a plan: the table that it reads from end to end, along an index or not, and whether it sorts."""

    text: str
    scanned: str
    by_index: bool
    sorts: bool


def _table(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _sqlite_plan(connection: Connection, statement: Statement) -> list[_Line]:
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters).all()
    connection.rollback()
    lines = []
    for row in rows:
        text = str(row[3])
        # A search without an index is a walk to the greatest value.
        scan = re.match(r"SCAN (\w+)|SEARCH (\w+)$", text)
        lines.append(
            _Line(text, _table(scan[1] or scan[2]) if scan else "", "INDEX" in text, "TEMP B-TREE FOR ORDER BY" in text)
        )
    return lines


def _mariadb_plan(connection: Connection, statement: Statement) -> list[_Line]:
    rows = connection.exec_driver_sql(f"EXPLAIN {statement.text}", statement.parameters).mappings().all()
    connection.rollback()
    lines = []
    for row in rows:
        kind, extra = str(row["type"]), str(row["Extra"])
        # It reads a small table from end to end where that is quicker than an index.
        whole = kind in ("ALL", "index") and int(row["rows"] or 0) > _SMALL
        scanned = _table(str(row["table"])) if whole else ""
        lines.append(_Line(f"{row['table']}: {kind}, {extra}", scanned, kind == "index", "Using filesort" in extra))
    return lines


def work_of(connection: Connection, call: Call, at: Middle) -> int:
    """Return how much work a call is, in steps of SQLite's machine or rows that MariaDB read; nothing of it stays."""
    counted = _sqlite_steps if connection.dialect.name == "sqlite" else _mariadb_reads

    def ask() -> None:
        with connection.begin() as transaction:
            call.work(connection, at)
            transaction.rollback()

    ask()  # the first call also reads the tables' definitions
    return counted(connection, ask)


def _sqlite_steps(connection: Connection, ask: Callable[[], None]) -> int:
    count = 0

    def tick() -> None:
        nonlocal count
        count += _STEPS

    plain: Any = connection.connection.dbapi_connection
    plain.set_progress_handler(tick, _STEPS)
    try:
        ask()
    finally:
        plain.set_progress_handler(None, 0)
    return count


def _mariadb_reads(connection: Connection, ask: Callable[[], None]) -> int:
    def read() -> int:
        rows: Sequence[Mapping[str, Any]] = (
            connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").mappings().all()  # type: ignore[assignment]
        )
        connection.rollback()
        return sum(int(row["Value"]) for row in rows)

    before = read()
    looking = read() - before
    before = read()
    ask()
    return read() - before - looking
