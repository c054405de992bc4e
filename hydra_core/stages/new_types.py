"""How plot types stand at a site: what it lists, what was decided, and what waits for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.store.plot_types import KnownType, TypeStatus, image_counts, known_types

#: Images of an undecided plot type that a page counts, which is written after each run.
MOST_COUNTED = 100


@dataclass(frozen=True)
class WaitingType:
    """A plot type that a run brought and nobody decided about, with its readable images: no more than `MOST_COUNTED`.

    `more` says that there are more than these.
    """

    plot: PlotKey
    first_seen_at: datetime
    images: int
    more: bool


def standing(site: Site, plot: PlotKey, known: KnownType | None) -> TypeStatus:
    """Return how a plot type stands.

    What a site lists counts before any decision, and where nothing is held nothing waits.

    Parameters
    ----------
    known
        The type as the database knows it; None where no run brought it yet.
    """
    if known is None or any(listed.key == plot for listed in site.plots.plots):
        return "active"
    if known.status == "new" and site.settings.intake.new_types != "hold":
        return "active"
    return known.status


def new_types(connection: Connection, site: Site) -> list[KnownType]:
    """Return the plot types that wait for a decision, by name."""
    known = known_types(connection)
    return [found for plot, found in known.items() if standing(site, plot, found) == "new"]


def waiting_types(connection: Connection, site: Site, most: int) -> tuple[list[WaitingType], int]:
    """Return the first plot types that wait for a decision, by name, and how many more there are.

    Parameters
    ----------
    most
        How many are returned.
    """
    found = new_types(connection, site)
    counts = image_counts(connection, [one.id for one in found[:most]], at_most=MOST_COUNTED + 1)
    first = []
    for one in found[:most]:
        count = counts.get(one.id, 0)
        first.append(WaitingType(one.plot, one.first_seen_at, min(count, MOST_COUNTED), count > MOST_COUNTED))
    return first, len(found) - len(first)
