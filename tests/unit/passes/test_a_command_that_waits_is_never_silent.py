from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from hydra_core.base.errors import WorkflowError
from hydra_core.passes import arrive, standing
from hydra_core.passes.standing import QUIET_S, Standing
from hydra_core.store.ledger import PassRow, get_pass, unfinished, update_revision
from hydra_core.store.session import reading, writing
from tests.store_samples import a_pass, a_revision, sqlite_copy

RUNS = 10


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def ten_runs(engine: Engine) -> None:
    def work(connection: Connection) -> None:
        row = a_pass(connection)
        for run in range(1, RUNS + 1):
            a_revision(connection, row, run)

    writing(engine, work)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(standing, "time", clock)
    return clock


@pytest.fixture
def look(tmp_path: Path, clock: Clock, heard: list[str]) -> Iterator[Callable[..., None]]:
    with sqlite_copy(tmp_path / "hydra.sqlite", ten_runs) as engine:
        with reading(engine) as connection:
            row = get_pass(connection, "2026-01/ver02")
        told = Standing(engine, row, heard.append)

        def look(busy: list[str], **reached: int) -> None:
            """Look after so many runs have reached a state."""

            def work(connection: Connection) -> None:
                for state, count in reached.items():
                    for revision in unfinished(connection, row.id)[:count]:
                        update_revision(connection, revision.id, state=state)

            writing(engine, work)
            told.look(busy)

        yield look


@pytest.fixture
def heard() -> list[str]:
    return []


def test_a_long_silence_ends_with_what_is_at_work(look: Callable[..., None], clock: Clock, heard: list[str]) -> None:
    busy = [f"{run}/judge" for run in range(6)]
    look(busy)
    clock.now += QUIET_S
    look(busy)
    assert heard == ["0 of 10 runs published"]
    clock.now += 1
    look(busy)
    look(busy)
    assert heard[1:] == ["0 of 10 runs published; at work: 0/judge, 1/judge, 2/judge, 3/judge and more"]


def test_the_time_left_is_told_once_some_runs_have_come(
    look: Callable[..., None], clock: Clock, heard: list[str]
) -> None:
    look([])
    for state in ("chunked", "judged"):
        clock.now += 30
        look(["9/judge"], **{state: 10})
    clock.now += 30
    look(["9/judge"], published=4)
    look(["9/judge"], published=6)
    assert heard == [
        "0 of 10 runs published",
        "0 of 10 runs published, about 2 min left; at work: 9/judge",
        "0 of 10 runs published, about 60 s left; at work: 9/judge",
        "4 of 10 runs published, about 39 s left",
        "10 of 10 runs published",
    ]


def test_a_training_after_the_last_run_is_not_taken_for_the_end(look: Callable[..., None], heard: list[str]) -> None:
    look(["9/publish_run"], published=9)
    look(["9/retrain"], published=1)
    look([])
    assert heard[1:] == ["10 of 10 runs published; a training goes on", "10 of 10 runs published"]


def test_who_waits_for_no_run_is_told_of_none(look: Callable[..., None], clock: Clock, heard: list[str]) -> None:
    look(["9/publish_library"], published=10)
    assert heard == []
    clock.now += QUIET_S + 1
    look(["9/publish_library"])
    assert heard == ["at work: 9/publish_library"]


def handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: list[str], up: Callable[[], bool]) -> None:
    """Hand five runs over to a scheduler that takes two at a time and is at work on both for one look."""
    taken: list[int] = []
    looked: list[int] = []

    def sort(engine: Engine, row: PassRow) -> tuple[list[int], list[int], int]:
        looked.append(1)
        return [run for run in range(1, 6) if run not in taken], [], 2 if taken and len(looked) % 2 == 0 else 0

    monkeypatch.setattr(arrive, "_sort", sort)
    monkeypatch.setattr(arrive, "_confirm", lambda *_: None)
    monkeypatch.setattr(arrive, "handed_over", lambda *_: None)
    monkeypatch.setattr(arrive, "time", SimpleNamespace(sleep=lambda _: None))
    scheduler = SimpleNamespace(
        is_running=lambda _: up(),
        busy_tasks=lambda _: ["1/judge"],
        start_runs=lambda _, runs: taken.extend(runs),
    )
    monkeypatch.setattr(arrive, "scheduler", scheduler)
    site = SimpleNamespace(settings=SimpleNamespace(cylc=SimpleNamespace(batch=2)))
    with sqlite_copy(tmp_path / "hydra.sqlite", ten_runs) as engine:
        with reading(engine) as connection:
            row = get_pass(connection, "2026-01/ver02")
        arrive.hand_over(site, engine, row, heard.append)  # type: ignore[arg-type]


def test_it_is_told_how_many_are_published_while_runs_wait_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    handed_over(tmp_path, monkeypatch, heard, lambda: True)
    assert heard == [
        "2 runs handed over",
        "0 of 10 runs published",
        "4 runs handed over",
        "5 runs handed over",
    ]


def test_runs_do_not_wait_for_room_at_a_scheduler_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    answers = iter([True, False])
    with pytest.raises(WorkflowError, match="stopped"):
        handed_over(tmp_path, monkeypatch, heard, lambda: next(answers))
