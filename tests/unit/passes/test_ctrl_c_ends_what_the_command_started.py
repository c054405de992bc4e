from __future__ import annotations

from pathlib import Path

import pytest

from hydra_core.passes import scheduler
from hydra_core.passes.started_here import started_here

WORKFLOW = "hydra-try/here/try/ver01"


class Cylc:
    """Schedulers that are up, and what was asked of Cylc; they end when told to so firmly."""

    def __init__(self) -> None:
        self.up: set[str] = set()
        self.asked: list[tuple[str, ...]] = []
        self.ended_by = "--kill"

    def __call__(self, *arguments: str) -> str:
        self.asked.append(arguments)
        if self.ended_by in arguments:
            self.up.discard(arguments[-1])
        return ""


@pytest.fixture
def cylc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cylc:
    cylc = Cylc()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(scheduler, "cylc", cylc)
    monkeypatch.setattr(scheduler, "is_running", lambda workflow: workflow in cylc.up)
    monkeypatch.setattr(scheduler, "KILL_S", 0)
    return cylc


def interrupted(cylc: Cylc, said: list[str]) -> None:
    def play() -> None:
        cylc.up.add(WORKFLOW)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), started_here(WORKFLOW, said.append):
        play()


@pytest.mark.parametrize("ended_by", ["--kill", "--now"])
def test_its_own_scheduler_ends_with_its_jobs_and_remembers_nothing_of_them(cylc: Cylc, ended_by: str) -> None:
    cylc.ended_by = ended_by
    cylc.up.add("another")
    memory = scheduler.run_folder(WORKFLOW) / ".service" / "db"
    memory.parent.mkdir(parents=True)
    memory.touch()
    said: list[str] = []
    interrupted(cylc, said)
    assert cylc.up == {"another"}
    assert cylc.asked[0] == ("stop", "--kill", WORKFLOW)
    assert not memory.exists()
    assert said == [f"stopping the scheduler of {WORKFLOW} and its jobs"]


def test_a_scheduler_that_was_up_before_goes_on_and_is_named(cylc: Cylc) -> None:
    cylc.up.add(WORKFLOW)
    said: list[str] = []
    interrupted(cylc, said)
    assert cylc.asked == []
    assert f"'cylc stop --kill {WORKFLOW}' ends it" in said[0]


def test_nothing_is_ended_where_all_went_well(cylc: Cylc) -> None:
    with started_here(WORKFLOW, print):
        cylc.up.add(WORKFLOW)
    assert cylc.asked == []
    assert cylc.up == {WORKFLOW}
