"""The figures of a model in words, for pages and terminals."""

from __future__ import annotations

from hydra_core.models.spec import Interval, Metrics


def told(value: float | None, interval: Interval | None) -> str:
    """Return a figure with its interval: ``0.93 (0.88 to 0.97)``, and a dash for none."""
    if value is None:
        return "-"
    return f"{value:.2f}" + (f" ({interval.low:.2f} to {interval.high:.2f})" if interval else "")


def figures(metrics: Metrics | None) -> tuple[tuple[str, str], ...]:
    """Return the figures of a test as (name, words); a test that never was says so."""
    if metrics is None:
        return (("test", "none: too few runs were labelled to keep one aside"),)
    rows = [
        ("accuracy", told(metrics.accuracy, metrics.accuracy_interval)),
        ("macro-F1", told(metrics.macro_f1, metrics.macro_f1_interval)),
    ]
    for name, one in metrics.per_class.items():
        rows.append((f"precision of {name}", told(one.precision, one.precision_interval)))
        rows.append(
            (
                f"recall of {name}",
                f"{told(one.recall, one.recall_interval)}, {one.support} {'image' if one.support == 1 else 'images'}",
            )
        )
    if metrics.calibration_error is not None:
        rows.append(("calibration error", f"{metrics.calibration_error:.3f}"))
    if metrics.unconfirmed is not None:
        rows.append(("unconfirmed", f"{100 * metrics.unconfirmed:.0f} % of {metrics.n} test images"))
    if metrics.accuracy_interval is not None:
        rows.append(("in brackets", "where it lies with 95 %, had other runs been the test"))
    elif metrics.no_interval:
        rows.append(("no interval", metrics.no_interval))
    return tuple(rows)
