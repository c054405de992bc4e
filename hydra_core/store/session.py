"""Opening a database: engines, short transactions, and what each database needs to behave the same."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from hydra_core.base.errors import DatabaseError
from hydra_core.store.schema import SCHEMA_REVISION

BUSY_TIMEOUT_S = 60
_NETWORK_FILE_SYSTEMS = ("nfs", "lustre", "cifs", "smb", "gpfs", "beegfs", "ceph", "afs", "glusterfs", "fuse.sshfs")
_LOST_CONNECTION = (2006, 2013, 2055)
_TRY_AGAIN = (1205, 1213, *_LOST_CONNECTION)
_VERSION = sa.select(sa.column("version_num", sa.String)).select_from(sa.table("alembic_version"))
_Result = TypeVar("_Result")


def file_system_of(path: Path) -> str:
    """Return the type of the file system that holds `path`, as the kernel names it (``ext4``, ``nfs4``, …)."""
    best, kind = "", "unknown"
    resolved = str(path.resolve())
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = resolved == mount or resolved.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def journal_mode(folder: Path) -> str:
    """Return the SQLite journal for `folder`: WAL needs shared memory, which a network file system does not give."""
    kind = file_system_of(folder)
    return "DELETE" if kind == "unknown" or kind.startswith(_NETWORK_FILE_SYSTEMS) else "WAL"


def _prepare_sqlite(engine: Engine, folder: Path) -> None:
    mode = journal_mode(folder)

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
        cursor.execute(f"PRAGMA journal_mode = {mode}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes cannot wait for another writer: it fails at once.
        options = connection.get_execution_options()
        if options.get("hydra_migrating", False):
            # A migration makes tables anew under the same name: the old one's rows must not take others with them.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        writing = options.get("hydra_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def open_engine(url: str) -> Engine:
    """Return an engine for an SQLAlchemy URL; nothing is connected and no file made yet.

    Raises
    ------
    DatabaseError
        When the URL, or the file that HYDRA_DB_PASSWORD_FILE names, cannot be used.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text itself may hold a password.
        raise DatabaseError(
            "database.url is not a database URL",
            next_step="write mysql+pymysql://USER@HOST/DATABASE, or leave it empty",
        ) from error
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        _prepare_sqlite(engine, Path(parsed.database or ".").parent)
        return engine
    if parsed.get_backend_name() in ("mysql", "mariadb"):
        password_file = os.environ.get("HYDRA_DB_PASSWORD_FILE")
        if password_file and parsed.password is None:
            parsed = parsed.set(password=_password(Path(password_file)))
        return sa.create_engine(
            parsed.update_query_dict({"charset": "utf8mb4"}),
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={"init_command": "SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE', time_zone='+00:00'"},
        )
    raise DatabaseError(
        f"database.url names {parsed.get_backend_name()!r}, which Hydra does not support",
        next_step="use mysql+pymysql://… or leave it empty for SQLite",
    )


def _password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not text"
        raise DatabaseError(
            f"the password file {path} cannot be read: {cause}", next_step="mend HYDRA_DB_PASSWORD_FILE"
        ) from error


def shown_url(engine: Engine) -> str:
    """Return how messages name a database: without its password."""
    return engine.url.render_as_string(hide_password=True)


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database, or None for another kind."""
    return Path(engine.url.database or ".") if engine.dialect.name == "sqlite" else None


def check_version(engine: Engine) -> None:
    """Stop with a sentence unless the database has exactly the tables that this program knows.

    Raises
    ------
    DatabaseError
        When the database is out of reach, empty, or of another schema version.
    """
    file = sqlite_file(engine)
    if file is not None and not file.exists():
        # Merely opening it would make the file.
        raise DatabaseError(f"there is no database {file}", next_step="run 'hydra db upgrade', or check data_root")
    try:
        with engine.connect() as connection:
            known = sa.inspect(connection).has_table("alembic_version")
            found = connection.execute(_VERSION).scalar() if known else None
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
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose statements all see one state of the database."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def hold_database(connection: Connection) -> None:
    """Be the only one who asked for this, until the transaction ends; on SQLite a writer is alone anyway."""
    connection.execute(_VERSION.with_for_update())


def _worth_another_try(error: DBAPIError) -> bool:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return bool(arguments) and (arguments[0] in _TRY_AGAIN or "database is locked" in str(arguments[0]))


def writing(engine: Engine, work: Callable[[Connection], _Result], *, attempts: int = 8) -> _Result:
    """Do `work` in one transaction; a dead-lock or a lost connection starts it again.

    Parameters
    ----------
    work
        Gets the connection. It may run more than once, so it touches nothing but the database.
    attempts
        Tries in all; between them it waits 0.1 s, doubled each time, with some chance.
    """
    for attempt in range(attempts):
        try:
            with engine.connect().execution_options(hydra_writing=True) as connection, connection.begin():
                return work(connection)
        except (OperationalError, DBAPIError) as error:
            if attempt == attempts - 1 or not _worth_another_try(error):
                raise
            time.sleep(0.1 * 2**attempt * (0.5 + random.random()))  # noqa: S311 (spreads writers, guards nothing)
    raise AssertionError("unreachable")
