"""The pages beside the passes: how Hydra is doing, its models, and Help."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from hydra_core.report.charts import CELL_HEIGHT, CELL_WIDTH, bars, confidences, lines, reliability
from hydra_core.report.lock import site_lock
from hydra_core.report.rendering import render, write_if_changed
from hydra_core.report.site_views import LibraryView, ModelView, NewTypeView, StatusView
from hydra_core.report.training_report_page import report_href
from hydra_core.report.words import count, listing, size_words


def _write(site: Path, name: str, html: str) -> str:
    with site_lock(site):
        write_if_changed(site / name, html)
    return name


def status_headline(view: StatusView) -> str:
    """Return how Hydra is doing, in words."""
    behind = [(name, wanted - done) for name, _, wanted, done in view.passes if wanted > done]
    total = sum(number for _, number in behind)
    if total:
        where = f" of {behind[0][0]}" if len(behind) == 1 else ""
        each = f": {listing([f'{number} of {name}' for name, number in behind])}" if len(behind) > 1 else ""
        return f"{count(total, 'run')}{where} {'waits' if total == 1 else 'wait'} to be published{each}."
    if view.unmatched:
        return f"Every run is published, but no rule took {count(len(view.unmatched), 'file')}."
    return "Every run is published."


def _decisions(one: NewTypeView) -> dict[str, Any]:
    """Return a new plot type with the commands that decide about it, ready for a shell."""
    # What begins like an option is none behind two dashes.
    name = f"{'-- ' if one.name.startswith('-') else ''}{shlex.quote(one.name)}"
    ways = (f"accept {name}", f"ignore {name}", f"rename {name} NEW_NAME")
    return {"it": one, "commands": [f"hydra plots {way}" for way in ways]}


def publish_status(site: Path, view: StatusView) -> str:
    """Write ``status.html``; return its path relative to `site`."""
    html = render(
        site,
        "status.html",
        "",
        view=view,
        headline=status_headline(view),
        calm=all(wanted <= done for _, _, wanted, done in view.passes),
        days=bars(view.images_per_day),
        sizes=[(what, size_words(number)) for what, number in view.sizes],
        new_types=[_decisions(one) for one in view.new_types],
    )
    return _write(site, "status.html", html)


def library_headline(view: LibraryView) -> str:
    """Return what there is and what is missing, in words."""
    live = len({model.plot_slug for model in view.models if model.status == "live"})
    said = f"{count(live, 'plot type')} {'has' if live == 1 else 'have'} a live model"
    if view.without:
        lacking = len(view.without)
        return f"{said}; {lacking} {'has' if lacking == 1 else 'have'} none yet."
    return f"{said}."


def _model(site: Path, model: ModelView) -> dict[str, Any]:
    report = f"{report_href(model.plot_slug, model.name)}/index.html"
    playground = f"playground/{model.plot_slug}/index.html"
    epochs = [float(point[0]) for point in model.curve]
    return {
        "it": model,
        "report": report if (site / report).exists() else "",
        "playground": playground if (site / playground).exists() else "",
        "loss": lines(epochs, [[point[1] for point in model.curve], [point[2] for point in model.curve]]),
        "accuracy": lines(epochs, [[point[3] for point in model.curve]]),
        "tested": sum(sum(row) for row in model.confusion),
        "cells": confidences(model.confidences),
        "cell_size": (CELL_WIDTH, CELL_HEIGHT),
        "needs": {name: round(value * CELL_WIDTH, 1) for name, value, *_ in model.thresholds},
        "trust": reliability(model.reliability),
    }


def publish_library(site: Path, view: LibraryView) -> str:
    """Write ``library.html``: every model with what it was tested on; return its path relative to `site`."""
    html = render(
        site,
        "library.html",
        "",
        view=view,
        headline=library_headline(view),
        models=[_model(site, model) for model in view.models],
    )
    return _write(site, "library.html", html)


def publish_help(site: Path) -> str:
    """Write ``help.html``: every state, its shape, what it means and what to do; return its path."""
    return _write(site, "help.html", render(site, "help.html", ""))
