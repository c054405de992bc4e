"""What every stage is given: the site, the database, the pass and the run."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DatabaseError, WorkflowError
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.store.ledger import PassRow, RevisionRow, get_pass, newest_revision
from hydra_core.store.session import check_version, reading, site_engine, sqlite_file


@dataclass(frozen=True)
class RunContext:
    """A stage's surroundings.

    Attributes
    ----------
    task
        Who asks, as verdicts record it: ``cycle/task/submit`` or ``by hand``.
    threads
        Cores that this job was given.
    shard, shards
        Which part of the plot types this job classifies.
    """

    site: Site
    engine: Engine
    pass_row: PassRow
    run: int
    task: str = "by hand"
    threads: int = 1
    shard: int = 0
    shards: int = 1

    @property
    def name(self) -> str:
        """The run as messages name it."""
        return f"run {self.run} of {self.pass_row.name}"


@dataclass(frozen=True)
class Outcome:
    """How a stage ended: its custom outputs, a plain line for the log, and how many images it handled."""

    line: str
    outputs: tuple[str, ...] = ()
    images: int = 0


def open_site(given: str | Path | None) -> tuple[Site, Engine]:
    """Read a site and open its database, which must have this program's schema.

    Raises
    ------
    DatabaseError
        When the database cannot be used, or is a file and this is a job on another machine than the scheduler's.
    """
    site = load_site(given)
    engine = site_engine(site)
    made_on, here = os.environ.get("HYDRA_HOST"), socket.gethostname()
    if made_on and made_on != here and sqlite_file(engine) is not None:
        raise DatabaseError(
            f"this job runs on {here}, and the database is an SQLite file, which only {made_on} may use",
            next_step="give a MariaDB or MySQL server as database.url, or let the jobs run on localhost; if the "
            "scheduler has moved to this machine, stop it and run 'hydra pass resume PASS'",
        )
    check_version(engine)
    return site, engine


def open_run(
    given: str | Path | None,
    pass_name: str,
    run: int,
    *,
    task: str = "by hand",
    threads: int = 1,
    shard: int = 0,
    shards: int = 1,
) -> RunContext:
    """Open everything that a stage of one run needs."""
    site, engine = open_site(given)
    with reading(engine) as connection:
        row = get_pass(connection, pass_name)
    if not row.first_run <= run <= row.last_run:
        raise WorkflowError(
            f"run {run} is outside the pass {pass_name}, which spans {row.first_run} to {row.last_run}",
            next_step="use the pass of that run period, or make one with 'hydra pass create'",
        )
    return RunContext(site, engine, row, run, task, threads, shard, shards)


def current_revision(connection: Connection, context: RunContext, needed: str = "wanted") -> RevisionRow:
    """Return the run's newest revision, which must have reached the state `needed`.

    Raises
    ------
    DatabaseError
        When nobody has asked for the run.
    WorkflowError
        When an earlier stage is still to be done.
    """
    found = newest_revision(connection, context.pass_row.id, context.run)
    if found is None:
        raise DatabaseError(
            f"{context.name} is not in the ledger",
            next_step=f"run 'hydra arrive {context.pass_row.name} {context.run}'",
        )
    if not found.reached(needed):
        raise WorkflowError(
            f"{context.name} r{found.revision} is {found.state}, not yet {needed}",
            next_step=f"let its earlier stages end; 'hydra pass status {context.pass_row.name}' shows them",
        )
    return found


def block_file(context: RunContext, revision: RevisionRow) -> Path:
    """Return where the block of a revision is now: in staging, or archived."""
    site, name = context.site, context.pass_row.name
    if revision.reached("archived"):
        return site.archive_file(name, revision.run, revision.revision, revision.block_generation)
    return site.staging(name, revision.run, revision.revision) / "block.h5"


def maps_file(context: RunContext, revision: RevisionRow) -> Path:
    """Return where the heat maps of a revision are now."""
    site, name = context.site, context.pass_row.name
    if revision.reached("archived"):
        return site.maps_file(name, revision.run, revision.revision)
    return site.staging(name, revision.run, revision.revision) / "block.maps.h5"
