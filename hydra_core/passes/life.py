"""The life of a pass: create, resume, wait, close."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import iso, now
from hydra_core.base.errors import WorkflowError
from hydra_core.base.files import write_text
from hydra_core.config.site import Site
from hydra_core.passes import scheduler
from hydra_core.passes.arrive import failed_tasks, hand_over, still_up
from hydra_core.passes.job_logs import JobLogs
from hydra_core.passes.standing import Standing
from hydra_core.passes.workflow import closed_mark, write_source
from hydra_core.store.directory import save_directory
from hydra_core.store.ledger import PassRow, add_pass, count_runs, get_pass, set_pass_state, unfinished
from hydra_core.store.session import reading, writing

#: Widest pass: some commands of Cylc cost time for every run number up to the end of a pass.
WIDEST = 10_000
#: While waiting, how often to look whether the scheduler is still there.
LOOK_EVERY_S = 3.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,60}){0,3}\Z")
#: What the database holds, in characters.
LONGEST_NAME, LONGEST_WORKFLOW = 120, 200
Progress = Callable[[str], None]


def parse_span(text: str) -> tuple[int, int]:
    """Read ``FIRST:LAST``.

    Raises
    ------
    WorkflowError
        When it is not two run numbers in order, at most `WIDEST` apart.
    """
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    if match is None or int(match[1]) > int(match[2]) or int(match[1]) < 1:
        raise WorkflowError(
            f"{text!r} is not a span of run numbers", next_step="write FIRST:LAST, for instance 120000:129999"
        )
    span = int(match[1]), int(match[2])
    if span[1] - span[0] + 1 > WIDEST:
        raise WorkflowError(
            f"the span {text} holds more than {WIDEST} run numbers",
            next_step="make one pass a run period, or set map_runs = true in [intake]: runs then get numbers in order",
        )
    return span


def create_pass(site: Site, engine: Engine, name: str, span: tuple[int, int], source: Path | None = None) -> PassRow:
    """Enter a pass and install its workflow; doing it again brings the workflow up to date.

    Raises
    ------
    WorkflowError
        When the name cannot be used, or the pass exists with another span.
    """
    if not _NAME.match(name):
        raise WorkflowError(
            f"{name!r} cannot name a pass", next_step="use letters, digits, . _ - and /, for instance 2026-01/ver02"
        )
    workflow = f"{site.settings.cylc.workflow_prefix}/{name}"
    if len(name) > LONGEST_NAME or len(workflow) > LONGEST_WORKFLOW:
        raise WorkflowError(
            f"the name of the pass, {name!r}, is longer than {LONGEST_NAME} characters, or its workflow's than "
            f"{LONGEST_WORKFLOW}",
            next_step="choose a shorter name, for instance 2026-01/ver02",
        )
    where = (source or site.intake).absolute()
    where.mkdir(parents=True, exist_ok=True)

    def enter(connection: Connection) -> PassRow:
        add_pass(connection, name, workflow, span, str(where))
        save_directory(connection, site)
        return get_pass(connection, name)

    row = writing(engine, enter)
    if (row.first_run, row.last_run) != span:
        raise WorkflowError(
            f"the pass {name} exists and spans {row.first_run} to {row.last_run}",
            next_step="use that span, or a new name",
        )
    scheduler.install(row.workflow, write_source(site, row))
    return row


def resume_pass(site: Site, engine: Engine, row: PassRow, progress: Progress) -> None:
    """Start the scheduler of a pass if it is down, and hand over whatever the ledger still wants.

    A closed pass is opened again. Its scheduler starts from nothing then: Cylc would end one whose holder is done as
    soon as it is idle, and everything that counts stands in the ledger.
    """
    closed_mark(site, row).unlink(missing_ok=True)
    if row.state == "closed":
        scheduler.stop(row.workflow)
        scheduler.forget(row.workflow)
        writing(engine, lambda connection: set_pass_state(connection, row.id, "open"))
    if not scheduler.is_running(row.workflow):
        scheduler.install(row.workflow, write_source(site, row))
        scheduler.play(row.workflow)
        progress(f"scheduler of {row.workflow} started")
    hand_over(site, engine, row, progress)


def close_pass(site: Site, row: PassRow) -> Path:
    """Ask the scheduler to end when its runs are done; return the mark that says so."""
    mark = closed_mark(site, row)
    write_text(mark, f"{getpass.getuser()} {iso(now())}\n")
    return mark


@dataclass(frozen=True)
class PassState:
    """A pass in numbers."""

    row: PassRow
    running: bool
    wanted: int
    published: int
    waiting: tuple[tuple[int, str, tuple[str, ...]], ...]
    """(run, state of its newest revision, tasks that failed)."""


def pass_state(engine: Engine, name: str) -> PassState:
    """Look at a pass: ledger and scheduler."""
    with reading(engine) as connection:
        row = get_pass(connection, name)
        wanted, published = count_runs(connection, row.id)
        open_runs = unfinished(connection, row.id)
    waiting = tuple((found.run, found.state, tuple(failed_tasks(row, found))) for found in open_runs)
    return PassState(row, scheduler.is_running(row.workflow), wanted, published, waiting)


def wait_for_pass(site: Site, engine: Engine, row: PassRow, progress: Progress, *, timeout_s: float) -> None:
    """Wait until every wanted run is published and no task of the pass is at work.

    Parameters
    ----------
    progress
        Receives how many runs are published, how long the others may take, what a training at work writes into its
        log, and where neither has anything to say for a while, what is at work.

    Raises
    ------
    WorkflowError
        When a run failed for good, or `timeout_s` seconds passed without any change.
    """
    seen: tuple[object, ...] = ()
    changed = looked = time.monotonic()
    standing = Standing(engine, row, progress)

    def heard(line: str) -> None:
        nonlocal changed
        changed = time.monotonic()
        standing.tell(line)

    logs = JobLogs(row.workflow, heard)
    while True:
        with reading(engine) as connection:
            waiting = unfinished(connection, row.id)
        busy = scheduler.busy_tasks(row.workflow)
        logs.follow(busy)
        standing.look(busy)
        if not waiting and not busy:
            return
        now_seen = (tuple(busy), tuple((one.run, one.state) for one in waiting))
        if now_seen != seen:
            seen, changed = now_seen, time.monotonic()
        if waiting and not busy:
            failed = {one.run: failed_tasks(row, one) for one in waiting}
            for run, tasks in failed.items():
                if tasks:
                    log = scheduler.run_folder(row.workflow) / "log" / "job" / str(run) / tasks[0] / "NN" / "job.err"
                    raise WorkflowError(f"run {run}: {', '.join(tasks)} failed", next_step=f"read {log}")
            still_up(row)
            hand_over(site, engine, row, progress)
        if time.monotonic() - looked > LOOK_EVERY_S:
            # A killed scheduler leaves tasks behind in its database that look as if they were at work.
            still_up(row)
            looked = time.monotonic()
        if time.monotonic() - changed > timeout_s:
            raise WorkflowError(
                f"nothing changed in {row.workflow} for {timeout_s:.0f} s; at work: {', '.join(busy) or 'nothing'}",
                next_step=f"look with 'cylc tui {row.workflow}', or at its log",
            )
        time.sleep(1)
