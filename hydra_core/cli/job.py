"""A Cylc job: its environment in, one stage, Cylc's custom outputs out."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from hydra_core.base.errors import HydraError, WorkflowError
from hydra_core.stages.context import Outcome, RunContext, current_revision, open_run
from hydra_core.store.session import reading, writing
from hydra_core.store.timings import Timing, save_timing

Stage = Callable[[RunContext], Outcome]


def run_job(stage: Stage) -> int:
    """Run one stage as the task that the environment names; return the exit code.

    Reads ``HYDRA_SITE``, ``HYDRA_PASS``, ``HYDRA_THREADS``, ``HYDRA_SHARD``, ``HYDRA_SHARDS`` and Cylc's own
    ``CYLC_TASK_CYCLE_POINT``, ``CYLC_TASK_NAME``, ``CYLC_TASK_SUBMIT_NUMBER``.
    """
    try:
        context = _context()
        outcome = run_stage(context, stage, os.environ.get("CYLC_TASK_NAME", stage.__name__))
    except HydraError as error:
        print(f"hydra: {error}", file=sys.stderr)
        return error.exit_code
    print(outcome.line)
    if outcome.outputs and "CYLC_WORKFLOW_ID" in os.environ:
        # The job itself tells Cylc of its start and end; only custom outputs are told here, all in one message.
        # Of three arguments or more Cylc takes the first two as workflow and job, so these are always given.
        command = ["cylc", "message", "--", os.environ["CYLC_WORKFLOW_ID"], os.environ["CYLC_TASK_JOB"]]
        return subprocess.run([*command, *outcome.outputs], check=False).returncode
    return 0


def _context() -> RunContext:
    env = os.environ
    try:
        run, pass_name = int(env["CYLC_TASK_CYCLE_POINT"]), env["HYDRA_PASS"]
    except (KeyError, ValueError) as error:
        raise WorkflowError(
            f"this program is a Cylc job, and its environment lacks {error}",
            next_step="by hand use 'hydra chunk-images PASS RUN' and the like",
        ) from error
    submit = int(env.get("CYLC_TASK_SUBMIT_NUMBER", "1"))
    return open_run(
        env.get("HYDRA_SITE"),
        pass_name,
        run,
        task=f"{run}/{env.get('CYLC_TASK_NAME', 'by hand')}/{submit:02d}",
        threads=int(env.get("HYDRA_THREADS", "1")),
        shard=int(env.get("HYDRA_SHARD", "0")),
        shards=int(env.get("HYDRA_SHARDS", "1")),
    )


def run_stage(context: RunContext, stage: Stage, name: str) -> Outcome:
    """Run a stage and note what it cost, the start of Python included."""
    begun = time.monotonic()
    outcome = stage(context)
    wall = time.monotonic() - begun
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    timing = Timing(
        task=name.split("_shard")[0],
        submit=int(os.environ.get("CYLC_TASK_SUBMIT_NUMBER", "1")),
        wall_s=round(wall, 3),
        cpu_s=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 3),
        max_rss_mb=round(max(own.ru_maxrss, children.ru_maxrss) / 1024, 1),
        images=outcome.images,
    )
    with reading(context.engine) as connection:
        revision = current_revision(connection, context)
    writing(context.engine, lambda connection: save_timing(connection, revision.id, timing))
    return outcome
