"""A run of a small test suite under the project's own tests/conftest.py."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SUITE = """
import pytest

def test_plain(): pass

@pytest.mark.services
def test_service(): pass

@pytest.mark.real_data
def test_data(): pass

@pytest.mark.bench
def test_measure(): pass
"""


def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    ours = ("HYDRA_REAL_DATA", "HYDRA_REQUIRE_SERVICES", "HYDRA_TEST_MYSQL_URL")
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    # Of the installed plugins only those that the settings name: the others take longer to load than the tests to run.
    environment |= {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYDRA_SERVICES_DIR": str(folder / "no services"),
        **variables,
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "pytest_timeout"]
    command += ["-c", str(ROOT / "pyproject.toml")]
    command += [f"--rootdir={folder}", *arguments, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_each_missing_tier_is_counted_with_its_reason(tmp_path: Path, workers: list[str]) -> None:
    status, words = run(tmp_path, *workers)
    assert status == 0, words
    assert "not run: 1 tests marked services, because no MariaDB answers; make services starts one" in words
    assert "not run: 1 tests marked real_data, because HYDRA_REAL_DATA names no folder" in words
    assert "1 passed" in words
    assert "skipped" not in words


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_a_required_service_that_is_missing_fails_before_any_test(tmp_path: Path, workers: list[str]) -> None:
    status, words = run(tmp_path, *workers, HYDRA_REQUIRE_SERVICES="1")
    assert status != 0
    assert "no MariaDB answers" in words
    assert "passed" not in words


def test_a_real_data_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    status, words = run(tmp_path, HYDRA_REAL_DATA=str(tmp_path / "gone"))
    assert status == 0, words
    assert f"HYDRA_REAL_DATA={tmp_path / 'gone'} is not a folder" in words


def test_everything_that_is_there_is_run(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"mysql+pymysql://hydra:word@127.0.0.1:{server.getsockname()[1]}/"
        status, words = run(tmp_path, HYDRA_REAL_DATA=str(tmp_path), HYDRA_TEST_MYSQL_URL=url)
    assert status == 0, words
    assert "3 passed, 1 deselected" in words


def test_measurements_run_when_asked_for(tmp_path: Path) -> None:
    status, words = run(tmp_path, "-m", "bench")
    assert status == 0, words
    assert "1 passed, 3 deselected" in words
