"""What was taken over from a database of the original Hydra."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import JSON_LIST, JSON_TABLE, REAL, Sha256, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class Import(Base):
    """A database of the original Hydra that was read, and what came of it."""

    __tablename__ = "imports"
    id = key(sa.Integer)
    source = needed(name_type(190), unique=True)  # its URL without a password
    taken = needed(JSON_TABLE)
    not_taken = needed(JSON_LIST)
    began_at = needed(UtcTime)
    ended_at = optional(UtcTime)


class EarlierModel(Base):
    """What an imported database knows of a model; its files are of no use here."""

    __tablename__ = "earlier_models"
    import_id = key(sa.Integer, reference("imports.id", cascade=True))
    number = key(sa.Integer, autoincrement=False)
    plot_type_id = optional(sa.Integer, reference("plot_types.id"))
    parent = optional(sa.Integer)
    name = needed(name_type(190))
    active = needed(sa.Boolean)
    classes = needed(JSON_LIST)
    thresholds = needed(JSON_TABLE)
    facts = needed(JSON_TABLE)
    made_at = optional(UtcTime)


class EarlierVerdict(Base):
    """A verdict of an imported database; pages of this one do not show it, queries do."""

    __tablename__ = "earlier_verdicts"
    __table_args__ = (
        sa.UniqueConstraint("import_id", "origin", "number"),
        sa.Index(None, "plot_type_id", "run"),
        sa.Index(None, "made_at"),
    )
    id = key(sa.Integer)
    import_id = needed(sa.Integer, reference("imports.id", cascade=True))
    origin = needed(sa.String(24))  # the table there
    number = needed(sa.Integer)
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    period = needed(name_type(190))
    run = needed(sa.Integer)
    chunk = needed(sa.Integer)
    class_name = needed(name_type(40))
    confidence = optional(REAL)
    confirmed = optional(sa.Boolean)
    transition = optional(sa.Integer)
    probs = optional(JSON_TABLE)
    thresholds = optional(JSON_TABLE)
    model = optional(sa.Integer)
    made_at = needed(UtcTime)


class EarlierLabel(Base):
    """A label of an imported database, and the image it was given to where its file could be read."""

    __tablename__ = "earlier_labels"
    __table_args__ = (sa.Index(None, "plot_type_id", "run"), sa.Index(None, "image_sha"))
    import_id = key(sa.Integer, reference("imports.id", cascade=True))
    number = key(sa.Integer, autoincrement=False)
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    period = needed(name_type(190))
    run = needed(sa.Integer)
    chunk = needed(sa.Integer)
    class_name = needed(name_type(40))
    who = needed(name_type(120))
    made_at = optional(UtcTime)
    path = needed(long_text())
    image_sha = optional(Sha256)
    reason = needed(long_text())  # why it could not be given to an image; empty where it was
