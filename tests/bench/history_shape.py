"""What a fabricated history is made of: how large it is, and which run, place, key and model each number stands for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

ONCE_TYPES, CHUNKED_TYPES, CHUNKS = 16, 64, 12
TYPES = ONCE_TYPES + CHUNKED_TYPES
#: Places of a run: every chunked plot type has its chunks, the others come once.
PLACES = CHUNKED_TYPES * CHUNKS + ONCE_TYPES
#: Every so many places show the blank plot of their type, which is the same image each time.
BLANK_EVERY = 64
MISSING_EVERY = 251
#: Every so many revisions are the second one of the run before.
TWICE_EVERY = 20
RUNS_OF_A_PASS = 1400
FIRST_RUN, RUNS_BETWEEN_PASSES = 20_000, 10_000
VERSIONS = 4
CLASSES = ("Good", "Bad", "NoData")
DETECTORS = ("CDC", "FCAL", "BCAL", "TOF", "RICH", "PS", "ST", "TAGM")
BEGIN = datetime(2018, 1, 8, 6, 0, tzinfo=UTC)
BETWEEN_RUNS = timedelta(hours=4, minutes=20)

Kind = Literal["image", "blank", "request", "card", "other"]
_KINDS: dict[Kind, int] = {"image": 0, "blank": 1, "request": 2, "card": 3, "other": 4}


@dataclass(frozen=True)
class Size:
    """How large a history is: different images, verdicts and labels."""

    images: int
    verdicts: int
    labels: int

    @property
    def revisions(self) -> int:
        """Revisions of runs, the newest three of them unfinished."""
        return -(-self.images * BLANK_EVERY * MISSING_EVERY // ((BLANK_EVERY - 1) * (MISSING_EVERY - 1) * PLACES))

    @property
    def places(self) -> int:
        """Rows of `items`."""
        return self.revisions * PLACES

    @property
    def first_judged(self) -> int:
        """The first revision that has verdicts; the ones before it came to the archive before judging began."""
        return max(0, self.revisions - 1 - -(-self.verdicts // PLACES))

    @property
    def runs(self) -> int:
        """Runs of all passes."""
        return run_of(self.revisions - 1) + 1

    @property
    def passes(self) -> int:
        """Monitoring passes; all but the newest are closed."""
        return -(-self.runs // RUNS_OF_A_PASS)

    @property
    def end(self) -> datetime:
        """When the newest run was judged."""
        return BEGIN + self.revisions * BETWEEN_RUNS

    def part(self, parts: int) -> Size:
        """Return a history of so much less."""
        return Size(self.images // parts, self.verdicts // parts, self.labels // parts)


#: The figures of the original system in 2026, and a hall that has just begun, whose runs are all judged. A few labels
#: fall on places without an image and are left out.
LARGE = Size(13_500_000, 5_000_000, 1_005_000)
SMALL = Size(10_000, 10_000, 741)


def digests(kind: Kind, numbers: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return keys as evenly spread as SHA-256: four words of 64 bits for each number, which `key_bytes` writes down.

    Returns
    -------
    numpy.ndarray
        Shape ``(len(numbers), 4)``, dtype ``uint64``.
    """
    seeds = np.uint64(_KINDS[kind]) << np.uint64(56)
    words = (numbers.astype(np.uint64)[:, None] << np.uint64(2)) + np.arange(4, dtype=np.uint64) + seeds
    with np.errstate(over="ignore"):
        words = words * np.uint64(0x9E3779B97F4A7C15)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def key_bytes(words: np.ndarray[Any, np.dtype[np.uint64]]) -> bytes:
    """Write keys down, 32 bytes each, one after the other."""
    # Big-endian, so that the order of the first words is that of the keys.
    return words.astype(">u8").tobytes()


def keys(kind: Kind, first: int, count: int) -> list[bytes]:
    """Return the keys of consecutive numbers."""
    return key_parts(key_bytes(digests(kind, np.arange(first, first + count, dtype=np.uint64))))


def key_parts(data: bytes) -> list[bytes]:
    """Return the keys that lie one after the other."""
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def run_of(revision: int) -> int:
    """Return the run, counted from 0 over all passes, that a revision (counted from 0) belongs to."""
    return revision - (revision + 1) // TWICE_EVERY


def revision_number(revision: int) -> int:
    """Return which revision of its run it is."""
    return 2 if revision % TWICE_EVERY == TWICE_EVERY - 1 else 1


def pass_and_number(run: int) -> tuple[int, int]:
    """Return the row of the pass and the run number of a run."""
    which, rest = divmod(run, RUNS_OF_A_PASS)
    return which + 1, FIRST_RUN + which * RUNS_BETWEEN_PASSES + rest


def place(slot: int) -> tuple[int, int]:
    """Return (plot type row, chunk) of a place of a run, in the order of the block."""
    if slot < CHUNKED_TYPES * CHUNKS:
        return slot // CHUNKS + 1, slot % CHUNKS
    return slot - CHUNKED_TYPES * CHUNKS + CHUNKED_TYPES + 1, -1


def slot_of(plot_type: int, chunk: int) -> int:
    """Return the place of a run that a plot type row has for a chunk."""
    if plot_type <= CHUNKED_TYPES:
        return (plot_type - 1) * CHUNKS + chunk
    return CHUNKED_TYPES * CHUNKS + plot_type - CHUNKED_TYPES - 1


def instant(moment: datetime) -> str:
    """Return an instant as both databases take it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}000"


def plot_name(plot_type: int) -> str:
    """Return the name of a plot type row."""
    return f"{DETECTORS[plot_type % len(DETECTORS)]}_plot_{plot_type:02d}"


def moment_of(revision: int, minutes: int = 0) -> str:
    """Return the instant so many minutes after a revision began."""
    return instant(BEGIN + revision * BETWEEN_RUNS + timedelta(minutes=minutes))


def is_blank(number: int) -> bool:
    """Say whether a place, counted over the whole history, shows the blank plot of its type."""
    return number % BLANK_EVERY == BLANK_EVERY - 1


def is_missing(number: int) -> bool:
    """Say whether no file of a place, counted over the whole history, came."""
    return number % MISSING_EVERY == 0


def judging_sets_made(size: Size) -> int:
    """Return the number of judging sets: one whenever a model of a newer version went live, at most."""
    return max(1, min(TYPES * (VERSIONS - 1), size.revisions // 20))


def judging_set_of(size: Size, revision: int) -> int:
    """Return the row of the judging set that a revision was judged with."""
    return 1 + revision * judging_sets_made(size) // size.revisions


def version_of(size: Size, revision: int) -> int:
    """Return which version of its model judged a revision."""
    return revision * VERSIONS // size.revisions


def model_id(plot_type: int, version: int) -> int:
    """Return the row of a model."""
    return version * TYPES + plot_type
