"""The tables of version 0.1."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hydra_core.store.columns import Sha256, UtcTime, long_text, name_type

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "images",
        sa.Column("sha256", Sha256(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_images")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "judging_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judging_sets")),
        sa.UniqueConstraint("number", name=op.f("uq_judging_sets_number")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", name_type(120), nullable=False),
        sa.Column("workflow", name_type(200), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("source", long_text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passes")),
        sa.UniqueConstraint("name", name=op.f("uq_passes_name")),
        sa.UniqueConstraint("workflow", name=op.f("uq_passes_workflow")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "plot_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", name_type(190), nullable=False),
        sa.Column("chunked", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_types")),
        sa.UniqueConstraint("name", "chunked", name=op.f("uq_plot_types_name_chunked")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "requests",
        sa.Column("sha256", Sha256(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("file_name", name_type(255), nullable=False),
        sa.Column("claimed_by", name_type(120), nullable=False),
        sa.Column("owner", name_type(120), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=True),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_requests")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("first_chunk", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("last_chunk", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pass_id"], ["passes.id"], name=op.f("fk_incidents_pass_id")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_incidents_plot_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint(
            "pass_id",
            "plot_type_id",
            "first_run",
            "first_chunk",
            name=op.f("uq_incidents_pass_id_plot_type_id_first_run_first_chunk"),
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incidents_pass_id_last_run"), ["pass_id", "last_run"], unique=False)

    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_sha", Sha256(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("who", name_type(120), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_labels_plot_type_id")),
        sa.ForeignKeyConstraint(["request_sha"], ["requests.sha256"], name=op.f("fk_labels_request_sha")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint(
            "request_sha", "plot_type_id", "image_sha", name=op.f("uq_labels_request_sha_plot_type_id_image_sha")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_labels_plot_type_id_image_sha"), ["plot_type_id", "image_sha"], unique=False
        )

    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("name", name_type(120), nullable=False),
        sa.Column("card_sha", Sha256(), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["models.id"], name=op.f("fk_models_parent_id")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_models_plot_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", name=op.f("uq_models_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_models_plot_type_id_status"), ["plot_type_id", "status"], unique=False)

    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", name_type(190), nullable=False),
        sa.Column("arrived_at", UtcTime(), nullable=False),
        sa.Column("handed_over_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["pass_id"], ["passes.id"], name=op.f("fk_runs_pass_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("pass_id", "number", name=op.f("uq_runs_pass_id_number")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "unmatched",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pass_id", sa.Integer(), nullable=False),
        sa.Column("path_sha", Sha256(), nullable=False),
        sa.Column("path", long_text(), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["pass_id"], ["passes.id"], name=op.f("fk_unmatched_pass_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched")),
        sa.UniqueConstraint("pass_id", "path_sha", name=op.f("uq_unmatched_pass_id_path_sha")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "judging_set_models",
        sa.Column("judging_set_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["judging_set_id"],
            ["judging_sets.id"],
            name=op.f("fk_judging_set_models_judging_set_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_judging_set_models_model_id")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_judging_set_models_plot_type_id")),
        sa.PrimaryKeyConstraint("judging_set_id", "plot_type_id", name=op.f("pk_judging_set_models")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "model_thresholds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("method", sa.String(length=100), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("set_by", name_type(120), nullable=False),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_thresholds_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_thresholds")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("model_thresholds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_thresholds_model_id"), ["model_id"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fingerprint", Sha256(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("judging_set_id", sa.Integer(), nullable=True),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("block_sha", Sha256(), nullable=True),
        sa.Column("maps_sha", Sha256(), nullable=True),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("flagged_count", sa.Integer(), nullable=False),
        sa.Column("unreadable_count", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("wanted_at", UtcTime(), nullable=False),
        sa.Column("judged_at", UtcTime(), nullable=True),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["judging_set_id"], ["judging_sets.id"], name=op.f("fk_revisions_judging_set_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_revisions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("run_id", "revision", name=op.f("uq_revisions_run_id_revision")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revisions_state"), ["state"], unique=False)

    op.create_table(
        "training_claims",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", name_type(160), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("outcome", long_text(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("claimed_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_training_claims_model_id")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_training_claims_plot_type_id")),
        sa.PrimaryKeyConstraint("plot_type_id", "mark", name=op.f("pk_training_claims")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "training_images",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=False),
        sa.Column("side", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_training_images_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "image_sha", name=op.f("pk_training_images")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("block_index", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("image_sha", Sha256(), nullable=True),
        sa.Column("duplicate_of", long_text(), nullable=False),
        sa.Column("source", long_text(), nullable=False),
        sa.ForeignKeyConstraint(["image_sha"], ["images.sha256"], name=op.f("fk_items_image_sha")),
        sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=op.f("fk_items_plot_type_id")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_items_revision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint(
            "revision_id", "plot_type_id", "chunk", name=op.f("uq_items_revision_id_plot_type_id_chunk")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_items_image_sha"), ["image_sha"], unique=False)
        batch_op.create_index(batch_op.f("ix_items_plot_type_id"), ["plot_type_id"], unique=False)

    op.create_table(
        "stage_timings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("submit", sa.Integer(), nullable=False),
        sa.Column("wall_s", sa.Double(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.Column("max_rss_mb", sa.Double(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_stage_timings_revision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_timings")),
        sa.UniqueConstraint("revision_id", "task", name=op.f("uq_stage_timings_revision_id_task")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("stage_timings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stage_timings_finished_at"), ["finished_at"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("judge", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("sentence", long_text(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_evidence_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_evidence_model_id")),
        sa.PrimaryKeyConstraint("item_id", "judge", name=op.f("pk_evidence")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "verdicts",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("class_name", name_type(40), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("next_step", long_text(), nullable=False),
        sa.Column("judging_set_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("code_version", sa.String(length=40), nullable=False),
        sa.Column("task", sa.String(length=120), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_verdicts_item_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["judging_set_id"], ["judging_sets.id"], name=op.f("fk_verdicts_judging_set_id")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_verdicts_model_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_verdicts")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Take the step back; a table takes its indexes with it."""
    op.drop_table("verdicts")
    op.drop_table("evidence")
    op.drop_table("stage_timings")
    op.drop_table("items")
    op.drop_table("training_images")
    op.drop_table("training_claims")
    op.drop_table("revisions")
    op.drop_table("model_thresholds")
    op.drop_table("judging_set_models")
    op.drop_table("unmatched")
    op.drop_table("runs")
    op.drop_table("models")
    op.drop_table("labels")
    op.drop_table("incidents")
    op.drop_table("requests")
    op.drop_table("plot_types")
    op.drop_table("passes")
    op.drop_table("judging_sets")
    op.drop_table("images")
