"""Runs arrive: the ledger decides what is to be done, then the scheduler is told, a few runs at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import WorkflowError
from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.intake.scan import RunFiles, Scan, fingerprint
from hydra_core.passes import scheduler
from hydra_core.passes.numbering import must_be_open
from hydra_core.passes.standing import Standing
from hydra_core.stages.sources import RunSource, look_at_run, rules_of, run_source, scan_all
from hydra_core.store.ledger import (
    PassRow,
    RevisionRow,
    handed_over,
    newest_revision,
    unfinished,
    want_revision,
    want_run,
)
from hydra_core.store.session import reading, writing
from hydra_core.store.timings import save_unmatched

Progress = Callable[[str], None]
Decision = Literal["new", "revision", "unchanged", "in progress"]
CONFIRM_S = 60.0


@dataclass(frozen=True)
class Arrival:
    """What the ledger made of a run that was announced."""

    run: int
    decision: Decision
    sentence: str


def run_tasks(shards: int) -> tuple[str, ...]:
    """Return the tasks that make a revision, in the order of the graph."""
    classify = tuple(f"classify_shard{number}" for number in range(shards))
    return ("chunk_images", *classify, "judge", "heatmap", "archive", "publish_run")


def runs_in_source(site: Site, row: PassRow) -> Scan:
    """Look at the whole source of a pass."""
    return scan_all(site, Path(row.source))


def announce(site: Site, engine: Engine, row: PassRow, runs: Sequence[int], *, again: bool = False) -> list[Arrival]:
    """Enter runs into the ledger; nothing is told to the scheduler yet.

    Parameters
    ----------
    runs
        Numbers in the pass; those of runs without a number of their own are given by `numbering.number_runs`.
    again
        Ask for a new revision also of a run whose files have not changed: it is judged by the newest judging set.

    Raises
    ------
    WorkflowError
        When the pass is closed, or a run is outside it; then no run is entered.
    """
    must_be_open(row)
    outside = [run for run in runs if not row.first_run <= run <= row.last_run]
    if outside:
        raise WorkflowError(
            f"run {outside[0]} is outside the pass {row.name}, which spans {row.first_run} to {row.last_run}",
            next_step="use the pass of that run period, or make one with 'hydra pass create'",
        )
    arrivals = []
    wanted = list(dict.fromkeys(runs))
    with reading(engine) as connection:
        sources = [run_source(connection, row.id, run) for run in wanted]
    rules = rules_of(site)
    for source in sources:
        arrivals.append(_enter(engine, row, source, look_at_run(site, Path(row.source), source, rules), again=again))
    return arrivals


def note_unmatched(engine: Engine, row: PassRow, found: Scan) -> None:
    """Keep the files that no rule took, for the status page."""
    files = [(entry.relative, entry.reason) for entry in found.unmatched]
    writing(engine, lambda connection: save_unmatched(connection, row.id, files))


def _enter(engine: Engine, row: PassRow, source: RunSource, run_files: RunFiles, *, again: bool) -> Arrival:
    run, mark = source.number, fingerprint(run_files.files)
    name = source.name or run_files.run_name
    found = f"{len(run_files.files)} files" + (
        f", {run_files.waiting} still being written" if run_files.waiting else ""
    )
    called = f"run {run} ({name})" if source.folder else f"run {run}"

    def work(connection: Connection) -> Arrival:
        newest = newest_revision(connection, row.id, run)
        if newest is None:
            want_revision(connection, want_run(connection, row.id, run, name, source.folder), 1, mark)
            return Arrival(run, "new", f"{called}: new, {found}")
        if newest.state != "published":
            return Arrival(run, "in progress", f"{called}: revision {newest.revision} is {newest.state}")
        same = newest.fingerprint == mark
        if same and not again:
            return Arrival(run, "unchanged", f"{called}: unchanged, published as revision {newest.revision}")
        want_revision(connection, newest.run_id, newest.revision + 1, mark)
        why = "judged anew" if same else "its files changed"
        return Arrival(run, "revision", f"{called}: {why}, revision {newest.revision + 1}, {found}")

    return writing(engine, work)


def hand_over(site: Site, engine: Engine, row: PassRow, progress: Progress) -> int:
    """Tell the scheduler of every run that the ledger wants and the scheduler is not at work on; return how many.

    What was lost (a command while the scheduler was down, a cleaned run folder) is healed by the same call.
    """
    if not scheduler.is_running(row.workflow):
        with reading(engine) as connection:
            count = len(unfinished(connection, row.id))
        if count:
            progress(
                f"the scheduler of {row.workflow} is not running: {counted(count, 'run')} left in the ledger; "
                f"'hydra pass resume {row.name}' starts it"
            )
        return 0
    # A run that fails again within this call waits for a person, or for the next call.
    told: set[int] = set()
    said = 0
    batch = site.settings.cylc.batch
    standing = Standing(engine, row, progress)
    while True:
        new, again, busy = _sort(engine, row)
        again = [run for run in again if run not in told]
        room = batch - busy
        if not new and not again:
            if len(told) > said:
                progress(f"{counted(len(told), 'run')} handed over")
            return len(told)
        if room <= 0:
            still_up(row)
            standing.look(scheduler.busy_tasks(row.workflow))
            time.sleep(2)
            continue
        first = new[:room]
        if first:
            scheduler.start_runs(row.workflow, first)
        for run in again[: room - len(first)]:
            scheduler.trigger_again(row.workflow, run, run_tasks(site.settings.cylc.shards))
            first.append(run)
        _confirm(row, first, again)
        writing(engine, lambda connection, first=first: handed_over(connection, row.id, first))  # type: ignore[misc]
        told.update(first)
        if len(told) >= said + batch:
            said = len(told)
            standing.tell(f"{counted(said, 'run')} handed over")


def _sort(engine: Engine, row: PassRow) -> tuple[list[int], list[int], int]:
    """Return (runs the scheduler has never seen, runs to trigger again, runs it is at work on)."""
    with reading(engine) as connection:
        wanted = unfinished(connection, row.id)
    states = scheduler.task_states(row.workflow, [revision.run for revision in wanted])
    new, again, busy = [], [], 0
    for revision in wanted:
        known = [task for task in states[revision.run] if task.name != "arrive"]
        if not known:
            new.append(revision.run)
        elif any(task.status in scheduler.ACTIVE for task in known):
            busy += 1
        else:
            again.append(revision.run)
    return new, again, busy


def _confirm(row: PassRow, runs: Sequence[int], again: Sequence[int]) -> None:
    """Wait until the scheduler shows the runs: its commands are queued, and say nothing of a refusal."""
    limit = time.monotonic() + CONFIRM_S
    missing = set(runs) - set(again)
    renewed = set(runs) & set(again)
    while missing or renewed:
        states = scheduler.task_states(row.workflow, sorted(missing | renewed))
        missing -= {run for run in missing if any(task.name != "arrive" for task in states[run])}
        renewed -= {run for run in renewed if any(task.status in scheduler.ACTIVE for task in states[run])}
        if not missing and not renewed:
            return
        if time.monotonic() > limit or not scheduler.is_running(row.workflow):
            some = ", ".join(str(run) for run in sorted(missing | renewed)[:5])
            raise WorkflowError(
                f"the scheduler of {row.workflow} did not take run {some}",
                next_step=f"look at {scheduler.run_folder(row.workflow) / 'log' / 'scheduler' / 'log'}, "
                f"then run 'hydra pass resume {row.name}'",
            )
        time.sleep(0.3)


def still_up(row: PassRow) -> None:
    """Make sure that the scheduler of a pass that is waited for is there.

    Raises
    ------
    WorkflowError
        When it is not.
    """
    if not scheduler.is_running(row.workflow):
        raise WorkflowError(f"the scheduler of {row.workflow} stopped", next_step=f"run 'hydra pass resume {row.name}'")


def failed_tasks(row: PassRow, revision: RevisionRow) -> list[str]:
    """Return the tasks of a run that failed for good."""
    states = scheduler.task_states(row.workflow, [revision.run])[revision.run]
    return [task.name for task in states if task.status in ("failed", "submit-failed")]
