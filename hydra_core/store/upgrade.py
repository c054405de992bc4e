"""Bringing a database to the schema of this program: the only place that changes tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hydra_core.base.errors import DatabaseError
from hydra_core.store.session import shown_url, sqlite_file, writing


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's settings for the migrations that travel with this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Apply every migration that the database lacks.

    Raises
    ------
    DatabaseError
        When the database is out of reach, belongs to a newer program, or a migration did not go through.
    """
    try:
        if (file := sqlite_file(engine)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        writing(engine.execution_options(hydra_migrating=True), _apply)
    except CommandError as error:
        raise DatabaseError(
            f"the database {shown_url(engine)} was made by another version of this program: {error}",
            next_step="install the program version that matches the database",
        ) from error
    except (DBAPIError, OSError) as error:
        raise DatabaseError(
            f"the database {shown_url(engine)} could not be upgraded: {getattr(error, 'orig', error)}",
            next_step="if it is new, empty it; else restore the backup of before; then run 'hydra db upgrade' again",
        ) from error


def _apply(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        # Tables are made outside of transactions there, so two upgrades at a time would meet halfway.
        connection.exec_driver_sql("SELECT GET_LOCK('hydra_upgrade', 300)")
    try:
        command.upgrade(alembic_config(connection), "head")
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise CommandError("rows of it refer to others that are not there")
    finally:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql("SELECT RELEASE_LOCK('hydra_upgrade')")
