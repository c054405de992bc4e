"""Bringing a database to the schema of this program: the only place that changes tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.session import writing


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's settings for the migrations that travel with this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Apply every migration that the database lacks."""
    writing(engine, lambda connection: command.upgrade(alembic_config(connection), "head"))
