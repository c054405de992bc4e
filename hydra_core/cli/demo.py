"""``hydra demo`` and ``hydra try``: from nothing, or from a folder of images, to pages."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from hydra_core.cli.admin import FOUND
from hydra_core.cli.output import say


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    demo = commands.add_parser("demo", help="an emulated experiment and its monitoring pass, end to end")
    demo.add_argument("--out", type=Path, default=Path("hydra-demo"), help="where it goes (default: hydra-demo)")
    demo.add_argument("--runs", type=int, default=14, help="how many runs (default: 14)")
    demo.add_argument("--plot-types", type=int, default=8, help="how many plot types (default: 8)")
    demo.add_argument("--chunks", type=int, default=6, help="chunks of a run (default: 6)")
    demo.add_argument("--seed", type=int, default=None, help="another seed gives other plots")
    demo.set_defaults(command=run_demo)
    trial = commands.add_parser("try", help="judge a folder of images: finds runs and plot types by itself")
    trial.add_argument("folder", type=Path)
    trial.add_argument("--labels", type=Path, help="CSV with the columns file,label; a model is trained from them")
    trial.add_argument("--out", type=Path, help="where it goes (default: hydra-try-FOLDER)")
    trial.add_argument("--plot-type", help="all images are this one plot type")
    trial.add_argument("--run-pattern", help="regular expression; its first group is the run number")
    trial.add_argument("--block", type=int, default=50, help="images a block, where there are no runs (default: 50)")
    trial.add_argument("--network", default="compact", help="network to train (default: compact)")
    trial.add_argument("--epochs", type=int, default=60, help="most epochs of a training (default: 60)")
    trial.set_defaults(command=run_trial)


def run_demo(given: argparse.Namespace) -> int:
    """Play the demo and print its summary."""
    from hydra_core.passes.demo import run_demo as play

    result = play(given.out, say, runs=given.runs, plot_types=given.plot_types, chunks=given.chunks, seed=given.seed)
    if not result.changed:
        say("nothing has changed since the last time")
    print(
        f"runs        {result.runs}\n"
        f"images      {result.images}\n"
        f"flagged     {result.flagged}\n"
        f"unreadable  {result.unreadable}\n"
        f"time        {result.seconds:.0f} s, {result.models} models live\n"
        f"commands    export HYDRA_SITE={shlex.quote(str(result.site))}\n"
        f"pages       {result.index}"
    )
    return 0


def run_trial(given: argparse.Namespace) -> int:
    """Try a folder and print what came of it."""
    from hydra_core.passes.try_folder import TrialOptions, default_out, try_folder

    options = TrialOptions(
        labels=given.labels,
        plot_type=given.plot_type,
        run_pattern=given.run_pattern,
        block=given.block,
        network=given.network,
        epochs=given.epochs,
    )
    trial = try_folder(given.folder, given.out or default_out(given.folder), options, say)
    for model in trial.models:
        print(f"model       {model.name} is {model.status}: {model.reason}")
    if trial.agreed is not None:
        agreed = trial.agreed
        sure = f"{agreed.confirmed_same} of {agreed.confirmed} where Hydra was sure"
        print(f"later runs  {agreed.same} of {agreed.judged} verdicts say what the labels say, {sure}")
    for problem in trial.check.problems:
        print(f"PROBLEM     {problem}")
    print(
        f"runs        {trial.counted.runs}\n"
        f"images      {trial.counted.images}\n"
        f"flagged     {trial.counted.flagged}\n"
        f"unreadable  {trial.counted.unreadable}\n"
        f"time        {trial.seconds:.0f} s, {len(trial.check.problems)} problems found by fsck\n"
        f"pages       {trial.index}"
    )
    return FOUND if trial.check.problems else 0
