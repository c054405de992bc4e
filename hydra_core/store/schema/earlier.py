"""What was taken over from a database of the original Hydra."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import Sha256, long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


class Import(Base):
    """A database of the original Hydra that was read, and what came of it."""

    __tablename__ = "imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(name_type(190), unique=True)  # its URL without a password
    taken: Mapped[dict[str, Any]]
    not_taken: Mapped[list[Any]]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class EarlierModel(Base):
    """What an imported database knows of a model; its files are of no use here."""

    __tablename__ = "earlier_models"
    import_id: Mapped[int] = mapped_column(reference("imports.id", cascade=True), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plot_type_id: Mapped[int | None] = mapped_column(reference("plot_types.id"))
    parent: Mapped[int | None]
    name: Mapped[str] = mapped_column(name_type(190))
    active: Mapped[bool]
    classes: Mapped[list[Any]]
    thresholds: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    made_at: Mapped[datetime | None]


class EarlierVerdict(Base):
    """A verdict of an imported database; pages of this one do not show it, queries do."""

    __tablename__ = "earlier_verdicts"
    __table_args__ = (
        sa.UniqueConstraint("import_id", "origin", "number"),
        sa.Index(None, "plot_type_id", "run"),
        sa.Index(None, "made_at"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(reference("imports.id", cascade=True))
    origin: Mapped[str] = mapped_column(sa.String(24))  # the table there
    number: Mapped[int]
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    period: Mapped[str] = mapped_column(name_type(190))
    run: Mapped[int]
    chunk: Mapped[int]
    class_name: Mapped[str] = mapped_column(name_type(40))
    confidence: Mapped[float | None] = mapped_column(sa.Double)
    confirmed: Mapped[bool | None]
    transition: Mapped[int | None]
    probs: Mapped[dict[str, Any] | None]
    thresholds: Mapped[dict[str, Any] | None]
    model: Mapped[int | None]
    made_at: Mapped[datetime]


class EarlierLabel(Base):
    """A label of an imported database, and the image it was given to where its file could be read."""

    __tablename__ = "earlier_labels"
    __table_args__ = (sa.Index(None, "plot_type_id", "run"), sa.Index(None, "image_sha"), TABLE_OPTIONS)
    import_id: Mapped[int] = mapped_column(reference("imports.id", cascade=True), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    period: Mapped[str] = mapped_column(name_type(190))
    run: Mapped[int]
    chunk: Mapped[int]
    class_name: Mapped[str] = mapped_column(name_type(40))
    who: Mapped[str] = mapped_column(name_type(120))
    made_at: Mapped[datetime | None]
    path: Mapped[str] = mapped_column(long_text())
    image_sha: Mapped[str | None] = mapped_column(Sha256)
    reason: Mapped[str] = mapped_column(long_text())  # why it could not be given to an image; empty where it was
