from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.final_state import assert_same, final_state
from tests.staged_run import NAMES, StagedRun, do_stage, finish, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
KILLS = 10


def seconds(root: Path, stage: str) -> float:
    begun = time.monotonic()
    whole = in_process(do_stage, root, stage)
    whole.join()
    assert whole.exitcode == 0
    return time.monotonic() - begun


@pytest.mark.parametrize("stage", NAMES)
def test_killed_stage_ends_where_an_undisturbed_one_does(staged: StagedRun, tmp_path: Path, stage: str) -> None:
    chance = random.Random(f"kills of {stage}")
    took = min(seconds(staged.copy(stage, tmp_path / "data").root, stage) for _ in range(2))
    made = staged.copy(stage, tmp_path / "data")
    killed = 0
    while killed < KILLS:
        victim = in_process(do_stage, made.root, stage)
        victim.join(chance.uniform(0.0, took))
        victim.kill()
        victim.join()
        if victim.exitcode == 0:
            # It was through: the next one starts from the beginning again, and is killed sooner.
            made = staged.copy(stage, tmp_path / "data")
            took *= 0.9
            continue
        assert victim.exitcode == -signal.SIGKILL
        killed += 1
    finish(made, stage)
    assert_same(final_state(made.root), staged.after(stage))
    finish(made, stage)
    assert_same(final_state(made.root), staged.after(stage))
    assert problems(made) == ()
