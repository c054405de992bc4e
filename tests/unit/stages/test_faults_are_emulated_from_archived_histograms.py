from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.plots import make_item
from hydra_core.intake.block import BlockItem, write_block
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.models.asked import InputSpec
from hydra_core.stages.emulated_bad import Emulated, emulate_bad, emulated_images
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.session import reading
from tests.request_samples import a_database, a_site

FTOF = PlotKey("FTOF_tdcOccupancy", True)
RUNS = (121001, 121002, 121003)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = a_site(tmp_path)
    entry = '[[plot]]\nname = "FTOF_tdcOccupancy"\n[plot.training]\nemulate_bad = 6\n'
    (made.folder / "plots.toml").write_text(entry, encoding="utf-8")
    return load_site(made.folder)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        for run in RUNS:
            bins = encode_histogram(make_item(demo_plot(FTOF.name), 1, run, 0))
            drawn = BlockItem(FTOF, 0, "ok", sha256=sha256_bytes(b"picture"), data=b"picture", bins=bins)
            picture = BlockItem(FTOF, 1, "ok", sha256=sha256_bytes(b"only"), data=b"only")
            write_block(site.archive_file("p", run, 1), (drawn, picture), {})
        yield engine


def labelled(*classes: str, block_index: int = 0) -> list[LabelledImage]:
    return [
        LabelledImage(str(run), name, 1, run, 1, 1, 0, block_index) for run, name in zip(RUNS, classes, strict=True)
    ]


def emulated(site: Site, engine: Engine, images: list[LabelledImage], plot: PlotKey = FTOF) -> list[Emulated]:
    with reading(engine) as connection:
        return emulated_images(site, connection, plot, images, {1: "p"}, InputSpec(size=(32, 32)), seed=1)


def test_good_histograms_give_as_many_faults_as_were_asked_for(site: Site, engine: Engine) -> None:
    found = emulated(site, engine, labelled("Good", "NoData", "Good"))
    assert len(found) == 6
    assert {one.source for one in found} == {0, 2}
    assert {one.image.shape for one in found} == {(32, 32, 3)}
    again = emulated(site, engine, labelled("Good", "NoData", "Good"))
    assert [one.image_sha for one in again] == [one.image_sha for one in found]


def test_nothing_is_emulated_once_somebody_labelled_a_problem(site: Site, engine: Engine) -> None:
    assert emulated(site, engine, labelled("Good", "Bad", "Good")) == []


def test_nothing_is_emulated_without_bin_contents_or_where_nobody_asks(site: Site, engine: Engine) -> None:
    assert emulated(site, engine, labelled("Good", "Good", "Good", block_index=1)) == []
    assert emulated(site, engine, labelled("Good", "Good", "Good"), PlotKey("another", True)) == []


@pytest.mark.parametrize("content", [0.0, -3.0, float("nan"), 1e30])
def test_nothing_is_emulated_from_contents_that_are_no_counts(content: float) -> None:
    hist = make_item(demo_plot(FTOF.name), 1, RUNS[0], 0)
    contents = hist.values.copy()
    contents[...] = content
    contents[0, 0] = 1e6
    weights = hist.with_values(contents if content else np.zeros_like(contents))
    assert list(emulate_bad({0: weights}, 6, InputSpec(size=(32, 32)), scale=None, seed=1)) == []
