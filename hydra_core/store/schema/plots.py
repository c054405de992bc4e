"""What there is to look at: plot types, their classes and groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


class PlotTypeRow(Base):
    """A plot type that was seen or configured."""

    __tablename__ = "plot_types"
    __table_args__ = (sa.UniqueConstraint("name", "chunked"), TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(name_type(190))
    chunked: Mapped[bool]
    first_seen_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(sa.String(12), default="active")  # new | active | ignored | renamed
    renamed_to: Mapped[int | None] = mapped_column(reference("plot_types.id"))
    drawing: Mapped[dict[str, Any] | None]  # the fixed ranges its histograms are drawn with
    decided_by: Mapped[str] = mapped_column(name_type(120), default="")
    decided_at: Mapped[datetime | None]
    display: Mapped[str] = mapped_column(name_type(190), default="")
    contact: Mapped[str] = mapped_column(long_text(), default="")
    description: Mapped[str] = mapped_column(long_text(), default="")


class PlotClassRow(Base):
    """A class that a plot can have, as ``plots.toml`` says."""

    __tablename__ = "classes"
    name: Mapped[str] = mapped_column(name_type(40), primary_key=True)
    colour: Mapped[str] = mapped_column(sa.String(7))
    problem: Mapped[bool]
    normal: Mapped[bool]
    position: Mapped[int]


class ValidClass(Base):
    """A class that a label of this plot type may name; a type without rows takes any."""

    __tablename__ = "valid_classes"
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)
    class_name: Mapped[str] = mapped_column(name_type(40), reference("classes.name"), primary_key=True)


class PlotGroupRow(Base):
    """Plot types, or groups of them, that people look at together: a detector, a run period, a working group."""

    __tablename__ = "plot_groups"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(name_type(120), unique=True)
    kind: Mapped[str] = mapped_column(name_type(40))


class PlotGroupType(Base):
    """A plot type of a group."""

    __tablename__ = "plot_group_types"
    group_id: Mapped[int] = mapped_column(reference("plot_groups.id", cascade=True), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)


class PlotGroupParent(Base):
    """A group that is part of another one."""

    __tablename__ = "plot_group_parents"
    group_id: Mapped[int] = mapped_column(reference("plot_groups.id", cascade=True), primary_key=True)
    parent_id: Mapped[int] = mapped_column(reference("plot_groups.id", cascade=True), primary_key=True)
