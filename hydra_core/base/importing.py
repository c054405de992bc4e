"""Importing large libraries at less cost."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Import inside, and neither now nor at the end of the process look for garbage in what was imported.

    What modules consist of lives as long as the process, yet Python's collector walks through all of it again and
    again while it grows, and once more at the end: a quarter of what a short job costs.
    """
    if not gc.isenabled():
        yield
        return
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        # What is garbage already would be kept too, so not without need.
        if len(sys.modules) > known:
            gc.freeze()
        gc.enable()
