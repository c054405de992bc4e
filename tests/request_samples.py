"""Requests about plot types and pins, and a site that takes them, for every test that sends some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import Prepare, Received, receive
from hydra_core.labels.request import write_decisions
from hydra_core.store.directory import save_directory
from hydra_core.store.plot_types import known_types, plot_type_ids
from hydra_core.store.session import reading, writing
from tests.store_samples import NOON, a_judged_revision, some_items, sqlite_copy

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
    with sqlite_copy(site.root / "hydra.sqlite") as engine:
        a_judged_revision(engine)
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
