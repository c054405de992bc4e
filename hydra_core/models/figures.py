"""The figures of a model in words, for pages and terminals."""

from __future__ import annotations

from hydra_core.base.words import counted
from hydra_core.models.planted import NO_FAULT
from hydra_core.models.spec import Metrics, ModelCard, Range

#: Below so many test runs the ranges of figures are rough, and pages and terminals say so.
ENOUGH_RUNS = 10


def told(value: float | None, interval: Range | None, form: str = ".2f") -> str:
    """Return a figure with its interval, each number in a form: ``0.93 (0.88 to 0.97)``, and a dash for none."""
    if value is None:
        return "-"
    return f"{value:{form}}" + (f" ({span(interval, form)})" if interval else "")


def span(interval: Range | None, form: str = ".2f") -> str:
    """Return an interval: ``0.88 to 0.97``, and nothing for none."""
    return f"{interval.low:{form}} to {interval.high:{form}}" if interval else ""


def figures(metrics: Metrics | None, *, classes: bool = True) -> tuple[tuple[str, str], ...]:
    """Return the figures of a test as (name, words); a test that never was says so.

    Parameters
    ----------
    classes
        Whether to tell those of each class too.
    """
    if metrics is None:
        return (("test", "none: too few runs were labelled to keep one aside"),)
    rows = [
        ("accuracy", told(metrics.accuracy, metrics.accuracy_interval)),
        ("macro-F1", told(metrics.macro_f1, metrics.macro_f1_interval)),
    ]
    for name, one in metrics.per_class.items() if classes else ():
        rows.append((f"precision of {name}", told(one.precision, one.precision_interval)))
        rows.append(
            (
                f"recall of {name}",
                f"{told(one.recall, one.recall_interval)}, {counted(one.support, 'image')}",
            )
        )
    if metrics.calibration_error is not None:
        rows.append(
            ("calibration error", f"{metrics.calibration_error:.3f} between confidence and share of right answers")
        )
    if metrics.unconfirmed is not None:
        rows.append(
            (
                "unconfirmed",
                f"{100 * metrics.unconfirmed:.0f} % of {metrics.n} test images, below the needed confidence",
            )
        )
    if metrics.accuracy_interval is not None:
        rows.append(("in brackets", "where it lies with 95 %, had other runs been the test"))
    elif metrics.no_interval:
        rows.append(("no interval", metrics.no_interval))
    return tuple(rows)


def few_runs_told(runs: int) -> tuple[tuple[str, str], ...]:
    """Return as (name, words) that so few test runs leave all ranges rough; nothing where they are enough."""
    if not 1 < runs < ENOUGH_RUNS:
        return ()
    return (("note", f"Only {counted(runs, 'test run')}: the ranges are rough"),)


def calibration_told(card: ModelCard) -> str:
    """Return in a sentence how confidence was brought in line with the share of right answers."""
    found = card.calibration
    if found.why_not:
        return f"none: {found.why_not}"
    told_error = ""
    if found.before is not None and found.after is not None:
        told_error = f"; calibration error on the test {found.before:.3f} before, {found.after:.3f} after"
    images = counted(found.images, "validation image")
    return f"temperature {found.temperature:.2f}, fitted on {images}, {found.wrong} of them called wrong{told_error}"


def reliability_told(metrics: Metrics | None) -> tuple[tuple[str, str], ...]:
    """Return what confidence means as (name, words), from low to high."""
    return tuple(
        (
            f"when it is {one.confidence:.2f} sure",
            f"right in {round(one.right * one.images)} of {counted(one.images, 'test image')}",
        )
        for one in (metrics.reliability if metrics else ())
    )


def faults_told(card: ModelCard) -> tuple[tuple[str, str], ...]:
    """Return how often emulated faults were noticed as (name, words); nothing where none could be planted."""
    return tuple(
        (
            f"emulated: {fault_name(one.kind)}",
            f"{one.found} of {counted(one.images, 'plot')} not called good ({span(one.interval)})",
        )
        for one in card.faults
    )


def fault_name(kind: str) -> str:
    """Return what a kind of planted fault is called."""
    return "no fault at all" if kind == NO_FAULT else kind.replace("_", " ")
