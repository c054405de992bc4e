"""A pass under real Cylc whose jobs are killed, whose scheduler is killed, whose run folder vanishes.

In the end everything is as if each run had been taken through its stages by hand, one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.final_state import assert_same, final_state
from tests.own_cylc import PATIENCE_S, OwnCylc, wait_until
from tests.small_pass import FIRST, LAST, PASS, PLAN, RUNS, SmallPass, small_pass

pytestmark = [pytest.mark.workflow, pytest.mark.faults, pytest.mark.timeout(1800)]

(LATE_CHUNK,) = [run.number for run in PLAN.runs if run.late_chunks]
(EMPTY,) = [run.number for run in PLAN.runs if not run.has_images]
FIRST_RUNS = [run for run in RUNS if run != EMPTY]
#: Each task is killed once, most of them in another run. Without a network no heat map is missing.
VICTIMS = {
    (RUNS[0], "chunk_images"),
    (RUNS[2], "classify_shard0"),
    (RUNS[3], "judge"),
    (RUNS[4], "archive"),
    (RUNS[2], "publish_run"),
}


@pytest.fixture(scope="module")
def disturbed(cylc: OwnCylc, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPass]:
    made = small_pass(tmp_path_factory.mktemp("disturbed"), "disturbed")
    made.bring(files, FIRST_RUNS, late_chunk=False)
    cylc.hydra(made.folder, "pass", "create", PASS, "--runs", f"{FIRST}:{LAST}")
    yield made
    if cylc.scheduler(made.workflow):
        cylc.kill_scheduler(made.workflow)


@pytest.fixture(scope="module")
def by_hand(files: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallPass:
    made = small_pass(tmp_path_factory.mktemp("by-hand"), "by-hand")
    made.enter()
    made.bring(files, FIRST_RUNS, late_chunk=False)
    made.by_hand(FIRST_RUNS)
    return made


def kill_victims(cylc: OwnCylc, workflow: str) -> None:
    left = set(VICTIMS)
    limit = time.monotonic() + PATIENCE_S
    while left:
        assert time.monotonic() < limit, f"never at work: {left}"
        for run, task in sorted(left):
            job = cylc.job(workflow, run, task)
            assert "CYLC_JOB_EXIT" not in job.facts(), f"{task} of {run} was through before it could be killed"
            if job.begun:
                # Python is being loaded, or more than that.
                time.sleep(0.2)
                assert job.kill(), f"{task} of {run} was through before it could be killed"
                left.remove((run, task))
        time.sleep(0.05)


def test_every_task_killed_once_is_tried_again_and_nothing_is_lost(
    cylc: OwnCylc, disturbed: SmallPass, by_hand: SmallPass
) -> None:
    with cylc.start("hydra", "--site", str(disturbed.folder), "arrive", PASS, "--all", "--wait") as arriving:
        kill_victims(cylc, disturbed.workflow)
        printed, _ = arriving.communicate(timeout=PATIENCE_S)
    assert arriving.returncode == 0, printed
    for run, task in VICTIMS:
        assert cylc.job(disturbed.workflow, run, task, submit=2).facts()["CYLC_JOB_EXIT"] == "SUCCEEDED"
    assert_same(final_state(disturbed.root), final_state(by_hand.root))


def test_run_announced_while_the_scheduler_is_dead_is_healed_by_resume(
    cylc: OwnCylc, disturbed: SmallPass, by_hand: SmallPass, files: Path
) -> None:
    cylc.kill_scheduler(disturbed.workflow)
    disturbed.bring(files, [EMPTY])
    said = cylc.hydra(disturbed.folder, "arrive", PASS, str(EMPTY))
    assert f"run {EMPTY}: new, 0 files" in said
    assert f"is not running: 1 run left in the ledger; 'hydra pass resume {PASS}' starts it" in said
    said = cylc.hydra(disturbed.folder, "pass", "status", PASS)
    assert "its scheduler is down: 5 of 6 runs published" in said
    assert "1 run handed over" in cylc.hydra(disturbed.folder, "pass", "resume", PASS)
    wait_until(lambda: "6 of 6 runs" in cylc.hydra(disturbed.folder, "pass", "status", PASS), "the run is published")
    by_hand.bring(files, [EMPTY])
    by_hand.by_hand([EMPTY])
    assert_same(final_state(disturbed.root), final_state(by_hand.root))


def test_nothing_is_lost_when_cylc_forgets_the_pass(
    cylc: OwnCylc, disturbed: SmallPass, by_hand: SmallPass, files: Path
) -> None:
    for made in (disturbed, by_hand):
        made.bring(files, [LATE_CHUNK])
    cylc.hydra(disturbed.folder, "arrive", PASS, str(LATE_CHUNK))
    # The new revision is under way when everything that Cylc has of it goes.
    wait_until(lambda: cylc.job(disturbed.workflow, LATE_CHUNK, "classify_shard0", submit=3).begun, "second revision")
    cylc.kill_scheduler(disturbed.workflow)
    cylc.job(disturbed.workflow, LATE_CHUNK, "classify_shard0", submit=3).kill()
    cylc.cylc("clean", "--yes", disturbed.workflow)
    assert not cylc.folder(disturbed.workflow).exists()
    cylc.hydra(disturbed.folder, "pass", "resume", PASS)
    said = cylc.hydra(disturbed.folder, "arrive", PASS, "--all", "--wait")
    assert f"run {RUNS[0]}: unchanged, published as revision 1" in said
    assert {run for run, _ in cylc.done(disturbed.workflow)} == {str(LATE_CHUNK)}
    by_hand.by_hand([LATE_CHUNK])
    assert_same(final_state(disturbed.root), final_state(by_hand.root))
    assert "everything agrees, 0 lost" in cylc.hydra(disturbed.folder, "fsck")
