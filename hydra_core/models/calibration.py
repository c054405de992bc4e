"""Confidence that means what it says: one temperature for all logits (Guo et al. 2017), fitted on validation images."""

from __future__ import annotations

import math

import numpy as np

from hydra_core.models.arrays import Floats, Ints

#: With fewer images, or fewer wrong answers among them, a temperature would be chance. Where every answer is right the
#: best one is none at all: more and more confidence, without end.
MIN_IMAGES = 50
MIN_ERRORS = 5

#: A temperature beyond these speaks of a set that is separated, or of a network that learned nothing.
LEAST, MOST = 0.1, 10.0

#: Places of a temperature: the order of the images changes none of them.
_PLACES = 4

_HALVINGS = 60

#: Probabilities below this are rounding.
_TINY = float(np.finfo(np.float32).tiny)


def fit_temperature(probs: Floats, truth: Ints) -> tuple[float, str]:
    """Return the temperature by which logits are divided so that the true classes are likeliest.

    Parameters
    ----------
    probs
        Shape (n, c): probabilities, uncalibrated.
    truth
        int, shape (n,): index of the true class.

    Returns
    -------
    tuple
        The temperature and "", or 1 and why none was fitted.
    """
    n = len(truth)
    if n < MIN_IMAGES:
        return 1.0, f"{n} validation images, {MIN_IMAGES} are needed"
    wrong = int((probs.argmax(axis=1) != truth).sum())
    if wrong < MIN_ERRORS:
        return 1.0, f"{wrong} of {n} validation images are called wrong, {MIN_ERRORS} are needed"
    logits = _logits(probs)
    # The loss is convex in 1 / T: its slope rises, and is zero at the best one.
    low, high = math.log(1 / MOST), math.log(1 / LEAST)
    if _slope(logits, truth, math.exp(low)) > 0 or _slope(logits, truth, math.exp(high)) < 0:
        return 1.0, f"the best temperature would lie beyond {LEAST:g} to {MOST:g}"
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _slope(logits, truth, math.exp(middle)) > 0:
            high = middle
        else:
            low = middle
    temperature = round(math.exp(-(low + high) / 2), _PLACES)
    if (tempered(probs, temperature).argmax(axis=1) != probs.argmax(axis=1)).any():
        return 1.0, "two classes are so close that rounding would change which one is called"
    return temperature, ""


def tempered(probs: Floats, temperature: float) -> Floats:
    """Return the probabilities at a temperature: float32, shape (n, c); the likeliest class stays so.

    Parameters
    ----------
    probs
        Shape (n, c): probabilities at temperature 1.
    temperature
        Above 0; above 1 makes them less sure.
    """
    if temperature == 1:
        return probs.astype(np.float32)
    return _softmax(_logits(probs) / temperature).astype(np.float32)


def _logits(probs: Floats) -> Floats:
    """Return logits (float64), the largest of each row 0."""
    logs = np.log(np.maximum(probs.astype(np.float64), _TINY))
    return np.asarray(logs - logs.max(axis=1, keepdims=True))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _slope(logits: Floats, truth: Ints, sharpness: float) -> float:
    """Return the derivative of the mean negative log likelihood after 1 / T, at 1 / T = `sharpness`."""
    expected = (_softmax(logits * sharpness) * logits).sum(axis=1)
    return float((expected - logits[np.arange(len(truth)), truth]).mean())
