"""What a heat map shows, in words, and how far it is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra_core.report.marks import shown
from hydra_core.report.views import Card, ClassStyle, HeatMap
from hydra_core.report.words import tested_words

#: On planted faults (docs/results/heatmaps.md) the maps of a model that was right less often than this in its test
#: mostly missed the fault, and those of better models mostly hit it.
_LEARNED_WELL = 0.9
#: Fewer test images than this tell too little of how well a model learned.
_ENOUGH = 50


@dataclass(frozen=True)
class MapPage:
    """A heat map of a card: its file relative to the page, what it shows, and which of the page's explanations holds.

    `says` is a key of `MAP_SAYS`; `tested` stands for ``{tested}`` in what it says.
    """

    file: str
    title: str
    says: str
    tested: str = ""


_RATHER = "Coloured places speak for this class rather than for Good, as the model sees it. "
_ALONE = "Coloured places speak for this class, as the model sees it, and some of them are sound places. "
_TRUST = {
    "learned": "The model was {tested}, so its reasons are worth a look; it may still look elsewhere than you would.",
    "weak": "Do not rely on it: the model was only {tested}, and the maps of such models mostly miss the fault.",
    "few": "Take it with care: the model was {tested}, too few to tell how well it learned, and it may miss the fault.",
    "untested": "Take it with care: the model was never tested, and its map may miss the fault.",
}

#: What the colours of a heat map mean; a page holds each sentence once.
MAP_SAYS = {
    "residual": "Coloured is where the plot shows more or less than plots labelled Good do. Trust this map first: it "
    "hits nearly every planted fault. No model is asked, so it knows neither class nor reason.",
    **{f"contrast-{worth}": _RATHER + trust for worth, trust in _TRUST.items()},
    **{f"cam-{worth}": _ALONE + trust for worth, trust in _TRUST.items()},
    "fine": "Coloured places speak for the plot being fine. It cannot tell where something may be wrong, nor why the "
    "model is not sure.",
    "active": "Coloured places are where the model is active. They speak neither for nor against a class.",
}


def map_pages(files: Sequence[str], card: Card, classes: Sequence[ClassStyle]) -> tuple[MapPage, ...]:
    """Return the heat maps of a card, as the page shows them; there may be no files for them."""
    return tuple(_map_page(name, heat, card.tested, classes) for name, heat in zip(files, card.maps, strict=False))


def _map_page(name: str, heat: HeatMap, tested: tuple[int, int] | None, classes: Sequence[ClassStyle]) -> MapPage:
    says = map_says(heat, tested, classes)
    return MapPage(name, map_title(heat), says, tested_words(tested) if "{tested}" in MAP_SAYS[says] else "")


def map_title(heat: HeatMap) -> str:
    """Return in words what a heat map shows."""
    if heat.kind == "contrast":
        return f"why the model says {heat.class_name} rather than Good"
    if heat.kind == "residual":
        return "where it differs from good runs"
    if heat.kind == "active":
        return "where the model is active, whatever the class"
    return f"why the model says {heat.class_name}"


def map_says(heat: HeatMap, tested: tuple[int, int] | None, classes: Sequence[ClassStyle]) -> str:
    """Return the key of `MAP_SAYS` that explains a heat map, by how often its model was right in its test.

    A class map of a fine class cannot point at a fault.
    """
    if heat.kind not in ("contrast", "cam"):
        return heat.kind
    if heat.kind == "cam" and shown("confirmed", heat.class_name, classes).key in ("good", "acceptable"):
        return "fine"
    return f"{heat.kind}-{_worth(tested)}"


def _worth(tested: tuple[int, int] | None) -> str:
    if tested is None or not tested[1]:
        return "untested"
    right, images = tested
    if right < _LEARNED_WELL * images:
        return "weak"
    return "learned" if images >= _ENOUGH else "few"
