"""A database of the original Hydra: read only, in pieces, with whatever tables and columns it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from hydra_core.base.errors import DatabaseError
from hydra_core.base.files import sha256_bytes
from hydra_core.moving.their_tables import KNOWN, plain
from hydra_core.store.passwords import with_password

VARIABLE = "HYDRA_IMPORT_PASSWORD"
BATCH = 4000
_AT_ONCE = 500
_LONGEST_SOURCE = 190
_TIMEOUT_S = 10

#: One row: our name of a column -> its value, None where that database has no such column.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as it is there.

    Attributes
    ----------
    columns
        Our name of a column -> theirs, of those that are there.
    utc
        Our names of the columns that the server keeps in UTC.
    """

    name: str
    columns: Mapping[str, str]
    utc: frozenset[str]


@dataclass(frozen=True)
class Original:
    """What can be read of a database of the original.

    Attributes
    ----------
    source
        The address of the database, without user and password.
    tables
        Our name of a table -> the table.
    others
        Tables that are there and not known to this program.
    """

    engine: Engine
    source: str
    tables: Mapping[str, Table]
    others: tuple[str, ...]

    def lacks(self, name: str) -> tuple[str, ...]:
        """Return the columns, in our names, that a table does not have; all of them where it is not there."""
        found = self.tables.get(name)
        return tuple(column for column in KNOWN[name] if found is None or column not in found.columns)

    def count(self, name: str) -> int:
        """Return how many rows a table has, by the name that it has there."""
        with _told(self.source), self.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one())

    def rows(self, name: str) -> list[Row]:
        """Return a whole table that is known to be small."""
        return [row for batch in self.batches(name) for row in batch]

    def batches(self, name: str, order: Sequence[str] = ()) -> Iterator[list[Row]]:
        """Yield the rows of a table in pieces of `BATCH`; nothing where it is not there.

        Parameters
        ----------
        order
            Columns, in our names, by which the rows of a table without numbers (``id``) come.
        """
        table = self.tables.get(name)
        if table is None:
            return
        if "id" in table.columns:
            yield from self._by_number(table)
        else:
            yield from self._in_order(table, [column for column in order if column in table.columns])

    def by_number(self, name: str, numbers: Collection[int]) -> dict[int, Row]:
        """Return the rows with these numbers."""
        table = self.tables.get(name)
        found: dict[int, Row] = {}
        if table is None or "id" not in table.columns:
            return found
        wanted = sorted(set(numbers))
        with _told(self.source), self.engine.connect() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                query = _select(table).where(_column(table, "id").in_(wanted[start : start + _AT_ONCE]))
                for row in _fetched(connection, table, query):
                    found[int(row["id"])] = row
        return found

    def run_periods(self) -> list[str]:
        """Return what images of runs have for a period; simulated ones have something else there."""
        table = self.tables.get("Plots")
        if table is None or not {"period", "run"} <= table.columns.keys():
            return []
        query = sa.select(_column(table, "period")).select_from(sa.table(table.name)).distinct()
        with _told(self.source), self.engine.connect() as connection:
            found = connection.execute(query.where(_column(table, "run") != 0)).scalars()
            return [str(_text(value) or "") for value in found]

    def _by_number(self, table: Table) -> Iterator[list[Row]]:
        number = _column(table, "id")
        query = _select(table).order_by(number).limit(BATCH)
        last: Any = None
        while True:
            page = query if last is None else query.where(number > last)
            # Each piece is a transaction of its own: the experiment goes on writing into that database.
            with _told(self.source), self.engine.connect() as connection:
                rows = _fetched(connection, table, page)
            if rows:
                yield rows
            if len(rows) < BATCH:
                return
            last = rows[-1]["id"]

    def _in_order(self, table: Table, order: Sequence[str]) -> Iterator[list[Row]]:
        query = _select(table).order_by(*(_column(table, column) for column in order))
        with _told(self.source), self.engine.connect() as connection:
            result = connection.execution_options(stream_results=True, yield_per=BATCH).execute(query)
            for part in result.mappings().partitions(BATCH):
                yield [_row(table, dict(found)) for found in part]


def _column(table: Table, name: str) -> sa.ColumnClause[Any]:
    return sa.column(table.columns[name])


def _select(table: Table) -> sa.Select[Any]:
    columns: list[sa.Label[Any]] = [sa.column(theirs).label(ours) for ours, theirs in table.columns.items()]
    return sa.select(*columns).select_from(sa.table(table.name))


def _fetched(connection: Connection, table: Table, query: sa.Select[Any]) -> list[Row]:
    return [_row(table, dict(found)) for found in connection.execute(query).mappings()]


def _row(table: Table, found: Mapping[Any, Any]) -> Row:
    row = {column: _text(value) for column, value in found.items()}
    for column in table.utc:
        if isinstance(row[column], datetime):
            row[column] = row[column].replace(tzinfo=UTC)
    return row


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


@contextmanager
def _told(source: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise DatabaseError(
            f"the original's database {source} cannot be read: {error.orig}",
            next_step="check address, user, HYDRA_IMPORT_PASSWORD_FILE and rights (SELECT will do); then again",
        ) from error


@contextmanager
def opened_original(url: str) -> Iterator[Original]:
    """Yield what can be read of a database.

    Parameters
    ----------
    url
        ``mysql+pymysql://USER@HOST/DATABASE``, or ``sqlite:///FILE`` of a copy. A password that is not part of it
        comes from the environment.

    Raises
    ------
    DatabaseError
        When the URL cannot be used, or nothing answers.
    """
    engine, source = _engine(url)
    try:
        with _told(source):
            tables, others = _found_tables(engine)
        if not {"Plot_Types", "Plots"} <= tables.keys():
            raise DatabaseError(
                f"{source} is no database of the original Hydra: it lacks Plot_Types or Plots",
                next_step="check the name of the database at the end of the address",
            )
        yield Original(engine, source, tables, others)
    finally:
        engine.dispose()


def _engine(url: str) -> tuple[Engine, str]:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        # The text itself may hold a password, and so may the error that names it.
        raise _no_address() from None
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database:
        return _sqlite(Path(parsed.database).absolute())
    if kind not in ("mysql", "mariadb") or not parsed.host or not parsed.database:
        raise _no_address()
    address = URL.create("mysql", host=parsed.host, port=parsed.port or 3306, database=parsed.database)
    parsed = with_password(parsed.set(drivername="mysql+pymysql", query={}), VARIABLE)
    engine = sa.create_engine(
        parsed.update_query_dict({"charset": "utf8mb4"}),
        pool_pre_ping=True,
        connect_args={"connect_timeout": _TIMEOUT_S},
    )

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET time_zone = '+00:00'")

    return engine, _short(address.render_as_string())


def _no_address() -> DatabaseError:
    return DatabaseError(
        "the address of the original's database is not one that can be read",
        next_step="write mysql+pymysql://USER@HOST/DATABASE, or sqlite:///FILE for a copy",
    )


def _sqlite(path: Path) -> tuple[Engine, str]:
    if not path.is_file():
        # Merely opening it would make the file.
        raise DatabaseError(f"there is no database {path}", next_step="check the path")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool), _short(f"sqlite:///{path}")


def _short(source: str) -> str:
    if len(source) <= _LONGEST_SOURCE:
        return source
    digest = sha256_bytes(source.encode("utf-8", "surrogateescape"))[:10]
    return f"{source[: _LONGEST_SOURCE - 12]}~{digest}"


def _found_tables(engine: Engine) -> tuple[dict[str, Table], tuple[str, ...]]:
    inspector = sa.inspect(engine)
    ours = {plain(name): name for name in KNOWN}
    tables: dict[str, Table] = {}
    others = []
    for name in sorted(inspector.get_table_names()):
        if plain(name) not in ours:
            others.append(name)
            continue
        there = {plain(column["name"]): column for column in inspector.get_columns(name)}
        wanted = KNOWN[ours[plain(name)]]
        columns: dict[str, str] = {}
        utc = set()
        for column, names in wanted.items():
            found = next((there[one] for one in names if one in there), None)
            if found is not None:
                columns[column] = found["name"]
                # A server turns a TIMESTAMP into the zone of whoever asks, and leaves a DATETIME as it was written.
                if engine.dialect.name == "mysql" and isinstance(found["type"], sa.TIMESTAMP):
                    utc.add(column)
        tables[ours[plain(name)]] = Table(name, columns, frozenset(utc))
    return tables, tuple(others)
