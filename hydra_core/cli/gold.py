"""``hydra gold``: the images of each plot type that no model learns from, and by which all are compared."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.base.plot_names import find_one
from hydra_core.base.words import counted
from hydra_core.cli.named_image import named_image
from hydra_core.cli.output import table
from hydra_core.config.site import Site
from hydra_core.labels.request import write_gold
from hydra_core.labels.send import send, sender
from hydra_core.stages.context import open_site
from hydra_core.stages.gold import propose_gold, taught_and_gold, why_not_more
from hydra_core.store.kept import kept_images
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.ledger import all_passes
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import learned_images
from hydra_core.store.schema import ONCE_A_RUN
from hydra_core.store.session import reading


@dataclass(frozen=True)
class _Set:
    """A plot type with its labelled images."""

    site: Site
    engine: Engine
    plot: PlotKey
    plot_type_id: int
    taught: Sequence[LabelledImage]
    gold: Sequence[LabelledImage]


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    gold = commands.add_parser("gold", help="the images by which all models of a plot type are compared")
    actions = gold.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add labelled images to the gold set of their plot type")
    add.set_defaults(command=_add)
    remove = actions.add_parser("remove", help="take images out of the gold set of their plot type")
    remove.set_defaults(command=_remove)
    for action in (add, remove):
        action.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, NAME:chunks or NAME:run")
        action.add_argument("images", metavar="IMAGE", nargs="+", help="SHA-256 of the image, or its first 8 digits")
        action.add_argument("--why", default="", help="why; needed, and kept")
        action.add_argument("--who", help="who asks for it (default: the account)")
    listing = actions.add_parser("list", help="list the gold images of one plot type, or of all")
    listing.add_argument("plot_type", metavar="PLOT_TYPE", nargs="?", help="all where not given")
    listing.set_defaults(command=_list)
    propose = actions.add_parser("propose", help="propose images that no model has learned from")
    propose.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, NAME:chunks or NAME:run")
    propose.add_argument("--count", type=int, default=60, help="images that the set is to have (default: 60)")
    propose.add_argument("--take", action="store_true", help="add what is proposed")
    propose.add_argument("--who", help="who asks for it (default: the account)")
    propose.set_defaults(command=_propose)


def _add(given: argparse.Namespace) -> int:
    return _change(given, action="add")


def _remove(given: argparse.Namespace) -> int:
    return _change(given, action="remove")


def _change(given: argparse.Namespace, *, action: str) -> int:
    if not given.why.strip():
        raise HydraError("a gold set changes only with a reason", next_step="say it with --why TEXT")
    held = _open(given.site, given.plot_type)
    images = [_named(text, held, action=action) for text in given.images]
    return _send(held, images, given.who, action=action, why=given.why)


def _list(given: argparse.Namespace) -> int:
    _, engine = open_site(given.site)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        passes = {row.id: row.name for row in all_passes(connection)}
        wanted = [find_one(given.plot_type, known)] if given.plot_type else sorted(known)
        rows = []
        for plot in wanted:
            _, gold = taught_and_gold(connection, known[plot])
            why = kept_images(connection, [image.image_sha for image in gold])
            for image in gold:
                (kept,) = [one for one in why[image.image_sha] if one.kind == "gold"]
                place = _place(image, passes)
                since = f"{kept.kept_at:%Y-%m-%d}"
                rows.append((str(plot), image.image_sha[:12], image.class_name, place, kept.who, since, kept.why))
    if not rows:
        print("there is no gold image")
        return 0
    print(table(("plot type", "image", "class", "place", "who", "since", "why"), rows))
    return 0


def _propose(given: argparse.Namespace) -> int:
    held = _open(given.site, given.plot_type)
    with reading(held.engine) as connection:
        used = learned_images(connection, held.plot_type_id)
        passes = {row.id: row.name for row in all_passes(connection)}
    found = propose_gold(held.taught, held.gold, used, given.count)
    room = given.count - len(held.gold)
    if not found:
        why, step = _nothing(held, used, room)
        raise HydraError(f"no image of {held.plot} can be proposed: {why}", next_step=step)
    rows = [(one.image_sha[:12], one.class_name, _place(one, passes)) for one in found]
    print(table(("image", "class", "place"), rows))
    counts = Counter(one.class_name for one in [*held.gold, *found])
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"with them the gold set has {counted(len(held.gold) + len(found), 'image')}: {told}")
    if len(found) < room:
        print(f"{len(found)} of {room} asked for can be proposed: {why_not_more(held.taught, found, used)}")
    if not given.take:
        print("--take adds them")
        return 0
    return _send(held, [one.image_sha for one in found], given.who, action="add", why="proposed by hydra gold propose")


def _open(folder: str | None, plot_type: str) -> _Set:
    site, engine = open_site(folder)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        plot = find_one(plot_type, known)
        taught, gold = taught_and_gold(connection, known[plot])
    return _Set(site, engine, plot, known[plot], taught, gold)


def _nothing(held: _Set, used: Collection[str], room: int) -> tuple[str, str]:
    """Return why nothing is proposed, and what to do."""
    if not held.taught and not held.gold:
        return "no image of it has a label", "label images of several runs"
    if room <= 0:
        return f"the gold set has {counted(len(held.gold), 'image')} already", "ask for more with --count"
    why = f"the gold set has {len(held.gold)}, and {why_not_more(held.taught, [], used)}"
    return why, "label images of runs that are not the newest ones"


def _place(image: LabelledImage, passes: Mapping[int, str]) -> str:
    chunk = "" if image.chunk == ONCE_A_RUN else f", chunk {image.chunk}"
    return f"{passes[image.pass_id]} run {image.run}{chunk}"


def _named(text: str, held: _Set, *, action: str) -> str:
    """Return the SHA-256 of the image that a text names; a whole one that fits none is left to a request's rules."""
    among, others = (held.taught, held.gold) if action == "add" else (held.gold, held.taught)
    found = named_image(text, [one.image_sha for one in among])
    if found is None and action == "add" and named_image(text, [one.image_sha for one in others]) is not None:
        raise HydraError(
            f"{text} is in the gold set of {held.plot} already", next_step="'hydra gold list' shows the set"
        )
    if found is None and len(text) != 64:
        raise HydraError(
            f"{text} names no image of this plot type that could be meant",
            next_step="'hydra gold list' shows those of the set; only an image with a label can become one",
        )
    return found or text.lower()


def _send(held: _Set, images: Sequence[str], who: str | None, *, action: str, why: str) -> int:
    request = write_gold(who or sender(), now(), [(str(held.plot), sha) for sha in images], action=action, why=why)
    send(held.site, held.engine, request, "gold")
    with reading(held.engine) as connection:
        _, gold = taught_and_gold(connection, held.plot_type_id)
    print(f"the gold set of {held.plot} has {counted(len(gold), 'image')} now")
    return 0
