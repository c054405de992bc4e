"""Plot types that wait for a decision, runs without numbers, images that may leave the archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from hydra_core.store.columns import Sha256, UtcTime, long_text, name_type

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step; plot types that are there already were in use, so they are active."""
    _add_filled("runs", {"folder": (long_text(), "")})
    op.create_index(op.f("ix_runs_pass_id_name"), "runs", ["pass_id", "name"])
    _add_filled("revisions", {"block_generation": (sa.Integer(), 0)})
    with op.batch_alter_table("plot_types") as batch:
        batch.add_column(sa.Column("renamed_to", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("drawing", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("decided_at", UtcTime(), nullable=True))
        batch.create_foreign_key(op.f("fk_plot_types_renamed_to_plot_types"), "plot_types", ["renamed_to"], ["id"])
    _add_filled("plot_types", {"status": (sa.String(length=12), "active"), "decided_by": (name_type(120), "")})
    with op.batch_alter_table("items") as batch:
        batch.add_column(sa.Column("dropped_at", UtcTime(), nullable=True))
    _add_filled("items", {"member": (long_text(), ""), "tombstone": (long_text(), "")})
    op.create_table(
        "kept_images",
        sa.Column("image_sha", Sha256(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("who", name_type(120), nullable=False),
        sa.Column("why", long_text(), nullable=False),
        sa.Column("kept_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("image_sha", "kind", name=op.f("pk_kept_images")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("kept_images")
    _drop("items", "member", "tombstone", "dropped_at")
    with op.batch_alter_table("plot_types") as batch:
        batch.drop_constraint(op.f("fk_plot_types_renamed_to_plot_types"), type_="foreignkey")
    _drop("plot_types", "status", "decided_by", "renamed_to", "drawing", "decided_at")
    _drop("revisions", "block_generation")
    with op.batch_alter_table("runs") as batch:
        # MariaDB needs an index for the reference to passes, and the one to go has taken its place.
        batch.create_index("ix_runs_pass_id", ["pass_id"])
    op.drop_index(op.f("ix_runs_pass_id_name"), "runs")
    _drop("runs", "folder")


def _add_filled(table: str, columns: Mapping[str, tuple[Any, str | int]]) -> None:
    """Add columns, fill them in the rows that are there, and only then forbid that they are empty."""
    with op.batch_alter_table(table) as batch:
        for name, (kind, _) in columns.items():
            batch.add_column(sa.Column(name, kind, nullable=True))
    filled = sa.table(table, *(sa.column(name) for name in columns))
    op.execute(sa.update(filled).values({name: value for name, (_, value) in columns.items()}))
    with op.batch_alter_table(table) as batch:
        for name, (kind, _) in columns.items():
            batch.alter_column(name, existing_type=kind, nullable=False)


def _drop(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.drop_column(column)
