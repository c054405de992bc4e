"""A reading process for tests: the file says line by line what its objects do to the reader."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from hydra_core.intake.histograms.child import main
from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.histograms.object_names import Choice
from hydra_core.intake.histograms.objects import Entry, Listing, Member, Opener


def behave(how: str) -> None:
    """Do what a damaged file may make a library do."""
    match how:
        case "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
            time.sleep(3600)
        case "bomb":
            np.ones(1 << 32)
        case "hoard":
            # As a library in C that is given no memory and does not look.
            kept = []
            try:
                while True:
                    kept.append(np.ones(1 << 20))
            except MemoryError:
                os.abort()
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            os._exit(7)
        case "grow":
            with open("/tmp/never", "wb") as stream:  # noqa: PTH123
                stream.write(b"x")


def list_strange(handle: int, choice: Choice, limits: ReadLimits, enter: Callable[[str], None]) -> Listing:
    """List the lines of a file: a word that says how it behaves, and a name."""
    listing = Listing(choice, limits)
    for line in os.pread(handle, 1 << 16, 0).decode().splitlines()[1:]:
        how, name = line.split()
        if how == "folder":
            enter(name)
            behave(name)
        else:
            listing.offer(Entry(name, "TH1D", lambda how=how, name=name: _read(how, name)))  # type: ignore[misc]
    return listing


def _read(how: str, name: str) -> Iterator[Member]:
    behave(how)
    shown = "\x1b[31m" if how == "colour" else name
    yield Member(shown, "TH1D", Histogram(name, "", Axis.regular(2, 0, 1), None, np.ones(2), 2))


def load() -> Mapping[str, Opener]:
    """Return the one format that is known."""
    return {"ROOT": list_strange}


if __name__ == "__main__":
    main(load)
