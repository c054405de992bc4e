"""The page of a run revision: complete, small, written once."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.report.pages import publish_run
from hydra_core.report.paths import pass_href
from hydra_core.report.run_cards import gallery, needs_look
from hydra_core.report.views import HeatMap


class Reader(HTMLParser):
    """Collects what a browser would see: tags with their attributes, text, and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def having(self, name: str) -> list[str]:
        return [found[name] for _, found in self.tags if found.get(name)]

    def cards(self) -> list[dict[str, str | None]]:
        return [found for tag, found in self.tags if tag == "article"]


def many(samples, number: int = 12, **changes):
    cards = tuple(samples.card(f"Plot_{index}", image=samples.simple(index)) for index in range(number))
    return replace(samples.good_run(), cards=cards, **changes)


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture(scope="module")
def published(tmp_path_factory, samples):
    """Return the view of a run with every kind of card, and its page."""
    view, site = samples.fast(samples.run_view()), tmp_path_factory.mktemp("site")
    return view, site / publish_run(site, view, full_images="all")


def test_every_card_of_the_view_is_on_the_page_once(published):
    view, path = published
    page = Reader(path.read_text(encoding="utf-8"))
    assert len(page.cards()) == len(view.cards)
    ids = page.having("id")
    assert len(ids) == len(set(ids))
    for card in view.cards:
        assert f"p-{card.plot_slug}" in ids


def test_every_link_leads_to_a_file(published):
    view, path = published
    page = Reader(path.read_text(encoding="utf-8"))
    later = {"index.html", "status.html", "library.html", "help.html", f"{view.run // 1000}-runs.js"}
    names = [name for key in ("href", "src") for name in page.having(key)]
    inside = [name for name in names if not name.startswith("#") and name.split("/")[-1].split("#")[0] not in later]
    assert any("sprite" in name for name in inside)
    assert any("maps/" in name for name in inside)
    for name in inside:
        assert (path.parent / name.split("#")[0]).resolve().is_file(), name
    assert {name[1:] for name in names if name.startswith("#") and name != "#main"} <= {*page.having("id")}


def test_a_published_revision_is_left_as_it_is(tmp_path, samples):
    view = many(samples)
    href = publish_run(tmp_path, view, full_images="all")
    before = state_of(tmp_path)
    changed = replace(view, notes=("something else",), cards=view.cards[:1])
    assert publish_run(tmp_path, changed, full_images="all") == href
    assert state_of(tmp_path) == before


def test_a_later_revision_touches_nothing_of_the_earlier_but_the_links(tmp_path, samples):
    view = many(samples)
    first = publish_run(tmp_path, view, full_images="all")
    before = state_of(tmp_path)
    second = publish_run(tmp_path, replace(view, revision=2), full_images="all")
    after = state_of(tmp_path)
    changed = {name.split("/")[-1] for name in before if before[name] != after[name]}
    assert changed == {"links.js", "index.html"}
    assert before[first] == after[first]
    links = (tmp_path / second).parents[1] / "links.js"
    assert '"revisions":[1,2]' in links.read_text(encoding="utf-8")
    assert "r2/index.html" in (links.parent / "index.html").read_text(encoding="utf-8")
    assert sum("/images/" in f"/{name}" for name in after) == len(view.cards)


def test_a_kill_before_the_rename_leaves_no_page_and_the_next_try_makes_it(tmp_path, samples):
    def killed() -> bytes:
        raise KeyboardInterrupt

    view = many(samples, 3)
    broken = replace(view, cards=(*view.cards[:2], replace(view.cards[2], image=killed)))
    with pytest.raises(KeyboardInterrupt):
        publish_run(tmp_path, broken, full_images="all")
    runs = tmp_path / pass_href(view.pass_name) / "runs" / str(view.run)
    assert list(runs.iterdir()) == []
    assert (tmp_path / publish_run(tmp_path, view, full_images="all")).is_file()


def test_an_image_that_the_archive_cannot_give_becomes_a_card_with_the_reason(tmp_path, samples):
    def damaged() -> bytes:
        raise DataError("block.h5: image 4 does not match its SHA-256", next_step="hydra fsck")

    cards = (samples.card("A", image=b"not an image"), replace(samples.card("B"), image=damaged), samples.card("C"))
    href = publish_run(tmp_path, replace(samples.good_run(), cards=cards), full_images="all")
    page = Reader((tmp_path / href).read_text(encoding="utf-8"))
    assert len(page.cards()) == 3
    assert "image 4 does not match its SHA-256" in page.text
    assert "the archived image cannot be read" in page.text


def test_what_is_missing_says_why(tmp_path, samples):
    cards = (samples.absent("A", "missing", "No file came."), samples.absent("B", "unreadable", "The PNG is cut off."))
    href = publish_run(tmp_path, replace(samples.good_run(), cards=cards), full_images="all")
    page = Reader((tmp_path / href).read_text(encoding="utf-8"))
    assert "No file came." in page.text
    assert "The PNG is cut off." in page.text
    assert not list((tmp_path / href).parent.glob("sprite*"))


def test_a_run_without_plots_has_a_page(tmp_path, samples):
    href = publish_run(tmp_path, replace(samples.good_run(), cards=()), full_images="all")
    html = (tmp_path / href).read_text(encoding="utf-8")
    assert "No plots came for this run." in html
    # Nothing to filter, and no filter to blame for it.
    assert re.search(r'<section class="tools js"[^>]* hidden>', html)
    assert re.search(r'<section class="gallery"[^>]* hidden>', html)


def test_a_run_with_plots_can_be_filtered(tmp_path, samples):
    href = publish_run(tmp_path, samples.good_run(), full_images="all")
    assert not re.search(r"<section [^>]* hidden>", (tmp_path / href).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("choice", "number"), [("all", 4), ("flagged", 1)])
def test_full_images_are_published_as_asked(tmp_path, samples, choice, number):
    view = many(samples, 4)
    cards = (replace(view.cards[0], severity=3, class_name="Bad"), *view.cards[1:])
    publish_run(tmp_path, replace(view, cards=cards), full_images=choice)
    assert len(list((tmp_path / "images").rglob("*.png"))) == number


def test_machines_read_the_same_as_people(published):
    view, path = published
    folder = path.parent
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    with (folder / "run.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(record["cards"]) == len(rows) == len(view.cards)
    assert [row["state"] for row in rows] == [one["state"] for one in record["cards"]]
    assert record["headline"].startswith("6 of 52 plot types need a look: CDC_occupancy since chunk 3, RF_timing")
    assert all((folder / heat["file"]).is_file() for one in record["cards"] for heat in one["maps"])


def test_an_unkind_name_is_text_and_nothing_else(tmp_path, samples):
    href = publish_run(tmp_path, samples.hostile_view(), full_images="all")
    text = (tmp_path / href).read_text(encoding="utf-8")
    page = Reader(text)
    assert samples.HOSTILE[0] in page.text
    assert samples.HOSTILE[1] in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\u202e" not in text
    assert "onerror" not in {name for _, found in page.tags for name in found}
    assert all("alert" not in source for source in page.having("src"))
    scripts = [found for tag, found in page.tags if tag == "script"]
    assert scripts
    assert all(found.get("src") for found in scripts)
    assert not any(name.lower().startswith("javascript:") for name in page.having("href"))
    with ((tmp_path / href).parent / "run.csv").open(encoding="utf-8", newline="") as stream:
        plots = [row["plot"] for row in csv.DictReader(stream)]
    assert "'=HYPERLINK(1)" in plots


@pytest.mark.parametrize("name", ["run.html", "index.html", "front.html", "status.html", "library.html", "help.html"])
def test_no_template_has_inline_style_or_script(name):
    from hydra_core.report.rendering import template_folder

    text = (template_folder() / name).read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|\|\s*safe", text)


def test_eighty_plots_stay_below_the_weight_of_a_page(tmp_path, samples):
    kinds = [samples.drawn(kind, 1) for kind in ("spectrum", "peak", "profile")]
    cards = tuple(samples.card(f"Plot_{number}", image=kinds[number % 3]) for number in range(80))
    view = replace(samples.good_run(), cards=cards)
    folder = (tmp_path / publish_run(tmp_path, view, full_images="flagged")).parent
    assets = next((tmp_path / "assets").iterdir())
    loaded = ["start.js", "page.js", "run.js"]
    weight = sum((assets / name).stat().st_size for name in loaded) + (folder / "index.html").stat().st_size
    weight += sum(path.stat().st_size for path in folder.glob("sprite*"))
    assert weight < 300_000


def test_a_page_explains_each_kind_of_heat_map_once(tmp_path, samples):
    image = samples.drawn("spectrum", 1)

    def page_with(run: int, *maps: HeatMap) -> str:
        cards = tuple(
            samples.card(f"Plot_{number}", state="unconfirmed", severity=2, image=image, maps=maps)
            for number in range(3)
        )
        view = replace(samples.good_run(), run=run, cards=cards)
        return (tmp_path / publish_run(tmp_path, view, full_images="flagged")).read_text(encoding="utf-8")

    values = np.eye(4, dtype=np.float32)
    good = page_with(1, HeatMap("Good", "cam", values))
    assert good.count("cannot tell where something may be wrong") == 1
    assert "shows more or less than plots labelled Good do" not in good
    both = page_with(2, HeatMap("Good", "residual", values), HeatMap("Bad", "cam", values))
    assert both.count("shows more or less than plots labelled Good do") == 1
    assert both.count("Coloured places speak for this class") == 1
    assert "heatwords" not in page_with(3)


def test_work_does_not_grow_with_the_number_of_runs(tmp_path, samples):
    view = many(samples, 2)

    def touched(run: int) -> int:
        before = state_of(tmp_path)
        publish_run(tmp_path, replace(view, run=run, run_name=str(run)), full_images="flagged")
        after = state_of(tmp_path)
        return sum(before.get(name) != found for name, found in after.items())

    touched(1)
    counts = {touched(run) for run in range(2, 12)}
    assert len(counts) == 1


def test_flagged_chunks_stand_together_and_others_keep_their_order(samples):
    from hydra_core.report.marks import shown
    from hydra_core.report.run_cards import CardPage, anchor

    view = samples.run_view()
    marks = [shown(card.state, card.class_name, view.classes) for card in view.cards]
    pages = [
        CardPage(card, anchor(card), mark, "", "", "", None, None, 4, 3, (), "-")
        for card, mark in zip(view.cards, marks, strict=True)
    ][::-1]
    first = needs_look(view, pages)[0]
    assert first.lead.card.chunk == 3
    assert [page.card.chunk for page in first.rest] == [4, 5, 6, 7, 8]
    stacks = [stack for section in gallery(pages) for stack in section.stacks]
    assert [page.card.chunk for page in stacks[0].cards] == list(range(9))
    assert stacks[0].summary == "9 chunks: 6 bad, 3 good"
    assert stacks[1].summary == "9 chunks, all good"
