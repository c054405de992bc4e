"""A file of histograms gives a run one item for each: drawn, with its numbers; what is wrong costs its own card."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uproot

from hydra_core.base.files import sha256_file
from hydra_core.base.names import PlotKey
from hydra_core.intake import histogram_items
from hydra_core.intake.block import Block, BlockItem, write_block
from hydra_core.intake.chunking import Collected, Reading, collect_items
from hydra_core.intake.decisions import Decisions
from hydra_core.intake.histogram_items import HistogramRules
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.reader import Worker, read_many
from hydra_core.intake.images import read_image
from hydra_core.intake.scan import scan

CDC, FDC = PlotKey("hists/CDC/hits", True), PlotKey("hists/FDC/hits", True)


@pytest.fixture(scope="module", autouse=True)
def _one_reading_process() -> Iterator[None]:
    """Read all files of these tests in one process: starting one takes half a second."""
    with Worker() as worker, pytest.MonkeyPatch.context() as patch:
        patch.setattr(histogram_items, "read_many", functools.partial(read_many, worker=worker))
        yield


def put(root: Path, name: str, **contents: list[float]) -> Path:
    path = root / "Run7" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with uproot.recreate(path) as file:
        for key, values in contents.items():
            file[key.replace("__", "/")] = (np.array(values, np.float64), np.linspace(0, 1, len(values) + 1))
    return path


def collect(root: Path, reading: Reading | None = None) -> Collected:
    return collect_items(scan(root).runs[0].files, root, reading)


def by_place(found: Collected) -> dict[tuple[str, int | None], BlockItem]:
    return {(item.plot.name, item.chunk): item for item in found.items}


def contents(found: Collected, folder: Path) -> dict[tuple[str, int | None], list[float]]:
    sha = write_block(folder / "block.h5", found.items, {})
    with Block.open(folder / "block.h5", sha) as block:
        hists = {(item.plot.name, item.chunk): block.histogram(n) for n, item in enumerate(block.items)}
    return {place: hist.values.tolist() for place, hist in hists.items() if hist is not None}


def test_each_histogram_is_drawn_and_its_numbers_lie_beside_the_picture(tmp_path: Path) -> None:
    path = put(tmp_path, "hists_0001.root", CDC__hits=[1, 5, 2], FDC__hits=[0, 0, 0])
    found = collect(tmp_path)
    items = by_place(found)
    assert list(items) == [(CDC.name, 1), (FDC.name, 1)]
    item = items[CDC.name, 1]
    assert (item.status, item.member, item.source, item.rule) == (
        "ok", "CDC/hits", "Run7/hists_0001.root", item.rule,
    )  # fmt: skip
    assert item.source_sha256 == sha256_file(path)
    assert read_image(item.data).shape == (400, 600, 3)
    assert item.style
    assert item.content is not None
    assert not item.content.empty
    assert contents(found, tmp_path)[CDC.name, 1] == [1, 5, 2]
    empty = items[FDC.name, 1].content
    assert empty is not None
    assert empty.empty


def test_snapshots_that_go_on_counting_become_disjoint_chunks(tmp_path: Path) -> None:
    put(tmp_path, "hists_0001.root", CDC__hits=[1, 5, 2])
    put(tmp_path, "hists_0002.root", CDC__hits=[3, 5, 4])
    put(tmp_path, "hists_0004.root", CDC__hits=[3, 9, 4])
    put(tmp_path, "hists_0005.root", CDC__hits=[1, 0, 0])
    found = collect(tmp_path, Reading(decisions=Decisions(others_sum=True)))
    assert list(contents(found, tmp_path).values()) == [[1, 5, 2], [2, 0, 2], [0, 4, 0], [1, 0, 0]]
    notes = [item.reason for item in found.items]
    assert notes[1] == ""
    assert "chunks 3 to 4" in notes[2]
    assert "started again" in notes[3]


def test_without_a_word_from_the_site_snapshots_stay_as_they_are(tmp_path: Path) -> None:
    put(tmp_path, "hists_0001.root", CDC__hits=[1, 5, 2])
    put(tmp_path, "hists_0002.root", CDC__hits=[3, 5, 4])
    assert list(contents(collect(tmp_path), tmp_path).values()) == [[1, 5, 2], [3, 5, 4]]


def test_one_plot_type_may_be_a_sum_where_others_are_not(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path, f"hists_000{number}.root", CDC__hits=[number, 5], FDC__hits=[number, 5])
    found = collect(tmp_path, Reading(decisions=Decisions(sums={CDC: True})))
    assert contents(found, tmp_path) == {
        (CDC.name, 1): [1, 5], (CDC.name, 2): [1, 0], (FDC.name, 1): [1, 5], (FDC.name, 2): [2, 5],
    }  # fmt: skip


def test_a_broken_file_costs_its_own_card(tmp_path: Path) -> None:
    put(tmp_path, "hists_0001.root", CDC__hits=[1, 5, 2])
    whole = put(tmp_path, "hists_0002.root", CDC__hits=[1, 5, 2])
    whole.write_bytes(whole.read_bytes()[:200])
    items = by_place(collect(tmp_path))
    assert {place: item.status for place, item in items.items()} == {
        (CDC.name, 1): "ok",
        ("hists.root", 2): "unreadable",
    }
    assert items["hists.root", 2].reason


def test_only_what_the_site_takes_becomes_an_item_and_the_rest_is_counted(tmp_path: Path) -> None:
    put(tmp_path, "hists_0001.root", CDC__hits=[1], CDC__raw=[1], FDC__hits=[1], TOF__hits=[1])
    rules = HistogramRules(take=("CDC/*", "FDC/*"), leave=("*/raw",))
    found = collect(tmp_path, Reading(histograms=rules, decisions=Decisions(ignored={FDC})))
    assert [item.plot for item in found.items] == [CDC]
    assert found.notes == (
        "2 histograms are not among those that this site takes.",
        "1 plot of an ignored type is left out.",
    )
    listed = HistogramRules(only_listed=True)
    found = collect(tmp_path, Reading(histograms=listed, decisions=Decisions(active={FDC})))
    assert [item.plot for item in found.items] == [FDC]


def test_fixed_ranges_are_part_of_the_style(tmp_path: Path) -> None:
    put(tmp_path, "hists_0001.root", CDC__hits=[1, 5, 2])
    plain = collect(tmp_path).items[0]
    fixed = collect(tmp_path, Reading(decisions=Decisions(drawings={CDC: DrawScale(y=(0, 50))}))).items[0]
    assert plain.style != fixed.style
    assert plain.data != fixed.data
    assert plain.bins == fixed.bins
