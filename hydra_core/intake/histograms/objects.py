"""What a reader of one file format gives: the objects of a file, listed first and read one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hydra_core.intake.histograms.content import ObjectProblem, ReadLimits
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.intake.histograms.object_names import Choice

#: Folders inside folders beyond this depth are not entered: no producer makes them, a damaged file may.
MAX_DEPTH = 32


class NotRead(Exception):  # noqa: N818  (it becomes a reason on a card)
    """An object, or a whole file, that cannot be taken; the reason is a sentence without paths."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """A histogram that an entry held; `path` is not unique yet."""

    path: str
    class_name: str
    hist: Histogram


@dataclass(frozen=True)
class PassedOver:
    """An object inside an entry that is not taken: of a class that is not drawn, or (no class) left by the patterns."""

    class_name: str = ""


@dataclass(frozen=True)
class Entry:
    """One thing to read: a histogram, or a list that may hold several."""

    path: str
    class_name: str
    read: Callable[[], Iterator[Member | ObjectProblem | PassedOver]]


@dataclass
class Listing:
    """The objects of a file before any is read; `over` counts those beyond the limit."""

    choice: Choice
    limits: ReadLimits
    entries: list[Entry] = field(default_factory=list)
    problems: list[ObjectProblem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    left: int = 0
    over: int = 0

    def offer(self, entry: Entry) -> None:
        """Take up a histogram if it is wanted."""
        if not self.choice.wants(entry.path):
            self.left += 1
        else:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take up an entry whose parts are chosen when it is read."""
        if len(self.entries) < self.limits.max_histograms:
            self.entries.append(entry)
        else:
            self.over += 1


#: Lists what an open file holds; calls its last argument with the path of each folder before it is entered.
Opener = Callable[[int, Choice, ReadLimits, Callable[[str], None]], Listing]


def check_bins(limits: ReadLimits, *bins: int) -> None:
    """Refuse a histogram with too many bins.

    Raises
    ------
    NotRead
        When it has more than the limits allow, or an axis without bins.
    """
    total = 1
    for count in bins:
        total *= count
    if min(bins) < 1:
        raise NotRead("it has an axis without bins")
    if total > limits.max_bins:
        raise NotRead(f"it has {total} bins, more than the limit of {limits.max_bins}")
