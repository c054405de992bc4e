"""A mark in a database that is being filled from a backup: which one, and how far it has come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.errors import DatabaseError

Phase = Literal["tables", "rows", "loaded"]
MARK_TABLE = "hydra_restore"
_MARK = sa.Table(
    MARK_TABLE,
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("backup", sa.String(64), nullable=False),
    sa.Column("phase", sa.String(12), nullable=False),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("rows_done", sa.Integer, nullable=False),
    mysql_engine="InnoDB",
)


@dataclass(frozen=True)
class Mark:
    """How far a restore has come.

    Attributes
    ----------
    backup
        SHA-256 of the manifest of the backup; empty where the mark was made and nothing else.
    phase
        ``tables``: they are being made; ``rows``: they are being filled; ``loaded``: all rows are there, and what is
        left is to bring the tables to the schema of this program.
    table_name, rows_done
        The table that is being filled, and how many of its rows are there.
    """

    backup: str
    phase: Phase
    table_name: str = ""
    rows_done: int = 0


def restore_under_way(connection: Connection) -> Mark | None:
    """Return how far a restore has come that is at work, or was cut off; None on a database that is whole."""
    if not sa.inspect(connection).has_table(MARK_TABLE):
        return None
    row = connection.execute(sa.select(_MARK)).mappings().first()
    return Mark("", "tables") if row is None else Mark(**{name: row[name] for name in row if name != "id"})


def refuse_half_restored(connection: Connection, name: str, *, unless: Phase | None = None) -> None:
    """Stop with a sentence where a restore is at work, or was cut off.

    Parameters
    ----------
    name
        The database as messages name it.
    unless
        A phase in which the caller may go on.

    Raises
    ------
    DatabaseError
        Naming the command that goes on.
    """
    mark = restore_under_way(connection)
    if mark is not None and mark.phase != unless:
        raise DatabaseError(
            f"the database {name} is half restored from a backup: 'hydra restore' is at work, or was cut off",
            next_step="wait for it, or run 'hydra restore' with the same folder again, which goes on where it was",
        )


def first_mark(connection: Connection, mark: Mark) -> None:
    """Make the mark; one that somebody made and did not fill is taken over."""
    _MARK.create(connection, checkfirst=True)
    connection.execute(sa.insert(_MARK).values(id=1, **asdict(mark)))


def move_mark(connection: Connection, mark: Mark) -> None:
    """Say how far it is now."""
    connection.execute(sa.update(_MARK).values(**asdict(mark)))


def take_mark_away(connection: Connection) -> None:
    """Say that the database is whole."""
    _MARK.drop(connection, checkfirst=True)
