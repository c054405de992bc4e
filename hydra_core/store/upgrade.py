"""Bringing a database to the schema of this program: the only place that changes tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hydra_core.base.errors import DatabaseError
from hydra_core.store.half_done import begin_change, change_under_way, end_change
from hydra_core.store.half_restored import refuse_half_restored
from hydra_core.store.migrations.repeatable import GOES_ON
from hydra_core.store.session import shown_url, sqlite_file, writing

#: How long to wait for an upgrade that somebody else began.
_LOCK_WAIT_S = 300


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's settings for the migrations that travel with this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def known_versions() -> tuple[str, ...]:
    """Return every schema version that this program can bring up, the newest first."""
    script = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    return tuple(found.revision for found in script.walk_revisions())


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Apply every migration that the database lacks; one that was cut off goes on where it was.

    Parameters
    ----------
    to
        The last one to apply. A restore names it, to make the tables of a backup; nobody else does.

    Raises
    ------
    DatabaseError
        When the database is out of reach, belongs to a newer program, or a migration did not go through.
    """
    try:
        if (file := sqlite_file(engine)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            writing(engine.execution_options(hydra_migrating=True), partial(_apply_at_once, to=to))
        else:
            writing(engine, partial(_apply_step_by_step, to=to))
    except CommandError as error:
        raise DatabaseError(
            f"the database {shown_url(engine)} was made by another version of this program: {error}",
            next_step="install the program version that matches the database",
        ) from error
    except (DBAPIError, OSError) as error:
        raise DatabaseError(
            f"the database {shown_url(engine)} could not be upgraded: {getattr(error, 'orig', error)}",
            next_step="mend the cause; then run 'hydra db upgrade' again, which goes on where it was",
        ) from error


def _refuse_half_restored(connection: Connection, to: str) -> None:
    if to == "head":
        # Rows that are still to come fit the tables as they are.
        refuse_half_restored(connection, shown_url(connection.engine), unless="loaded")


def _apply_at_once(connection: Connection, *, to: str) -> None:
    _refuse_half_restored(connection, to)
    command.upgrade(alembic_config(connection), to)
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise CommandError("rows of it refer to others that are not there")


def _apply_step_by_step(connection: Connection, *, to: str) -> None:
    _refuse_half_restored(connection, to)
    # Tables are made outside of transactions there, so two upgrades at a time would meet halfway.
    if connection.exec_driver_sql(f"SELECT GET_LOCK('hydra_upgrade', {_LOCK_WAIT_S})").scalar() != 1:
        raise DatabaseError(
            f"somebody else upgrades the database {shown_url(connection.engine)}, for {_LOCK_WAIT_S} s now",
            next_step="wait for it, then run 'hydra db upgrade' again",
        )
    try:
        config = alembic_config(connection)
        script = ScriptDirectory.from_config(config)
        old, new = MigrationContext.configure(connection).get_current_revision(), str(script.as_revision_number(to))
        cut_off = change_under_way(connection)
        # A version that this program does not know is refused before anything is touched.
        script.get_revisions([version for version in (old, *(cut_off or ())[1:]) if version])
        connection.execution_options(**{GOES_ON: cut_off is not None})
        if old != new:
            begin_change(connection, old or "none", new)
        command.upgrade(config, to)
        end_change(connection)
    finally:
        # The lock goes with a connection that is lost.
        if not connection.invalidated:
            connection.exec_driver_sql("SELECT RELEASE_LOCK('hydra_upgrade')")
