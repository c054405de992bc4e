from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hydra_core.base.errors import ConfigError, WorkflowError
from hydra_core.passes.life import create_pass
from hydra_core.passes.workflow import closed_mark, write_source
from tests.own_cylc import OwnCylc
from tests.small_pass import FIRST, LAST, PASS, QUICK, SmallPass, open_small_pass, small_pass

pytestmark = pytest.mark.workflow
CLONE = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden") / "pass.graph"
SITES = sorted(path.name for path in (CLONE / "site-config").iterdir())


@pytest.fixture
def entered(tmp_path: Path) -> SmallPass:
    made = small_pass(tmp_path / "data", "graph")
    made.enter()
    return made


def test_edges_and_nodes_of_two_runs(cylc: OwnCylc) -> None:
    # After a wanted change: cylc graph . 121264 121265 --reference > tests/workflow/golden/pass.graph
    assert cylc.cylc("graph", str(CLONE), "121264", "121265", "--reference") == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("site", SITES)
def test_graph_is_valid_with_the_platforms_of_every_shipped_site(cylc: OwnCylc, site: str) -> None:
    printed = cylc.cylc("validate", "--check-circular", str(CLONE), "-s", f'SITE="{site}"')
    assert "Valid for" in printed
    assert "WARNING" not in printed


def test_source_of_a_pass_is_valid_and_says_what_the_site_says(cylc: OwnCylc, entered: SmallPass) -> None:
    source = str(write_source(entered.site, entered.row))
    printed = cylc.cylc("validate", "--check-circular", source)
    assert "Valid for" in printed
    assert "WARNING" not in printed
    said = cylc.cylc("config", source)
    for line in (
        f"initial cycle point = {FIRST - 1}",
        f"final cycle point = {LAST}",
        f"runahead limit = P{LAST - FIRST + 1}",
        f"execution retry delays = {QUICK['retry_delays']}",
        f"execution polling intervals = {QUICK['poll_every']}",
        f"HYDRA_PASS = {PASS}",
        f"HYDRA_SITE = {entered.folder}",
        f'"{sys.executable}"',
        "closed = pass_closed(",
        str(closed_mark(entered.site, entered.row)),
    ):
        assert line in said


def test_source_written_twice_is_the_same(entered: SmallPass) -> None:
    def state(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = state(write_source(entered.site, entered.row))
    assert {"flow.cylc", "flow/settings.cylc", "tasks/judge.py", "site-config/small/farm.cylc"} <= before.keys()
    assert state(write_source(entered.site, entered.row)) == before


@pytest.mark.parametrize("character", ['"', "$", "`", "#", "\\", "\n", "%", "{"])
def test_name_that_would_mean_something_to_cylc_or_a_shell_is_refused(entered: SmallPass, character: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used there"):
        write_source(entered.site, replace(entered.row, name=f"2026{character}01"))


def test_site_without_platforms_is_refused(entered: SmallPass) -> None:
    (entered.folder / "farm.cylc").unlink()
    with pytest.raises(ConfigError, match=r"farm\.cylc is missing"):
        write_source(entered.site, entered.row)


@pytest.fixture
def home(cylc: OwnCylc, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process itself use the home folder of the tests."""
    for name, value in cylc.environment.items():
        monkeypatch.setenv(name, value)
    return cylc.home


def test_name_that_another_deployment_has_in_cylc_is_refused(home: Path, tmp_path: Path) -> None:
    first, second = (small_pass(tmp_path / name, "taken") for name in ("first", "second"))
    create_pass(first.site, first.engine, PASS, (FIRST, LAST))
    with pytest.raises(WorkflowError, match=r"taken/2026-01/ver01 belongs to .*/first/workflows/") as refused:
        create_pass(second.site, second.engine, PASS, (FIRST, LAST))
    assert "workflow_prefix" in refused.value.next_step
    # The first one is as it was.
    create_pass(first.site, first.engine, PASS, (FIRST, LAST))


def test_data_root_may_be_moved(home: Path, tmp_path: Path) -> None:
    made = small_pass(tmp_path / "here", "moved")
    create_pass(made.site, made.engine, PASS, (FIRST, LAST))
    made.root.rename(tmp_path / "there")
    moved = open_small_pass(tmp_path / "there")
    create_pass(moved.site, moved.engine, PASS, (FIRST, LAST))
    settings = home / "cylc-run" / moved.workflow / "flow" / "settings.cylc"
    assert str(closed_mark(moved.site, moved.row)) in settings.read_text(encoding="utf-8")
