"""The ledger: passes, runs, their revisions, what each task cost, and files that no rule took."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import JSON_LIST, JSON_TABLE, REAL, Sha256, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class Pass(Base):
    """A monitoring pass: one reconstruction version of one run period, one installed Cylc workflow."""

    __tablename__ = "passes"
    id = key(sa.Integer)
    name = needed(name_type(120), unique=True)
    workflow = needed(name_type(200), unique=True)
    first_run = needed(sa.Integer)
    last_run = needed(sa.Integer)
    state = needed(sa.String(12))  # open | closed
    source = needed(long_text())
    created_at = needed(UtcTime)
    closed_at = optional(UtcTime)
    # Counted as runs come and are published: pages that are written after each run show both.
    run_count = needed(sa.Integer, default=0)
    published_count = needed(sa.Integer, default=0)  # runs of which any revision was published


class Run(Base):
    """The ledger: a run that somebody wants monitored."""

    __tablename__ = "runs"
    __table_args__ = (sa.UniqueConstraint("pass_id", "number"), sa.Index(None, "pass_id", "name"))
    id = key(sa.Integer)
    pass_id = needed(sa.Integer, reference("passes.id"))
    number = needed(sa.Integer)
    name = needed(name_type(190))
    folder = needed(long_text(), default="")  # of a run without a number of its own: where its files lie
    arrived_at = needed(UtcTime)
    handed_over_at = optional(UtcTime)


class Revision(Base):
    """A run as it stood when its sources had one fingerprint."""

    __tablename__ = "revisions"
    __table_args__ = (
        sa.UniqueConstraint("run_id", "revision"),
        sa.Index(None, "state", "run_id"),
        sa.Index(None, "judged_at", "item_count"),
    )
    id = key(sa.Integer)
    run_id = needed(sa.Integer, reference("runs.id"))
    revision = needed(sa.Integer)
    fingerprint = optional(Sha256)
    state = needed(sa.String(12))  # wanted | chunked | judged | archived | published
    judging_set_id = optional(sa.Integer, reference("judging_sets.id"))
    conditions = needed(JSON_TABLE)
    notes = needed(JSON_LIST)
    block_sha = optional(Sha256)
    maps_sha = optional(Sha256)
    block_generation = needed(sa.Integer, default=0)  # grows each time images leave the archive
    item_count = needed(sa.Integer, default=0)
    flagged_count = needed(sa.Integer, default=0)
    unreadable_count = needed(sa.Integer, default=0)
    severity = needed(sa.Integer, default=0)
    wanted_at = needed(UtcTime)
    judged_at = optional(UtcTime)
    published_at = optional(UtcTime)


class StageTiming(Base):
    """What one task cost; the newest attempt of a task counts."""

    __tablename__ = "stage_timings"
    __table_args__ = (
        sa.UniqueConstraint("revision_id", "task"),
        sa.Index(None, "finished_at"),
    )
    id = key(sa.Integer)
    revision_id = needed(sa.Integer, reference("revisions.id", cascade=True))
    task = needed(sa.String(40))
    submit = needed(sa.Integer)
    wall_s = needed(REAL)
    cpu_s = needed(REAL)
    max_rss_mb = needed(REAL)
    images = needed(sa.Integer)
    finished_at = needed(UtcTime)


class Unmatched(Base):
    """A file below the intake folder that no naming rule took."""

    __tablename__ = "unmatched"
    __table_args__ = (sa.UniqueConstraint("pass_id", "path_sha"),)
    id = key(sa.Integer)
    pass_id = needed(sa.Integer, reference("passes.id"))
    path_sha = needed(Sha256)
    path = needed(long_text())
    reason = needed(long_text())
    seen_at = needed(UtcTime)
