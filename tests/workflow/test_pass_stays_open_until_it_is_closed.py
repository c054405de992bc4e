from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from hydra_core.passes.life import close_pass
from hydra_core.passes.xtrigger import pass_closed
from tests.small_pass import small_pass

pytestmark = pytest.mark.workflow


def test_without_the_mark_it_waits(tmp_path: Path) -> None:
    assert pass_closed(str(tmp_path / "CLOSED")) == (False, {})


def test_a_folder_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "CLOSED").mkdir()
    assert pass_closed(str(tmp_path / "CLOSED")) == (False, {})


def test_mark_says_who_closed_the_pass(tmp_path: Path) -> None:
    made = small_pass(tmp_path, "closing")
    made.enter()
    satisfied, results = pass_closed(str(close_pass(made.site, made.row)))
    assert satisfied
    assert results["by"]
    assert "\n" not in results["by"]


def test_a_huge_mark_becomes_a_short_result(tmp_path: Path) -> None:
    (tmp_path / "CLOSED").write_text("x" * 100_000)
    assert pass_closed(str(tmp_path / "CLOSED")) == (True, {"by": "x" * 200})


def test_cylc_finds_it_by_name() -> None:
    (found,) = entry_points(group="cylc.xtriggers", name="pass_closed")
    assert found.module == "hydra_core.passes.xtrigger"
    # Cylc takes the function that has the name of the entry point from the module.
    assert getattr(found.load(), found.name) is pass_closed


def test_asking_needs_the_standard_library_alone() -> None:
    code = "import sys, hydra_core.passes.xtrigger; print('sqlalchemy' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
