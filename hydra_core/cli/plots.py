"""``hydra plots``: which plot types there are, and what is decided about them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.base.plot_names import argument_of, find_named, find_one
from hydra_core.cli import propose
from hydra_core.cli.output import table
from hydra_core.config.site import Site
from hydra_core.labels.request import write_decisions
from hydra_core.labels.send import send, sender
from hydra_core.report.site_pages import publish_status
from hydra_core.stages.context import open_site
from hydra_core.stages.drawing_of import propose_drawings
from hydra_core.stages.new_types import new_types, standing
from hydra_core.stages.publish import publish_lists
from hydra_core.stages.status_view import status_view
from hydra_core.store.ledger import all_passes
from hydra_core.store.plot_types import KnownType, image_counts, known_types
from hydra_core.store.session import reading
from hydra_core.store.summary import newest_runs

Known = Mapping[PlotKey, KnownType | None]


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    plots = commands.add_parser("plots", help="list the plot types, and decide about new ones")
    plots.add_argument("--new", action="store_true", help="only those that wait for a decision")
    plots.set_defaults(command=_list)
    actions = plots.add_subparsers(title="actions", metavar="[ACTION]")
    listing = actions.add_parser("list", help="list the plot types (also without this word)")
    # Without it this default would take back what was said before the word.
    listing.add_argument(
        "--new", action="store_true", default=argparse.SUPPRESS, help="only those that wait for a decision"
    )
    listing.set_defaults(command=_list)
    accept = actions.add_parser("accept", help="let plot types count: they are judged, and call people")
    ignore = actions.add_parser("ignore", help="leave plot types out of runs that are read from now on")
    for action, command in ((accept, _accept), (ignore, _ignore)):
        action.add_argument(
            "names", metavar="NAME", nargs="*", help="a name, NAME:chunks, NAME:run, or a pattern in quotes"
        )
        action.add_argument("--all-new", action="store_true", help="all that wait for a decision")
        action.set_defaults(command=command)
    rename = actions.add_parser("rename", help="let later plots of one name belong to another plot type")
    rename.add_argument("old", metavar="OLD")
    rename.add_argument("new", metavar="NEW", help="need not exist yet")
    rename.set_defaults(command=_rename)
    propose.add_action(actions)
    for action in (accept, ignore, rename):
        action.add_argument("--who", help="who decided (default: the account)")
        action.add_argument("--comment", default="", help="why; kept with the request")


def _known(site: Site, engine: Engine) -> Known:
    """Return every plot type that was seen or is listed."""
    with reading(engine) as connection:
        found = known_types(connection)
    return dict(sorted({**{plot.key: None for plot in site.plots.plots}, **found}.items()))


def _list(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    known = _known(site, engine)
    with reading(engine) as connection:
        counts = image_counts(connection, [one.id for one in known.values() if one])
    rows = []
    for plot, found in known.items():
        status = standing(site, plot, found)
        if given.new and status != "new":
            continue
        settings = site.plot_type(plot)
        renamed = f"renamed to {found.renamed_to}" if found and status == "renamed" else status
        seen = f"{found.first_seen_at:%Y-%m-%d}" if found else "-"
        images = str(counts.get(found.id, 0) if found else 0)
        rows.append((argument_of(plot, known), renamed, settings.group, settings.contact, seen, images))
    if given.new and not rows:
        print("no plot type waits for a decision")
    else:
        print(table(("plot type", "status", "group", "contact", "known since", "images"), rows))
    return 0


def _chosen(site: Site, engine: Engine, given: argparse.Namespace, known: Known, *, listed: bool) -> list[PlotKey]:
    """Return the plot types that the arguments name, by name.

    A pattern leaves alone what goes by another name, and unless `listed` what plots.toml lists.
    """
    if not given.names and not given.all_new:
        raise HydraError("no plot type was named", next_step="name one, or give --all-new")
    left = {plot for plot, found in known.items() if standing(site, plot, found) == "renamed"}
    left |= set() if listed else {plot.key for plot in site.plots.plots}
    chosen: set[PlotKey] = set()
    for text in given.names:
        named = find_named(text, known)
        chosen |= set(named.plots) - (left if named.pattern else set())
    if given.all_new:
        with reading(engine) as connection:
            chosen |= {one.plot for one in new_types(connection, site)}
    return sorted(chosen)


def _accept(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    known = _known(site, engine)
    chosen = _chosen(site, engine, given, known, listed=True)
    drawn = {plot for plot, found in known.items() if found and found.drawing is not None}
    ranges = propose_drawings(site, engine, set(chosen) - drawn, print)
    items = [
        {"plot_type": str(plot), "action": "accept", **({"drawing": ranges[plot]} if plot in ranges else {})}
        for plot in chosen
        if plot in ranges or not _stands(site, plot, known, "active")
    ]
    return _decide(site, engine, given, chosen, items)


def _stands(site: Site, plot: PlotKey, known: Known, status: str) -> bool:
    """Say whether nothing is left to decide; what counts only because nothing is held can be accepted for good."""
    found = known[plot]
    undecided = found is not None and found.status == "new" and not any(one.key == plot for one in site.plots.plots)
    return standing(site, plot, found) == status and not undecided


def _ignore(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    known = _known(site, engine)
    chosen = _chosen(site, engine, given, known, listed=False)
    items = [
        {"plot_type": str(plot), "action": "ignore"} for plot in chosen if not _stands(site, plot, known, "ignored")
    ]
    return _decide(site, engine, given, chosen, items)


def _rename(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    known = _known(site, engine)
    old = find_one(given.old, known)
    new = PlotKey(given.new.removesuffix(":chunks").removesuffix(":run"), old.chunked)
    if given.new.endswith(":chunks" if not old.chunked else ":run"):
        new = PlotKey(new.name, not old.chunked)
    return _decide(site, engine, given, [old], [{"plot_type": str(old), "action": "rename", "name": str(new)}])


def _decide(
    site: Site, engine: Engine, given: argparse.Namespace, chosen: Sequence[PlotKey], items: Sequence[dict[str, Any]]
) -> int:
    """Send what is to be decided and print what became of each plot type."""
    before = _known(site, engine)
    if items:
        send(site, engine, write_decisions(given.who or sender(), now(), items, given.comment), "plots")
    after = _known(site, engine)
    for plot in chosen:
        print(_became(site, plot, before, after))
    if not chosen:
        print("there is nothing to decide: all that fits is listed in plots.toml, renamed, or decided already")
    if items:
        print("This holds for runs from now on; 'hydra arrive PASS RUN --again' judges an earlier one anew.")
        _publish(site, engine)
    return 0


def _became(site: Site, plot: PlotKey, before: Known, after: Known) -> str:
    name, old, new = argument_of(plot, after), before[plot], after[plot]
    was, now_is = standing(site, plot, old), standing(site, plot, new)
    words = f"{name}: is {now_is}, as before" if was == now_is else f"{name}: was {was}, is {now_is}"
    if new is not None and now_is == "renamed" and new.renamed_to is not None:
        words = f"{name}: later plots of this name belong to {argument_of(new.renamed_to, after)}"
        target = standing(site, new.renamed_to, after[new.renamed_to])
        words += f", which is {target}" if target != "active" else ""
    elif was == now_is and new is not None and new.decided_by:
        words += f", as {new.decided_by} decided on {new.decided_at:%Y-%m-%d %H:%M} UTC"
    if new is not None and new.drawing is not None and (old is None or old.drawing != new.drawing):
        words += f"; drawn from now on with {_told(new.drawing)}"
    return words


def _told(drawing: Mapping[str, Any]) -> str:
    """Return ranges in words."""
    words = []
    for key, value in drawing.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            words.append(f"{key} {' to '.join(f'{one:g}' for one in value)}")
        else:
            words.append(key if value is True else f"{key} {value}")
    return ", ".join(words) or "no fixed ranges"


def _publish(site: Site, engine: Engine) -> None:
    """Write the pages that say what waits for a decision."""
    if not site.site_pages.is_dir():
        return
    with reading(engine) as connection:
        newest = {row: newest_runs(connection, row.id, 1) for row in all_passes(connection)}
    published = [(row, run) for row, runs in newest.items() for run in runs]
    for row, run in published:
        publish_lists(site, engine, row, run)
    if not published:
        with reading(engine) as connection:
            publish_status(site.site_pages, status_view(connection, site))
