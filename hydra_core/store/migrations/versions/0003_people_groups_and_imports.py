"""Everything of the original's tables that has a meaning here, and room for what an import brings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hydra_core.store.columns import Sha256, UtcTime, long_text, name_type

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WORDS = {"display": name_type(190), "contact": long_text(), "description": long_text()}

#: Indexes by which no question reads more of a table the longer the history is: table, columns.
_INDEXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("items", ("image_sha", "plot_type_id")),
    ("items", ("plot_type_id", "revision_id", "status")),
    ("labels", ("image_sha",)),
    ("labels", ("plot_type_id", "image_sha", "made_at")),
    ("labels", ("made_at",)),
    ("requests", ("kind", "made_at")),
    ("incidents", ("pass_id", "first_run")),
    ("revisions", ("state", "run_id")),
    ("revisions", ("judged_at", "item_count")),
    ("judging_set_models", ("model_id",)),
    ("judging_set_models", ("plot_type_id",)),
    ("training_report_responses", ("request_sha",)),
)
#: Indexes that those make superfluous; they come first there, as references to other tables need one each.
_NARROWER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("items", ("image_sha",)),
    ("items", ("plot_type_id",)),
    ("revisions", ("state",)),
    ("labels", ("plot_type_id", "image_sha")),
)


def upgrade() -> None:
    """Apply the step."""
    with op.batch_alter_table("plot_types") as batch:
        for name, kind in _WORDS.items():
            batch.add_column(sa.Column(name, kind, nullable=True))
    op.execute(sa.update(sa.table("plot_types", *map(sa.column, _WORDS))).values(dict.fromkeys(_WORDS, "")))
    with op.batch_alter_table("plot_types") as batch:
        for name, kind in _WORDS.items():
            batch.alter_column(name, existing_type=kind, nullable=False)
    op.create_table(
        "classes",
        sa.Column("name", name_type(40), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("problem", sa.Boolean(), nullable=False),
        sa.Column("normal", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_classes")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", name_type(190), nullable=False),
        sa.Column("taken", sa.JSON(), nullable=False),
        sa.Column("not_taken", sa.JSON(), nullable=False),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("source", name=op.f("uq_imports_source")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", name_type(120), nullable=False),
        sa.Column("any_plot_type", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "plot_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", name_type(120), nullable=False),
        sa.Column("kind", name_type(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_plot_groups_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "earlier_labels",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("period", name_type(190), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("who", name_type(120), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=True),
        sa.Column("path", long_text(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=True),
        sa.Column("reason", long_text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_earlier_labels_import_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_earlier_labels_plot_type_id")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_earlier_labels")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index(op.f("ix_earlier_labels_image_sha"), "earlier_labels", ["image_sha"], unique=False)
    op.create_index(op.f("ix_earlier_labels_plot_type_id_run"), "earlier_labels", ["plot_type_id", "run"], unique=False)
    op.create_table(
        "earlier_models",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=True),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("name", name_type(190), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_earlier_models_import_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_earlier_models_plot_type_id")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_earlier_models")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "earlier_verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("period", name_type(190), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("transition", sa.Integer(), nullable=True),
        sa.Column("probs", sa.JSON(), nullable=True),
        sa.Column("thresholds", sa.JSON(), nullable=True),
        sa.Column("model", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_earlier_verdicts_import_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_earlier_verdicts_plot_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_verdicts")),
        sa.UniqueConstraint("import_id", "origin", "number", name=op.f("uq_earlier_verdicts_import_id_origin_number")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index(op.f("ix_earlier_verdicts_made_at"), "earlier_verdicts", ["made_at"], unique=False)
    op.create_index(
        op.f("ix_earlier_verdicts_plot_type_id_run"), "earlier_verdicts", ["plot_type_id", "run"], unique=False
    )
    op.create_table(
        "news",
        sa.Column("request_sha", Sha256(), nullable=False),
        sa.Column("text", long_text(), nullable=False),
        sa.Column("who", name_type(120), nullable=False),
        sa.Column("begins_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["request_sha"], ["requests.sha256"], name=op.f("fk_news_request_sha")),
        sa.PrimaryKeyConstraint("request_sha", name=op.f("pk_news")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "person_accounts",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("account", name_type(120), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_accounts_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "account", name=op.f("pk_person_accounts")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "person_plot_types",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_plot_types_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_person_plot_types_plot_type_id")),
        sa.PrimaryKeyConstraint("person_id", "plot_type_id", name=op.f("pk_person_plot_types")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "person_roles",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", name_type(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_roles_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_person_roles")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "plot_group_parents",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["plot_groups.id"], name=op.f("fk_plot_group_parents_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["plot_groups.id"], name=op.f("fk_plot_group_parents_parent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "parent_id", name=op.f("pk_plot_group_parents")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "plot_group_types",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["plot_groups.id"], name=op.f("fk_plot_group_types_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_plot_group_types_plot_type_id")),
        sa.PrimaryKeyConstraint("group_id", "plot_type_id", name=op.f("pk_plot_group_types")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "valid_classes",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.ForeignKeyConstraint(["class_name"], ["classes.name"], name=op.f("fk_valid_classes_class_name")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_valid_classes_plot_type_id")),
        sa.PrimaryKeyConstraint("plot_type_id", "class_name", name=op.f("pk_valid_classes")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "predictions",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=False),
        sa.Column("side", sa.String(length=12), nullable=False),
        sa.Column("label", name_type(40), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("probs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_predictions_model_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("model_id", "image_sha", name=op.f("pk_predictions")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "training_report_responses",
        sa.Column("model", name_type(120), nullable=False),
        sa.Column("request_sha", Sha256(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("who", name_type(120), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_sha"], ["requests.sha256"], name=op.f("fk_training_report_responses_request_sha")
        ),
        sa.PrimaryKeyConstraint("model", "request_sha", "image_sha", name=op.f("pk_training_report_responses")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "training_reports",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("disagreements", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_training_reports_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_training_reports")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "verdict_counts",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("severity", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_verdict_counts_revision_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_verdict_counts_plot_type_id")),
        sa.PrimaryKeyConstraint(
            "revision_id", "plot_type_id", "state", "class_name", "severity", name=op.f("pk_verdict_counts")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    _count_verdicts()
    for table, columns in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
    for table, columns in _NARROWER:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)


def _count_verdicts() -> None:
    """Count the verdicts that are there, anew each time: an upgrade that was cut off may have counted some."""
    columns = ("revision_id", "plot_type_id", "state", "class_name", "severity", "count")
    counts = sa.table("verdict_counts", *map(sa.column, columns))
    items = sa.table("items", *map(sa.column, ("id", "revision_id", "plot_type_id")))
    verdicts = sa.table("verdicts", *map(sa.column, ("item_id", "state", "class_name", "severity")))
    name = sa.func.coalesce(verdicts.c.class_name, "")
    keys = (items.c.revision_id, items.c.plot_type_id, verdicts.c.state, name, verdicts.c.severity)
    counted = (
        sa.select(*keys, sa.func.count()).join_from(items, verdicts, verdicts.c.item_id == items.c.id).group_by(*keys)
    )
    op.execute(counts.delete())
    op.execute(counts.insert().from_select(columns, counted))


def downgrade() -> None:
    """Take the step back."""
    for table, columns in _NARROWER:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
    on_server = op.get_bind().dialect.name != "sqlite"
    references = {"model_id": "models", "plot_type_id": "plot_types"} if on_server else {}
    # There a reference does not let go of its index; made anew, it brings one of its own.
    for column in references:
        op.drop_constraint(op.f(f"fk_judging_set_models_{column}"), "judging_set_models", type_="foreignkey")
    for table, columns in _INDEXES:
        if table != "training_report_responses":
            op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    for column, other in references.items():
        key = op.f(f"fk_judging_set_models_{column}")
        op.create_foreign_key(key, "judging_set_models", other, [column], ["id"])
    op.drop_table("verdict_counts")
    op.drop_table("training_reports")
    op.drop_table("training_report_responses")
    op.drop_table("predictions")
    op.drop_table("valid_classes")
    op.drop_table("plot_group_types")
    op.drop_table("plot_group_parents")
    op.drop_table("person_roles")
    op.drop_table("person_plot_types")
    op.drop_table("person_accounts")
    op.drop_table("news")
    op.drop_table("earlier_verdicts")
    op.drop_table("earlier_models")
    op.drop_table("earlier_labels")
    op.drop_table("plot_groups")
    op.drop_table("people")
    op.drop_table("imports")
    op.drop_table("classes")
    with op.batch_alter_table("plot_types") as batch:
        for name in _WORDS:
            batch.drop_column(name)
