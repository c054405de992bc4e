"""Filling a database from a dump: tables of the schema that the dump has, rows in batches, then the newest schema."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DatabaseError
from hydra_core.store.dump import TableShape, parsed_rows
from hydra_core.store.half_restored import Mark, first_mark, move_mark, restore_under_way, take_mark_away
from hydra_core.store.schema import Base
from hydra_core.store.session import reading, shown_url, sqlite_file, writing
from hydra_core.store.upgrade import known_versions, upgrade

#: Written from the site's files as soon as there are tables: a database with nothing else is empty.
_MIRRORED = frozenset(
    {"plot_types", "classes", "valid_classes", "plot_groups", "plot_group_types", "plot_group_parents"}
    | {"people", "person_accounts", "person_roles", "person_plot_types"}
)
_OF_UPGRADES = frozenset({"alembic_version", "hydra_upgrade"})


def begin_refill(engine: Engine, backup: str, shapes: Sequence[TableShape]) -> Mark:
    """Return where to go on; an empty database gets the mark that it is being filled.

    Parameters
    ----------
    backup
        SHA-256 of the manifest of the backup.

    Raises
    ------
    DatabaseError
        When the database is not empty, of a newer schema, or half filled from another backup.
    """
    if (file := sqlite_file(engine)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with reading(engine) as connection:
        mark = restore_under_way(connection)
        if mark is None:
            _refuse_newer(connection)
            _refuse_unless_empty(connection, {shape.name for shape in shapes} | Base.metadata.tables.keys())
    if mark is not None and mark.backup not in ("", backup):
        raise DatabaseError(
            f"the database {shown_url(engine)} is half restored from another backup, whose manifest has the "
            f"SHA-256 {mark.backup}",
            next_step="give that backup, or empty the database first",
        )
    if mark is not None and mark.backup:
        return mark
    first = Mark(backup, "tables")
    writing(engine, lambda connection: first_mark(connection, first))
    return first


def _refuse_newer(connection: Connection) -> None:
    found = None
    if sa.inspect(connection).has_table("alembic_version"):
        found = connection.execute(
            sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))
        ).scalar()
    if found is not None and found not in known_versions():
        raise DatabaseError(
            f"the database {shown_url(connection.engine)} has schema {found}, which this program does not know",
            next_step="name an empty database in site.toml, or install the program version that matches it",
        )


def _refuse_unless_empty(connection: Connection, names: Collection[str]) -> None:
    held = {
        name: int(connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one())
        for name in sorted(set(sa.inspect(connection).get_table_names()) & set(names) - _MIRRORED)
    }
    if any(held.values()):
        listed = ", ".join(f"{count} {name}" for name, count in held.items() if count)
        raise DatabaseError(
            f"the database {shown_url(connection.engine)} is not empty: it holds {listed}",
            next_step="put it aside, or name another one in site.toml; then run 'hydra restore' again",
        )


def make_tables(engine: Engine, mark: Mark, version: str, shapes: Sequence[TableShape]) -> Mark:
    """Make the tables of a schema version, in place of the empty ones that are there; return how far that is."""
    names = {shape.name for shape in shapes} | Base.metadata.tables.keys() | _OF_UPGRADES
    writing(engine.execution_options(hydra_migrating=True), lambda connection: _drop(connection, names))
    upgrade(engine, to=version)
    made = Mark(mark.backup, "rows")
    writing(engine, lambda connection: move_mark(connection, made))
    return made


def _drop(connection: Connection, names: Collection[str]) -> None:
    with _without_references(connection):
        for name in sorted(set(sa.inspect(connection).get_table_names()) & set(names)):
            sa.Table(name, sa.MetaData()).drop(connection)


@contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """Let rows come in any order: some refer to others of their own table. SQLite has an option for it."""
    if connection.dialect.name == "sqlite":
        yield
        return
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    try:
        yield
    finally:
        # The setting goes with a connection that is lost.
        if not connection.invalidated:
            connection.exec_driver_sql("SET foreign_key_checks = 1")


def fill_table(
    engine: Engine, mark: Mark, shape: TableShape, lines: Iterable[bytes], tell: Callable[[int], None]
) -> Mark:
    """Enter the rows of a table that it lacks, some thousands in a transaction; return how far that is.

    Parameters
    ----------
    lines
        All rows of the table; those that the mark counts are passed over.
    tell
        Is told how many rows the table has, after each transaction.

    Raises
    ------
    DatabaseError
        When somebody else fills the same database.
    ValueError
        When a line is no row of that table.
    """
    loading = engine.execution_options(hydra_migrating=True)
    already = mark.rows_done if mark.table_name == shape.name else 0
    passed = 0
    for rows in parsed_rows(shape, lines):
        new, passed = rows[max(0, already - passed) :], passed + len(rows)
        if new:
            before, mark = mark, Mark(mark.backup, "rows", shape.name, passed)
            _enter(loading, before, mark, shape, new)
            tell(passed)
    return mark


def _enter(engine: Engine, before: Mark, after: Mark, shape: TableShape, rows: Sequence[Mapping[str, Any]]) -> None:
    def work(connection: Connection) -> None:
        found = restore_under_way(connection)
        if found == after:
            # It was committed, and the answer was lost.
            return
        if found != before:
            raise DatabaseError(
                f"somebody else restores the database {shown_url(engine)} at the same time",
                next_step="wait for that one; then run 'hydra fsck'",
            )
        with _without_references(connection):
            connection.execute(sa.insert(shape.table), list(rows))
        move_mark(connection, after)

    writing(engine, work)


def loaded(engine: Engine, mark: Mark) -> Mark:
    """Say that every row is there."""
    done = replace(mark, phase="loaded")
    writing(engine, lambda connection: move_mark(connection, done))
    return done


def finish_refill(engine: Engine) -> None:
    """Bring the tables to the schema of this program, and give the database free."""
    upgrade(engine)
    writing(engine, take_mark_away)


def rows_in(engine: Engine, shapes: Sequence[TableShape]) -> dict[str, int]:
    """Return how many rows tables have."""
    with reading(engine) as connection:
        return {
            shape.name: int(connection.execute(sa.select(sa.func.count()).select_from(shape.table)).scalar_one())
            for shape in shapes
        }
