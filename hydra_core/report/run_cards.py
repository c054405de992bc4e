"""What the run page draws for each verdict, and what it tells machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hydra_core.base.clock import iso
from hydra_core.base.errors import HydraError
from hydra_core.base.names import reading_order
from hydra_core.base.words import percent
from hydra_core.report.map_words import MapPage, map_pages
from hydra_core.report.marks import MARKS, RANK, Shown, shown
from hydra_core.report.paths import root_of
from hydra_core.report.pictures import SpriteSheet, Thumb, keep_full, read_picture, write_maps
from hydra_core.report.views import Card, RunView
from hydra_core.report.words import LOOK, by_plot, chunk_words, count, flagged_plots, verdict_sentence

#: With more cards than this, chunked plots with nothing flagged start folded.
FOLD_ABOVE = 200


@dataclass(frozen=True)
class CardPage:
    """A card with everything its HTML needs; paths are relative to the page."""

    card: Card
    anchor: str
    mark: Shown
    where: str
    sentence: str
    alt: str
    thumb: Thumb | None
    full: str | None
    width: int
    height: int
    maps: tuple[MapPage, ...]
    absence: str
    """Why there is no picture; empty when there is one."""

    @property
    def flagged(self) -> bool:
        """Whether the verdict asks a person to look."""
        return self.card.severity >= LOOK


@dataclass(frozen=True)
class NeedsLook:
    """A plot type that needs a look: its first flagged chunk in large, the others beside it in small."""

    anchor: str
    lead: CardPage
    rest: tuple[CardPage, ...]


@dataclass(frozen=True)
class Stack:
    """The chunks of one plot type in the gallery."""

    plot: str
    anchor: str | None
    summary: str
    cards: tuple[CardPage, ...]
    folded: bool


@dataclass(frozen=True)
class Section:
    """A group of plot types in the gallery: those drawn once, then those with chunks."""

    name: str
    singles: tuple[CardPage, ...]
    stacks: tuple[Stack, ...]


def anchor(card: Card) -> str:
    """Return the fragment that names a card on its page."""
    return f"c-{card.plot_slug}" + ("" if card.chunk is None else f"~{card.chunk}")


def _absence(card: Card) -> str:
    if card.tombstone:
        return card.tombstone
    return card.reasons[0] if card.reasons else verdict_sentence(card) or "There is no image in the archive."


def _alt(view: RunView, card: Card, word: str) -> str:
    where = "" if card.chunk is None else f" chunk {card.chunk}"
    sure = "" if card.confidence is None else f" {percent(card.confidence)}"
    return f"{card.plot}, run {view.run}{where}: {word}{sure}"


def build_cards(
    site: Path, folder: Path, href: str, view: RunView, full_images: Literal["all", "flagged"]
) -> tuple[list[CardPage], list[tuple[int, int]]]:
    """Write the pictures of a run revision; return its cards and the sizes of its sprites.

    An image that the archive cannot give becomes a card with the reason, never an error.
    """
    sheet, root, pages = SpriteSheet(folder), root_of(href), []
    for number, card in enumerate(view.cards):
        mark = shown(card.state, card.class_name, view.classes)
        thumb, full, absence = None, None, ""
        names: tuple[str, ...] = ()
        width, height = card.width or 4, card.height or 3
        if card.image is None:
            absence = _absence(card)
        else:
            try:
                picture = read_picture(card.image())
            except (HydraError, OSError) as error:
                absence = str(getattr(error, "cause", error))
            else:
                width, height = picture.width, picture.height
                thumb = sheet.add(picture.thumb)
                if (full_images == "all" or card.severity >= LOOK) and not card.tombstone:
                    full = root + keep_full(site, picture)
                names = write_maps(folder, number, card.maps)
        pages.append(
            CardPage(
                card=card,
                anchor=anchor(card),
                mark=mark,
                where=chunk_words(card.chunk),
                sentence=verdict_sentence(card),
                alt=_alt(view, card, mark.word),
                thumb=thumb,
                full=full,
                width=width,
                height=height,
                maps=map_pages(names, card, view.classes),
                absence=absence,
            )
        )
    sheet.close()
    return pages, sheet.sizes


def needs_look(view: RunView, pages: Sequence[CardPage]) -> tuple[NeedsLook, ...]:
    """Return the flagged cards, worst plot type first."""
    known = {id(page.card): page for page in pages}
    found = []
    for flagged, _ in flagged_plots(view):
        lead, *rest = (known[id(card)] for card in flagged)
        found.append(NeedsLook(f"p-{lead.card.plot_slug}", lead, tuple(rest)))
    return tuple(found)


def counts(pages: Sequence[CardPage]) -> tuple[tuple[str, str, int], ...]:
    """Return (mark, word, how many cards), worst first."""
    tally = Counter(page.mark.key for page in pages)
    return tuple((key, MARKS[key].word, tally[key]) for key in sorted(tally, key=RANK.__getitem__))


def _summary(cards: Sequence[CardPage]) -> str:
    tally = Counter(page.mark.word for page in cards)
    if len(tally) == 1:
        return f"{count(len(cards), 'chunk')}, all {cards[0].mark.word.lower()}"
    said = ", ".join(f"{number} {word.lower()}" for word, number in tally.most_common())
    return f"{count(len(cards), 'chunk')}: {said}"


def gallery(pages: Sequence[CardPage]) -> tuple[Section, ...]:
    """Return every plot in a fixed order: by group, then by name, chunks in order."""
    known = {id(page.card): page for page in pages}
    groups: dict[str, list[tuple[CardPage, ...]]] = {}
    for cards in by_plot(page.card for page in pages).values():
        groups.setdefault(cards[0].group, []).append(tuple(known[id(card)] for card in cards))
    return tuple(_sections(groups, fold=len(pages) > FOLD_ABOVE))


def _sections(groups: dict[str, list[tuple[CardPage, ...]]], *, fold: bool) -> Iterator[Section]:
    for name in sorted(groups, key=lambda text: (text == "", reading_order(text))):
        plots = sorted(groups[name], key=lambda cards: (reading_order(cards[0].card.plot), cards[0].card.plot_slug))
        stacks = []
        for cards in plots:
            if len(cards) == 1:
                continue
            flagged = any(page.flagged for page in cards)
            where = None if flagged else f"p-{cards[0].card.plot_slug}"
            stacks.append(Stack(cards[0].card.plot, where, _summary(cards), cards, fold and not flagged))
        yield Section(
            name or ("Other plots" if len(groups) > 1 else "All plots"),
            tuple(cards[0] for cards in plots if len(cards) == 1),
            tuple(stacks),
        )


CSV_HEADER = (
    "run", "revision", "plot", "chunk", "state", "class", "severity", "confidence", "threshold", "model", "made_at",
    "sha256", "source", "label", "reasons", "next_step",
)  # fmt: skip


def csv_row(view: RunView, card: Card) -> tuple[Any, ...]:
    """Return a card as a row of ``run.csv``."""
    return (
        view.run, view.revision, card.plot, card.chunk, card.state, card.class_name, card.severity, card.confidence,
        card.threshold, card.model, iso(card.made_at) if card.made_at else None, card.sha256, card.source, card.label,
        " ".join(card.reasons), card.next_step,
    )  # fmt: skip


def json_card(page: CardPage) -> dict[str, Any]:
    """Return a card as ``run.json`` tells it."""
    card = page.card
    return {
        "plot": card.plot,
        "slug": card.plot_slug,
        "chunk": card.chunk,
        "state": card.state,
        "class": card.class_name,
        "severity": card.severity,
        "confidence": card.confidence,
        "threshold": card.threshold,
        "probabilities": dict(card.probabilities),
        "reasons": card.reasons,
        "next_step": card.next_step,
        "made_at": iso(card.made_at) if card.made_at else None,
        "model": card.model,
        "sha256": card.sha256,
        "source": card.source,
        "label": card.label,
        "image": page.full,
        "absence": page.absence or None,
        "maps": [{"file": one.file, "says": one.title} for one in page.maps],
        "evidence": [
            {"judge": line.judge, "status": line.status, "sentence": line.sentence, "numbers": dict(line.numbers)}
            for line in card.evidence
        ],
    }
