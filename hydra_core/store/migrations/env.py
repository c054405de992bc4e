"""Alembic's entry: it is handed an open connection and never opens one itself."""

from __future__ import annotations

from alembic import context

from hydra_core.store.migrations import repeatable  # noqa: F401 - Alembic finds its class by its being there
from hydra_core.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
