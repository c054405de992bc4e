"""``hydra pin`` and ``hydra unpin``: images that nothing may delete."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.plot_names import find_named
from hydra_core.cli.output import table
from hydra_core.labels.request import write_pins
from hydra_core.labels.send import send, sender
from hydra_core.stages.context import RunContext, current_revision, open_run, open_site
from hydra_core.store.items import ItemRow, load_items
from hydra_core.store.kept import kept_images, kept_places
from hydra_core.store.session import reading


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    pin = commands.add_parser("pin", help="keep images of a run for good, whatever the rules of retention say")
    unpin = commands.add_parser("unpin", help="take pins back: the rules of retention hold again")
    for command, pinned in ((pin, True), (unpin, False)):
        command.add_argument("name", metavar="PASS", nargs="?" if pinned else None)
        command.add_argument("run", metavar="RUN", type=int, nargs="?" if pinned else None)
        command.add_argument("plot", metavar="PLOT", nargs="?", help="a name or a pattern; all where not given")
        command.add_argument("chunk", metavar="CHUNK", type=int, nargs="?", help="all chunks where not given")
        command.add_argument("--why", default="", help="why; needed to pin" if pinned else "why")
        command.add_argument("--who", help="who asks for it (default: the account)")
        command.set_defaults(command=_pin if pinned else _unpin)
    pin.add_argument("--list", action="store_true", help="list the images that are kept, and why")


def _pin(given: argparse.Namespace) -> int:
    if given.list:
        _, engine = open_site(given.site)
        _print_list(engine)
        return 0
    if given.run is None:
        raise HydraError("no run was named", next_step="name pass and run, or list what is pinned with --list")
    if not given.why.strip():
        raise HydraError("a pin says why the images are to be kept", next_step="say it with --why TEXT")
    return _send(given, pinned=True)


def _unpin(given: argparse.Namespace) -> int:
    return _send(given, pinned=False)


def _send(given: argparse.Namespace, *, pinned: bool) -> int:
    context = open_run(given.site, given.name, given.run)
    items = _items(context, given.plot, given.chunk)
    images = sorted({item.sha256 for item in items if item.has_image and item.sha256 is not None})
    if not images:
        gone = [item.tombstone for item in items if item.tombstone]
        raise HydraError(
            f"{context.name} has no such image" + (f": {gone[0]}" if gone else ""),
            next_step="its page shows which plots and chunks it has",
        )
    send(
        context.site,
        context.engine,
        write_pins(given.who or sender(), now(), images, pinned=pinned, why=given.why),
        "pins",
    )
    with reading(context.engine) as connection:
        kept = kept_images(connection, images)
    pins = sum(any(one.kind == "pin" for one in found) for found in kept.values())
    print(f"{context.name}: {pins} of {len(images)} {'image is' if len(images) == 1 else 'images are'} pinned now")
    return 0


def _items(context: RunContext, plot: str | None, chunk: int | None) -> list[ItemRow]:
    """Return the items of a run's newest revision that the arguments name."""
    with reading(context.engine) as connection:
        items = load_items(connection, current_revision(connection, context, "chunked").id)
    if plot is not None:
        named = find_named(plot, {item.plot for item in items})
        items = [item for item in items if item.plot in named.plots]
    return [item for item in items if chunk is None or item.chunk == chunk]


def _print_list(engine: Engine) -> None:
    with reading(engine) as connection:
        places = kept_places(connection)
    if not places:
        print("no image is pinned")
        return
    rows = [
        (
            one.image_sha[:12],
            one.kept.kind,
            f"{one.pass_name} run {one.run} {one.plot.name}"
            + ("" if one.chunk is None else f" chunk {one.chunk}")
            + (f" and {one.places - 1} more" if one.places > 1 else ""),
            one.kept.who,
            f"{one.kept.kept_at:%Y-%m-%d}",
            one.kept.why,
        )
        for one in places
    ]
    print(table(("image", "kind", "place", "who", "since", "why"), rows))
