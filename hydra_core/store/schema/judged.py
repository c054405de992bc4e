"""Images and what is said of them: items, evidence, verdicts, incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import Sha256, long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


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
        # An index on a plot type or an image alone would be taken for questions about a few runs, and a plot type has
        # items in all of them.
        sa.Index(None, "image_sha", "plot_type_id"),
        sa.Index(None, "plot_type_id", "revision_id", "status"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(reference("revisions.id", cascade=True))
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    chunk: Mapped[int]
    block_index: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(12))  # ok | unreadable | missing
    reason: Mapped[str] = mapped_column(long_text())
    image_sha: Mapped[str | None] = mapped_column(Sha256, reference("images.sha256"))
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
    item_id: Mapped[int] = mapped_column(reference("items.id", cascade=True), primary_key=True)
    judge: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    numbers: Mapped[dict[str, Any]]
    sentence: Mapped[str] = mapped_column(long_text())
    model_id: Mapped[int | None] = mapped_column(reference("models.id"))


class Verdict(Base):
    """What Hydra says of one item, and everything that is needed to say it again."""

    __tablename__ = "verdicts"
    item_id: Mapped[int] = mapped_column(reference("items.id", cascade=True), primary_key=True)
    class_name: Mapped[str | None] = mapped_column(name_type(40))
    state: Mapped[str] = mapped_column(sa.String(16))
    severity: Mapped[int]
    confidence: Mapped[float | None] = mapped_column(sa.Double)
    threshold: Mapped[float | None] = mapped_column(sa.Double)
    reasons: Mapped[list[Any]]
    next_step: Mapped[str] = mapped_column(long_text())
    judging_set_id: Mapped[int] = mapped_column(reference("judging_sets.id"))
    model_id: Mapped[int | None] = mapped_column(reference("models.id"))
    code_version: Mapped[str] = mapped_column(sa.String(40))
    task: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[datetime]


class VerdictCount(Base):
    """How many verdicts of a revision are the same for a plot type: what the index of a pass shows.

    It is counted when the verdicts are written: the index shows a thousand runs, and is written after each of them.
    """

    __tablename__ = "verdict_counts"
    revision_id: Mapped[int] = mapped_column(reference("revisions.id", cascade=True), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    class_name: Mapped[str] = mapped_column(name_type(40), primary_key=True)  # empty where there is none
    severity: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]


class Incident(Base):
    """Consecutive flagged chunks of one plot type: a pure function of the verdicts."""

    __tablename__ = "incidents"
    __table_args__ = (
        sa.UniqueConstraint("pass_id", "plot_type_id", "first_run", "first_chunk"),
        sa.Index(None, "pass_id", "last_run"),
        sa.Index(None, "pass_id", "first_run"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(reference("passes.id"))
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    class_name: Mapped[str | None] = mapped_column(name_type(40))
    state: Mapped[str] = mapped_column(sa.String(16))
    severity: Mapped[int]
    first_run: Mapped[int]
    first_chunk: Mapped[int]
    last_run: Mapped[int]
    last_chunk: Mapped[int]
    count: Mapped[int]
