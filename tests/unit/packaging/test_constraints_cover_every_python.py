from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PREFIX = "Programming Language :: Python :: "
PYTHONS = [c.removeprefix(PREFIX) for c in PROJECT["classifiers"] if re.fullmatch(PREFIX + r"\d\.\d+", c)]


def pins(python: str) -> dict[str, str]:
    lines = (ROOT / "constraints" / f"python{python}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_there_is_one_file_for_each_python() -> None:
    assert {path.stem for path in (ROOT / "constraints").iterdir()} == {f"python{python}" for python in PYTHONS}


@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_is_pinned_within_its_range(python: str) -> None:
    pinned = {canonicalize_name(name): version for name, version in pins(python).items()}
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    for requirement in map(Requirement, [*PROJECT["dependencies"], *extras]):
        version = pinned.get(canonicalize_name(requirement.name), "nothing")
        assert version != "nothing", f"{requirement} is not pinned for Python {python}"
        assert requirement.specifier.contains(version), f"{requirement} on Python {python} is pinned to {version}"


@pytest.mark.parametrize("python", PYTHONS)
def test_a_pin_is_a_name_and_a_version_and_nothing_else(python: str) -> None:
    for name, version in pins(python).items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert re.fullmatch(r"(\d+!)?\d+[A-Za-z0-9.]*", version)
