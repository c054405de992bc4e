"""Opening a database: engines, short transactions, and what each database needs to behave the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from hydra_core.base.errors import DatabaseError
from hydra_core.base.telling import Tell
from hydra_core.config.site import Site
from hydra_core.store.half_done import refuse_half_done
from hydra_core.store.passwords import VARIABLE, with_password
from hydra_core.store.patience import PATIENCE_S, is_away, patiently, to_stderr
from hydra_core.store.schema import SCHEMA_REVISION
from hydra_core.store.sqlite_file import prepare_sqlite

CONNECT_TIMEOUT_S = 10
#: An idle connection is replaced after so long: firewalls forget those that are silent, and tell nobody.
_IDLE_S = 60
_VERSION = sa.select(sa.column("version_num", sa.String)).select_from(sa.table("alembic_version"))
_Result = TypeVar("_Result")


def open_engine(url: str, *, variable: str = VARIABLE, password_file: Path | None = None) -> Engine:
    """Return an engine for an SQLAlchemy URL; nothing is connected and no file made yet.

    Parameters
    ----------
    variable
        The environment variable with the password of a URL that has none; with ``_FILE``, of the name of its file.
    password_file
        Where the password is if the environment does not tell.

    Raises
    ------
    DatabaseError
        When the URL, or the file of the password, cannot be used.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        # The text itself may hold a password, and so may the error that names it.
        raise DatabaseError(
            "database.url is not a database URL",
            next_step="write mysql+pymysql://USER@HOST/DATABASE, or leave it empty",
        ) from None
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        prepare_sqlite(engine, Path(parsed.database or "."))
        return engine
    if parsed.get_backend_name() in ("mysql", "mariadb"):
        if {"password", "passwd"} & parsed.query.keys():
            # What stands there is shown with the URL.
            raise DatabaseError(
                "database.url has a password behind its question mark",
                next_step="put it into a file that HYDRA_DB_PASSWORD_FILE names",
            )
        return sa.create_engine(
            with_password(parsed, variable, password_file).update_query_dict({"charset": "utf8mb4"}),
            pool_pre_ping=True,
            pool_recycle=_IDLE_S,
            isolation_level="READ COMMITTED",
            connect_args={
                "init_command": "SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE', time_zone='+00:00'",
                "connect_timeout": CONNECT_TIMEOUT_S,
            },
        )
    raise DatabaseError(
        f"database.url names {parsed.get_backend_name()!r}, which Hydra does not support",
        next_step="use mysql+pymysql://… or leave it empty for SQLite",
    )


def site_engine(site: Site) -> Engine:
    """Return an engine for the database of a site, as `open_engine` does."""
    return open_engine(site.database_url, password_file=site.settings.database.password_file)


def shown_url(engine: Engine) -> str:
    """Return how messages name a database: without its password."""
    return engine.url.render_as_string(hide_password=True)


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database, or None for another kind."""
    return Path(engine.url.database or ".") if engine.dialect.name == "sqlite" else None


def check_version(engine: Engine, *, patience_s: float = PATIENCE_S, tell: Tell = to_stderr) -> None:
    """Stop with a sentence unless the database has exactly the tables that this program knows.

    Raises
    ------
    DatabaseError
        When the database is out of reach, empty, of another schema version, or halfway between two of them.
    """
    file = sqlite_file(engine)
    if file is not None and not file.exists():
        # Merely opening it would make the file.
        raise DatabaseError(f"there is no database {file}", next_step="run 'hydra db upgrade', or check data_root")

    def look() -> str | None:
        with engine.connect() as connection:
            refuse_half_done(connection, shown_url(engine))
            known = sa.inspect(connection).has_table("alembic_version")
            return connection.execute(_VERSION).scalar() if known else None

    try:
        found = patiently(shown_url(engine), look, patience_s=patience_s, tell=tell)
    except DBAPIError as error:
        raise DatabaseError(
            f"{shown_url(engine)} cannot be opened: {error.orig}", next_step="check database.url"
        ) from error
    if found != SCHEMA_REVISION:
        state = f"has schema {found}" if found else "has no tables yet"
        raise DatabaseError(
            f"the database {shown_url(engine)} {state}, this program needs {SCHEMA_REVISION}",
            next_step="run 'hydra db upgrade', or the program version that matches the database",
        )


@contextmanager
def reading(engine: Engine, *, patience_s: float = PATIENCE_S, tell: Tell = to_stderr) -> Iterator[Connection]:
    """Yield a connection whose statements all see one state of the database.

    A database that does not answer is waited for before the first statement. A connection that is lost later ends the
    reading: what was read so far may be of another state than what would follow.

    Raises
    ------
    DatabaseError
        When the database does not answer for `patience_s` seconds, or the connection is lost in the middle.
    """

    def connected() -> Connection:
        connection = engine.connect()
        try:
            if engine.dialect.name != "sqlite":
                connection.execution_options(isolation_level="REPEATABLE READ")
        except BaseException:
            connection.close()
            raise
        return connection

    with patiently(shown_url(engine), connected, patience_s=patience_s, tell=tell) as connection:
        try:
            with connection.begin():
                yield connection
        except DBAPIError as error:
            if not is_away(error):
                raise
            raise DatabaseError(
                f"the connection to {shown_url(engine)} was lost in the middle of reading: {error.orig}",
                next_step="do the same again; Cylc does so by itself for a job",
            ) from error


def hold_database(connection: Connection) -> None:
    """Be the only one who asked for this, until the transaction ends; on SQLite a writer is alone anyway."""
    connection.execute(_VERSION.with_for_update())


def writing(
    engine: Engine,
    work: Callable[[Connection], _Result],
    *,
    patience_s: float = PATIENCE_S,
    tell: Tell = to_stderr,
) -> _Result:
    """Do `work` in one transaction; a dead-lock, a lost connection or a server that is away starts it again.

    Parameters
    ----------
    work
        Gets the connection. It may run more than once, so it touches nothing but the database. It may even run again
        after it was committed, when the answer was lost: what it writes has keys that make that harmless.
    patience_s
        Seconds after which it gives up.

    Raises
    ------
    DatabaseError
        When the time is over, or the database may not be written.
    """

    def once() -> _Result:
        with engine.connect().execution_options(hydra_writing=True) as connection, connection.begin():
            return work(connection)

    return patiently(shown_url(engine), once, patience_s=patience_s, tell=tell)
