from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hydra_core.passes import job_logs
from hydra_core.passes.job_logs import JobLogs

WORKFLOW = "hydra/2026-01/ver01"
HEAD = "Workflow : hydra/2026-01/ver01\nJob : 12/retrain/01 (try 1)\nUser@Host: me@here\n\n"
BEGUN = "2026-11-21T13:29:55Z INFO - started\n"
BUSY = ["12/retrain"]


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: list[str]) -> JobLogs:
    monkeypatch.setenv("HOME", str(tmp_path))
    return JobLogs(WORKFLOW, heard.append)


def state(home: Path, name: str, status: str, submit: int) -> None:
    """Write down what a scheduler would of a task of run 12."""
    file = home / "cylc-run" / WORKFLOW / "log" / "db"
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS task_states (cycle, name, status, submit_num, flow_nums)")
        connection.execute("DELETE FROM task_states WHERE name = ?", (name,))
        connection.execute("INSERT INTO task_states VALUES ('12', ?, ?, ?, '[1]')", (name, status, submit))


def write(home: Path, text: str, *, submit: int = 1, name: str = "retrain") -> Path:
    log = home / "cylc-run" / WORKFLOW / "log" / "job" / "12" / name / f"{submit:02d}" / "job.out"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(text)
    return log


def test_every_line_of_a_training_is_told_once_and_none_of_cylcs(
    tmp_path: Path, logs: JobLogs, heard: list[str]
) -> None:
    state(tmp_path, "retrain", "running", 1)
    write(tmp_path, f"{HEAD}{BEGUN}training dc-000010 on 10 labelled images\nepoch 1/2  loss 1")
    logs.follow(BUSY)
    assert heard == ["training dc-000010 on 10 labelled images"]
    write(tmp_path, ".5\nepoch 2/2  loss 0.5\n")
    logs.follow(BUSY)
    logs.follow(BUSY)
    assert heard[1:] == ["epoch 1/2  loss 1.5", "epoch 2/2  loss 0.5"]


def test_what_a_training_said_at_its_end_is_told_when_it_is_over(
    tmp_path: Path, logs: JobLogs, heard: list[str]
) -> None:
    state(tmp_path, "retrain", "running", 1)
    write(tmp_path, HEAD)
    logs.follow(BUSY)
    write(tmp_path, "dc-000010 is live\n2026-11-21T13:32:37Z INFO - succeeded\n")
    state(tmp_path, "retrain", "succeeded", 1)
    logs.follow([])
    assert heard == ["dc-000010 is live"]


def test_an_earlier_attempt_and_other_tasks_are_not_told(tmp_path: Path, logs: JobLogs, heard: list[str]) -> None:
    write(tmp_path, "said long ago\n", submit=1)
    state(tmp_path, "retrain", "preparing", 2)
    logs.follow(BUSY)
    state(tmp_path, "retrain", "running", 2)
    logs.follow(BUSY)
    write(tmp_path, "said now\n", submit=2)
    state(tmp_path, "classify0", "running", 1)
    write(tmp_path, "80 images\n", name="classify0")
    logs.follow([*BUSY, "12/classify0", "20260101T0000Z/retrain"])
    assert heard == ["said now"]


def test_a_line_longer_than_what_is_read_at_once_holds_nothing_up(
    tmp_path: Path, logs: JobLogs, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_logs, "MOST", 16)
    state(tmp_path, "retrain", "running", 1)
    write(tmp_path, "x" * 40 + "\nend\n")
    for _ in range(4):
        logs.follow(BUSY)
    assert "".join(heard) == "x" * 40 + "end"
