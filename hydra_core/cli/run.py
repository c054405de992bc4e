"""``hydra chunk-images PASS RUN`` and the like: every graph node, by hand and without Cylc."""

from __future__ import annotations

import argparse
import importlib
from functools import partial
from typing import Any

from hydra_core.base.importing import kept_for_good
from hydra_core.cli.job import run_stage
from hydra_core.stages.context import open_run

#: Command -> module and function of the stage, and what it is for. Only the stage that is asked for is imported.
STAGES = {
    "chunk-images": ("chunk_images", "chunk_images", "read the run's images into one verified block"),
    "classify": ("classify", "classify", "look at every image and write down the evidence"),
    "judge": ("judge", "judge", "turn evidence into verdicts"),
    "heatmap": ("heatmap", "heatmap", "show where the network looked, for what needs a look"),
    "archive-run": ("archive", "archive", "put the block where it stays"),
    "publish-run": ("publish", "publish_run", "write the run's page and the lists that name it"),
    "retrain": ("retrain", "retrain", "take labels in and train at most one plot type"),
    "publish-library": ("publish", "publish_library", "write the pages of the models"),
}


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    for name, (module, stage, words) in STAGES.items():
        command = commands.add_parser(name, help=words)
        command.add_argument("name", metavar="PASS")
        command.add_argument("run", metavar="RUN", type=int)
        command.add_argument("--threads", type=int, default=1, help="cores to use (default: 1)")
        command.set_defaults(command=partial(_run, module, stage))


def _run(module: str, name: str, given: argparse.Namespace) -> int:
    with kept_for_good():
        stage = getattr(importlib.import_module(f"hydra_core.stages.{module}"), name)
    context = open_run(given.site, given.name, given.run, threads=given.threads)
    outcome = run_stage(context, stage, name)
    print(outcome.line)
    if outcome.outputs:
        print(f"outputs: {', '.join(outcome.outputs)}")
    return 0
