from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TRAVELS = ("flow", "tasks", "templates", "site-config")


def files_below(folder: Path) -> set[str]:
    found = {path.relative_to(ROOT).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if "__pycache__" not in name and ".hydra-tmp-" not in name}


def build(kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames()}


def test_workflow_pages_and_default_site_are_data_of_the_package(wheel: set[str]) -> None:
    expected = {"flow.cylc"}.union(*(files_below(ROOT / folder) for folder in TRAVELS))
    assert {f"hydra_core/_data/{name}" for name in expected} <= wheel


def test_migrations_travel_with_the_package(wheel: set[str]) -> None:
    assert files_below(ROOT / "hydra_core") <= wheel


def test_nothing_becomes_a_package_beside_ours(wheel: set[str]) -> None:
    tops = {name.split("/", 1)[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hydra_core"}


def test_the_source_archive_can_set_itself_up_and_test_itself(sdist: set[str]) -> None:
    needed = {"Makefile", "LICENSE", "README.md", "pyproject.toml", ".ci/environment", ".ci/system-packages"}
    needed |= files_below(ROOT / "constraints") | files_below(ROOT / "tests" / "unit" / "packaging")
    assert needed <= sdist
