"""Cylc, seen from Hydra: commands that are run, and the public database that is read. Nothing here decides anything."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hydra_core.base.errors import WorkflowError

#: States of a task that Cylc will still do something about by itself.
ACTIVE = frozenset({"waiting", "preparing", "submitted", "running"})
COMMAND_TIMEOUT_S = 120
#: How long jobs have to be killed before their scheduler is ended without them.
KILL_S = 60.0


def run_folder(workflow: str) -> Path:
    """Return where Cylc keeps a workflow."""
    return Path.home() / "cylc-run" / workflow


def bin_folder() -> Path:
    """Return the folder of the programs of this Python environment."""
    return Path(sys.executable).parent


def cylc_program() -> str:
    """Return the path of ``cylc``, of this environment first.

    Raises
    ------
    WorkflowError
        When there is none.
    """
    here = bin_folder() / "cylc"
    found = str(here) if here.exists() else shutil.which("cylc")
    if found is None:
        raise WorkflowError("the program 'cylc' is not found", next_step="pip install cylc-flow in this environment")
    return found


def environment() -> dict[str, str]:
    """Return the environment of Cylc commands: this installation's programs come first."""
    return {**os.environ, "PATH": f"{bin_folder()}:{os.environ.get('PATH', '')}"}


def cylc(*arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
    """Run a Cylc command and return what it printed.

    Raises
    ------
    WorkflowError
        When it fails or does not answer, with its last lines.
    """
    command = [cylc_program(), *arguments]
    shown = " ".join(["cylc", *arguments])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(), timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WorkflowError(
            f"'{shown}' did not answer within {timeout_s:.0f} s", next_step="look at the scheduler's log"
        ) from error
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise WorkflowError(f"'{shown}' failed: {' | '.join(lines[-3:])}", next_step="run it by hand to see more")
    return done.stdout


def is_running(workflow: str) -> bool:
    """Whether the workflow's scheduler is up.

    A scheduler that was killed leaves its contact file behind, so the process itself is looked for.
    """
    contact = run_folder(workflow) / ".service" / "contact"
    try:
        lines = contact.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    if facts.get("CYLC_WORKFLOW_HOST", "") not in (socket.gethostname(), socket.getfqdn(), "localhost"):
        try:
            cylc("ping", workflow, timeout_s=30)
        except WorkflowError:
            return False
        return True
    try:
        command = Path("/proc", facts.get("CYLC_WORKFLOW_PID", "0"), "cmdline").read_bytes()
    except OSError:
        return False
    return workflow.encode() in command


def install(workflow: str, source: Path) -> None:
    """Install a workflow source under its name, or bring an installed one up to date.

    Raises
    ------
    WorkflowError
        When rsync is missing, Cylc refuses, or the name is taken by another deployment's workflow.
    """
    if shutil.which("rsync") is None:
        raise WorkflowError(
            "the program 'rsync' is not found; Cylc needs it to install a workflow",
            next_step="apt-get install rsync",
        )
    installed = run_folder(workflow) / "_cylc-install"
    if installed.exists():
        _own(workflow, installed / "source", source)
        cylc("reinstall", workflow)
    else:
        cylc("install", "--no-run-name", f"--workflow-name={workflow}", str(source))


def _own(workflow: str, link: Path, source: Path) -> None:
    """Make sure that an installed workflow comes from `source`: Cylc takes it from wherever it came."""
    if link.resolve() == source.resolve():
        return
    if link.exists():
        raise WorkflowError(
            f"the workflow {workflow} belongs to {link.resolve()}, which is another site's",
            next_step="set another cylc.workflow_prefix in site.toml",
        )
    # The data root was moved, or restored somewhere else.
    link.unlink(missing_ok=True)
    link.symlink_to(source)


def play(workflow: str) -> None:
    """Start the scheduler, or start it again where it left off."""
    cylc("play", workflow)


def stop(workflow: str, *, timeout_s: float = 60) -> None:
    """Stop the scheduler when its running jobs are done, and wait for it."""
    if not is_running(workflow):
        return
    cylc("stop", workflow)
    _wait_until_down(workflow, timeout_s)


def end(workflow: str) -> None:
    """Kill the jobs of a workflow, end its scheduler and remove what it remembers.

    Cylc holds tasks that were killed until somebody releases them: a scheduler that remembered would wait for ever.
    """
    cylc("stop", "--kill", workflow)
    _wait_until_down(workflow, KILL_S)
    if is_running(workflow):
        cylc("stop", "--now", "--now", workflow)
        _wait_until_down(workflow, COMMAND_TIMEOUT_S)
    forget(workflow)


def _wait_until_down(workflow: str, timeout_s: float) -> None:
    limit = time.monotonic() + timeout_s
    while is_running(workflow) and time.monotonic() < limit:
        time.sleep(0.3)


def start_runs(workflow: str, runs: Iterable[int]) -> None:
    """Start runs: their marker task counts as done, so the first real task follows."""
    ids = [f"//{run}/arrive" for run in runs]
    cylc("set", "--out=succeeded", "--flow=1", workflow, *ids)


def trigger_again(workflow: str, run: int, tasks: Sequence[str]) -> None:
    """Run the tasks of a run again in the order of the graph."""
    cylc("trigger", workflow, *[f"//{run}/{task}" for task in tasks])


@dataclass(frozen=True)
class TaskState:
    """A task of one run as the scheduler last wrote it down."""

    name: str
    status: str
    submit: int


def task_states(workflow: str, runs: Sequence[int]) -> dict[int, list[TaskState]]:
    """Return what the scheduler knows of some runs, from its public database.

    Parameters
    ----------
    runs
        Run numbers; those that the scheduler has never seen have an empty list.
    """
    found: dict[int, list[TaskState]] = {run: [] for run in runs}
    database = run_folder(workflow) / "log" / "db"
    if not database.exists():
        return found
    for attempt in range(5):
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
                for run in runs:
                    rows = connection.execute(
                        "SELECT name, status, submit_num FROM task_states"
                        # A group trigger leaves the earlier attempts behind, in no flow.
                        " WHERE cycle = ? AND flow_nums != '[]' ORDER BY name",
                        (str(run),),
                    )
                    found[run] = [TaskState(str(name), str(status), int(submit)) for name, status, submit in rows]
            return found
        except sqlite3.OperationalError:
            # The scheduler replaces this file now and then.
            time.sleep(0.2 * 2**attempt)
    return found


def busy_tasks(workflow: str) -> list[str]:
    """Return the tasks (``run/name``) that Cylc is at work on or holds ready; the holder of the pass is left out."""
    database = run_folder(workflow) / "log" / "db"
    if not database.exists():
        return []
    for attempt in range(5):
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
                rows = connection.execute(
                    "SELECT cycle, name FROM task_pool WHERE status IN ('waiting', 'preparing', 'submitted', 'running')"
                    " AND name != 'close_pass' ORDER BY cycle, name"
                )
                return [f"{cycle}/{name}" for cycle, name in rows]
        except sqlite3.OperationalError:
            time.sleep(0.2 * 2**attempt)
    return []


def wait_until_busy(workflow: str, task: str, *, timeout_s: float = 30) -> None:
    """Wait until a triggered task shows up as being worked on; a quick one may be missed, so this gives up quietly."""
    limit = time.monotonic() + timeout_s
    while task not in busy_tasks(workflow) and time.monotonic() < limit:
        time.sleep(0.3)


def forget(workflow: str) -> None:
    """Remove what a stopped scheduler remembers, so that it starts from nothing; the logs of its jobs stay."""
    for name in (".service/db", "log/db"):
        (run_folder(workflow) / name).unlink(missing_ok=True)


def discard(workflow: str) -> None:
    """Remove what Cylc keeps of a workflow that a vanished folder left behind; its scheduler is ended first."""
    if not run_folder(workflow).exists():
        return
    if is_running(workflow):
        cylc("stop", "--now", "--now", workflow)
        _wait_until_down(workflow, COMMAND_TIMEOUT_S)
    cylc("clean", "--yes", workflow)
