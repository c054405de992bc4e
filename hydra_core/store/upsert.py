"""Inserting what may be there already: the one statement that differs between the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Connection

from hydra_core.store.schema import Base


def insert_new(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose unique key is taken are left as they are."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), list(rows))
        return
    # INSERT IGNORE would also hide a value that is too long; assigning a key column to itself hides nothing else.
    statement = mysql.insert(table)
    key = next(iter(table.__table__.primary_key))
    connection.execute(statement.on_duplicate_key_update({key.name: key}), list(rows))
