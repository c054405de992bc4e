"""How a command tells where it stands: plain lines in a log, and on a terminal one line that is renewed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TextIO

#: Receives one line, without its end.
Tell = Callable[[str], None]

#: How lines begin that the next one of their kind may replace.
EPOCH = "epoch "


def teller(stream: TextIO | None = None, *, before: Callable[[], str] = lambda: "") -> Tell:
    """Return a function that prints lines: on a terminal an epoch replaces the one before, in a log each has a line.

    Parameters
    ----------
    stream
        Where the lines go; what is standard output at that moment if None.
    before
        What stands in front of each line.
    """
    waiting = False

    def tell(line: str) -> None:
        nonlocal waiting
        out = stream or sys.stdout
        shown = f"{before()}{line}"
        if not out.isatty():
            print(shown, file=out, flush=True)
            return
        here = line.startswith(EPOCH)
        # The rest of a longer line before is wiped.
        start = "\r\x1b[K" if waiting and here else "\n" if waiting else ""
        # A line that goes on in the next row of the terminal could not be replaced.
        text = shown[: shutil.get_terminal_size().columns - 1] if here else shown
        print(f"{start}{text}", end="" if here else "\n", file=out, flush=True)
        waiting = here

    return tell
