"""Figures of a test, with intervals over runs, in the words of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from hydra_core.models.arrays import Floats
from hydra_core.models.intervals import DRAWS, SEED, confusion_of_runs, draws


def interval(values: Floats) -> str:
    """Return the middle 95 % of some draws, those without a meaning left out; a dash where most have none."""
    real = values[~np.isnan(values)]
    if 2 * len(real) < len(values):
        return "-"
    low, high = np.quantile(real, [0.025, 0.975])
    return f"{low:.3f} to {high:.3f}"


def confusion(truth: Sequence[int], called: Sequence[int], runs: Sequence[int], classes: int) -> np.ndarray:
    """Count per run: int, shape (runs, classes, classes)."""
    return confusion_of_runs(np.asarray(truth), np.asarray(called), np.asarray(runs), classes)


def drawn_with_seeds(each: Sequence[np.ndarray], name: str) -> Floats:
    """Return draws of a figure over test runs, for every way to draw as many seeds as there are with repetition."""
    picks = product(range(len(each)), repeat=len(each))
    return np.concatenate([draws(np.sum([each[number] for number in pick], axis=0))[name] for pick in picks])


def figure(each: Sequence[np.ndarray], name: str) -> str:
    """Return a figure of `intervals.draws` of all seeds' counts as they are, with its interval over seeds and runs."""
    total = np.sum(each, axis=(0, 1))
    hits, of_class, as_class = np.diag(total), total.sum(axis=1), total.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(of_class > 0, 2 * hits / (of_class + as_class), 0.0)
        values = {"accuracy": hits.sum() / total.sum(), "macro_f1": f1.sum() / (of_class > 0).sum()}
        values |= {f"recall {i}": hits[i] / of_class[i] for i in range(len(total))}
        values |= {f"precision {i}": hits[i] / as_class[i] for i in range(len(total))}
    value = float(values[name])
    return "-" if np.isnan(value) else f"{value:.3f} ({interval(drawn_with_seeds(each, name))})"


def auroc(scores: Floats, bad: np.ndarray) -> float:
    """Return how often a bad one has a higher score than a good one; ties count half. NaN without both."""
    high, low = scores[bad], scores[~bad]
    if not len(high) or not len(low):
        return float("nan")
    return float((high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean())


def auroc_told(scores: Floats, bad: np.ndarray) -> str:
    """Return the area with its interval: as many runs drawn with repetition."""
    rng = np.random.default_rng(SEED)
    drawn = [rng.integers(0, len(bad), len(bad)) for _ in range(DRAWS)]
    return f"{auroc(scores, bad):.3f} ({interval(np.array([auroc(scores[one], bad[one]) for one in drawn]))})"
