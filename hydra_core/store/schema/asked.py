"""People, and what they ask for: requests, labels, news."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import Sha256, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class PersonRow(Base):
    """Somebody who may ask for changes, as ``people.toml`` says."""

    __tablename__ = "people"
    id = key(sa.Integer)
    name = needed(name_type(120), unique=True)
    any_plot_type = needed(sa.Boolean)  # may label all; otherwise those of `PersonPlotType`


class PersonAccount(Base):
    """An account of a person: it owns the request files by which the person is known. Several may share one."""

    __tablename__ = "person_accounts"
    person_id = key(sa.Integer, reference("people.id", cascade=True))
    account = key(name_type(120))


class PersonRole(Base):
    """What a person may do."""

    __tablename__ = "person_roles"
    person_id = key(sa.Integer, reference("people.id", cascade=True))
    role = key(name_type(40))


class PersonPlotType(Base):
    """A plot type that a person may label who may not label all of them."""

    __tablename__ = "person_plot_types"
    person_id = key(sa.Integer, reference("people.id", cascade=True))
    plot_type_id = key(sa.Integer, reference("plot_types.id"))


class Request(Base):
    """A file from the inbox, accepted or put into quarantine; never forgotten."""

    __tablename__ = "requests"
    __table_args__ = (sa.Index(None, "kind", "made_at"),)
    sha256 = key(Sha256)
    kind = needed(sa.String(24))
    file_name = needed(name_type(255))
    claimed_by = needed(name_type(120))
    owner = needed(name_type(120))
    made_at = optional(UtcTime)
    received_at = needed(UtcTime)
    status = needed(sa.String(12))  # accepted | quarantined
    reason = needed(long_text())


class Label(Base):
    """A person gave a class to an image; rows are only added, the newest `made_at` counts."""

    __tablename__ = "labels"
    __table_args__ = (
        sa.UniqueConstraint("request_sha", "plot_type_id", "image_sha"),
        sa.Index(None, "plot_type_id", "image_sha", "made_at"),
        sa.Index(None, "image_sha"),
        sa.Index(None, "made_at"),
    )
    id = key(sa.Integer)
    request_sha = needed(Sha256, reference("requests.sha256"))
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    image_sha = needed(Sha256)
    class_name = needed(name_type(40))
    who = needed(name_type(120))
    made_at = needed(UtcTime)


class LabelCount(Base):
    """How many labels a plot type has, corrections included: whether a training is due is asked every night."""

    __tablename__ = "label_counts"
    plot_type_id = key(sa.Integer, reference("plot_types.id"))
    count = needed(sa.Integer)


class NewsItem(Base):
    """A line for the top of every page: the newest that has not ended is shown, none where it is empty."""

    __tablename__ = "news"
    request_sha = key(Sha256, reference("requests.sha256"))
    text = needed(long_text())
    who = needed(name_type(120))
    begins_at = needed(UtcTime)
    ends_at = optional(UtcTime)
