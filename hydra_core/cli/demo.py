"""``hydra demo`` and ``hydra try``: from nothing, or from a folder of images, to pages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hydra_core.cli.output import say


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    demo = commands.add_parser("demo", help="an emulated experiment and its monitoring pass, end to end")
    demo.add_argument("--out", type=Path, default=Path("hydra-demo"), help="where it goes (default: hydra-demo)")
    demo.add_argument("--runs", type=int, default=14)
    demo.add_argument("--plot-types", type=int, default=8)
    demo.add_argument("--chunks", type=int, default=6)
    demo.add_argument("--seed", type=int, default=None)
    demo.set_defaults(command=run_demo)


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
        f"pages       {result.index}"
    )
    return 0
