"""How sure the figures of a model are: intervals, calibration, and what its thresholds leave open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hydra_core.models.arrays import Bools, Floats, Ints
from hydra_core.models.spec import Bin, Interval, Metrics, Threshold

#: How often the tested runs are drawn anew, and the part of the draws that an interval holds.
DRAWS = 1000
CONFIDENCE = 0.95

#: The same figures whenever the same images are measured.
SEED = 20261121

#: Bins of the calibration error, each with equally many images.
BINS = 10

#: Draws nearer to each other than this give the same figure, but for rounding.
SAME = 1e-9

ONE_RUN = "all test images are of one run, so nothing tells how other runs would fare"


def with_intervals(
    metrics: Metrics,
    truth: Sequence[str],
    runs: Sequence[int],
    probs: Floats,
    classes: Sequence[str],
    thresholds: Mapping[str, Threshold],
) -> Metrics:
    """Return `metrics` with intervals, calibration error and the share that stays unconfirmed.

    Parameters
    ----------
    metrics
        As of `proof.measure`, of the very same images, each called the class of its largest probability.
    truth, runs
        Per image: its true class, and its run.
    probs
        Shape (n, c): probabilities in the order of `classes`.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    n = len(truth)
    if len(runs) != n or probs.shape != (n, len(classes)):
        raise ValueError(f"truth ({n}), runs ({len(runs)}) and probs {probs.shape} must be of the same images")
    if not n:
        return metrics
    place = {name: number for number, name in enumerate(metrics.classes)}
    winner = probs.argmax(axis=1)
    true = np.array([place[name] for name in truth])
    called = np.array([place[name] for name in classes])[winner]
    best = probs[np.arange(n), winner]
    needed = np.array([thresholds[name].value for name in classes])[winner]
    found = intervals(confusion_of_runs(true, called, np.asarray(runs), len(place)))
    per_class = {
        name: figures.model_copy(
            update={
                "precision_interval": found[f"precision {number}"] if figures.precision is not None else None,
                "recall_interval": found[f"recall {number}"] if figures.recall is not None else None,
            }
        )
        for (name, figures), number in zip(metrics.per_class.items(), place.values(), strict=True)
    }
    return metrics.model_copy(
        update={
            "per_class": per_class,
            "accuracy_interval": found["accuracy"],
            "macro_f1_interval": found["macro_f1"],
            "no_interval": "" if len(set(runs)) > 1 else ONE_RUN,
            "calibration_error": calibration_error(best, true == called),
            "reliability": reliability(best, true == called),
            "unconfirmed": float((best < needed).mean()),
        }
    )


def confusion_of_runs(true: Ints, called: Ints, runs: Ints, classes: int) -> Ints:
    """Count per run how often each class was called each class: int, shape (runs, classes, classes)."""
    numbers, where = np.unique(runs, return_inverse=True)
    counts = np.zeros((len(numbers), classes, classes), dtype=np.int64)
    np.add.at(counts, (where, true, called), 1)
    return counts


def draws(counts: Ints, *, times: int = DRAWS) -> dict[str, Floats]:
    """Return the figures of `times` tests, each with as many runs as there are, drawn with repetition.

    Runs are drawn and not images: images of one run are alike, and would make every figure look surer than it is.

    Parameters
    ----------
    counts
        As of `confusion_of_runs`, of one run or more.

    Returns
    -------
    dict
        ``accuracy``, ``macro_f1``, and for each class number ``precision N`` and ``recall N``: float64, shape
        (times,), NaN where the figure has no meaning in a draw.
    """
    runs, classes, _ = counts.shape
    often = np.random.default_rng(SEED).multinomial(runs, np.full(runs, 1 / runs), size=times)
    drawn = (often @ counts.reshape(runs, -1)).reshape(times, classes, classes).astype(np.float64)
    hits, of_class, as_class = np.einsum("tii->ti", drawn), drawn.sum(axis=2), drawn.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = hits.sum(axis=1) / drawn.sum(axis=(1, 2))
        precision, recall = hits / as_class, hits / of_class
        f1 = np.where(of_class > 0, 2 * hits / (of_class + as_class), 0.0)
        macro_f1 = f1.sum(axis=1) / (of_class > 0).sum(axis=1)
    found = {"accuracy": accuracy, "macro_f1": macro_f1}
    for number in range(classes):
        found[f"precision {number}"], found[f"recall {number}"] = precision[:, number], recall[:, number]
    return found


def intervals(counts: Ints) -> dict[str, Interval | None]:
    """Return the interval of each figure of `draws`; None where there is one run, or where half the draws have none.

    Where every draw gives the same figure, as where nothing was wrong, the draws prove nothing: then each run that
    holds the figure counts as one trial (`share_interval`), which is wide where runs are few.
    """
    everywhere = len(counts)
    holding = {"accuracy": everywhere, "macro_f1": everywhere}
    for number in range(counts.shape[1]):
        holding[f"precision {number}"] = int((counts[:, :, number].sum(axis=1) > 0).sum())
        holding[f"recall {number}"] = int((counts[:, number].sum(axis=1) > 0).sum())
    return {
        name: _interval(values, holding[name]) if len(counts) > 1 else None for name, values in draws(counts).items()
    }


def middle(drawn: Floats) -> tuple[float, float] | None:
    """Return between which values the middle 95 % of the draws of a figure lie; None where half of them have none."""
    known = drawn[~np.isnan(drawn)]
    if 2 * len(known) < len(drawn):
        return None
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _interval(values: Floats, runs: int) -> Interval | None:
    found = middle(values)
    if found is None:
        return None
    low, high = found
    if high - low < SAME:
        return share_interval(float(np.clip(low, 0, 1)) * runs, runs)
    return Interval(low=float(np.clip(low, 0, 1)), high=float(np.clip(high, 0, 1)))


def calibration_error(confidence: Floats, right: Bools, *, bins: int = BINS) -> float:
    """Return the mean distance between confidence and share of right answers, over bins of equally many images.

    Parameters
    ----------
    confidence
        Float, shape (n,), n at least 1: probability of the class that was called.
    right
        Bool, shape (n,): whether it was the true one.
    """
    where = np.unique(confidence, return_inverse=True)[1]
    # Images of one confidence count as equally right, so that their order means nothing.
    share = np.bincount(where, weights=right.astype(np.float64)) / np.bincount(where)
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(confidence[part].mean() - share[where[part]].mean())) * len(part) for part in parts]
    return min(1.0, sum(gaps) / len(order))


def reliability(confidence: Floats, right: Bools, *, bins: int = BINS) -> tuple[Bin, ...]:
    """Return what confidence means: bins of equal width from 0 to 1, without empty ones; parameters as above."""
    where = np.clip((confidence.astype(np.float64) * bins).astype(np.int64), 0, bins - 1)
    return tuple(
        Bin(
            confidence=float(np.clip(confidence[where == number].mean(), 0, 1)),
            right=float(right[where == number].mean()),
            images=int((where == number).sum()),
        )
        for number in np.unique(where)
    )


def share_interval(hits: float, n: int) -> Interval:
    """Return the 95 % interval of a share of `n` trials that stand for themselves (Wilson 1927), n at least 1."""
    z2 = 1.959964**2
    middle = (hits + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (hits * (n - hits) / n + z2 / 4)) / (n + z2)
    # At none and at all the interval ends with the share itself, whatever rounding makes of it.
    return Interval(low=min(hits / n, max(0.0, middle - half)), high=max(hits / n, min(1.0, middle + half)))
