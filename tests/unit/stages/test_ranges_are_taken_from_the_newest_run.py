from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.config.plots import DrawSettings
from hydra_core.config.site import Site
from hydra_core.intake.block import BlockItem, write_block
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.stages.drawing_of import propose_drawings
from hydra_core.store.items import replace_items
from hydra_core.store.ledger import update_revision
from hydra_core.store.plot_types import known_types
from hydra_core.store.session import reading, writing
from tests.request_samples import FDC, TOF, a_database, a_site
from tests.store_samples import a_pass, a_revision, an_item

ENERGY, PICTURE = PlotKey("energy", True), PlotKey("picture", True)


def counts(entries: int, high: float) -> bytes:
    values = np.full(20, entries / 20)
    return encode_histogram(Histogram("energy", "", Axis.regular(20, 0, high), None, values, float(entries)))


def archive(site: Site, engine: Engine, run: int, *items: BlockItem) -> Path:
    path = site.archive_file("p", run, 1)
    write_block(path, items, {})

    def work(connection: Connection) -> None:
        revision = a_revision(connection, a_pass(connection, "p"), run)
        new = [an_item(item.plot, item.chunk, index) for index, item in enumerate(items)]
        replace_items(connection, revision, new)
        update_revision(connection, revision, state="archived")

    writing(engine, work)
    return path


def item(plot: PlotKey, chunk: int, bins: bytes = b"") -> BlockItem:
    data = f"{plot}{chunk}".encode()
    return BlockItem(plot, chunk, "ok", sha256=sha256_bytes(data), data=data, bins=bins)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        archive(site, engine, 1, item(ENERGY, 0, counts(10_000, 9.0)))
        archive(
            site, engine, 2, item(ENERGY, 0, counts(200, 7.0)), item(ENERGY, 1, counts(1000, 5.0)), item(PICTURE, 0)
        )
        yield engine


def test_ranges_come_from_the_fullest_histogram_of_the_newest_run(site: Site, engine: Engine) -> None:
    found = propose_drawings(site, engine, [ENERGY]).get(ENERGY)
    assert found is not None
    assert DrawSettings.model_validate(found).x == (0.0, 5.0)


def test_what_has_no_bin_contents_gets_no_ranges(site: Site, engine: Engine) -> None:
    assert set(propose_drawings(site, engine, [ENERGY, PICTURE, TOF, FDC, PlotKey("unknown", True)])) == {ENERGY}


def test_ranges_that_the_site_gives_are_left_alone(site: Site, engine: Engine) -> None:
    (site.folder / "plots.toml").write_text('[[plot]]\nname = "energy"\n[plot.draw]\nx = [0, 1]\n', encoding="utf-8")
    assert propose_drawings(load_site(site.folder), engine, [ENERGY]).get(ENERGY) is None


def test_a_damaged_block_is_named(site: Site, engine: Engine) -> None:
    archive(site, engine, 3, item(ENERGY, 0, counts(1000, 5.0))).write_bytes(b"not a block")
    problems: list[str] = []
    assert propose_drawings(site, engine, [ENERGY], problems.append) == {}
    assert "3-r1.h5" in problems[0]


def test_accepting_a_plot_type_fixes_its_ranges_once(
    site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--site", str(site.folder), "plots", "accept", "energy"]) == 0
    assert "drawn from now on with x 0 to 5" in capsys.readouterr().out
    with reading(engine) as connection:
        first = known_types(connection)[ENERGY].drawing
    archive(site, engine, 3, item(ENERGY, 0, counts(5000, 6.0)))
    assert main(["--site", str(site.folder), "plots", "accept", "energy"]) == 0
    with reading(engine) as connection:
        assert known_types(connection)[ENERGY].drawing == first
