"""Jobs on this machine that outlived their scheduler."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

#: What Cylc starts the script of a job with.
_STARTERS = {"timeout", "bash"}


def end_left_jobs(run_folder: Path, processes: Path = Path("/proc")) -> int:
    """Kill the jobs of a workflow that are still there.

    Cylc's own kill passes by a job that is being submitted at that moment.

    Parameters
    ----------
    run_folder
        Where Cylc keeps the workflow; its scheduler is down.
    processes
        Where the system shows its processes.

    Returns
    -------
    int
        How many jobs were killed.
    """
    jobs = f"{run_folder}/log/job/"
    groups = set()
    for shown in processes.glob("[0-9]*/cmdline"):
        # It may end while it is looked at.
        with suppress(OSError):
            words = shown.read_bytes().decode("utf-8", "replace").split("\0")
            if Path(words[0]).name in _STARTERS and any(w.startswith(jobs) and w.endswith("/job") for w in words):
                groups.add(os.getpgid(int(shown.parent.name)))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    return len(groups)
