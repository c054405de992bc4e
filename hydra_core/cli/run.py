"""``hydra chunk-images PASS RUN`` and the like: every graph node, by hand and without Cylc."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from hydra_core.cli.job import Stage, run_stage
from hydra_core.stages.archive import archive
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import open_run
from hydra_core.stages.heatmap import heatmap
from hydra_core.stages.judge import judge
from hydra_core.stages.publish import publish_library, publish_run
from hydra_core.stages.retrain import retrain

STAGES: dict[str, tuple[Stage, str]] = {
    "chunk-images": (chunk_images, "read the run's images into one verified block"),
    "classify": (classify, "look at every image and write down the evidence"),
    "judge": (judge, "turn evidence into verdicts"),
    "heatmap": (heatmap, "show where the network looked, for what needs a look"),
    "archive-run": (archive, "put the block where it stays"),
    "publish-run": (publish_run, "write the run's page and the lists that name it"),
    "retrain": (retrain, "take labels in and train at most one plot type"),
    "publish-library": (publish_library, "write the pages of the models"),
}


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    for name, (stage, words) in STAGES.items():
        command = commands.add_parser(name, help=words)
        command.add_argument("name", metavar="PASS")
        command.add_argument("run", metavar="RUN", type=int)
        command.add_argument("--threads", type=int, default=1, help="cores to use (default: 1)")
        command.set_defaults(command=partial(_run, stage))


def _run(stage: Stage, given: argparse.Namespace) -> int:
    context = open_run(given.site, given.name, given.run, threads=given.threads)
    outcome = run_stage(context, stage, stage.__name__)
    print(outcome.line)
    if outcome.outputs:
        print(f"outputs: {', '.join(outcome.outputs)}")
    return 0
