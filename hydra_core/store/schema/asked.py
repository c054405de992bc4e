"""People, and what they ask for: requests, labels, news."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import Sha256, long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


class PersonRow(Base):
    """Somebody who may ask for changes, as ``people.toml`` says."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(name_type(120), unique=True)
    any_plot_type: Mapped[bool]  # may label all; otherwise those of `PersonPlotType`


class PersonAccount(Base):
    """An account of a person: it owns the request files by which the person is known. Several may share one."""

    __tablename__ = "person_accounts"
    person_id: Mapped[int] = mapped_column(reference("people.id", cascade=True), primary_key=True)
    account: Mapped[str] = mapped_column(name_type(120), primary_key=True)


class PersonRole(Base):
    """What a person may do."""

    __tablename__ = "person_roles"
    person_id: Mapped[int] = mapped_column(reference("people.id", cascade=True), primary_key=True)
    role: Mapped[str] = mapped_column(name_type(40), primary_key=True)


class PersonPlotType(Base):
    """A plot type that a person may label who may not label all of them."""

    __tablename__ = "person_plot_types"
    person_id: Mapped[int] = mapped_column(reference("people.id", cascade=True), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)


class Request(Base):
    """A file from the inbox, accepted or put into quarantine; never forgotten."""

    __tablename__ = "requests"
    __table_args__ = (sa.Index(None, "kind", "made_at"), TABLE_OPTIONS)
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
        sa.Index(None, "plot_type_id", "image_sha", "made_at"),
        sa.Index(None, "image_sha"),
        sa.Index(None, "made_at"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    request_sha: Mapped[str] = mapped_column(Sha256, reference("requests.sha256"))
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    image_sha: Mapped[str] = mapped_column(Sha256)
    class_name: Mapped[str] = mapped_column(name_type(40))
    who: Mapped[str] = mapped_column(name_type(120))
    made_at: Mapped[datetime]


class LabelCount(Base):
    """How many labels a plot type has, corrections included: whether a training is due is asked every night."""

    __tablename__ = "label_counts"
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)
    count: Mapped[int]


class NewsItem(Base):
    """A line for the top of every page: the newest that has not ended is shown, none where it is empty."""

    __tablename__ = "news"
    request_sha: Mapped[str] = mapped_column(Sha256, reference("requests.sha256"), primary_key=True)
    text: Mapped[str] = mapped_column(long_text())
    who: Mapped[str] = mapped_column(name_type(120))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
