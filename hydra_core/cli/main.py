"""The entry of ``hydra``: every sub-command is a function of its parsed arguments that returns an exit code."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import hydra_core
from hydra_core.base.errors import HydraError
from hydra_core.base.importing import kept_for_good
from hydra_core.cli.output import fail

EXIT_CODES = """exit codes: 0 done; 1 an error that names its cause and the next step; 2 wrong arguments or a question
that was not understood; 3 configuration; 4 database; 5 Cylc or the state of a pass; 6 a damaged file;
7 a refused request; 8 a check found problems"""

#: Module of this room -> the commands that it adds, in the order of the help. Only what the command needs is imported.
COMMANDS = {
    "demo": ("demo", "try"),
    "passes": ("pass", "arrive"),
    "intake": ("intake",),
    "plots": ("plots",),
    "pins": ("pin", "unpin"),
    "label": ("label",),
    "news": ("news",),
    "run": (
        "chunk-images",
        "classify",
        "judge",
        "heatmap",
        "archive-run",
        "publish-run",
        "retrain",
        "publish-library",
    ),
    "training": ("train", "merge-labels"),
    "models": ("models",),
    "gold": ("gold",),
    "playground": ("playground",),
    "query": ("query",),
    "ask": ("ask",),
    "archive": ("archive", "retention"),
    "backup": ("backup", "restore", "publish"),
    "admin": ("db", "fsck", "verify"),
}


def parser(asked: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the whole command line, or of as much of it as one command needs."""
    top = argparse.ArgumentParser(
        prog="hydra",
        description="Judges detector monitoring plots: what is wrong, where, since when, and why.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hydra {hydra_core.__version__}")
    top.add_argument("--site", help="the site's folder (default: $HYDRA_SITE)")
    top.set_defaults(command=lambda _: _list_commands(top))
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    with kept_for_good():
        # Without a command, or with one that is unknown, all of them are listed.
        for module in [name for name, words in COMMANDS.items() if asked in words] or COMMANDS:
            importlib.import_module(f"hydra_core.cli.{module}").add_commands(commands)
    _take_site_anywhere(top)
    return top


def _list_commands(top: argparse.ArgumentParser) -> int:
    top.print_help()
    return 0


def _command(arguments: Sequence[str]) -> str | None:
    """Return the first word that is no option of the program and no value of ``--site``."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            return word
        if word == "--site":
            next(words, None)
    return None


def _take_site_anywhere(above: argparse.ArgumentParser) -> None:
    """Let ``--site`` stand after any command as well as before it."""
    for action in above._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                below.add_argument("--site", default=argparse.SUPPRESS, help="the site's folder (default: $HYDRA_SITE)")
                _take_site_anywhere(below)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake ends in a sentence, not in a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    given = parser(_command(words)).parse_args(words)
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
