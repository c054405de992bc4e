"""How a training tells where it stands: one plain line an epoch, and in place on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO

from hydra_core.models.spec import Epoch

#: Receives one line, without its end.
Tell = Callable[[str], None]

#: How lines begin that the next one of their kind may replace.
EPOCH = "epoch "


def epoch_line(point: Epoch, epochs: int, seconds_left: float) -> str:
    """Return what is told of an epoch: its number, loss, result on the validation runs, and how long it may take."""
    judged = "no validation runs"
    if point.validation_accuracy is not None and point.validation_loss is not None:
        judged = f"validation accuracy {point.validation_accuracy:.3f}, loss {point.validation_loss:.3f}"
    return f"{EPOCH}{point.epoch}/{epochs}  loss {point.loss:.4f}  {judged}  {_about(seconds_left)}"


def _about(seconds: float) -> str:
    if seconds < 1:
        return "done"
    if seconds < 90:
        return f"about {round(seconds)} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


def teller(stream: TextIO | None = None) -> Tell:
    """Return a function that prints lines: on a terminal an epoch replaces the one before, in a log each has a line."""
    out = stream or sys.stdout
    if not out.isatty():
        return lambda line: print(line, file=out, flush=True)
    waiting = False

    def tell(line: str) -> None:
        nonlocal waiting
        here = line.startswith(EPOCH)
        # The rest of a longer line before is wiped.
        start = "\r\x1b[K" if waiting and here else "\n" if waiting else ""
        print(f"{start}{line}", end="" if here else "\n", file=out, flush=True)
        waiting = here

    return tell
