"""Images and what is said of them: items, evidence, verdicts, incidents."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import JSON_LIST, JSON_TABLE, REAL, Sha256, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class Image(Base):
    """An encoded image, known by its content."""

    __tablename__ = "images"
    sha256 = key(Sha256)
    bytes = needed(sa.Integer)
    width = needed(sa.Integer)
    height = needed(sa.Integer)
    first_seen_at = needed(UtcTime)


class Item(Base):
    """One place in a run revision: a plot type and a chunk, with its image or the reason why there is none."""

    __tablename__ = "items"
    __table_args__ = (
        sa.UniqueConstraint("revision_id", "plot_type_id", "chunk"),
        # An index on a plot type or an image alone would be taken for questions about a few runs, and a plot type has
        # items in all of them.
        sa.Index(None, "image_sha", "plot_type_id"),
        sa.Index(None, "plot_type_id", "revision_id", "status"),
    )
    id = key(sa.Integer)
    revision_id = needed(sa.Integer, reference("revisions.id", cascade=True))
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    chunk = needed(sa.Integer)
    block_index = needed(sa.Integer)
    status = needed(sa.String(12))  # ok | unreadable | missing
    reason = needed(long_text())
    image_sha = optional(Sha256, reference("images.sha256"))
    duplicate_of = needed(long_text())
    source = needed(long_text())
    member = needed(long_text(), default="")  # path inside a file of histograms
    tombstone = needed(long_text(), default="")  # why the archive no longer holds the image
    dropped_at = optional(UtcTime)


class KeptImage(Base):
    """An image that nothing may delete: pinned by a person, or part of a gold set."""

    __tablename__ = "kept_images"
    image_sha = key(Sha256)
    kind = key(sa.String(8))  # pin | gold | unpin
    who = needed(name_type(120))
    why = needed(long_text())
    kept_at = needed(UtcTime)


class Evidence(Base):
    """What one judge says of one item."""

    __tablename__ = "evidence"
    item_id = key(sa.Integer, reference("items.id", cascade=True))
    judge = key(sa.String(24))
    status = needed(sa.String(16))
    numbers = needed(JSON_TABLE)
    sentence = needed(long_text())
    model_id = optional(sa.Integer, reference("models.id"))


class Verdict(Base):
    """What Hydra says of one item, and everything that is needed to say it again."""

    __tablename__ = "verdicts"
    item_id = key(sa.Integer, reference("items.id", cascade=True))
    class_name = optional(name_type(40))
    state = needed(sa.String(16))
    severity = needed(sa.Integer)
    confidence = optional(REAL)
    threshold = optional(REAL)
    reasons = needed(JSON_LIST)
    next_step = needed(long_text())
    judging_set_id = needed(sa.Integer, reference("judging_sets.id"))
    model_id = optional(sa.Integer, reference("models.id"))
    code_version = needed(sa.String(40))
    task = needed(sa.String(120))
    made_at = needed(UtcTime)


class VerdictCount(Base):
    """How many verdicts of a revision are the same for a plot type: what the index of a pass shows.

    It is counted when the verdicts are written: the index shows a thousand runs, and is written after each of them.
    """

    __tablename__ = "verdict_counts"
    revision_id = key(sa.Integer, reference("revisions.id", cascade=True))
    plot_type_id = key(sa.Integer, reference("plot_types.id"))
    state = key(sa.String(16))
    class_name = key(name_type(40))  # empty where there is none
    severity = key(sa.Integer, autoincrement=False)
    count = needed(sa.Integer)


class Incident(Base):
    """Consecutive flagged chunks of one plot type: a pure function of the verdicts."""

    __tablename__ = "incidents"
    __table_args__ = (
        sa.UniqueConstraint("pass_id", "plot_type_id", "first_run", "first_chunk"),
        sa.Index(None, "pass_id", "last_run"),
        sa.Index(None, "pass_id", "first_run"),
    )
    id = key(sa.Integer)
    pass_id = needed(sa.Integer, reference("passes.id"))
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    class_name = optional(name_type(40))
    state = needed(sa.String(16))
    severity = needed(sa.Integer)
    first_run = needed(sa.Integer)
    first_chunk = needed(sa.Integer)
    last_run = needed(sa.Integer)
    last_chunk = needed(sa.Integer)
    count = needed(sa.Integer)
