"""What the published page of a run revision tells a machine of how it was judged: read when the database is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra_core.base.errors import DataError
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.report.paths import revision_href

#: (slug of the plot type, chunk): what names a card of a page.
Place = tuple[str, int | None]
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class PageFacts:
    """What stands on a page.

    Attributes
    ----------
    judged_at, published_at
        When its verdicts were made (to the second), and when it was written.
    judging_set
        Number of the set that judged it; 0 where it does not say.
    models
        Name of a model -> slug of its plot type.
    thresholds
        (model, class) -> least confidence that was asked for.
    """

    judged_at: datetime
    published_at: datetime
    judging_set: int
    models: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[tuple[str, str], float] = field(default_factory=dict)


def place_of(plot: PlotKey, chunk: int | None) -> Place:
    """Return what names the card of an item."""
    return plot.slug, chunk


def page_facts(site: Site, pass_name: str, run: int, revision: int) -> PageFacts | None:
    """Read the page of a revision; None where it was never published.

    Raises
    ------
    DataError
        When there is a page, and it cannot be read.
    """
    path = _record(site, pass_name, run, revision)
    if not path.parent.is_dir():
        return None
    try:
        if not (path.parent / "index.html").is_file():
            raise ValueError("index.html is missing")
        written = datetime.fromtimestamp(path.stat().st_mtime_ns // 1_000_000 / 1000, UTC)
        return _facts(json.loads(path.read_text(encoding="utf-8")), written)
    except _UNREADABLE as error:
        raise DataError(
            f"{path} of its page cannot be read: {error}", next_step="take the folder from the backup"
        ) from error


def page_cards(site: Site, pass_name: str, run: int, revision: int) -> dict[Place, Mapping[str, Any]]:
    """Return the cards of a page as it tells them to machines; none where it cannot be read."""
    try:
        record = json.loads(_record(site, pass_name, run, revision).read_text(encoding="utf-8"))
        return {(str(card["slug"]), card["chunk"]): card for card in record["cards"]}
    except _UNREADABLE:
        return {}


def _record(site: Site, pass_name: str, run: int, revision: int) -> Path:
    return site.site_pages / revision_href(pass_name, run, revision) / "run.json"


def _facts(record: Mapping[str, Any], written: datetime) -> PageFacts:
    models: dict[str, str] = {}
    thresholds: dict[tuple[str, str], float] = {}
    for card in record["cards"]:
        if card["model"] is not None:
            models[str(card["model"])] = str(card["slug"])
            if card["class"] is not None and card["threshold"] is not None:
                thresholds[str(card["model"]), str(card["class"])] = float(card["threshold"])
    judged = datetime.fromisoformat(str(record["made_at"]))
    if judged.tzinfo is None:
        raise ValueError("its time has no zone")
    number = record["judging_set"]
    return PageFacts(judged, written, number if type(number) is int else 0, models, thresholds)
