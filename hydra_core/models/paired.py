"""Two models on the same images: the figures of both, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hydra_core.models.arrays import Floats
from hydra_core.models.intervals import confusion_of_runs, draws, middle
from hydra_core.models.proof import measure
from hydra_core.models.spec import Metrics


@dataclass(frozen=True)
class Calls:
    """What a model called some images.

    Attributes
    ----------
    called
        Class name of each image.
    classes
        The model's classes in order.
    """

    called: Sequence[str]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Paired:
    """A candidate's results, and those of the live model on the same images.

    Attributes
    ----------
    live
        None where no model is live.
    difference
        Where the candidate's macro-F1 less the live model's lies with 95 %, had other runs been looked at; None where
        all images are of one run.
    """

    candidate: Metrics
    live: Metrics | None = None
    difference: tuple[float, float] | None = None


def pair(truth: Sequence[str], runs: Sequence[int], hashes: Sequence[str], candidate: Calls, live: Calls) -> Paired:
    """Measure two models on the same images.

    Parameters
    ----------
    truth, runs, hashes
        Per image: its true class, its run, and the SHA-256 of its file.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    if len(runs) != len(truth):
        raise ValueError(f"there are {len(truth)} images and {len(runs)} runs")
    mine, other = (measure(truth, one.called, one.classes, hashes) for one in (candidate, live))
    if len(set(runs)) < 2:
        return Paired(mine, other)
    # Both are tested by the very same draws of runs, so that the difference is one of the models and not of the draw.
    apart = _drawn(mine, truth, candidate.called, runs) - _drawn(other, truth, live.called, runs)
    return Paired(mine, other, middle(apart))


def _drawn(metrics: Metrics, truth: Sequence[str], called: Sequence[str], runs: Sequence[int]) -> Floats:
    """Return macro-F1 in each draw of runs: float64, shape (draws,)."""
    place = {name: number for number, name in enumerate(metrics.classes)}
    true, said = (np.array([place[name] for name in names]) for names in (truth, called))
    return draws(confusion_of_runs(true, said, np.asarray(runs), len(place)))["macro_f1"]
