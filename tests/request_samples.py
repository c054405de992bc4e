"""Requests about plot types and pins, and a site that takes them, for every test that sends some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import Prepare, Received, receive
from hydra_core.labels.request import (
    write_decisions,
    write_gold,
    write_pins,
    write_promotion,
    write_request,
    write_threshold,
)
from hydra_core.store.directory import save_directory
from hydra_core.store.kept import kept_images
from hydra_core.store.plot_types import known_types, plot_type_ids
from hydra_core.store.schema import Image, Request
from hydra_core.store.session import reading, writing
from tests.store_samples import CDC, NOON, a_judged_revision, digest, some_items, sqlite_copy

SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'
PLOTS = '[[plot]]\nname = "Listed"\nchunked = false\n'
#: Two plot types that wait for a decision; those of `store_samples` are active.
FDC, TOF = PlotKey("FDC hits", True), PlotKey("TOF", False)
#: The one that ``plots.toml`` lists.
LISTED = PlotKey("Listed", False)
LATER = NOON + timedelta(seconds=1)
IMAGES = [item.sha256 for item in some_items() if item.status == "ok" and item.sha256]


def a_site(folder: Path) -> Site:
    """Write a site that lists one plot type and lets everybody ask for everything."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("site", SITE), ("plots", PLOTS), ("people", "anyone_may_label = true\n")):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_site(folder)


@contextmanager
def a_database(site: Site) -> Iterator[Engine]:
    """Yield the database of a site with a judged run, two active plot types and two new ones."""
    with sqlite_copy(site.root / "hydra.sqlite", a_judged_revision) as engine:
        writing(engine, lambda connection: save_directory(connection, site))
        writing(engine, lambda connection: plot_type_ids(connection, [FDC, TOF], new=[FDC, TOF]))
        yield engine


def decision(plot: PlotKey, action: str, name: PlotKey | None = None, **more: Any) -> dict[str, Any]:
    """Return an item of a request about plot types."""
    named = {} if name is None else {"name": str(name)}
    return {"plot_type": str(plot), "action": action, **named, **more}


def decisions(*items: dict[str, Any], at: datetime = NOON) -> bytes:
    """Return a request about plot types."""
    return write_decisions("Ada", at, items)


def take(site: Site, engine: Engine, *requests: bytes, effects: Mapping[str, Prepare] | None = None) -> list[Received]:
    """Receive requests one after the other."""
    found = []
    for request in requests:
        site.inbox.mkdir(parents=True, exist_ok=True)
        (site.inbox / "request.json").write_bytes(request)
        found += receive(site, engine, effects or {})
    return found


def types(engine: Engine) -> dict[PlotKey, tuple[Any, ...]]:
    """Return of each plot type: status, other name, drawing, by whom and when it was decided."""
    with reading(engine) as connection:
        return of_types(connection)


def of_types(connection: Connection) -> dict[PlotKey, tuple[Any, ...]]:
    """As `types`, within a transaction."""
    return {
        key: (one.status, one.renamed_to, one.drawing, one.decided_by, one.decided_at)
        for key, one in known_types(connection).items()
    }


def statuses(engine: Engine) -> dict[PlotKey, str]:
    """Return the status of each plot type."""
    return {key: found[0] for key, found in types(engine).items()}


#: A request of each kind, and the roles that may send it.
BY_KIND = {
    "label": (write_request("Ada", NOON, [("RICH_hits", digest("x"), "Good")]), {"Labeler"}),
    "plot_type": (decisions(decision(TOF, "accept")), {"Admin", "Detector Expert"}),
    "pin": (write_pins("Ada", NOON, IMAGES[:1], pinned=True, why="x"), {"Admin", "Detector Expert", "Labeler"}),
    "gold": (write_gold("Ada", NOON, [(str(CDC), IMAGES[0])], action="remove", why="x"), {"Admin", "Detector Expert"}),
    "promote": (write_promotion("Ada", NOON, "cdc-2", why="x"), {"Admin", "Detector Expert"}),
    "threshold": (write_threshold("Ada", NOON, "cdc-2", "Bad", 0.5, why="x"), {"Admin", "Detector Expert"}),
}


def change(_site: Site, _engine: Engine, request: Any) -> Any:
    """Stand in for what a request about models changes: a plot type shows whether it was done, and how often."""

    def act(connection: Connection) -> str:
        connection.execute(sa.update(Image).values(width=Image.width + len(request.kind)))
        return f"{request.items[0].model} was changed"

    return act


EFFECTS = {"promote": change, "threshold": change}


def left(site: Site, engine: Engine) -> tuple[Any, ...]:
    """Return all that requests leave behind: their rows, what they changed, and their files."""
    with reading(engine) as connection:
        requests = connection.execute(sa.select(Request.sha256, Request.status, Request.kind)).all()
        kept = kept_images(connection, IMAGES), connection.execute(sa.select(Image.width).distinct()).all()
    folders = {
        name: sorted(path.name for path in (site.root / name).glob("*")) for name in ("inbox", "requests", "quarantine")
    }
    return sorted(map(tuple, requests)), types(engine), kept, folders
