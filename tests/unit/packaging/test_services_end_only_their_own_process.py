from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that is not the server, though its number stands in the server's record."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def services(verb: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HYDRA_SERVICES_DIR": str(folder)}
    return subprocess.run(
        [ROOT / ".ci" / "services", verb], env=environment, capture_output=True, text=True, check=False
    )


def start_ticks(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()[19]


def test_a_reused_process_number_is_left_alone(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    (tmp_path / "mariadb.process").write_text(f"{stranger.pid}\n1\n", encoding="utf-8")
    assert "no MariaDB of ours runs" in services("stop", tmp_path).stdout
    assert stranger.poll() is None


def test_a_process_without_our_data_folder_is_left_alone(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    record = f"{stranger.pid}\n{start_ticks(stranger.pid)}\n"
    (tmp_path / "mariadb.process").write_text(record, encoding="utf-8")
    assert "no MariaDB of ours runs" in services("stop", tmp_path).stdout
    assert stranger.poll() is None


def test_status_is_a_failure_where_nothing_runs(tmp_path: Path) -> None:
    done = services("status", tmp_path)
    assert done.returncode == 1
    assert "does not run" in done.stdout
