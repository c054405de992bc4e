"""Counts that a task would otherwise take anew each time: the runs of a pass, the labels of a plot type."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OF_PASSES = ("run_count", "published_count")


def upgrade() -> None:
    """Apply the step."""
    with op.batch_alter_table("passes") as batch:
        for name in _OF_PASSES:
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
    op.create_table(
        "label_counts",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_label_counts_plot_type_id")),
        sa.PrimaryKeyConstraint("plot_type_id", name=op.f("pk_label_counts")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    _count()
    with op.batch_alter_table("passes") as batch:
        for name in _OF_PASSES:
            batch.alter_column(name, existing_type=sa.Integer(), nullable=False)


def _count() -> None:
    """Count what is there, anew each time: an upgrade that was cut off may have counted some."""
    passes = sa.table("passes", *map(sa.column, ("id", *_OF_PASSES)))
    runs = sa.table("runs", *map(sa.column, ("id", "pass_id")))
    revisions = sa.table("revisions", *map(sa.column, ("run_id", "state")))
    wanted = sa.select(sa.func.count()).select_from(runs).where(runs.c.pass_id == passes.c.id)
    published = sa.exists().where(revisions.c.run_id == runs.c.id, revisions.c.state == "published")
    counted = {"run_count": wanted, "published_count": wanted.where(published)}
    op.execute(sa.update(passes).values({name: query.scalar_subquery() for name, query in counted.items()}))
    counts = sa.table("label_counts", *map(sa.column, ("plot_type_id", "count")))
    labels = sa.table("labels", sa.column("plot_type_id"))
    of_types = sa.select(labels.c.plot_type_id, sa.func.count()).group_by(labels.c.plot_type_id)
    op.execute(counts.delete())
    op.execute(counts.insert().from_select(("plot_type_id", "count"), of_types))


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("label_counts")
    with op.batch_alter_table("passes") as batch:
        for name in _OF_PASSES:
            batch.drop_column(name)
