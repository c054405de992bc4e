"""The first line of every page: what is wrong now, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from hydra_core.base.words import sentence_of
from hydra_core.report.marks import RANK, shown
from hydra_core.report.paths import BLOCK_SIZE
from hydra_core.report.views import Card, ClassStyle, EvidenceLine, IncidentView, IndexView, RunView

#: A piece of a sentence: ours, or a name from outside, which pages keep apart (`<bdi>`).
Part = tuple[Literal["text", "name"], str]

#: From this severity on a verdict asks a person to look.
LOOK = 2
_NAMED = 3


def count(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 plot`` or ``2 plots``; thousands are set apart by a thin space."""
    grouped = f"{number:,}".replace(",", "\u202f")
    return f"{grouped} {one if number == 1 else many or one + 's'}"


def when(instant: datetime) -> str:
    """Return an instant as pages print it: ``2026-11-21 20:04:49 UTC``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def size_words(number: int) -> str:
    """Return a number of bytes for people: ``3.4 GB``."""
    value, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{number} B" if unit == "B" else f"{value:.1f} {unit}"


def listing(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plain_text(parts: Iterable[Part]) -> str:
    """Return a sentence as one string."""
    return "".join(text for _, text in parts)


def chunk_words(chunk: int | None) -> str:
    """Return ``chunk 3``, or ``whole run`` for a plot drawn once a run."""
    return "whole run" if chunk is None else f"chunk {chunk}"


def chunks_phrase(flagged: Sequence[int], present: Sequence[int]) -> str:
    """Return where in the run a plot is flagged: ``since chunk 3``, ``in chunk 4``, ``in 3 of 9 chunks``.

    Empty when every chunk of the plot is flagged, or the plot has none.
    """
    if not flagged or len(flagged) == len(present):
        return ""
    if len(flagged) == 1:
        last = flagged[0] == present[-1]
        return f"in the last chunk, {flagged[0]}" if last else f"in chunk {flagged[0]}"
    start = present.index(flagged[0])
    solid = list(present[start : start + len(flagged)]) == list(flagged)
    if solid and flagged[-1] == present[-1]:
        return f"since chunk {flagged[0]}"
    if solid and len(flagged) > 2:
        return f"in chunks {flagged[0]} to {flagged[-1]}"
    if len(flagged) <= _NAMED:
        return f"in chunks {listing([str(chunk) for chunk in flagged])}"
    return f"in {len(flagged)} of {len(present)} chunks"


def worst_key(card: Card, classes: Sequence[ClassStyle]) -> tuple[int, int, float, str]:
    """Return what cards are ordered by, worst first."""
    mark = shown(card.state, card.class_name, classes)
    return (-card.severity, RANK[mark.key], -(card.confidence or 0.0), card.plot_slug)


def by_plot(cards: Iterable[Card]) -> dict[str, list[Card]]:
    """Return the cards of each plot type (by slug), chunks in order."""
    groups: dict[str, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.plot_slug, []).append(card)
    for group in groups.values():
        group.sort(key=lambda card: -1 if card.chunk is None else card.chunk)
    return groups


def flagged_plots(view: RunView) -> list[tuple[list[Card], list[Card]]]:
    """Return (flagged cards, all cards) of every plot type that needs a look, worst first."""
    found = []
    for group in by_plot(view.cards).values():
        flagged = [card for card in group if card.severity >= LOOK]
        if flagged:
            found.append((flagged, group))
    return sorted(found, key=lambda pair: min(worst_key(card, view.classes) for card in pair[0]))


def _trouble(card: Card) -> str:
    return card.class_name or card.state


def _named(items: Sequence[tuple[str, str]]) -> list[Part]:
    parts: list[Part] = []
    for position, (name, where) in enumerate(items[:_NAMED]):
        if position:
            last = position == len(items) - 1
            parts.append(("text", " and " if last else ", "))
        parts.append(("name", name))
        if where:
            parts.append(("text", f" {where}"))
    if len(items) > _NAMED:
        parts.append(("text", f" and {len(items) - _NAMED} more"))
    parts.append(("text", "."))
    return parts


def run_headline(view: RunView) -> tuple[Part, ...]:
    """Return what is wrong in a run, as in "2 of 80 plot types need a look: CDC occupancy since chunk 3, RF timing"."""
    total = len({card.plot_slug for card in view.cards})
    if not total:
        return (("text", "No plots came for this run."),)
    flagged = flagged_plots(view)
    if flagged:
        verb = "needs" if len(flagged) == 1 else "need"
        items = []
        for cards, group in flagged:
            worst = min(cards, key=lambda card: worst_key(card, view.classes))
            # Where the trouble that names the plot is: others of its chunks may only be unsure, or say something else.
            same = [card for card in cards if _trouble(card) == _trouble(worst)]
            chunks = [card.chunk for card in same if card.chunk is not None]
            present = [card.chunk for card in group if card.chunk is not None]
            items.append((cards[0].plot, chunks_phrase(chunks, present)))
        return (("text", f"{len(flagged)} of {count(total, 'plot type')} {verb} a look: "), *_named(items))
    keys = [{shown(c.state, c.class_name, view.classes).key for c in group} for group in by_plot(view.cards).values()]
    fine = sum(key <= {"good", "acceptable"} for key in keys)
    only = view.cards[0].plot
    if fine == total:
        if total == 1:
            return (("name", only), ("text", " looks as it should."))
        return (("text", f"All {total} plot types look as they should."),)
    if all(key <= {"no_beam"} for key in keys):
        return (("text", "No beam: nothing is judged."),)
    unjudged = sum(key == {"undetermined"} for key in keys)
    if unjudged == total:
        these: Part = ("text", f"these {count(total, 'plot type')}") if total > 1 else ("name", only)
        return (("text", "Nobody has judged "), these, ("text", ": no model yet."))
    looks = "looks as it" if fine == 1 else "look as they"
    parts = [f"{fine} of {count(total, 'plot type')} {looks} should"] if fine else []
    if unjudged:
        parts.append(f"{count(unjudged, 'plot type has', 'plot types have')} no model yet")
    return (("text", f"Nothing needs a look{': ' if parts else ''}{', '.join(parts)}."),)


def incident_says(incident: IncidentView) -> str:
    """Return the sentence of an incident without the name of its plot, which stands beside it."""
    says = incident.sentence.removeprefix(f"{incident.plot}: ")
    return says[:1].upper() + says[1:]


def anything_judged(states: Iterable[str]) -> bool:
    """Whether any of these states says something of a plot; without a model or without beam nothing is said."""
    return any(state not in ("undetermined", "no_beam") for state in states)


def index_headline(view: IndexView) -> tuple[Part, ...]:
    """Return what is wrong in a pass now: each plot type with an open incident by its name, once."""
    names = list(dict.fromkeys(one.plot for one in view.incidents if one.open))
    if names:
        verb = "needs" if len(names) == 1 else "need"
        named = _named([(name, "") for name in names])
        return (("text", f"{count(len(names), 'plot type')} {verb} a look now: "), *named)
    if not view.blocks:
        return (("text", "No run has been published yet."),)
    if view.without_plots:
        verb = "needs" if len(view.without_plots) == 1 else "need"
        return (("text", f"{count(len(view.without_plots), 'run')} {verb} a look: {_without_plots(view)}."),)
    if view.incidents:
        over = count(len(view.incidents), "incident is", "incidents are")
        return (("text", f"Nothing needs a look now: {over} over."),)
    if not anything_judged(cell.state for row in view.rows for cell in row.cells):
        return (("text", "Nobody has judged these runs: no plot type has a model yet."),)
    return (("text", "Nothing needs a look."),)


def index_figures(view: IndexView) -> tuple[str, ...]:
    """Return the numbers below the headline of a pass: incidents, runs without plots, plot types without a model."""
    said = []
    opened = sum(one.open for one in view.incidents)
    if opened:
        over = len(view.incidents) - opened
        said.append(f"{count(opened, 'incident')} open" + (f", {over} over" if over else ""))
        if view.without_plots:
            said.append(_without_plots(view).capitalize())
    newest = _newest_run(view)
    cells = [cell for row in view.rows if row.run == newest for cell in row.cells]
    unjudged = sum(cell.state == "undetermined" and cell.severity < LOOK for cell in cells)
    # Where no model judged anything the headline says so already.
    if unjudged and anything_judged(cell.state for cell in cells):
        said.append(count(unjudged, "plot type has no model yet", "plot types have no model yet"))
    return tuple(said)


def _without_plots(view: IndexView) -> str:
    runs = [str(run) for run in view.without_plots[:_NAMED]]
    more = len(view.without_plots) - len(runs)
    named = listing([*runs, *([f"{more} more"] if more else [])])
    return f"no plots came for {'run' if len(view.without_plots) == 1 else 'runs'} {named}"


def _newest_run(view: IndexView) -> int | None:
    if view.newest_run is not None:
        return view.newest_run
    return max((row.run for row in view.rows if row.run // BLOCK_SIZE == max(view.blocks)), default=None)


def verdict_sentence(card: Card) -> str:
    """Return what Hydra says of one card beyond its word, without the words of machine learning."""
    name = card.class_name or "another class"
    return {
        "confirmed": "",
        "unconfirmed": f"Most like {name}, but not sure enough.",
        "novel": "Unlike anything seen before.",
        "no_data": "The plot is empty.",
        "no_beam": "Not judged: there was no beam.",
        "special_run": f"Special run: {name}." if card.class_name else "Special run.",
        "stuck": "The image has not changed since the chunk before.",
        "missing": "Expected, but no image came.",
        "unreadable": "The file cannot be read as an image.",
        "undetermined": "There is not enough to judge it by yet.",
    }[card.state]


def tested_words(tested: tuple[int, int] | None) -> str:
    """Return how often a model was right in its test: ``right in 104 of 122 test images``; nothing without a test."""
    return "" if tested is None else f"right in {tested[0]} of {count(tested[1], 'test image')}"


#: What judges answer, as a heading; others go by their own names.
_ASKED = {"content": "Is it empty?", "classifier": "Which class?", "standing": "Is it accepted?"}


def evidence_says(line: EvidenceLine) -> tuple[str, str]:
    """Return the question that a judge answers, and its answer as a sentence; its numbers are left to machines."""
    return _ASKED.get(line.judge, line.judge), sentence_of(line.sentence)
