"""``hydra models``: which models there are, what they are worth, and which of them is live."""

from __future__ import annotations

import argparse
from typing import Any

from hydra_core.cli.output import table
from hydra_core.cli.training import resolve_plot_type
from hydra_core.labels.send import sender
from hydra_core.stages.context import open_site
from hydra_core.stages.model_words import compare_models, model_facts
from hydra_core.stages.promotion import known_model, promote, roll_back, set_threshold
from hydra_core.stages.publish import publish_models
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import all_models
from hydra_core.store.session import reading


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    models = commands.add_parser("models", help="list the models, look at them, and decide which is live")
    models.set_defaults(command=_list)
    actions = models.add_subparsers(title="actions", metavar="[ACTION]")
    listing = actions.add_parser("list", help="list every model and what became of it (also without this word)")
    listing.set_defaults(command=_list)
    show = actions.add_parser("show", help="what is known of a model: tests, thresholds, when it was live")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(command=_show)
    compare = actions.add_parser("compare", help="the test figures of two models beside each other")
    compare.add_argument("names", metavar="NAME", nargs=2)
    compare.set_defaults(command=_compare)
    up = actions.add_parser("promote", help="let a model go live for its plot type")
    up.add_argument("name", metavar="NAME")
    up.add_argument("--despite-gate", action="store_true", help="even where the gate refuses; its words are kept")
    up.set_defaults(command=_promote)
    back = actions.add_parser("rollback", help="let the model go live that was live before")
    back.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, or NAME:chunks where both kinds exist")
    back.set_defaults(command=_rollback)
    threshold = actions.add_parser("threshold", help="set from which confidence on a class is confirmed")
    threshold.add_argument("name", metavar="NAME")
    threshold.add_argument("class_name", metavar="CLASS")
    threshold.add_argument("value", metavar="VALUE", type=float, help="from 0 to 1")
    threshold.set_defaults(command=_threshold)
    for action in (up, back, threshold):
        action.add_argument("--why", default="", help="why; needed, and kept with the account")


def _list(given: argparse.Namespace) -> int:
    _, engine = open_site(given.site)
    with reading(engine) as connection:
        rows = [(str(one.plot), one.name, one.network, one.status, one.reason) for one in all_models(connection)]
    print(table(("plot type", "model", "network", "is", "because"), rows))
    return 0


def _show(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        rows = model_facts(connection, site, known_model(connection, given.name))
    print(table(("what", ""), rows))
    return 0


def _compare(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        left, right = (known_model(connection, name) for name in given.names)
    print(table(("on the same images", left.name, right.name), compare_models(site, left, right)))
    return 0


def _promote(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    print(promote(site, engine, given.name, who=sender(), why=given.why, despite_gate=given.despite_gate))
    publish_models(site, engine)
    return 0


def _rollback(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        known = all_plot_types(connection)
    print(roll_back(site, engine, known[resolve_plot_type(given.plot_type, known)], who=sender(), why=given.why))
    publish_models(site, engine)
    return 0


def _threshold(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    print(set_threshold(site, engine, given.name, given.class_name, given.value, who=sender(), why=given.why))
    publish_models(site, engine)
    return 0
