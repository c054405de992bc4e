"""The entry of ``hydra``: every sub-command is a function of its parsed arguments that returns an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import hydra_core
from hydra_core.base.errors import HydraError
from hydra_core.cli import admin, archive, demo, intake, models, passes, pins, plots, run, training
from hydra_core.cli.output import fail

EXIT_CODES = """exit codes: 0 done; 1 an error that names its cause and the next step; 2 wrong arguments;
3 configuration; 4 database; 5 Cylc or the state of a pass; 6 a damaged file; 7 a refused request;
8 a check found problems"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="hydra",
        description="Judges detector monitoring plots: what is wrong, where, since when, and why.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hydra {hydra_core.__version__}")
    top.add_argument("--site", help="the site's folder (default: $HYDRA_SITE)")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (demo, passes, intake, plots, pins, run, training, models, archive, admin):
        module.add_commands(commands)
    _take_site_anywhere(top)
    return top


def _take_site_anywhere(above: argparse.ArgumentParser) -> None:
    """Let ``--site`` stand after any command as well as before it."""
    for action in above._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                below.add_argument("--site", default=argparse.SUPPRESS, help="the site's folder (default: $HYDRA_SITE)")
                _take_site_anywhere(below)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake ends in a sentence, not in a traceback."""
    given = parser().parse_args(arguments)
    try:
        return int(given.command(given))
    except HydraError as error:
        fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        fail("stopped; the same command goes on where it was")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
