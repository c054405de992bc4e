"""The page of a run revision: written once, never touched again; what changes later is in `links.js` beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from hydra_core.base.clock import iso
from hydra_core.base.files import TEMP_PREFIX, atomic_folder
from hydra_core.report.encode import csv_text, json_text, shard
from hydra_core.report.lock import site_lock
from hydra_core.report.map_words import MAP_SAYS
from hydra_core.report.marks import shown
from hydra_core.report.paths import BLOCK_SIZE, pass_href, revision_href, root_of, run_href
from hydra_core.report.rendering import render, write_if_changed
from hydra_core.report.run_cards import CSV_HEADER, build_cards, counts, csv_row, gallery, json_card, needs_look
from hydra_core.report.views import RunView
from hydra_core.report.words import anything_judged, incident_says, plain_text, run_headline

_REVISION = re.compile(r"r(\d+)\Z")


def _write_revision(site: Path, folder: Path, view: RunView, full_images: Literal["all", "flagged"]) -> None:
    href = revision_href(view.pass_name, view.run, view.revision)
    pages, sprites = build_cards(site, folder, href, view, full_images)
    headline = run_headline(view)
    html = render(
        site,
        "run.html",
        href,
        view=view,
        headline=headline,
        title=plain_text(headline),
        needs=needs_look(view, pages),
        sections=gallery(pages),
        counts=counts(pages),
        map_says={one.says: MAP_SAYS[one.says] for page in pages for one in page.maps},
        total=len(pages),
        judged=anything_judged(card.state for card in view.cards),
        sprites=sprites,
        incidents=[(shown(one.state, one.class_name, view.classes), one, incident_says(one)) for one in view.incidents],
        here=root_of(href) + pass_href(view.pass_name),
        block=view.run // BLOCK_SIZE,
    )
    (folder / "index.html").write_text(html, encoding="utf-8")
    record = {
        "pass": view.pass_name,
        "run": view.run,
        "run_name": view.run_name,
        "revision": view.revision,
        "experiment": view.experiment,
        "made_at": iso(view.made_at),
        "headline": plain_text(headline),
        "conditions": dict(view.conditions),
        "judging_set": view.judging_set,
        "code_version": view.code_version,
        "task": view.task,
        "archive": view.archive,
        "notes": view.notes,
        "cards": [json_card(page) for page in pages],
    }
    (folder / "run.json").write_text(json_text(record), encoding="utf-8")
    rows = (csv_row(view, card) for card in view.cards)
    (folder / "run.csv").write_text(csv_text(CSV_HEADER, rows), encoding="utf-8")


def _write_links(site: Path, view: RunView) -> None:
    href = run_href(view.pass_name, view.run)
    folder = site / href
    found = (_REVISION.match(path.name) for path in folder.iterdir() if not path.name.startswith(TEMP_PREFIX))
    revisions = sorted(int(match[1]) for match in found if match)
    write_if_changed(folder / "links.js", shard("links", {"run": view.run, "revisions": revisions}))
    html = render(site, "newest.html", href, view=view, newest=revisions[-1])
    write_if_changed(folder / "index.html", html)


def publish_run(site: Path, view: RunView, *, full_images: Literal["all", "flagged"]) -> str:
    """Write the page of a run revision, once.

    A revision that was published is left as it is; only the links between revisions are looked after. Images are
    written before the page that shows them, and the page appears by one rename.

    Parameters
    ----------
    site
        Root of the static site.
    view
        The run revision.
    full_images
        Which cards get their full image beside the thumbnail: ``all``, or only those that need a look.

    Returns
    -------
    str
        Path of the page relative to `site`.
    """
    href = revision_href(view.pass_name, view.run, view.revision)
    target = site / href
    if not target.is_dir():
        try:
            with atomic_folder(target) as folder:
                _write_revision(site, folder, view, full_images)
        except OSError:
            # Another writer of the same revision may have come first; then its folder is as good as ours.
            if not target.is_dir():
                raise
    with site_lock(site):
        _write_links(site, view)
    return f"{href}/index.html"
