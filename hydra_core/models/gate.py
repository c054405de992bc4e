"""Whether a model may go live: by the newest runs, and by the gold set of its plot type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hydra_core.models.paired import Paired
from hydra_core.models.spec import Metrics

#: Macro-F1 that differ by less are equal: they are sums of the same fractions in another order.
TIE = 1e-9


@dataclass(frozen=True)
class Decision:
    """Whether a model may go live, and the sentence that says why."""

    live: bool
    reason: str


def gate(
    newest: Paired,
    gold: Paired | None = None,
    *,
    knows: Sequence[str],
    problem_classes: Collection[str],
    floor: float = 0.6,
    emulated: Collection[str] = (),
) -> Decision:
    """Decide whether a candidate may go live.

    Where no model is live, the candidate's macro-F1 must reach the floor. Where one is, it must not be lower than the
    live model's either. With a gold set both are asked on the newest runs and on the gold set, and on neither may the
    candidate find fewer images of any problem class than the live model.

    Parameters
    ----------
    newest
        Results on the newest runs, which the candidate never saw.
    gold
        Results on the gold set; None where there is none.
    knows
        The candidate's classes.
    problem_classes
        Names of the classes that mean a problem.
    floor
        Smallest macro-F1 to go live at all.
    emulated
        Classes that the candidate learned from emulated images: only real ones speak for it.
    """
    asked = {"test": newest} if gold is None else {"test": newest, "gold": gold}
    problems = [name for name in knows if name in set(problem_classes)]
    refusal = next(_refusals(asked, problems, floor, emulated), "")
    if not refusal and gold is not None:
        refusal = next((found for kind, one in asked.items() for found in _missed(kind, one, problem_classes)), "")
    if refusal:
        return Decision(False, refusal)
    told = [_told(kind, one) for kind, one in asked.items()]
    told += ["no model was live"] if newest.live is None else []
    told += ["there is no gold set"] if gold is None else []
    return Decision(True, "; ".join(told))


def _refusals(
    asked: Mapping[str, Paired], problems: Sequence[str], floor: float, emulated: Collection[str]
) -> Iterator[str]:
    if not problems:
        yield "it knows no class that means a problem"
    held = {name for one in asked.values() for name, found in one.candidate.per_class.items() if found.support}
    where = " or gold image" if "gold" in asked else ""
    if unseen := sorted(set(emulated) - held):
        yield f"it learned {', '.join(unseen)} from emulated images, and no test run{where} holds a real one"
    if not held.intersection(problems):
        yield f"no test run{where} holds an example of a problem ({', '.join(problems)})"
    for kind, one in asked.items():
        mine, live = one.candidate, one.live
        if mine.macro_f1 < floor:
            yield f"macro-F1 {mine.macro_f1:.3f} on {mine.n} {kind} images is below the floor of {floor:.3f}"
        if live is None:
            continue
        if not mine.images or (mine.images, mine.n) != (live.images, live.n):
            yield "the two models were not measured on the same named images and cannot be compared"
        if mine.macro_f1 < live.macro_f1 - TIE:
            yield (
                f"macro-F1 {mine.macro_f1:.3f} is worse than the live model's {live.macro_f1:.3f} "
                f"on the same {mine.n} {kind} images{_apart(one)}"
            )


def _missed(kind: str, one: Paired, problem_classes: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each problem class of which the candidate finds fewer images than the live model."""
    if one.live is None:
        return
    for name in sorted(problem_classes):
        found, before = _hits(one.candidate, name), _hits(one.live, name)
        if found < before:
            of = one.live.per_class[name].support
            yield f"it finds {found} of {of} {kind} images of {name}, the live model {before}"


def _hits(metrics: Metrics, name: str) -> int:
    if name not in metrics.classes:
        return 0
    place = metrics.classes.index(name)
    return metrics.confusion[place][place]


def _told(kind: str, one: Paired) -> str:
    mine, live = one.candidate, one.live
    if live is None:
        return f"macro-F1 {mine.macro_f1:.3f} on {mine.n} {kind} images"
    return (
        f"macro-F1 {mine.macro_f1:.3f} against the live model's {live.macro_f1:.3f} "
        f"on the same {mine.n} {kind} images{_apart(one)}"
    )


def _apart(one: Paired) -> str:
    if one.difference is None:
        return ""
    low, high = one.difference
    return f" (the difference lies from {low:+.3f} to {high:+.3f} with 95 %)"
