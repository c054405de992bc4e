"""Steps that look first whether they are done: MariaDB commits each by itself, so an upgrade may stop anywhere."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.ddl.mysql import MySQLImpl
from sqlalchemy.engine.reflection import Inspector

#: The option of a connection on which an upgrade goes on that was cut off.
GOES_ON = "hydra_upgrade_goes_on"


class RepeatableMySQL(MySQLImpl):
    """What Alembic does on MySQL and MariaDB; where an upgrade goes on, the steps that it has done are left out."""

    # Alembic takes the class that was defined last for a dialect.
    __dialect__ = "mysql"

    def _goes_on(self) -> bool:
        return bool(self.connection and self.connection.get_execution_options().get(GOES_ON, False))

    def _now(self) -> Inspector:
        # An inspector remembers what it has seen, so each look is by a new one.
        return sa.inspect(self.connection)

    def _columns(self, table: str) -> set[str]:
        look = self._now()
        return {column["name"] for column in look.get_columns(table)} if look.has_table(table) else set()

    def _constraints(self, table: str) -> set[str | None]:
        look = self._now()
        if not look.has_table(table):
            return set()
        foreign, unique = look.get_foreign_keys(table), look.get_unique_constraints(table)
        return {one["name"] for one in foreign} | {one["name"] for one in unique}

    def _indexes(self, table: str) -> set[str | None]:
        look = self._now()
        return {one["name"] for one in look.get_indexes(table)} if look.has_table(table) else set()

    def create_table(self, table: sa.Table, **kw: Any) -> None:
        """Make a table; one of that name with other columns is somebody else's, and the server refuses ours."""
        if not self._goes_on() or self._columns(table.name) != {column.name for column in table.columns}:
            super().create_table(table, **kw)

    def drop_table(self, table: sa.Table, **kw: Any) -> None:
        """Drop a table that is there."""
        if not self._goes_on() or self._now().has_table(table.name):
            super().drop_table(table, **kw)

    def add_column(self, table_name: str, column: sa.Column[Any], **kw: Any) -> None:
        """Add a column that is not there."""
        if not self._goes_on() or column.name not in self._columns(table_name):
            super().add_column(table_name, column, **kw)

    def drop_column(self, table_name: str, column: sa.Column[Any], **kw: Any) -> None:
        """Drop a column that is there."""
        if not self._goes_on() or column.name in self._columns(table_name):
            super().drop_column(table_name, column, **kw)

    def add_constraint(self, const: Any, **kw: Any) -> None:
        """Add a foreign or unique key that is not there."""
        if not self._goes_on() or const.name not in self._constraints(const.table.name):
            super().add_constraint(const, **kw)

    def drop_constraint(self, const: Any, **kw: Any) -> None:
        """Drop a foreign or unique key that is there."""
        if not self._goes_on() or const.name in self._constraints(const.table.name):
            super().drop_constraint(const, **kw)

    def create_index(self, index: sa.Index, **kw: Any) -> None:
        """Make an index that is not there."""
        if not self._goes_on() or index.table is None or index.name not in self._indexes(index.table.name):
            super().create_index(index, **kw)

    def drop_index(self, index: sa.Index, **kw: Any) -> None:
        """Drop an index that is there."""
        if not self._goes_on() or index.table is None or index.name in self._indexes(index.table.name):
            super().drop_index(index, **kw)
