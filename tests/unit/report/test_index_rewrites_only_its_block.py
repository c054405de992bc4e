"""A pass grows by blocks: publishing a run costs the same at the first and at the last of a hundred thousand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hydra_core.report.pages import publish_front, publish_help, publish_index, publish_library, publish_status
from hydra_core.report.paths import pass_href, root_of
from hydra_core.report.site_views import PassSummary


def data(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text[text.index(",") + 1 :].removesuffix(");\n"))


def stamps(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def view_of(samples, first, last, blocks):
    view = samples.index_view(runs=last - first + 1, types=6, last=last)
    return replace(view, blocks=blocks)


def test_runs_go_to_the_block_of_their_number(tmp_path, samples):
    publish_index(tmp_path, view_of(samples, 119_990, 120_010, (119, 120)))
    folder = tmp_path / pass_href(samples.PASS) / "blocks"
    assert [one[0] for one in data(folder / "119.js")["runs"]] == list(range(119_990, 120_000))
    assert [one[0] for one in data(folder / "120-runs.js")["runs"]] == list(range(120_000, 120_011))
    assert (folder / "120.csv").read_text(encoding="utf-8").count("\n") == 12


def test_a_closed_block_is_not_touched(tmp_path, samples):
    publish_index(tmp_path, view_of(samples, 119_990, 119_999, (119,)))
    before = stamps(tmp_path)
    publish_index(tmp_path, view_of(samples, 120_000, 120_003, (119, 120)))
    after = stamps(tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert {name.split("/")[-1] for name in changed} == {"latest.js"}
    assert data(tmp_path / pass_href(samples.PASS) / "latest.js")["blocks"] == [119, 120]


def test_the_same_publication_again_touches_nothing(tmp_path, samples):
    view = samples.index_view(runs=5, types=4)
    publish_index(tmp_path, view)
    before = stamps(tmp_path)
    publish_index(tmp_path, view)
    assert stamps(tmp_path) == before


def test_a_cell_can_be_read_back(tmp_path, samples):
    view = samples.index_view(runs=3, types=9)
    publish_index(tmp_path, view)
    block = data(tmp_path / pass_href(samples.PASS) / "blocks" / "120.js")
    newest = block["runs"][-1]
    row = view.rows[-1]
    assert newest[8] == row.href
    for cell in row.cells:
        key, word, _, severity, flagged, total = block["kinds"][newest[10][block["slugs"].index(cell.plot_slug)]]
        assert (severity, flagged, total) == (cell.severity, cell.flagged, cell.total)
        assert word == (cell.class_name if cell.state == "confirmed" else word)
        assert (key == "bad") == (cell.class_name == "Bad" and cell.state == "confirmed")


def test_a_plot_that_is_no_longer_a_column_keeps_its_cells(tmp_path, samples):
    view = samples.index_view(runs=2, types=4)
    publish_index(tmp_path, replace(view, columns=view.columns[:2]))
    block = data(tmp_path / pass_href(samples.PASS) / "blocks" / "120.js")
    assert block["slugs"] == [view.columns[0].slug, view.columns[1].slug, *sorted(one.slug for one in view.columns[2:])]


def test_a_block_of_a_thousand_runs_and_eighty_plots_stays_small(tmp_path, samples):
    publish_index(tmp_path, samples.index_view(runs=1000, types=80, last=119_999))
    block = tmp_path / pass_href(samples.PASS) / "blocks" / "119.js"
    assert block.stat().st_size < 500_000
    assert len(data(block)["runs"]) == 1000


@pytest.mark.parametrize(
    ("name", "href"),
    [
        ("2026-01/ver02", "passes/2026-01/ver02"),
        ("plain", "passes/plain"),
        ("a//b/", "passes/a/b"),
        ("a/runs", "passes/a/runs~"),
        ("blocks", "passes/blocks~"),
    ],
)
def test_a_pass_has_a_folder_of_its_own(name, href):
    assert pass_href(name) == href
    assert root_of(href) == "../" * (href.count("/") + 1)


@pytest.mark.parametrize("name", ["../../etc", "..", "/abs", "", "a\0b", "x" * 500, "</script>"])
def test_no_pass_name_leaves_the_site(tmp_path, name):
    assert (tmp_path / pass_href(name)).resolve().is_relative_to(tmp_path.resolve() / "passes")
    assert ".." not in pass_href(name).split("/")


def test_the_front_page_lists_passes(tmp_path, samples):
    view = samples.front_view()
    assert publish_front(tmp_path, view) == "index.html"
    assert [one["name"] for one in data(tmp_path / "passes.js")["passes"]] == [one.name for one in view.passes]
    unkind = replace(view, passes=(PassSummary("</script><b>", "running", 1),), experiment="</title><script>")
    publish_front(tmp_path, unkind)
    assert "<b>" not in (tmp_path / "passes.js").read_text(encoding="utf-8")
    assert "</title><script>" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_status_library_and_help_are_pages(tmp_path, samples):
    publish_status(tmp_path, samples.status_view())
    publish_library(tmp_path, samples.library_view())
    publish_help(tmp_path)
    status = (tmp_path / "status.html").read_text(encoding="utf-8")
    library = (tmp_path / "library.html").read_text(encoding="utf-8")
    assert "its files are younger than 5 seconds" in status
    assert "Never saw a Bad example" in library
    assert ">118<" in library
    told = (tmp_path / "help.html").read_text(encoding="utf-8")
    assert 'id="novel"' in told
    assert told.count("Not given in this version.") == 2


def test_empty_status_and_library_are_pages_too(tmp_path, samples):
    status = replace(
        samples.status_view(), passes=(), waiting=(), timings=(), images_per_day=(), versions=(), sizes=(), unmatched=()
    )
    publish_status(tmp_path, status)
    publish_library(tmp_path, replace(samples.library_view(), models=(), without=()))
    assert "Every run is published." in (tmp_path / "status.html").read_text(encoding="utf-8")
    assert "No model has been trained yet" in (tmp_path / "library.html").read_text(encoding="utf-8")


def test_a_curve_that_is_not_a_number_breaks_no_page(tmp_path, samples):
    view = samples.library_view()
    odd = replace(view.models[0], curve=((1, float("nan"), float("inf"), 0.5), (2, 0.4, 0.5, 0.6)))
    publish_library(tmp_path, replace(view, models=(odd,)))
    text = (tmp_path / "library.html").read_text(encoding="utf-8")
    assert "nan" not in text.lower().replace("name", "")
