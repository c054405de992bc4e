"""What either choice of weights gave, in words and a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydra_core.config.training import TrainingSection
from tests.bench import training_sampling as sampling
from tests.bench import training_wafers as wafers
from tests.bench import training_weights as weights
from tests.bench.training_figures import confusion, drawn_with_seeds, interval
from tests.bench.training_kept import Kept

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], list[str]]


@dataclass(frozen=True)
class Tried:
    """A set, and what was found with each seed; `truth` and `runs` of the test are the same for all."""

    name: str
    truth: list[int]
    runs: Sequence[int]
    found: list[dict[str, Any]]

    def counts(self, way: str) -> list[np.ndarray]:
        """Return for each seed the confusion per test run."""
        classes = max(self.truth) + 1
        return [confusion(self.truth, one["ways"][way]["called"], self.runs, classes) for one in self.found]

    def values(self, way: str, key: str) -> list[float]:
        """Return a figure of each seed."""
        return [one["ways"][way][key] for one in self.found]


def weights_section(kept: Kept, table: Table) -> list[str]:
    """Return the lines of the section; none where nothing was measured."""
    done = [*_emulated(kept), *_wafers(kept)]
    if not done:
        return []
    return [
        'One training gives both: with `keep = "best"` the weights of the epoch with the best macro-F1 on the '
        'validation images, and with `keep = "averaged"` the running average over about 50 steps at the end of all '
        "epochs; what the former would not have seen, because it stops early, does not count for it. So both have "
        "made the same steps. Network `compact`; the emulated sets are drawn anew for each seed, a fifth of their runs "
        f"validates, {weights.EPOCHS} epochs as a site has them; the test is that of the section above. "
        "Differences with an interval over seeds and test runs. *Log loss*: the mean over test plots, less is better.",
        "",
        *table(
            (
                "set",
                "bad ones that validate",
                "epoch kept",
                "images, best",
                "images, averaged",
                "macro-F1, best",
                "macro-F1, averaged",
                "averaged less best",
                "log loss, best",
                "log loss, averaged",
            ),
            map(_row, done),
        ),
        _verdict(done),
        "",
    ]


def _emulated(kept: Kept) -> Iterable[Tried]:
    for good, bad in weights.SETS:
        cases = [case for case in weights.CASES if (case.good, case.bad) == (good, bad)]
        found = [one for case in cases if (one := kept.find(case.name))]
        if found:
            _, test = sampling.sets(kept)
            place = found[0]["classes"].index
            truth = [place(weights.NAMES[int(one)]) for one in test["bad"]]
            yield Tried(f"emulated, {good} good and {bad} bad", truth, test["runs"].tolist(), found)


def _wafers(kept: Kept) -> Iterable[Tried]:
    for augment in dict.fromkeys(case.augment for case in wafers.CASES):
        cases = [case for case in wafers.CASES if case.augment == augment]
        found = [one for case in cases if (one := kept.find(case.name)) and "ways" in one]
        if found:
            truth = found[0]["truth"]
            yield Tried(f"wafers, {', '.join(augment)}", truth, range(len(truth)), found)


def _difference(tried: Tried) -> np.ndarray:
    best, averaged = (drawn_with_seeds(tried.counts(way), "macro_f1") for way in weights.WAYS)
    return averaged - best


def _macro_f1(tried: Tried, way: str) -> list[float]:
    found = []
    for one in tried.counts(way):
        total = one.sum(axis=0)
        found.append(float(np.mean(2 * np.diag(total) / (total.sum(axis=0) + total.sum(axis=1)))))
    return found


def _row(tried: Tried) -> Sequence[object]:
    f1, losses = ({way: made(tried, way) for way in weights.WAYS} for made in (_macro_f1, _losses))
    images = (f"{np.mean(tried.values(way, 'images')):,.0f}" for way in weights.WAYS)
    difference = np.mean(f1["averaged"]) - np.mean(f1["best"])
    return (
        tried.name,
        " ".join(str(one["validation_bad"]) for one in tried.found if "validation_bad" in one) or "-",
        " ".join(str(int(value)) for value in tried.values("best", "epoch")),
        *images,
        *(" ".join(f"{value:.3f}" for value in values) for values in f1.values()),
        f"{difference:+.3f} ({interval(_difference(tried))})",
        *(" ".join(f"{value:.3f}" for value in values) for values in losses.values()),
    )


def _losses(tried: Tried, way: str) -> list[float]:
    return tried.values(way, "loss")


def _differences(done: list[Tried], figure: Callable[[Tried, str], list[float]]) -> np.ndarray:
    """Return by how much a figure of averaged weights is above that of the best ones, for each training."""
    return np.concatenate([np.subtract(*(figure(one, way) for way in reversed(weights.WAYS))) for one in done])


def _verdict(done: list[Tried]) -> str:
    f1, losses = _differences(done, _macro_f1), _differences(done, _losses)
    return (
        f"Of {len(f1)} trainings macro-F1 was better with averaged weights in {(f1 > 0).sum()} and worse in "
        f"{(f1 < 0).sum()}: {f1.mean():+.3f} in the mean, from {f1.min():+.3f} to {f1.max():+.3f}. Their log loss was "
        f"less in {(losses < 0).sum()} and more in {(losses > 0).sum()}. The default is "
        f"`{TrainingSection().keep}`."
    )
