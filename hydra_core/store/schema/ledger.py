"""The ledger: passes, runs, their revisions, what each task cost, and files that no rule took."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import Sha256, long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


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
    # Counted as runs come and are published: pages that are written after each run show both.
    run_count: Mapped[int] = mapped_column(default=0)
    published_count: Mapped[int] = mapped_column(default=0)  # runs of which any revision was published


class Run(Base):
    """The ledger: a run that somebody wants monitored."""

    __tablename__ = "runs"
    __table_args__ = (sa.UniqueConstraint("pass_id", "number"), sa.Index(None, "pass_id", "name"), TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(reference("passes.id"))
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
    __table_args__ = (
        sa.UniqueConstraint("run_id", "revision"),
        sa.Index(None, "state", "run_id"),
        sa.Index(None, "judged_at", "item_count"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(reference("runs.id"))
    revision: Mapped[int]
    fingerprint: Mapped[str | None] = mapped_column(Sha256)
    state: Mapped[str] = mapped_column(sa.String(12))  # wanted | chunked | judged | archived | published
    judging_set_id: Mapped[int | None] = mapped_column(reference("judging_sets.id"))
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


class StageTiming(Base):
    """What one task cost; the newest attempt of a task counts."""

    __tablename__ = "stage_timings"
    __table_args__ = (
        sa.UniqueConstraint("revision_id", "task"),
        sa.Index(None, "finished_at"),
        TABLE_OPTIONS,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(reference("revisions.id", cascade=True))
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
    __table_args__ = (sa.UniqueConstraint("pass_id", "path_sha"), TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    pass_id: Mapped[int] = mapped_column(reference("passes.id"))
    path_sha: Mapped[str] = mapped_column(Sha256)
    path: Mapped[str] = mapped_column(long_text())
    reason: Mapped[str] = mapped_column(long_text())
    seen_at: Mapped[datetime]
