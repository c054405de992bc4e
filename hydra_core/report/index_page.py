"""A pass at a glance: a shell that never changes, and small `.js` shards that do.

Only the blocks that a publication touches are rewritten, so that its cost does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra_core.base.clock import iso
from hydra_core.report.encode import csv_text, shard
from hydra_core.report.lock import site_lock
from hydra_core.report.marks import RANK, shown
from hydra_core.report.paths import BLOCK_SIZE, pass_href, run_href
from hydra_core.report.rendering import render, write_if_changed
from hydra_core.report.site_views import FrontView
from hydra_core.report.views import IncidentView, IndexView, RunRow
from hydra_core.report.words import anything_judged, incident_says, index_figures, index_headline

_CSV_HEADER = ("run", "name", "revision", "made_at", "images", "flagged", "unreadable", "severity", "page")


def _block(view: IndexView, number: int, rows: Sequence[RunRow]) -> dict[str, Any]:
    """Return a block as columns: every distinct cell is written once, a run is a list of numbers into that table."""
    slugs = [column.slug for column in view.columns]
    known = set(slugs)
    slugs += sorted({cell.plot_slug for row in rows for cell in row.cells} - known)
    place = {slug: position for position, slug in enumerate(slugs)}
    kinds: dict[tuple[Any, ...], int] = {}
    runs = []
    for row in rows:
        line = [-1] * len(slugs)
        for cell in row.cells:
            mark = shown(cell.state, cell.class_name, view.classes)
            kind = (mark.key, mark.word, mark.colour, cell.severity, cell.flagged, cell.total)
            line[place[cell.plot_slug]] = kinds.setdefault(kind, len(kinds))
        runs.append(
            [row.run, row.run_name, row.revision, iso(row.made_at), row.images, row.flagged, row.unreadable,
             row.severity, row.href, row.conditions, line]
        )  # fmt: skip
    return {"block": number, "slugs": slugs, "kinds": list(kinds), "runs": runs}


def _calm_mark(view: IndexView) -> str:
    if view.without_plots:
        return "missing"
    return "good" if anything_judged(cell.state for row in view.rows for cell in row.cells) else "undetermined"


def _runs_of(pass_name: str, one: IncidentView) -> list[tuple[str, str]]:
    """Return what an incident links: its first and its last run, or its only one."""
    ends = {one.first_run: f"first: run {one.first_run}", one.last_run: f"last: run {one.last_run}"}
    if len(ends) == 1:
        ends = {one.first_run: f"run {one.first_run}"}
    return [(says, f"{run_href(pass_name, run)}/index.html#p-{one.plot_slug}") for run, says in ends.items()]


def _latest(view: IndexView) -> dict[str, Any]:
    told = []
    for one in view.incidents:
        mark = shown(one.state, one.class_name, view.classes)
        told.append(
            {"mark": mark.key, "word": mark.word, "colour": mark.colour, "plot": one.plot, "slug": one.plot_slug,
             "open": one.open, "says": incident_says(one), "runs": _runs_of(view.pass_name, one)}
        )  # fmt: skip
    worst = next((one for one in told if one["open"]), None)
    return {
        "pass": view.pass_name,
        "experiment": view.experiment,
        "updated_at": iso(view.updated_at),
        "expected_every_s": view.expected_every_s,
        "headline": index_headline(view),
        "figures": index_figures(view),
        "mark": worst["mark"] if worst else _calm_mark(view),
        "colour": worst["colour"] if worst else None,
        "incidents": told,
        "columns": [
            {"slug": one.slug, "name": one.name, "group": one.group, "contact": one.contact, "says": one.description}
            for one in view.columns
        ],
        "blocks": sorted(view.blocks),
    }


def publish_index(site: Path, view: IndexView) -> str:
    """Write the page of a pass, and of its shards those that hold the rows of `view`.

    Parameters
    ----------
    site
        Root of the static site.
    view
        The pass; for every block that is to be rewritten, `rows` holds all rows of that block.

    Returns
    -------
    str
        Path of the page relative to `site`.
    """
    href = pass_href(view.pass_name)
    folder = site / href
    blocks: dict[int, list[RunRow]] = {}
    for row in sorted(view.rows, key=lambda row: row.run):
        blocks.setdefault(row.run // BLOCK_SIZE, []).append(row)
    html = render(site, "index.html", href, view=view, ranks=list(RANK))
    with site_lock(site):
        for number, rows in blocks.items():
            write_if_changed(folder / "blocks" / f"{number}.js", shard("block", _block(view, number, rows)))
            brief = [[row.run, row.href, row.severity, row.flagged, row.run_name] for row in rows]
            write_if_changed(folder / "blocks" / f"{number}-runs.js", shard("runs", {"block": number, "runs": brief}))
            lines = (
                (row.run, row.run_name, row.revision, iso(row.made_at), row.images, row.flagged, row.unreadable,
                 row.severity, row.href)
                for row in rows
            )  # fmt: skip
            write_if_changed(folder / "blocks" / f"{number}.csv", csv_text(_CSV_HEADER, lines))
        write_if_changed(folder / "latest.js", shard("latest", _latest(view)))
        write_if_changed(folder / "index.html", html)
    return f"{href}/index.html"


def publish_front(site: Path, view: FrontView) -> str:
    """Write the front page: the list of passes; their headlines come from the ``latest.js`` of each.

    Returns
    -------
    str
        Path of the page relative to `site`.
    """
    html = render(site, "front.html", "", view=view)
    passes = [
        {"name": one.name, "state": one.state, "runs": one.runs_published, "href": pass_href(one.name)}
        for one in view.passes
    ]
    with site_lock(site):
        write_if_changed(site / "passes.js", shard("passes", {"updated_at": iso(view.updated_at), "passes": passes}))
        write_if_changed(site / "index.html", html)
    return "index.html"
