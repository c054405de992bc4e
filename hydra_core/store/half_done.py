"""A mark in a database whose tables are being changed: MariaDB cannot change all of them at one stroke."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.errors import DatabaseError
from hydra_core.store.half_restored import refuse_half_restored

_TABLE = "hydra_upgrade"
_MARK = sa.table(_TABLE, sa.column("from_version", sa.String), sa.column("to_version", sa.String))


def change_under_way(connection: Connection) -> tuple[str, str] | None:
    """Return (from, to) of the upgrade that is under way, or was cut off; None on a database that is whole."""
    if connection.dialect.name == "sqlite" or not sa.inspect(connection).has_table(_TABLE):
        return None
    row = connection.execute(sa.select(_MARK)).first()
    return None if row is None else (row.from_version, row.to_version)


def refuse_half_done(connection: Connection, name: str) -> None:
    """Stop with a sentence where an upgrade or a restore is under way, or was cut off.

    Raises
    ------
    DatabaseError
        Naming the versions and the command that goes on.
    """
    refuse_half_restored(connection, name)
    if found := change_under_way(connection):
        old, new = found
        raise DatabaseError(
            f"the database {name} is halfway from schema {old} to {new}: an upgrade is at work, or was cut off",
            next_step="wait for it, or run 'hydra db upgrade' again, which goes on where it was",
        )


def begin_change(connection: Connection, old: str, new: str) -> None:
    """Set the mark, in one statement; one that is there stays."""
    first = sa.literal(old).label("from_version"), sa.literal(new).label("to_version")
    query = sa.select(*first).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {_TABLE} AS {query}")


def end_change(connection: Connection) -> None:
    """Take the mark away: every table is as the program knows it."""
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_TABLE}")
