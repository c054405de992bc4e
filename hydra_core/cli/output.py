"""Words for a terminal and plain lines for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from hydra_core.base.telling import teller

_BEGUN = time.monotonic()

#: Prints one line of progress, with the seconds since the start. On a terminal lines of epochs replace each other, in a
#: plain log one in five stands: the logs of the jobs hold all of them.
say = teller(before=lambda: f"[{time.monotonic() - _BEGUN:6.1f} s] ", plain_every=5)


def fail(text: str) -> None:
    """Print why a command stops."""
    print(f"hydra: {text}", file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns of even width."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in padded)
