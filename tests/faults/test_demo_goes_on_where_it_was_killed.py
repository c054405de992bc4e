"""The demo, stopped twice in the worst way: it is called again, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.final_state import assert_same, final_state
from tests.own_cylc import OwnCylc, wait_until
from tests.played_demo import PlayedDemo, demo_folder, demo_workflow, finish_demo, play, start_demo
from tests.small_pass import PLAN

pytestmark = [pytest.mark.workflow, pytest.mark.faults, pytest.mark.timeout(2400)]

(LATE_CHUNK,) = [run.number for run in PLAN.runs if run.late_chunks]


def at_work(cylc: OwnCylc, workflow: str, task: str, submit: int, runs: list[int]) -> Callable[[], bool]:
    return lambda: any(cylc.job(workflow, run, task, submit).begun for run in runs)


def test_killed_scheduler_and_a_reboot_change_nothing_in_the_end(
    cylc: OwnCylc, played: PlayedDemo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root: Path = demo_folder(tmp_path_factory.getbasetemp(), "killed")
    workflow = demo_workflow(root)

    first = start_demo(cylc, root)
    history = [run.number for run in PLAN.in_phase("history")]
    wait_until(at_work(cylc, workflow, "judge", 1, history), "the first run is being judged")
    cylc.kill_scheduler(workflow)
    code, printed = finish_demo(first)
    assert code == 1
    assert f"the scheduler of {workflow} stopped" in printed
    assert "next: run 'hydra pass resume 2026-01/ver01'" in printed

    # All at once, as when the machine goes down: the scheduler, every job, and whoever is waiting for them.
    second = start_demo(cylc, root)
    wait_until(at_work(cylc, workflow, "classify_shard0", 2, [LATE_CHUNK]), "the late chunk is being classified")
    cylc.kill_scheduler(workflow)
    os.kill(second.pid, signal.SIGKILL)
    finish_demo(second)
    for job in cylc.jobs(workflow):
        job.kill()

    last = play(cylc, root)
    assert last.counted == played.counted
    assert_same(final_state(root), final_state(played.root))
    assert "everything agrees, 0 lost" in cylc.hydra(last.site.folder, "fsck")
    assert not cylc.scheduler(workflow)
