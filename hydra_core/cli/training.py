"""``hydra train`` and ``hydra merge-labels``: the learning loop by hand."""

from __future__ import annotations

import argparse
from typing import Any

from hydra_core.base.errors import RequestError
from hydra_core.base.plot_names import find_one
from hydra_core.base.telling import teller
from hydra_core.cli.output import say
from hydra_core.labels.inbox import receive
from hydra_core.stages.claiming import claimed
from hydra_core.stages.context import open_site
from hydra_core.stages.promotion import EFFECTS
from hydra_core.stages.publish import publish_models
from hydra_core.stages.retrain import DueType, train_type
from hydra_core.store.labelbook import archived_label_count
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.session import reading


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    train = commands.add_parser("train", help="train a model for one plot type from its labels, now")
    train.add_argument("plot_type", metavar="PLOT_TYPE", help="NAME, NAME:chunks or NAME:run")
    train.add_argument("--threads", type=int, default=2, help="cores to use (default: 2)")
    train.set_defaults(command=_train)
    merge = commands.add_parser("merge-labels", help="take the request files of the inbox in")
    merge.set_defaults(command=_merge)


def _train(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        key = find_one(given.plot_type, known)
        mark = archived_label_count(connection, known[key])
    with claimed(site, engine, key, known[key], mark, "by hand") as wanted:
        if not wanted:
            say(f"{key} was trained from these {mark} labels before; 'hydra models list' says what came of it")
            return 0
        print(train_type(site, engine, DueType(key, known[key], mark), teller(), threads=given.threads))
    publish_models(site, engine)
    return 0


def _merge(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    received = receive(site, engine, EFFECTS)
    for one in received:
        print(f"{one.file}: {one.said}")
    if any(one.done for one in received):
        publish_models(site, engine)
    return RequestError.exit_code if any(one.refused for one in received) else 0
