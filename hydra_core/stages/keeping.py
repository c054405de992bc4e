"""Which images stay in the archive: a share drawn from each image's hash, and all that somebody may still need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from hydra_core.config.site import Site
from hydra_core.intake.block import Block, BlockItem
from hydra_core.judge.rules import LOOK
from hydra_core.store.items import ItemRow, VerdictRow
from hydra_core.store.kept import kept_images
from hydra_core.store.labelbook import labelled_hashes

#: Hexadecimal digits of a hash that make the draw: 52 bits, what a float holds exactly.
_DIGITS = 13


@dataclass(frozen=True)
class Needed:
    """Images, by hash, that nothing may delete whatever their verdict.

    Attributes
    ----------
    labelled, pinned, gold
        Somebody gave them a class, asked for them to be kept, or put them into a gold set.
    problems
        Classes that are a problem: their images stay also where there was no beam and nobody was called.
    """

    labelled: Collection[str] = frozenset()
    pinned: Collection[str] = frozenset()
    gold: Collection[str] = frozenset()
    problems: Collection[str] = frozenset()


def draw_of(sha256: str) -> float:
    """Return a number from 0 up to 1 that depends on an image's content alone, so that a draw can be repeated."""
    return int(sha256[:_DIGITS], 16) / 16.0**_DIGITS


def reason_to_keep(item: ItemRow, verdict: VerdictRow | None, needed: Needed) -> str:
    """Return why an image stays whatever share is kept, or an empty string for an ordinary one."""
    if verdict is None:
        return "not judged yet"
    if verdict.severity >= LOOK or verdict.state in ("unconfirmed", "novel"):
        return "it needs a look"
    if verdict.class_name in needed.problems:
        return f"judged {verdict.class_name}"
    if verdict.class_name is None:
        return "no model or rule has judged it"
    if item.sha256 in needed.labelled:
        return "labelled"
    if item.sha256 in needed.pinned:
        return "pinned"
    return "part of a gold set" if item.sha256 in needed.gold else ""


def is_kept(item: ItemRow, verdict: VerdictRow | None, needed: Needed, share: float) -> bool:
    """Say whether an image stays where a share (0 to 1) of ordinary images is kept."""
    if item.sha256 is None or bool(reason_to_keep(item, verdict, needed)):
        return True
    return draw_of(item.sha256) < share


def needed_of(connection: Connection, site: Site, items: Collection[ItemRow]) -> Needed:
    """Return which of these images somebody may still need."""
    hashes = {item.sha256 for item in items if item.sha256 is not None}
    kept = kept_images(connection, hashes)
    return Needed(
        labelled=labelled_hashes(connection, hashes),
        pinned={sha for sha, found in kept.items() if any(one.kind == "pin" for one in found)},
        gold={sha for sha, found in kept.items() if any(one.kind == "gold" for one in found)},
        problems={known.name for known in site.plots.classes if known.problem},
    )


def without(block: Block, tombstones: Mapping[int, str]) -> list[BlockItem]:
    """Return the items of a block, without the images of some (by number); bin contents stay.

    Parameters
    ----------
    tombstones
        Why the image goes, by number of the item.
    """
    items = []
    for number in range(len(block.items)):
        item = block.whole(number)
        if number in tombstones:
            item = replace(item, data=b"", packed=b"", tombstone=tombstones[number])
        items.append(item)
    return items
