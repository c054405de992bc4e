"""What a model is worth: confusion, scores, thresholds, and whether it may go live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import Bools, Floats
from hydra_core.models.spec import ClassMetrics, Metrics, Threshold

#: Below this many examples in all, or of the class itself, a threshold would be chance.
MIN_THRESHOLD_EXAMPLES = 20
MIN_THRESHOLD_POSITIVES = 5

DEFAULT_THRESHOLD = 0.5

#: Distance kept from the scores at a plateau's edges, so that rounding in another engine flips no example.
EDGE_MARGIN = 1e-3


def measure(
    truth: Sequence[str], called: Sequence[str], classes: Sequence[str], image_hashes: Sequence[str] = ()
) -> Metrics:
    """Compare the called classes with the true ones.

    Parameters
    ----------
    truth, called
        Class names, one per image. A name outside `classes` gets its own row and column after them, so that a model
        that does not know a class pays for it.
    classes
        The model's classes in order.
    image_hashes
        SHA-256 of the images; `gate` compares two results only if both name the same images.

    Raises
    ------
    ValueError
        When the lengths differ.
    """
    if len(truth) != len(called) or (len(image_hashes) not in (0, len(truth))):
        raise ValueError("truth, called and image_hashes must have one entry per image")
    names = tuple(dict.fromkeys([*classes, *sorted({*truth, *called} - set(classes))]))
    place = {name: i for i, name in enumerate(names)}
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, ([place[t] for t in truth], [place[c] for c in called]), 1)
    per_class: dict[str, ClassMetrics] = {}
    for name, i in place.items():
        hits, of_class, as_class = (int(v) for v in (confusion[i, i], confusion[i].sum(), confusion[:, i].sum()))
        per_class[name] = ClassMetrics(
            precision=hits / as_class if as_class else None,
            recall=hits / of_class if of_class else None,
            f1=2 * hits / (of_class + as_class) if of_class + as_class else None,
            support=of_class,
        )
    tested = [m.f1 for m in per_class.values() if m.support and m.f1 is not None]
    n = len(truth)
    return Metrics(
        classes=names,
        n=n,
        accuracy=float(np.trace(confusion)) / n if n else 0.0,
        macro_f1=min(1.0, float(np.mean(tested))) if tested else 0.0,
        per_class=per_class,
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        images=sha256_bytes("\n".join(sorted(image_hashes)).encode()) if image_hashes else "",
    )


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
        With method ``max F1``, or 0.5 with method ``default: …`` when there are fewer than 20 examples or fewer than
        5 of the class, when no or every example is of the class, or when no score is a number.

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
        reason = "too few"
    elif np.isnan(scores).all():
        reason = "no score is a number"
    if reason:
        f1 = _f1_at(scores, truth, DEFAULT_THRESHOLD) if positives else None
        return Threshold(value=DEFAULT_THRESHOLD, method=f"default: {reason}", n=n, positives=positives, f1=f1)
    usable = ~np.isnan(scores)
    edges, where = np.unique(scores[usable], return_inverse=True)
    hits = np.bincount(where, weights=truth[usable], minlength=len(edges))[::-1].cumsum()[::-1]
    calls = np.bincount(where, minlength=len(edges))[::-1].cumsum()[::-1]
    f1s = 2 * hits / (calls + positives)
    best = f1s.max()
    # A threshold in (edges[i - 1], edges[i]] calls exactly the scores from edges[i] up.
    lows = np.concatenate([[0.0], edges[:-1]])
    values = [_inside(lo, hi) for lo, hi in zip(lows[f1s >= best - 1e-12], edges[f1s >= best - 1e-12], strict=True)]
    value = min(values, key=lambda v: (abs(v - DEFAULT_THRESHOLD), v))
    return Threshold(value=value, method="max F1", n=n, positives=positives, f1=_f1_at(scores, truth, value))


def _inside(low: float, high: float) -> float:
    """Return the value of (low, high] nearest 0.5 that keeps the margin, or the middle."""
    if high - low <= 2 * EDGE_MARGIN:
        middle = (low + high) / 2
        return float(middle if middle > low else high)
    return float(np.clip(DEFAULT_THRESHOLD, low + EDGE_MARGIN, high - EDGE_MARGIN))


def _f1_at(scores: Floats, truth: Bools, value: float) -> float:
    called = scores >= value
    both = int((called & truth).sum())
    total = int(called.sum() + truth.sum())
    return 2 * both / total if total else 0.0


@dataclass(frozen=True)
class Decision:
    """Whether a model may go live, and the sentence that says why."""

    live: bool
    reason: str


def gate(
    candidate: Metrics,
    live: Metrics | None,
    *,
    knows: Sequence[str],
    problem_classes: Sequence[str],
    floor: float = 0.6,
    emulated: Collection[str] = (),
) -> Decision:
    """Decide whether a candidate may go live.

    Parameters
    ----------
    candidate
        Its results on runs it never saw.
    live
        The live model's results on the same images; None when there is none.
    knows
        The candidate's classes.
    problem_classes
        Names of the classes that mean a problem.
    floor
        Smallest macro-F1 to go live at all.
    emulated
        Classes that the candidate learned from emulated images: only real ones in the test speak for it.
    """
    problems = [name for name in knows if name in set(problem_classes)]
    if not problems:
        return Decision(False, "it knows no class that means a problem")
    unseen = [name for name in emulated if name not in candidate.per_class or not candidate.per_class[name].support]
    if unseen:
        names = ", ".join(sorted(unseen))
        return Decision(False, f"it learned {names} from emulated images, and no test run holds a real one")
    if not any(candidate.per_class[p].support for p in problems if p in candidate.per_class):
        return Decision(False, f"no test run holds an example of a problem ({', '.join(problems)})")
    if candidate.macro_f1 < floor:
        return Decision(
            False, f"macro-F1 {candidate.macro_f1:.3f} on {candidate.n} test images is below the floor of {floor:.3f}"
        )
    if live is None:
        return Decision(True, f"macro-F1 {candidate.macro_f1:.3f} on {candidate.n} test images; no model was live")
    if not candidate.images or (candidate.images, candidate.n) != (live.images, live.n):
        return Decision(False, "the two models were not measured on the same named images and cannot be compared")
    if candidate.macro_f1 < live.macro_f1:
        return Decision(
            False,
            f"macro-F1 {candidate.macro_f1:.3f} is worse than the live model's {live.macro_f1:.3f} "
            f"on the same {candidate.n} test images",
        )
    return Decision(
        True,
        f"macro-F1 {candidate.macro_f1:.3f} against the live model's {live.macro_f1:.3f} "
        f"on the same {candidate.n} test images",
    )
