"""A command that is stopped with Ctrl-C takes along the workflow that it started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydra_core.base.telling import Tell
from hydra_core.passes import scheduler
from hydra_core.passes.left_jobs import end_left_jobs


@contextmanager
def started_here(workflow: str, say: Tell) -> Iterator[None]:
    """End a workflow, with its jobs, when the commands inside are interrupted.

    One that was up before is another command's, or what a killed one left: it is named and goes on.
    """
    there = scheduler.is_running(workflow)
    try:
        yield
    except KeyboardInterrupt:
        if not there:
            if scheduler.is_running(workflow):
                say(f"stopping the scheduler of {workflow} and its jobs")
                scheduler.end(workflow)
                end_left_jobs(scheduler.run_folder(workflow))
        elif scheduler.is_running(workflow):
            say(f"the scheduler of {workflow} was up before and goes on; 'cylc stop --kill {workflow}' ends it")
        raise
