"""What the jobs of a pass write into their logs while they are at work, for a command that waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hydra_core.base.telling import Tell
from hydra_core.passes import scheduler

#: Tasks that may be at work for minutes, and tell of it.
TOLD = frozenset({"retrain"})
#: Most bytes of a log that are told at once.
MOST = 64 * 1024
#: Lines of Cylc's own around what a job says.
_CYLC = re.compile(r"(Workflow|Job) : |User@Host: |\d{4}-\d\d-\d\dT\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) - ")


@dataclass
class JobLogs:
    """The logs of jobs that were seen at work, and how far each was told.

    A log that is not on this machine before its job ends is told when it comes.
    """

    workflow: str
    tell: Tell
    _told: dict[Path, int] = field(default_factory=dict)

    def follow(self, busy: Iterable[str]) -> None:
        """Tell what the jobs have written since the last call.

        Parameters
        ----------
        busy
            The tasks at work (``run/name``); what a job wrote before it ended is told even when it is not among them.
        """
        runs = [int(run) for run, _, name in (task.partition("/") for task in busy) if name in TOLD and run.isdigit()]
        for run, states in scheduler.task_states(self.workflow, runs).items():
            for state in states:
                if state.name in TOLD and state.status == "running":
                    attempt = scheduler.run_folder(self.workflow) / "log" / "job" / str(run) / state.name
                    self._told.setdefault(attempt / f"{state.submit:02d}" / "job.out", 0)
        for path in self._told:
            self._tell_new(path)

    def _tell_new(self, path: Path) -> None:
        try:
            with path.open("rb") as log:
                log.seek(self._told[path])
                new = log.read(MOST)
        except OSError:
            return
        # A line that is being written waits for its end.
        whole = new[: new.rfind(b"\n") + 1] or (new if len(new) == MOST else b"")
        self._told[path] += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            if line.strip() and not _CYLC.match(line):
                self.tell(line)
