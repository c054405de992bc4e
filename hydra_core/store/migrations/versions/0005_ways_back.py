"""A judging set says by itself which model it took back; before, its reason alone did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = "fk_judging_sets_back_to_id"


def upgrade() -> None:
    """Apply the step."""
    with op.batch_alter_table("judging_sets") as batch:
        batch.add_column(sa.Column("back_to_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f(_KEY), "models", ["back_to_id"], ["id"])
    sets = sa.table("judging_sets", *map(sa.column, ("id", "reason", "back_to_id")))
    used = sa.table("judging_set_models", *map(sa.column, ("judging_set_id", "model_id")))
    models = sa.table("models", *map(sa.column, ("id", "name")))
    query = (
        sa.select(sets.c.id, sets.c.reason, models.c.id.label("model_id"), models.c.name)
        .join(used, used.c.judging_set_id == sets.c.id)
        .join(models, models.c.id == used.c.model_id)
        .where(sets.c.reason.contains(" is live again: ", autoescape=True))
    )
    connection = op.get_bind()
    for row in connection.execute(query).all():
        if row.reason.startswith(f"{row.name} is live again: "):
            connection.execute(sa.update(sets).where(sets.c.id == row.id).values(back_to_id=row.model_id))


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("judging_sets") as batch:
        batch.drop_constraint(op.f(_KEY), type_="foreignkey")
        batch.drop_column("back_to_id")
