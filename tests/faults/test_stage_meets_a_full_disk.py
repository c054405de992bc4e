from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.final_state import assert_same, final_state
from tests.staged_run import NAMES, StagedRun, do_stage_with_little_room, finish, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
WRITING = [name for name in NAMES if name not in ("classify", "judge")]
ROOM = [0, 2_000, 20_000, 60_000]


class Failing:
    """Makes the n-th of all calls that put something on disk for good fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = self.fails_at = 0
        for name in ("fsync", "replace", "rename"):
            monkeypatch.setattr(os, name, self._failing(getattr(os, name)))

    def _failing(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            self.calls += 1
            if self.calls == self.fails_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(*arguments, **named)

        return call


@pytest.mark.parametrize("stage", WRITING)
def test_every_call_that_keeps_something_may_fail_once(
    staged: StagedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    disk = Failing(monkeypatch)
    wanted = staged.after(stage)
    failed = 0
    for number in range(1, 1000):
        made = staged.copy(stage, tmp_path / "data")
        disk.calls, disk.fails_at = 0, number
        try:
            finish(made, stage)
        except OSError:
            failed += 1
        disk.fails_at = 0
        if disk.calls < number:
            break
        # Half done, and still nothing that contradicts anything else.
        assert problems(made) == ()
        finish(made, stage)
        assert_same(final_state(made.root), wanted)
    assert failed >= 2


@pytest.mark.parametrize("stage", NAMES)
def test_file_that_cannot_grow_ends_the_stage_and_nothing_else(staged: StagedRun, tmp_path: Path, stage: str) -> None:
    ended = []
    for room in ROOM:
        made = staged.copy(stage, tmp_path / "data")
        job = in_process(do_stage_with_little_room, made.root, stage, room)
        job.join()
        ended.append(job.exitcode)
        assert problems(made) == ()
        finish(made, stage)
        assert_same(final_state(made.root), staged.after(stage))
    assert ended[0] == 1
    assert set(ended) <= {0, 1}
