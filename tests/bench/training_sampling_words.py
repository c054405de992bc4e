"""What the sampling schemes gave, in words and tables: is a part of the good plots enough?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hydra_core.models.arrays import Floats
from hydra_core.models.intervals import draws
from tests.bench import training_sampling as sampling
from tests.bench.training_figures import confusion, figure, interval
from tests.bench.training_kept import Kept

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], list[str]]
#: A fall of macro-F1 by more than this is another accuracy.
SAME = 0.01
CLAIMED = 5.0
#: What saves less is not told of in the verdict.
LEAST_SAVING = 2.0
PLAIN = sampling.CASES[0]
BALANCED = ("undersample", "rotating")


@dataclass(frozen=True)
class Done:
    """The trainings of one case, by seed."""

    case: sampling.Case
    results: dict[int, dict[str, Any]]
    test: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        case = self.case
        epochs = f"{case.epochs} epoch{'' if case.epochs == 1 else 's'}"
        return f"{case.sampling}, {epochs}" + (f" of a random {case.part:,} images" if case.part else "")

    @property
    def images(self) -> int:
        found: int = next(iter(self.results.values()))["images"]
        return found

    def counts(self, seeds: Iterable[int]) -> np.ndarray:
        """Return the confusion of each test run over some seeds."""
        truth = self.test["bad"].astype(int).tolist()
        each = [confusion(truth, list(map(int, self.results[s]["called"])), self.test["runs"], 2) for s in seeds]
        return np.sum(each, axis=0)

    @cached_property
    def figures(self) -> tuple[str, str]:
        """Macro-F1 and recall of Bad of all seeds together, with intervals."""
        counts = self.counts(self.results)
        return figure([counts], "macro_f1"), figure([counts], "recall 1")

    def difference(self, other: Done) -> Floats | None:
        """Return draws of the difference of macro-F1 to another case, over the seeds that both have."""
        both = self.results.keys() & other.results.keys()
        if not both:
            return None
        mine, others = (draws(one.counts(both))["macro_f1"] for one in (self, other))
        return mine - others

    def needed(self, level: float) -> list[tuple[int, float]]:
        """Return images and seconds until a level, of the seeds that reached it."""
        found = (sampling.crossing(one["evaluations"], level) for one in self.results.values())
        return [one for one in found if one]


def sampling_section(kept: Kept, table: Table) -> list[str]:
    """Return the lines of the section; none where plain training was not measured."""
    named = ((case, {seed: kept.find(f"{case.name}-seed{seed}") for seed in case.seeds}) for case in sampling.CASES)
    found = [(case, {seed: one for seed, one in results.items() if one}) for case, results in named]
    if not found[0][1]:
        return []
    _, test = sampling.sets(kept)
    done = [Done(case, results, test) for case, results in found if results]
    plain = done[0]
    rows = []
    for one in done:
        ends = " ".join(f"{result['evaluations'][-1][2]:.3f}" for result in one.results.values())
        seconds = f"{np.mean([result['seconds'] for result in one.results.values()]):.0f}"
        rows.append((one.name, f"{one.images:,}", seconds, ends, *one.figures, _compared(one, plain)))
    reached = ((one.name, f"{one.images:,}", *(_reached(one, level) for level in sampling.LEVELS)) for one in done)
    return [
        *_what_was_done(test),
        *table(
            (
                "scheme",
                "images seen",
                "seconds",
                "macro-F1 of each seed",
                "seeds together",
                "recall of Bad",
                "macro-F1 less that of plain training",
            ),
            rows,
        ),
        "Images, and seconds in brackets, until macro-F1 on the test reached a level and still held it at the next "
        f"look (every {sampling.FINE} images at first, every {sampling.COARSE:,} after {sampling.FINE_UNTIL:,}); mean "
        "of the seeds that did, and how many did. A first crossing alone would flatter, for the figure jumps from "
        "look to look. The learning rate falls to 0 over the images planned, so a short plan settles early. About "
        "two of the seconds build the network's graph.",
        "",
        *table(("scheme", "images in all", *(f"to {level}" for level in sampling.LEVELS)), reached),
        *_verdict(done),
    ]


def _what_was_done(test: dict[str, np.ndarray]) -> list[str]:
    return [
        "The original Hydra's claim: a training with all bad plots and a part of the good ones is about "
        f"{CLAIMED:.0f} times faster at the same accuracy. Tried on emulated plots ({sampling.PLOT}, "
        f"{sampling.SIZE[1]} pixels, network `compact`): {sampling.GOOD:,} good and {sampling.BAD:,} bad ones (boards "
        f"dead or at 30 %, swapped cables) train, {sampling.TEST_GOOD} good and {sampling.TEST_BAD} bad ones of "
        f"{len(np.unique(test['runs']))} other runs test; good and bad plots come from the same runs. Weights are "
        "averaged over about 50 steps, so no validation set chooses among epochs. An epoch shows each image once "
        "(`normal`), as many good ones as there are bad ones (`undersample`: always the same; `rotating`: others "
        "every time), or as many bad ones as there are good ones, again and again (`oversample`).",
        "",
    ]


def _compared(one: Done, plain: Done) -> str:
    difference = one.difference(plain)
    if one is plain or difference is None:
        return ""
    return f"{np.mean(difference):+.3f} ({interval(difference)})"


def _reached(one: Done, level: float) -> str:
    found = one.needed(level)
    if not found:
        return "never"
    images, seconds = np.mean(found, axis=0)
    return f"{images:,.0f} ({seconds:.0f}), {len(found)} of {len(one.results)}"


def _verdict(done: list[Done]) -> list[str]:
    plain = done[0]
    told, claimed = [], []
    for one in done:
        fewer = plain.images / one.images
        difference = one.difference(plain)
        if difference is None or fewer < LEAST_SAVING:
            continue
        low, high = np.quantile(difference, [0.025, 0.975])
        word = "the same accuracy" if low > -SAME else "a worse one" if high < -SAME else "not clear"
        if one.case.sampling in BALANCED and one.case.epochs == plain.case.epochs:
            claimed.append(bool(low > -SAME))
        told.append(f"{one.name}, {fewer:.1f} times fewer images: {word}")
    answer = "Yes, here" if claimed and all(claimed) else "Partly" if any(claimed) else "Not here"
    return [
        f"**Does the claim hold? {answer}.** It speaks of as many epochs with fewer images in each. The same accuracy "
        f"means that the interval of the difference stays above -{SAME}, a worse one that it stays below. "
        + "; ".join(told)
        + ". "
        + " ".join(_ratio(done, level) for level in sampling.LEVELS)
        + " `oversample` shows both classes as often as `rotating` does, so at equal numbers of images the two "
        "differ by the order alone. The intervals are over test runs; the seeds beside them show what chance does "
        "to a training.",
        "",
    ]


def _ratio(done: list[Done], level: float) -> str:
    """Say how many times fewer images the quickest balanced scheme needed than plain training."""
    quickest: dict[bool, tuple[float, str]] = {}
    for one in done:
        found = one.needed(level)
        if one.case.sampling in ("normal", *BALANCED) and len(found) == len(one.results):
            mine = (float(np.mean([images for images, _ in found])), one.name)
            balanced = one.case.sampling in BALANCED
            quickest[balanced] = min(quickest.get(balanced, mine), mine)
    if True not in quickest:
        return f"No balanced scheme reached {level} with every seed."
    least, name = quickest[True]
    if False not in quickest:
        most = max(one.images for one in done if one.case.sampling == "normal")
        return f"To {level} {name} needed {least:,.0f} images; plain training did not get there in {most:,}."
    return f"To {level} {name} needed {quickest[False][0] / least:.1f} times fewer images than {quickest[False][1]}."
