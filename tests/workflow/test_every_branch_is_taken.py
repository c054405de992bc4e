"""The graph on a real scheduler, with tasks that only say how they ended (skip mode): no job, every branch."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from hydra_core.passes.arrive import run_tasks
from tests.own_cylc import OwnCylc, wait_until
from tests.small_pass import FIRST, LAST, PASS, SmallPass, small_pass

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

#: Only the holder of the pass has a job.
SKIPPING = """
[runtime]
    [[root]]
        platform = localhost
        run mode = skip
    [[close_pass]]
        run mode = live
"""
CALM, ALARM, NOTHING, NOTED = 121100, 121101, 121102, 121103
OUTPUTS = {
    CALM: {"judge": "clean, good, maps_ready", "archive": ""},
    ALARM: {"judge": "flagged, bad, maps_missing"},
    NOTHING: {"chunk_images": "empty", "judge": "flagged, no_data, maps_ready", "archive": ""},
    NOTED: {"chunk_images": "empty", "judge": "clean, no_data, maps_ready", "archive": "retrain_due"},
}
TAKEN = {
    CALM: {"chunk_images", "classify_shard0", "judge", "archive", "publish_run"},
    ALARM: {"chunk_images", "classify_shard0", "judge", "heatmap", "archive", "publish_run"}
    | {"retrain", "publish_library"},
    NOTHING: {"chunk_images", "judge", "archive", "publish_run"},
    NOTED: {"chunk_images", "judge", "archive", "publish_run", "retrain", "publish_library"},
}


def taken(cylc: OwnCylc, workflow: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for run, task in cylc.done(workflow):
        found.setdefault(int(run), set()).add(task)
    return found


def start(cylc: OwnCylc, workflow: str, *runs: int) -> None:
    cylc.cylc("set", "--out=succeeded", "--flow=1", workflow, *[f"//{run}/arrive" for run in runs])


@pytest.fixture(scope="module")
def skipping(cylc: OwnCylc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPass]:
    made = small_pass(tmp_path_factory.mktemp("skipping"), "skipping")
    (made.folder / "farm.cylc").write_text(SKIPPING, encoding="utf-8")
    cylc.hydra(made.folder, "pass", "create", PASS, "--runs", f"{FIRST}:{LAST}")
    for run, tasks in OUTPUTS.items():
        settings = [part for task, said in tasks.items() for part in ("-n", task, "-s", f"[skip]outputs={said}")]
        for task in range(0, len(settings), 4):
            cylc.cylc("broadcast", made.workflow, "-p", str(run), *settings[task : task + 4])
    start(cylc, made.workflow, *OUTPUTS)
    wait_until(lambda: taken(cylc, made.workflow) == TAKEN, f"every branch: {TAKEN}")
    yield made
    if cylc.scheduler(made.workflow):
        cylc.kill_scheduler(made.workflow)


def pool(cylc: OwnCylc, workflow: str) -> list[tuple[str, ...]]:
    return cylc.rows(workflow, "SELECT cycle, name, status FROM task_pool")


def submits(cylc: OwnCylc, workflow: str, run: int) -> dict[str, int]:
    query = f"SELECT name, max(submit_num) FROM task_states WHERE cycle = '{run}' AND name != 'arrive' GROUP BY name"
    return {task: int(number) for task, number in cylc.rows(workflow, query)}


@pytest.mark.parametrize("run", OUTPUTS)
def test_run_takes_its_branch_and_no_other(cylc: OwnCylc, skipping: SmallPass, run: int) -> None:
    assert taken(cylc, skipping.workflow)[run] == TAKEN[run]


def test_only_the_holder_waits_when_all_is_done(cylc: OwnCylc, skipping: SmallPass) -> None:
    holder = [(str(FIRST - 1), "close_pass", "waiting")]
    wait_until(lambda: pool(cylc, skipping.workflow) == holder, "nothing but the holder")
    assert cylc.scheduler(skipping.workflow)


@pytest.mark.parametrize(
    ("run", "said", "not_said"),
    [(CALM, "good", "bad"), (ALARM, "bad", "good"), (NOTHING, "no_data", "good"), (NOTED, "no_data", "flagged")],
)
def test_another_workflow_can_wait_for_a_judgement(
    cylc: OwnCylc, skipping: SmallPass, run: int, said: str, not_said: str
) -> None:
    # What an xtrigger workflow_state(…, is_trigger=True) of another workflow calls.
    code = "import sys; from cylc.flow.xtriggers.workflow_state import workflow_state\n"
    code += "for name in sys.argv[1:]: print(workflow_state(name, is_trigger=True)[0])"
    task = f"{skipping.workflow}//{run}/judge"
    code_of_exit, printed = cylc.run(sys.executable, "-c", code, f"{task}:{said}", f"{task}:{not_said}")
    answers = [line for line in printed.splitlines() if line in ("True", "False")]
    assert (code_of_exit, answers) == (0, ["True", "False"])


def test_starting_a_run_twice_does_nothing(cylc: OwnCylc, skipping: SmallPass) -> None:
    start(cylc, skipping.workflow, CALM)
    # A run started after it is done: so the repeated start has been looked at too.
    start(cylc, skipping.workflow, CALM + 100)
    wait_until(lambda: (str(CALM + 100), "publish_run") in cylc.done(skipping.workflow), "the run after it")
    assert set(submits(cylc, skipping.workflow, CALM).values()) == {1}


def test_new_revision_of_a_clean_run_leaves_nothing_waiting(cylc: OwnCylc, skipping: SmallPass) -> None:
    wait_until(lambda: len(pool(cylc, skipping.workflow)) == 1, "the runs before")
    cylc.cylc("trigger", skipping.workflow, *[f"//{CALM}/{task}" for task in run_tasks(1)])
    wait_until(lambda: submits(cylc, skipping.workflow, CALM).get("publish_run") == 2, "the second time")
    wait_until(lambda: len(pool(cylc, skipping.workflow)) == 1, "nothing but the holder")
    again = submits(cylc, skipping.workflow, CALM)
    assert {task for task, number in again.items() if number == 2} == TAKEN[CALM]


def test_run_outside_the_pass_is_refused_by_name(cylc: OwnCylc, skipping: SmallPass) -> None:
    command = ("hydra", "--site", str(skipping.folder), "arrive", PASS)
    code, printed = cylc.run(*command, str(FIRST), str(LAST + 1))
    assert code == 5
    assert f"run {LAST + 1} is outside the pass {PASS}, which spans {FIRST} to {LAST}" in printed
    assert "next: use the pass of that run period" in printed
    # The run beside it is not taken either: all or nothing.
    assert f"{PASS}  open   0" in cylc.hydra(skipping.folder, "pass", "status")
    assert not [row for row in cylc.rows(skipping.workflow, "SELECT cycle FROM task_states") if row[0] == str(FIRST)]


def test_closed_pass_ends_its_scheduler_and_can_be_opened_again(cylc: OwnCylc, skipping: SmallPass) -> None:
    cylc.hydra(skipping.folder, "pass", "close", PASS)
    wait_until(lambda: not cylc.scheduler(skipping.workflow), "the scheduler ends")
    assert skipping.row.state == "closed"
    assert (str(FIRST - 1), "close_pass") in cylc.done(skipping.workflow)
    code, printed = cylc.run("hydra", "--site", str(skipping.folder), "arrive", PASS, str(FIRST))
    assert code == 5
    assert f"hydra pass resume {PASS}" in printed
    cylc.hydra(skipping.folder, "pass", "resume", PASS)
    assert skipping.row.state == "open"
    start(cylc, skipping.workflow, CALM + 200)
    wait_until(lambda: (str(CALM + 200), "publish_run") in cylc.done(skipping.workflow), "a run after that")
    wait_until(lambda: len(pool(cylc, skipping.workflow)) == 1, "nothing but the holder")
    assert cylc.scheduler(skipping.workflow)
