"""Cylc with a home folder of its own: what tests start there is known by process id, and ended by it."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
#: The machine may be busy: this is when a test gives up, not how quick something has to be.
PATIENCE_S = 600.0


def wait_until(ready: Callable[[], object], what: str, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until `ready` returns something true."""
    limit = time.monotonic() + patience_s
    while not ready():
        assert time.monotonic() < limit, f"waited {patience_s:.0f} s in vain: {what}"
        time.sleep(0.05)


def command_line(pid: int) -> str:
    """Return what a process was started with; nothing where it is gone, or dead and not yet buried."""
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True)
class Job:
    """One try of one task, as its own files tell it."""

    folder: Path

    def facts(self) -> dict[str, str]:
        """Return what the job has written down of itself."""
        try:
            lines = (self.folder / "job.status").read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @property
    def begun(self) -> bool:
        """Whether the task's own program was started, whatever has become of it."""
        try:
            return " - started" in (self.folder / "job.out").read_text(encoding="utf-8")
        except OSError:
            return False

    def kill(self) -> bool:
        """Kill the job with everything that it started; say whether it was still there."""
        pid = int(self.facts().get("CYLC_JOB_PID", "0"))
        if not pid or str(self.folder.parent) not in command_line(pid):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(pid), signal.SIGKILL)
            return "CYLC_JOB_EXIT" not in self.facts()
        return False


@dataclass(frozen=True)
class OwnCylc:
    """Commands in a home folder of their own."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of commands: nothing of the user's own Hydra or Cylc settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HYDRA_", "CYLC_"))}
        config = self.home / "global-config"
        return {**kept, "HOME": str(self.home), "CYLC_CONF_PATH": str(config), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command; what it prints is read by ``communicate``."""
        return subprocess.Popen(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command and return its exit code and everything that it printed."""
        with self.start(*command) as process:
            printed, _ = process.communicate(timeout=2 * PATIENCE_S)
        return process.returncode, printed

    def cylc(self, *arguments: str) -> str:
        """Run a Cylc command that has to succeed; return what it printed."""
        code, printed = self.run("cylc", *arguments)
        assert code == 0, printed
        return printed

    def hydra(self, site: Path, *arguments: str) -> str:
        """Run a Hydra command that has to succeed; return what it printed."""
        code, printed = self.run("hydra", "--site", str(site), *arguments)
        assert code == 0, printed
        return printed

    def folder(self, workflow: str) -> Path:
        """Return where Cylc keeps a workflow."""
        return self.home / "cylc-run" / workflow

    def scheduler(self, workflow: str) -> int:
        """Return the process of a workflow's scheduler; 0 where there is none."""
        try:
            text = (self.folder(workflow) / ".service" / "contact").read_text(encoding="utf-8")
        except OSError:
            return 0
        found = re.search(r"^CYLC_WORKFLOW_PID=(\d+)$", text, re.MULTILINE)
        pid = int(found[1]) if found else 0
        return pid if workflow in command_line(pid) else 0

    def kill_scheduler(self, workflow: str) -> None:
        """Kill a scheduler without giving it a chance to tidy up."""
        pid = self.scheduler(workflow)
        assert pid, f"no scheduler of {workflow}"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not command_line(pid), "the scheduler is gone")

    def rows(self, workflow: str, query: str) -> list[tuple[str, ...]]:
        """Return rows of the scheduler's public database; none while it is being replaced."""
        database = self.folder(workflow) / "log" / "db"
        if not database.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
                return [tuple(map(str, row)) for row in connection.execute(query)]
        except sqlite3.OperationalError:
            return []

    def done(self, workflow: str) -> set[tuple[str, str]]:
        """Return (run, task) of every job that ended well."""
        query = "SELECT cycle, name FROM task_states WHERE status = 'succeeded' AND name != 'arrive'"
        return {(run, task) for run, task in self.rows(workflow, query)}

    def job(self, workflow: str, run: int, task: str, submit: int = 1) -> Job:
        """Return one try of a task, whether there is anything of it yet or not."""
        return Job(self.folder(workflow) / "log" / "job" / str(run) / task / f"{submit:02d}")

    def jobs(self, workflow: str) -> Iterator[Job]:
        """Yield every try of every task of a workflow."""
        for path in sorted((self.folder(workflow) / "log" / "job").glob("*/*/[0-9][0-9]")):
            yield Job(path)

    def end_everything(self) -> None:
        """End every scheduler of this home, and the jobs that it left behind."""
        for contact in sorted((self.home / "cylc-run").rglob(".service/contact")):
            workflow = str(contact.parent.parent.relative_to(self.home / "cylc-run"))
            if self.scheduler(workflow):
                self.kill_scheduler(workflow)
            for job in self.jobs(workflow):
                if "CYLC_JOB_EXIT" not in job.facts():
                    job.kill()


@functools.cache
def own_cylc(base: Path) -> OwnCylc:
    """Return the home folder below `base`, the same for every caller."""
    home = base / "home"
    for name in ("global-config", "cylc-run"):
        (home / name).mkdir(parents=True)
    return OwnCylc(home)
