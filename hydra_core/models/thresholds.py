"""From which confidence on a class is confirmed: where F1 is largest, or as a budget of errors allows.

A budget is kept on images that nobody has seen yet, if they are like the validation images: with n of these, the
bound is the (n + 1) (1 - budget)-th of their scores, not the n (1 - budget)-th (split conformal prediction, Vovk et
al. 2005). Nominal quantiles of a few hundred images let about twice as many errors through as they name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hydra_core.base.errors import HydraError
from hydra_core.base.words import counted
from hydra_core.config.training import UNLEARNED_THRESHOLD, ThresholdRule
from hydra_core.models.answers import Answers
from hydra_core.models.arrays import Bools, Floats
from hydra_core.models.asked import TrainSpec
from hydra_core.models.spec import Threshold

#: Below this many examples in all, or of the class itself, the largest F1 would be chance.
MIN_THRESHOLD_EXAMPLES = 20
MIN_THRESHOLD_POSITIVES = 5

#: Of all values that call the same images the one nearest to this is taken.
MIDDLE = 0.5

#: Distance kept from the scores that bound a threshold, so that rounding in another engine flips no example.
EDGE_MARGIN = 1e-3

#: Rounding in a product of a count and a share must not cost an image.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Policy:
    """How thresholds are chosen.

    Attributes
    ----------
    rule
        ``max_f1``: see `max_f1_threshold`. ``false_alarms``: at most `share` of the images of other classes reach the
        threshold. ``recall``: at least `share` of the images of the class are confirmed, with the largest threshold
        that does so.
    share
        The budget, above 0 and below 1; no meaning for ``max_f1``.
    """

    rule: ThresholdRule = "max_f1"
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise HydraError(
                f"a share of {self.share:g} can be no budget of a threshold", next_step="give one between 0 and 1"
            )

    @property
    def words(self) -> str:
        """What is asked for: ``1 % false alarms``, ``95 % recall`` or ``max F1``."""
        if self.rule == "max_f1":
            return "max F1"
        return f"{100 * self.share:.3g} % {self.rule.replace('_', ' ')}"

    def too_few(self, found: Threshold) -> str:
        """Return how many validation images a threshold was chosen by and how many the budget needs; empty if enough.

        No meaning for ``max_f1``.
        """
        alarms = self.rule == "false_alarms"
        images = found.n - found.positives if alarms else found.positives
        needed = _needed(self.share if alarms else 1 - self.share)
        of = "other classes" if alarms else "the class"
        return f"only {counted(images, 'validation image')} of {of}, {needed} are needed" if images < needed else ""


def policy_of(spec: TrainSpec) -> Policy:
    """Return the policy that a training asks for."""
    if spec.thresholds == "max_f1":
        return Policy()
    return Policy(spec.thresholds, spec.false_alarms if spec.thresholds == "false_alarms" else spec.recall)


def by_policy(answers: Answers, class_name: str, policy: Policy) -> Threshold:
    """Choose the threshold of a class from what a model said of its validation images; see `threshold`.

    Raises
    ------
    HydraError
        When the model does not know the class.
    """
    if class_name not in answers.classes:
        raise HydraError(
            f"the model knows no class {class_name!r}", next_step=f"it knows {', '.join(sorted(answers.classes))}"
        )
    held = answers.on("validation")
    place = answers.classes.index(class_name)
    winner = held.probs.argmax(axis=1) if len(held.probs) else np.zeros(0, np.int64)
    return threshold(held.probs[:, place], held.truth == place, winner == place, policy)


def threshold(scores: Floats, is_class: Bools, called: Bools, policy: Policy) -> Threshold:
    """Choose from which probability on a class is confirmed.

    Where a budget needs more images than there are, the threshold is that of the largest F1, and says so. Where no
    threshold keeps a budget, it is the strictest (1) or the most lenient (0) one, and says so.

    Parameters
    ----------
    scores
        Float, shape (n,): probability of the class, one per validation image. NaN never reaches a threshold.
    is_class, called
        Bool, shape (n,): whether the image is of the class, and whether the class was its likeliest. Only then it can
        be confirmed.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    truth, calls = np.asarray(is_class, dtype=bool), np.asarray(called, dtype=bool)
    found = max_f1_threshold(scores, truth)
    if calls.shape != truth.shape:
        raise ValueError(f"called {calls.shape} and is_class {truth.shape} must be of the same length")
    if policy.rule == "max_f1":
        return found
    known = np.where(np.isnan(scores), -1.0, np.asarray(scores, dtype=np.float64))
    if policy.rule == "false_alarms":
        value, said, kept = _for_false_alarms(known, truth, policy)
    else:
        value, said, kept = _for_recall(known, truth, calls, policy)
    if value is None:
        chosen = "default" if found.chosen == "default" else "stand_in"
        return found.model_copy(update={"method": f"{found.method}; {said}", "chosen": chosen})
    f1 = _f1_at(known, truth, value) if truth.any() else None
    counts = {"n": len(truth), "positives": int(truth.sum())}
    return Threshold(value=value, method=said, f1=f1, chosen="asked" if kept else "limit", **counts)


def max_f1_threshold(scores: Floats, is_class: Bools) -> Threshold:
    """Choose the probability from which on a class is confirmed: where F1 is largest.

    F1 is constant between neighbouring scores, so its maximum is a plateau (or several). Of all plateau values the one
    nearest 0.5 is taken, `EDGE_MARGIN` away from the scores that bound it, or in the middle of a narrower plateau.

    Parameters
    ----------
    scores
        Float, shape (n,): probability of the class, one per validation image. NaN never reaches a threshold.
    is_class
        Bool, shape (n,): whether the image is of the class.

    Returns
    -------
    Threshold
        With method ``max F1``, or `UNLEARNED_THRESHOLD` with method ``default: …`` when there are fewer than 20
        examples or fewer than 5 of the class, when no or every example is of the class, or when no score is a number.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    scores = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(is_class, dtype=bool)
    if scores.ndim != 1 or scores.shape != truth.shape:
        raise ValueError(f"scores {scores.shape} and is_class {truth.shape} must be one list of the same length")
    n, positives = len(scores), int(truth.sum())
    reason = ""
    if positives == 0:
        reason = "no example of the class"
    elif positives == n:
        reason = "every example is of the class"
    elif n < MIN_THRESHOLD_EXAMPLES or positives < MIN_THRESHOLD_POSITIVES:
        reason = f"too few examples, {positives} of {n}"
    elif np.isnan(scores).all():
        reason = "no score is a number"
    if reason:
        f1 = _f1_at(scores, truth, UNLEARNED_THRESHOLD) if positives else None
        method, value = f"default: {reason}", UNLEARNED_THRESHOLD
        return Threshold(value=value, method=method, n=n, positives=positives, f1=f1, chosen="default")
    usable = ~np.isnan(scores)
    edges, where = np.unique(scores[usable], return_inverse=True)
    hits = np.bincount(where, weights=truth[usable], minlength=len(edges))[::-1].cumsum()[::-1]
    calls = np.bincount(where, minlength=len(edges))[::-1].cumsum()[::-1]
    f1s = 2 * hits / (calls + positives)
    best = f1s.max()
    # A threshold in (edges[i - 1], edges[i]] calls exactly the scores from edges[i] up.
    lows = np.concatenate([[0.0], edges[:-1]])
    values = [_inside(lo, hi) for lo, hi in zip(lows[f1s >= best - 1e-12], edges[f1s >= best - 1e-12], strict=True)]
    value = min(values, key=lambda v: (abs(v - MIDDLE), v))
    f1 = _f1_at(scores, truth, value)
    return Threshold(value=value, method="max F1", n=n, positives=positives, f1=f1, chosen="asked")


def _for_false_alarms(scores: Floats, truth: Bools, policy: Policy) -> tuple[float | None, str, bool]:
    """Return a threshold, None where there are too few images; how it came about; and whether it keeps the budget."""
    others, budget = np.sort(scores[~truth]), policy.words
    n = len(others)
    spare = math.floor((n + 1) * policy.share + _ROUNDING)
    if not spare:
        return None, f"{n} others, {_needed(policy.share)} needed for {budget}", False
    bound = float(others[n - spare])
    if bound >= 1:
        sure = int((others >= 1).sum())
        return 1.0, f"strictest: {sure} of {n} others have confidence 1, too many for {budget}", False
    higher = scores[scores > bound]
    # All values up to the next score call the same images, so the one nearest 0.5 is taken.
    value = _inside(max(bound, 0.0), float(higher.min()) if len(higher) else 1.0)
    return value, f"at most {budget}: {int((others >= value).sum())} of {n} others reach it", True


def _for_recall(scores: Floats, truth: Bools, called: Bools, policy: Policy) -> tuple[float | None, str, bool]:
    """Return the same for the images of the class."""
    own, budget = np.sort(np.where(called, scores, -1.0)[truth]), policy.words
    n = len(own)
    spare = math.floor((n + 1) * (1 - policy.share) + _ROUNDING)
    if not spare:
        return None, f"{n} of the class, {_needed(1 - policy.share)} needed for {budget}", False
    bound = float(own[spare - 1])
    if bound < 0:
        return 0.0, f"most lenient: {int((own >= 0).sum())} of {n} are called so at all, too few for {budget}", False
    lower = scores[(scores < bound) & (scores >= 0)]
    low = float(lower.max()) if len(lower) else 0.0
    value = bound - EDGE_MARGIN if bound - low > 2 * EDGE_MARGIN else _inside(low, bound)
    return value, f"at least {budget}: {int((own >= value).sum())} of {n} are confirmed", True


def _needed(share: float) -> int:
    """Return how many images a budget needs before one of them may be spared."""
    return math.ceil(1 / share - _ROUNDING) - 1


def _inside(low: float, high: float) -> float:
    """Return the value of (low, high] nearest 0.5 that keeps the margin, or the middle."""
    if high - low <= 2 * EDGE_MARGIN:
        # Networks answer in float32: between neighbours there a finer value would be rounded to one of them.
        middle = float(np.float32((low + high) / 2))
        return middle if low < middle <= high else high
    return float(np.clip(MIDDLE, low + EDGE_MARGIN, high - EDGE_MARGIN))


def _f1_at(scores: Floats, truth: Bools, value: float) -> float:
    called = scores >= value
    both = int((called & truth).sum())
    total = int(called.sum() + truth.sum())
    return 2 * both / total if total else 0.0
