"""A fabricated history of millions of images, loaded in bulk into a database of either kind.

By hand: ``python -m tests.bench.fabricated_history URL [small|large]`` fills an empty database.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.columns import Sha256
from hydra_core.store.schema import Base
from hydra_core.store.session import open_engine, sqlite_file
from hydra_core.store.upgrade import upgrade
from tests.bench.history_rows import TABLES, Row
from tests.bench.history_shape import LARGE, SMALL, Size

Say = Callable[[str], None]


def fabricate(url: str, size: Size, say: Say = lambda _: None) -> dict[str, float]:
    """Fill an empty database with a history; return the seconds that each table, and all indexes after it, took."""
    upgrade(open_engine(url))
    engine = _loading_engine(url)
    load = _load_sqlite if engine.dialect.name == "sqlite" else _load_mariadb
    took: dict[str, float] = {}
    try:
        for name, rows in TABLES.items():
            began = time.monotonic()
            with engine.connect() as connection:
                load(connection, Base.metadata.tables[name], rows(size))
            took[name] = time.monotonic() - began
            say(f"{name}: {took[name]:.1f} s")
    finally:
        engine.dispose()
    return took


def _loading_engine(url: str) -> Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, isolation_level="AUTOCOMMIT", connect_args={"local_infile": True})
    engine = sa.create_engine(parsed, poolclass=sa.NullPool)

    # Nothing is lost when the machine stops during a load: it is begun again.
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -1000000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _load_sqlite(connection: Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    """Insert in the order of the keys; the other indexes are made afterwards, sorted once."""
    for index in table.indexes:
        index.drop(connection)
    names, marks = ", ".join(table.columns.keys()), ", ".join("?" * len(table.columns))
    plain: Any = connection.connection.dbapi_connection
    plain.execute("BEGIN")
    plain.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
    plain.execute("COMMIT")
    for index in table.indexes:
        index.create(connection)


def _load_mariadb(connection: Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    """Send the rows as one LOAD DATA into the empty table, whose indexes the server then builds sorted."""
    connection.exec_driver_sql("SET unique_checks = 0, foreign_key_checks = 0")
    hexadecimal = [column.name for column in table.columns if isinstance(column.type, Sha256)]
    names = ", ".join(f"@{column.name}" if column.name in hexadecimal else column.name for column in table.columns)
    unhex = ", ".join(f"{name} = UNHEX(@{name})" for name in hexadecimal)
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder) / "rows"
        os.mkfifo(pipe)
        writer = threading.Thread(target=_write, args=(pipe, rows))
        writer.start()
        connection.exec_driver_sql(
            f"LOAD DATA LOCAL INFILE '{pipe}' INTO TABLE {table.name} CHARACTER SET utf8mb4 ({names})"
            + (f" SET {unhex}" if unhex else "")
        )
        writer.join()


def _write(pipe: Path, rows: Iterable[Row]) -> None:
    with pipe.open("w", encoding="utf-8", buffering=1 << 20) as stream:
        source = iter(rows)
        while part := list(islice(source, 10_000)):
            stream.writelines(_line(row) for row in part)


def _line(row: Row) -> str:
    return "\t".join([_cell(value) for value in row]) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    return value.hex() if isinstance(value, bytes) else str(value)


def database_bytes(engine: Engine) -> int:
    """Return what a database takes on disk: tables and indexes."""
    file = sqlite_file(engine)
    if file is not None:
        return file.stat().st_size
    query = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


def row_counts(engine: Engine) -> Iterator[tuple[str, int]]:
    """Yield (table, rows) of every table that a history fills."""
    with engine.connect() as connection:
        for name in TABLES:
            yield name, int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {name}").scalar_one())


if __name__ == "__main__":
    fabricate(sys.argv[1], SMALL if "small" in sys.argv[2:] else LARGE, print)
