"""What there is to look at: plot types, their classes and groups."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import JSON_TABLE, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class PlotTypeRow(Base):
    """A plot type that was seen or configured."""

    __tablename__ = "plot_types"
    __table_args__ = (sa.UniqueConstraint("name", "chunked"),)
    id = key(sa.Integer)
    name = needed(name_type(190))
    chunked = needed(sa.Boolean)
    first_seen_at = needed(UtcTime)
    status = needed(sa.String(12), default="active")  # new | active | ignored | renamed
    renamed_to = optional(sa.Integer, reference("plot_types.id"))
    drawing = optional(JSON_TABLE)  # the fixed ranges its histograms are drawn with
    decided_by = needed(name_type(120), default="")
    decided_at = optional(UtcTime)
    display = needed(name_type(190), default="")
    contact = needed(long_text(), default="")
    description = needed(long_text(), default="")


class PlotClassRow(Base):
    """A class that a plot can have, as ``plots.toml`` says."""

    __tablename__ = "classes"
    name = key(name_type(40))
    colour = needed(sa.String(7))
    problem = needed(sa.Boolean)
    normal = needed(sa.Boolean)
    position = needed(sa.Integer)


class ValidClass(Base):
    """A class that a label of this plot type may name; a type without rows takes any."""

    __tablename__ = "valid_classes"
    plot_type_id = key(sa.Integer, reference("plot_types.id"))
    class_name = key(name_type(40), reference("classes.name"))


class PlotGroupRow(Base):
    """Plot types, or groups of them, that people look at together: a detector, a run period, a working group."""

    __tablename__ = "plot_groups"
    id = key(sa.Integer)
    name = needed(name_type(120), unique=True)
    kind = needed(name_type(40))


class PlotGroupType(Base):
    """A plot type of a group."""

    __tablename__ = "plot_group_types"
    group_id = key(sa.Integer, reference("plot_groups.id", cascade=True))
    plot_type_id = key(sa.Integer, reference("plot_types.id"))


class PlotGroupParent(Base):
    """A group that is part of another one."""

    __tablename__ = "plot_group_parents"
    group_id = key(sa.Integer, reference("plot_groups.id", cascade=True))
    parent_id = key(sa.Integer, reference("plot_groups.id", cascade=True))
