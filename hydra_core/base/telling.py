"""How a command tells where it stands: plain lines in a log, and on a terminal one line that is renewed."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

#: Receives one line, without its end.
Tell = Callable[[str], None]

#: How lines begin that the next one of their kind may replace.
EPOCH = "epoch "
#: How long a plain log may be silent while lines of epochs are left out.
SILENT_S = 20.0
_NUMBER = re.compile(rf"{EPOCH}(\d+)/")


def teller(stream: TextIO | None = None, *, before: Callable[[], str] = lambda: "", plain_every: int = 1) -> Tell:
    """Return a function that prints lines: on a terminal an epoch replaces the one before, in a log each has a line.

    Parameters
    ----------
    stream
        Where the lines go; what is standard output at that moment if None.
    before
        What stands in front of each line.
    plain_every
        In a log, only the first epoch, each of so many and the last are told, and one where it was silent for a while.
    """
    waiting = False
    held: str | None = None
    told = time.monotonic()

    def plain(line: str, shown: str, out: TextIO) -> None:
        nonlocal held, told
        number = _NUMBER.match(line)
        silent = time.monotonic() - told > SILENT_S
        if number and not silent and int(number[1]) > 1 and int(number[1]) % plain_every:
            held = shown
            return
        if held is not None and not number:
            print(held, file=out)
        held, told = None, time.monotonic()
        print(shown, file=out, flush=True)

    def tell(line: str) -> None:
        nonlocal waiting
        out = stream or sys.stdout
        shown = f"{before()}{line}"
        if not out.isatty():
            plain(line, shown, out)
            return
        here = line.startswith(EPOCH)
        # The rest of a longer line before is wiped.
        start = "\r\x1b[K" if waiting and here else "\n" if waiting else ""
        # A line that goes on in the next row of the terminal could not be replaced.
        text = shown[: shutil.get_terminal_size().columns - 1] if here else shown
        print(f"{start}{text}", end="" if here else "\n", file=out, flush=True)
        waiting = here

    return tell
