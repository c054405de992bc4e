from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hydra_core.base.errors import ConfigError, DatabaseError
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.passes.platforms import is_here, named_platforms, refuse_file_for_other_machines
from hydra_core.passes.workflow import write_source
from hydra_core.stages.context import open_site
from hydra_core.store.ledger import PassRow
from hydra_core.store.session import site_engine
from hydra_core.store.upgrade import upgrade

# Loading Cylc brings warnings of what it is made of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FARM = """
[runtime]
    [[root]]
        platform = farm  # nodes
    [[LIGHT]]
        platform = localhost
    # platform = commented
    [[TRAINING]]
        platform = {{ CHOSEN }}
"""
GLOBAL = """
[platforms]
    [[farm]]
        hosts = localhost
        job runner = slurm
    [[beside]]
        hosts = localhost
        job runner = background
    [[other]]
        hosts = node17
        job runner = background
"""


def site_of(folder: Path, database: str = "") -> Site:
    (folder / "site.toml").write_text(
        f'[site]\nname = "x"\nexperiment = "x"\n[paths]\ndata_root = "data"\n{database}', encoding="utf-8"
    )
    return load_site(folder)


@pytest.fixture
def cylc_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cylc.flow.cfgspec.glbl_cfg import glbl_cfg

    (tmp_path / "cylc").mkdir()
    (tmp_path / "cylc" / "global.cylc").write_text(GLOBAL, encoding="utf-8")
    monkeypatch.setenv("CYLC_CONF_PATH", str(tmp_path / "cylc"))
    glbl_cfg(cached=False)


def test_platforms_are_those_that_the_farm_names() -> None:
    assert named_platforms(FARM) == ("farm", "localhost")


@pytest.mark.parametrize(
    ("platform", "here"),
    [
        *(("localhost", True), (socket.gethostname(), True), ("beside", True)),
        *(("farm", False), ("other", False), ("nobody knows it", False)),
    ],
)
@pytest.mark.usefixtures("cylc_knows")
def test_a_platform_is_here_where_its_jobs_run_on_this_machine(platform: str, here: bool) -> None:
    assert is_here(platform) == here


@pytest.mark.usefixtures("cylc_knows")
def test_a_farm_with_a_database_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lets jobs run on farm, and the database is an SQLite file") as caught:
        refuse_file_for_other_machines(site_of(tmp_path), FARM)
    assert "MariaDB" in caught.value.next_step
    refuse_file_for_other_machines(site_of(tmp_path), FARM.replace("farm", "beside"))
    refuse_file_for_other_machines(site_of(tmp_path, '[database]\nurl = "mysql+pymysql://ada@db/x"\n'), FARM)


@pytest.mark.usefixtures("cylc_knows")
def test_a_refused_farm_leaves_no_workflow(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    (tmp_path / "farm.cylc").write_text(FARM, encoding="utf-8")
    row = PassRow(1, "2026-01/ver01", "hydra/2026-01/ver01", 1, 99, "open", "incoming")
    with pytest.raises(ConfigError, match="which only this machine may use"):
        write_source(site, row)
    assert not site.root.exists()
    (tmp_path / "farm.cylc").write_text(FARM.replace("= farm", "= localhost"), encoding="utf-8")
    settings = write_source(site, row) / "flow" / "settings.cylc"
    assert f'{{% set HYDRA_HOST = "{socket.gethostname()}" %}}' in settings.read_text(encoding="utf-8")


def test_a_job_on_another_machine_stops_before_it_opens_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(tmp_path)
    monkeypatch.setenv("HYDRA_HOST", "node17")
    with pytest.raises(
        DatabaseError, match=f"this job runs on {socket.gethostname()}, .* only node17 may use"
    ) as caught:
        open_site(tmp_path)
    assert "hydra pass resume" in caught.value.next_step
    assert not site.root.exists()
    monkeypatch.setenv("HYDRA_HOST", socket.gethostname())
    upgrade(site_engine(site))
    assert open_site(tmp_path)[0].root == site.root
