"""``hydra models``: which models there are, what they are worth, and which of them is live."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.plot_names import find_one
from hydra_core.cli.output import table
from hydra_core.config.site import Site
from hydra_core.labels.request import write_promotion, write_threshold
from hydra_core.labels.request_kinds import LONGEST_SHORT_WHY
from hydra_core.labels.send import send, sender
from hydra_core.models.thresholds import Policy
from hydra_core.stages.context import open_site
from hydra_core.stages.model_words import compare_models, model_facts
from hydra_core.stages.policy_threshold import policy_threshold
from hydra_core.stages.promotion import EFFECTS, known_model, way_back
from hydra_core.stages.publish import publish_models
from hydra_core.stages.training_report import report_cases
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
    report = actions.add_parser("report", help="the images on which a model and the labels disagree, and answers")
    report.add_argument("name", metavar="NAME")
    report.set_defaults(command=_report)
    compare = actions.add_parser("compare", help="the test figures of two models beside each other")
    compare.add_argument("names", metavar="NAME", nargs=2)
    compare.set_defaults(command=_compare)
    up = actions.add_parser("promote", help="let a model go live for its plot type")
    up.add_argument("name", metavar="NAME")
    up.add_argument("--despite-gate", action="store_true", help="even where the gate refuses; its words are kept")
    up.set_defaults(command=_promote)
    back = actions.add_parser("rollback", help="let the model go live that was live before")
    back.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, NAME:chunks or NAME:run")
    back.set_defaults(command=_rollback)
    threshold = actions.add_parser("threshold", help="set from which confidence on a class is confirmed")
    threshold.add_argument("name", metavar="NAME")
    threshold.add_argument("class_name", metavar="CLASS")
    wanted = threshold.add_mutually_exclusive_group(required=True)
    wanted.add_argument("value", metavar="VALUE", type=float, nargs="?", help="from 0 to 1")
    wanted.add_argument(
        "--false-alarms",
        type=float,
        metavar="SHARE",
        help="the value that at most this share of the validation images of other classes reaches",
    )
    wanted.add_argument(
        "--recall",
        type=float,
        metavar="SHARE",
        help="the largest value that at least this share of the validation images of the class reaches",
    )
    threshold.set_defaults(command=_threshold)
    for action in (up, back, threshold):
        action.add_argument("--why", default="", help="why; needed, and kept")
        action.add_argument("--who", help="who asks for it (default: the account)")


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
    print(table(rows[0], rows[1:]))
    return 0


def _report(given: argparse.Namespace) -> int:
    _, engine = open_site(given.site)
    with reading(engine) as connection:
        cases, _ = report_cases(connection, known_model(connection, given.name))
    rows = [
        (one.image_sha, one.place, one.side, one.label, one.says, f"{one.confidence:.3f}", one.answer)
        for one in (case.view for case in cases)
    ]
    header = ("image", "place", "side", "label", "the model says", "with", "answer")
    print(table(header, rows) if rows else "the model and the labels agree, as far as it was asked")
    return 0


def _compare(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        left, right = (known_model(connection, name) for name in given.names)
    print(table(("on the same images", left.name, right.name), compare_models(site, left, right)))
    return 0


def _promote(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    _check_reason(given)
    request = write_promotion(given.who or sender(), now(), given.name, why=given.why, despite_gate=given.despite_gate)
    return _send(site, engine, request, "promote")


def _rollback(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    _check_reason(given)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        model = way_back(connection, known[find_one(given.plot_type, known)])
    request = write_promotion(given.who or sender(), now(), model.name, why=given.why, action="rollback")
    return _send(site, engine, request, "promote")


def _threshold(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    _check_reason(given)
    value, why = given.value, given.why.strip()
    if value is None:
        policy = _policy(given)
        with reading(engine) as connection:
            model = known_model(connection, given.name)
        found = policy_threshold(site, model, given.class_name, policy)
        print(found.method)
        value, why = found.value, f"{policy.words}: {why}"
    if not 0 <= value <= 1:
        raise HydraError(f"a threshold is from 0 to 1, not {value:g}", next_step="give a value from 0 to 1")
    if len(why) > LONGEST_SHORT_WHY:
        raise HydraError(
            f"the reason of a threshold has at most {LONGEST_SHORT_WHY} characters, and this one has {len(why)}",
            next_step="say it in fewer words",
        )
    request = write_threshold(given.who or sender(), now(), given.name, given.class_name, value, why=why)
    return _send(site, engine, request, "threshold")


def _policy(given: argparse.Namespace) -> Policy:
    if given.false_alarms is not None:
        return Policy("false_alarms", given.false_alarms)
    return Policy("recall", given.recall)


def _check_reason(given: argparse.Namespace) -> None:
    if not given.why.strip():
        raise HydraError("what verdicts are made with changes only with a reason", next_step="say it with --why TEXT")


def _send(site: Site, engine: Engine, request: bytes, kind: str) -> int:
    print(send(site, engine, request, kind, EFFECTS).said)
    publish_models(site, engine)
    return 0
