from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hydra_core.passes.left_jobs import end_left_jobs

Start = Callable[[Path, str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the script of a job as Cylc does: it says that it is there and goes on until it is killed."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, name: str) -> subprocess.Popen[bytes]:
        script = folder / "log" / "job" / "7" / "judge" / "01" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("echo here\nread\n", encoding="utf-8")
        begun.append(
            subprocess.Popen(
                ["bash", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        )
        assert begun[-1].stdout is not None
        assert begun[-1].stdout.readline() == b"here\n"
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_only_the_jobs_of_that_workflow_are_killed(tmp_path: Path, start: Start) -> None:
    left = start(tmp_path / "ver01", "job")
    others = [start(tmp_path / "ver011", "job"), start(tmp_path / "ver01", "job-activity.log")]
    assert end_left_jobs(tmp_path / "ver01") == 1
    assert left.wait() < 0
    assert [other.poll() for other in others] == [None, None]


def test_where_no_job_is_left_nothing_is_killed(tmp_path: Path) -> None:
    assert end_left_jobs(tmp_path) == 0
