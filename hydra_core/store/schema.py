"""The tables. ``docs/architecture.md`` says how a row comes to be; a change here needs a migration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hydra_core.store.columns import Sha256, UtcTime, long_text, name_type

#: The migration that makes exactly these tables; a test holds the two together.
SCHEMA_REVISION = "0002"

#: `Item.chunk` of a plot that comes once a run (a NULL would never be equal to another in a unique key).
ONCE_A_RUN = -1

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_TABLE_OPTIONS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class Base(DeclarativeBase):
    """Common settings of all tables."""

    metadata = sa.MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: UtcTime(), dict[str, Any]: sa.JSON(), list[Any]: sa.JSON()}  # noqa: RUF012
    __table_args__: Any = _TABLE_OPTIONS


def _reference(column: str, *, cascade: bool = False) -> sa.ForeignKey:
    return sa.ForeignKey(column, ondelete="CASCADE" if cascade else None)


class Pass(Base):
    """A monitoring pass: one reconstruction version of one run period, one installed Cylc workflow."""

    __tablename__ = "passes"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(name_type(120), unique=True)
    workflow: Mapped[str] = mapped_column(name_type(200), unique=True)
    first_run: Mapped[int]
    last_run: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(12))  # open | closed
    source: Mapped[str] = mapped_column(long_text())
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Run(Base):
    """The ledger: a run that somebody wants monitored."""

    __tablename__ = "runs"
    __table_args__ = (sa.UniqueConstraint("pass_id", "number"), sa.Index(None, "pass_id", "name"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(_reference("passes.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(name_type(190))
    folder: Mapped[str] = mapped_column(
        long_text(), default=""
    )  # of a run without a number of its own: where its files lie
    arrived_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]


class Revision(Base):
    """A run as it stood when its sources had one fingerprint."""

    __tablename__ = "revisions"
    __table_args__ = (sa.UniqueConstraint("run_id", "revision"), sa.Index(None, "state"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(_reference("runs.id"))
    revision: Mapped[int]
    fingerprint: Mapped[str | None] = mapped_column(Sha256)
    state: Mapped[str] = mapped_column(sa.String(12))  # wanted | chunked | judged | archived | published
    judging_set_id: Mapped[int | None] = mapped_column(_reference("judging_sets.id"))
    conditions: Mapped[dict[str, Any]]
    notes: Mapped[list[Any]]
    block_sha: Mapped[str | None] = mapped_column(Sha256)
    maps_sha: Mapped[str | None] = mapped_column(Sha256)
    block_generation: Mapped[int] = mapped_column(default=0)  # grows each time images leave the archive
    item_count: Mapped[int] = mapped_column(default=0)
    flagged_count: Mapped[int] = mapped_column(default=0)
    unreadable_count: Mapped[int] = mapped_column(default=0)
    severity: Mapped[int] = mapped_column(default=0)
    wanted_at: Mapped[datetime]
    judged_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]


class PlotTypeRow(Base):
    """A plot type that was seen or configured."""

    __tablename__ = "plot_types"
    __table_args__ = (sa.UniqueConstraint("name", "chunked"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(name_type(190))
    chunked: Mapped[bool]
    first_seen_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(sa.String(12), default="active")  # new | active | ignored | renamed
    renamed_to: Mapped[int | None] = mapped_column(_reference("plot_types.id"))
    drawing: Mapped[dict[str, Any] | None]  # the fixed ranges its histograms are drawn with
    decided_by: Mapped[str] = mapped_column(name_type(120), default="")
    decided_at: Mapped[datetime | None]


class Image(Base):
    """An encoded image, known by its content."""

    __tablename__ = "images"
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    first_seen_at: Mapped[datetime]


class Item(Base):
    """One place in a run revision: a plot type and a chunk, with its image or the reason why there is none."""

    __tablename__ = "items"
    __table_args__ = (
        sa.UniqueConstraint("revision_id", "plot_type_id", "chunk"),
        sa.Index(None, "image_sha"),
        sa.Index(None, "plot_type_id"),
        _TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(_reference("revisions.id", cascade=True))
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"))
    chunk: Mapped[int]
    block_index: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(12))  # ok | unreadable | missing
    reason: Mapped[str] = mapped_column(long_text())
    image_sha: Mapped[str | None] = mapped_column(Sha256, _reference("images.sha256"))
    duplicate_of: Mapped[str] = mapped_column(long_text())
    source: Mapped[str] = mapped_column(long_text())
    member: Mapped[str] = mapped_column(long_text(), default="")  # path inside a file of histograms
    tombstone: Mapped[str] = mapped_column(long_text(), default="")  # why the archive no longer holds the image
    dropped_at: Mapped[datetime | None]


class KeptImage(Base):
    """An image that nothing may delete: pinned by a person, or part of a gold set."""

    __tablename__ = "kept_images"
    image_sha: Mapped[str] = mapped_column(Sha256, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(8), primary_key=True)  # pin | gold | unpin
    who: Mapped[str] = mapped_column(name_type(120))
    why: Mapped[str] = mapped_column(long_text())
    kept_at: Mapped[datetime]


class Evidence(Base):
    """What one judge says of one item."""

    __tablename__ = "evidence"
    item_id: Mapped[int] = mapped_column(_reference("items.id", cascade=True), primary_key=True)
    judge: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    numbers: Mapped[dict[str, Any]]
    sentence: Mapped[str] = mapped_column(long_text())
    model_id: Mapped[int | None] = mapped_column(_reference("models.id"))


class Verdict(Base):
    """What Hydra says of one item, and everything that is needed to say it again."""

    __tablename__ = "verdicts"
    item_id: Mapped[int] = mapped_column(_reference("items.id", cascade=True), primary_key=True)
    class_name: Mapped[str | None] = mapped_column(name_type(40))
    state: Mapped[str] = mapped_column(sa.String(16))
    severity: Mapped[int]
    confidence: Mapped[float | None] = mapped_column(sa.Double)
    threshold: Mapped[float | None] = mapped_column(sa.Double)
    reasons: Mapped[list[Any]]
    next_step: Mapped[str] = mapped_column(long_text())
    judging_set_id: Mapped[int] = mapped_column(_reference("judging_sets.id"))
    model_id: Mapped[int | None] = mapped_column(_reference("models.id"))
    code_version: Mapped[str] = mapped_column(sa.String(40))
    task: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[datetime]


class Incident(Base):
    """Consecutive flagged chunks of one plot type: a pure function of the verdicts."""

    __tablename__ = "incidents"
    __table_args__ = (
        sa.UniqueConstraint("pass_id", "plot_type_id", "first_run", "first_chunk"),
        sa.Index(None, "pass_id", "last_run"),
        _TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(_reference("passes.id"))
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"))
    class_name: Mapped[str | None] = mapped_column(name_type(40))
    state: Mapped[str] = mapped_column(sa.String(16))
    severity: Mapped[int]
    first_run: Mapped[int]
    first_chunk: Mapped[int]
    last_run: Mapped[int]
    last_chunk: Mapped[int]
    count: Mapped[int]


class Model(Base):
    """A trained network; its files are named by the hash of their card."""

    __tablename__ = "models"
    __table_args__ = (sa.Index(None, "plot_type_id", "status"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"))
    name: Mapped[str] = mapped_column(name_type(120), unique=True)
    card_sha: Mapped[str] = mapped_column(Sha256)
    network: Mapped[str] = mapped_column(sa.String(40))
    status: Mapped[str] = mapped_column(sa.String(12))  # candidate | live | rejected | retired
    reason: Mapped[str] = mapped_column(long_text())
    parent_id: Mapped[int | None] = mapped_column(_reference("models.id"))
    made_at: Mapped[datetime]


class TrainingImage(Base):
    """An image that a model was trained, validated or tested on, with the label it had then."""

    __tablename__ = "training_images"
    model_id: Mapped[int] = mapped_column(_reference("models.id", cascade=True), primary_key=True)
    image_sha: Mapped[str] = mapped_column(Sha256, primary_key=True)
    class_name: Mapped[str] = mapped_column(name_type(40))
    side: Mapped[str] = mapped_column(sa.String(12))  # train | validation | test


class ModelThreshold(Base):
    """Least confidence of a class to be confirmed, who set it and how; rows are only added."""

    __tablename__ = "model_thresholds"
    __table_args__ = (sa.Index(None, "model_id"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(_reference("models.id", cascade=True))
    class_name: Mapped[str] = mapped_column(name_type(40))
    value: Mapped[float] = mapped_column(sa.Double)
    method: Mapped[str] = mapped_column(sa.String(100))
    examples: Mapped[int]
    set_by: Mapped[str] = mapped_column(name_type(120))
    set_at: Mapped[datetime]


class JudgingSet(Base):
    """The numbered, frozen list of what verdicts use."""

    __tablename__ = "judging_sets"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    reason: Mapped[str] = mapped_column(long_text())
    rules: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class JudgingSetModel(Base):
    """The model, with its thresholds, that a judging set uses for a plot type."""

    __tablename__ = "judging_set_models"
    judging_set_id: Mapped[int] = mapped_column(_reference("judging_sets.id", cascade=True), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(_reference("models.id"))
    thresholds: Mapped[dict[str, Any]]


class Request(Base):
    """A file from the inbox, accepted or put into quarantine; never forgotten."""

    __tablename__ = "requests"
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    file_name: Mapped[str] = mapped_column(name_type(255))
    claimed_by: Mapped[str] = mapped_column(name_type(120))
    owner: Mapped[str] = mapped_column(name_type(120))
    made_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(sa.String(12))  # accepted | quarantined
    reason: Mapped[str] = mapped_column(long_text())


class Label(Base):
    """A person gave a class to an image; rows are only added, the newest `made_at` counts."""

    __tablename__ = "labels"
    __table_args__ = (
        sa.UniqueConstraint("request_sha", "plot_type_id", "image_sha"),
        sa.Index(None, "plot_type_id", "image_sha"),
        _TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    request_sha: Mapped[str] = mapped_column(Sha256, _reference("requests.sha256"))
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"))
    image_sha: Mapped[str] = mapped_column(Sha256)
    class_name: Mapped[str] = mapped_column(name_type(40))
    who: Mapped[str] = mapped_column(name_type(120))
    made_at: Mapped[datetime]


class TrainingClaim(Base):
    """One training of one plot type at one count of its labels; its key keeps two tasks from doing the same."""

    __tablename__ = "training_claims"
    plot_type_id: Mapped[int] = mapped_column(_reference("plot_types.id"), primary_key=True)
    mark: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(name_type(160))
    state: Mapped[str] = mapped_column(sa.String(12))  # running | done | refused
    outcome: Mapped[str] = mapped_column(long_text())
    model_id: Mapped[int | None] = mapped_column(_reference("models.id"))
    claimed_at: Mapped[datetime]


class StageTiming(Base):
    """What one task cost; the newest attempt of a task counts."""

    __tablename__ = "stage_timings"
    __table_args__ = (
        sa.UniqueConstraint("revision_id", "task"),
        sa.Index(None, "finished_at"),
        _TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(_reference("revisions.id", cascade=True))
    task: Mapped[str] = mapped_column(sa.String(40))
    submit: Mapped[int]
    wall_s: Mapped[float] = mapped_column(sa.Double)
    cpu_s: Mapped[float] = mapped_column(sa.Double)
    max_rss_mb: Mapped[float] = mapped_column(sa.Double)
    images: Mapped[int]
    finished_at: Mapped[datetime]


class Unmatched(Base):
    """A file below the intake folder that no naming rule took."""

    __tablename__ = "unmatched"
    __table_args__ = (sa.UniqueConstraint("pass_id", "path_sha"), _TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(_reference("passes.id"))
    path_sha: Mapped[str] = mapped_column(Sha256)
    path: Mapped[str] = mapped_column(long_text())
    reason: Mapped[str] = mapped_column(long_text())
    seen_at: Mapped[datetime]
