from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hydra_core.base.errors import ConfigError
from hydra_core.passes.workflow import closed_mark, write_source
from tests.own_cylc import OwnCylc
from tests.small_pass import FIRST, LAST, PASS, QUICK, SmallPass, small_pass

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
