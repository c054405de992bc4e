"""An upgrade that stops anywhere: every task refuses the database, and the same command completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DatabaseError
from hydra_core.store.half_done import begin_change
from hydra_core.store.schema import SCHEMA_REVISION
from hydra_core.store.session import check_version, open_engine, writing
from hydra_core.store.upgrade import alembic_config, upgrade
from tests.store_samples import opened

MOMENT = "2026-01-17 03:00:00"
OLD_ROWS = (
    "INSERT INTO passes (id, name, workflow, first_run, last_run, state, source, created_at)"
    f" VALUES (1, '2026-01/ver01', 'hydra/x', 1, 99, 'open', '/data', '{MOMENT}')",
    f"INSERT INTO runs (id, pass_id, number, name, arrived_at) VALUES (1, 1, 7, '7', '{MOMENT}')",
    "INSERT INTO revisions (id, run_id, revision, state, conditions, notes, item_count, flagged_count,"
    f" unreadable_count, severity, wanted_at) VALUES (1, 1, 1, 'judged', '{{}}', '[]', 1, 0, 0, 0, '{MOMENT}')",
    f"INSERT INTO plot_types (id, name, chunked, first_seen_at) VALUES (1, 'CDC', 1, '{MOMENT}')",
    "INSERT INTO items (id, revision_id, plot_type_id, chunk, block_index, status, reason, duplicate_of, source)"
    " VALUES (1, 1, 1, 3, 0, 'missing', 'why', '', 'a.png')",
    f"INSERT INTO judging_sets (id, number, reason, rules, made_at) VALUES (1, 1, 'first', '{{}}', '{MOMENT}')",
    "INSERT INTO verdicts (item_id, state, severity, reasons, next_step, judging_set_id, code_version, task, made_at)"
    f" VALUES (1, 'missing', 2, '[]', '', 1, '0.1', '7/judge/01', '{MOMENT}')",
)
CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")


class CutOffError(Exception):
    """What a test stops an upgrade with."""


def filled(url: str) -> Engine:
    """Return a database of the first schema with a row in most of its tables."""
    engine = open_engine(url)
    writing(engine, lambda connection: command.upgrade(alembic_config(connection), "0001"))

    def fill(connection: Connection) -> None:
        for statement in OLD_ROWS:
            connection.exec_driver_sql(statement)

    writing(engine, fill)
    return engine


def everything(engine: Engine) -> dict[str, Any]:
    """Return every table with its columns, keys and rows."""
    look = sa.inspect(engine)
    with engine.connect() as connection:
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)],
                sorted(str(key["name"]) for key in look.get_foreign_keys(table)),
                sorted(str(key["name"]) for key in look.get_indexes(table)),
                [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")],
            )
            for table in sorted(look.get_table_names())
        }


@contextmanager
def further(engine: Engine, seen: set[str], steps: int = 1) -> Iterator[None]:
    """Let every change of tables or rows through that `seen` holds, and some more; raise at the next."""
    new: list[str] = []

    def before(
        _connection: Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
    ) -> None:
        if statement.lstrip().upper().startswith(CHANGES) and statement not in seen:
            if len(new) == steps:
                raise CutOffError
            new.append(statement)

    sa.event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", before)
        seen.update(new)


def test_an_upgrade_cut_off_anywhere_leaves_sqlite_as_it_was(tmp_path: Path) -> None:
    engine = filled(f"sqlite:///{tmp_path / 'hydra.sqlite'}")
    before, seen, through = everything(engine), set[str](), False
    while not through:
        with further(engine, seen, 12):
            try:
                upgrade(engine)
                through = True
            except CutOffError:
                assert everything(engine) == before
                with pytest.raises(DatabaseError, match="has schema 0001"):
                    check_version(engine)
    assert len(seen) > 30
    check_version(engine)


@pytest.mark.services
def test_an_upgrade_cut_off_at_every_statement_is_refused_and_completed_on_mariadb(
    mariadb_url: str, another_mariadb_url: str
) -> None:
    undisturbed = filled(another_mariadb_url)
    upgrade(undisturbed)
    engine = filled(mariadb_url)
    seen, through = set[str](), False
    while not through:
        with further(engine, seen):
            try:
                upgrade(engine)
                through = True
            except CutOffError:
                with pytest.raises(DatabaseError, match=f"halfway from schema 0001 to {SCHEMA_REVISION}") as caught:
                    check_version(engine)
                assert "run 'hydra db upgrade' again" in caught.value.next_step
    assert len(seen) > 30
    check_version(engine)
    assert everything(engine) == everything(undisturbed)
    for one in (engine, undisturbed):
        one.dispose()


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from hydra_core.store.session import open_engine
from hydra_core.store.upgrade import upgrade

engine, left = open_engine(sys.argv[1]), [int(sys.argv[2])]

@sa.event.listens_for(engine, "after_cursor_execute")
def after(connection, cursor, statement, parameters, context, many):
    left[0] -= statement.lstrip().upper().startswith(("CREATE TABLE", "ALTER"))
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

upgrade(engine)
"""


def test_an_upgrade_that_is_killed_is_completed_by_the_same_command(database_url: str) -> None:
    engine = filled(database_url)
    killed = subprocess.run([sys.executable, "-c", KILLED, database_url, "9"], check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(DatabaseError, match=r"halfway from schema 0001|has schema 0001"):
        check_version(engine)
    upgrade(engine)
    check_version(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name, status FROM plot_types").all() == [("CDC", "active")]
    engine.dispose()


@pytest.mark.services
def test_an_upgrade_that_a_newer_program_began_is_left_alone(mariadb_url: str) -> None:
    with opened(mariadb_url) as engine:
        writing(engine, lambda connection: begin_change(connection, SCHEMA_REVISION, "9999"))
        before = everything(engine)
        with pytest.raises(DatabaseError, match=f"halfway from schema {SCHEMA_REVISION} to 9999"):
            check_version(engine)
        with pytest.raises(DatabaseError, match="another version of this program"):
            upgrade(engine)
        assert everything(engine) == before
