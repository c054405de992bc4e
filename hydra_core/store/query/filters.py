"""Conditions that many views share: runs, and spans of time."""

from __future__ import annotations

from datetime import datetime

from hydra_core.base.errors import HydraError
from hydra_core.store.query.condition import Condition
from hydra_core.store.query.view import View


def of_runs(view: View, first: int | None, last: int | None) -> tuple[Condition, ...]:
    """Return the conditions that rows are of runs from `first` to `last`, or reach into them.

    Raises
    ------
    HydraError
        When rows of the view are of no run.
    """
    names = {column.name for column in view.columns}
    if "run" not in names and not {"first_run", "last_run"} <= names:
        raise HydraError(f"rows of the view {view.name} are of no run", next_step="leave the runs out")
    begins, ends = ("run", "run") if "run" in names else ("first_run", "last_run")
    return (
        *((Condition(ends, ">=", (first,)),) if first is not None else ()),
        *((Condition(begins, "<=", (last,)),) if last is not None else ()),
    )


def in_span(view: View, since: datetime | None, until: datetime | None) -> tuple[Condition, ...]:
    """Return the conditions that rows are of a span of time, `until` left out.

    Raises
    ------
    HydraError
        When rows of the view have no time.
    """
    if not view.time:
        raise HydraError(f"rows of the view {view.name} have no time", next_step="leave the time out")
    return (
        *((Condition(view.time, ">=", (since,)),) if since is not None else ()),
        *((Condition(view.time, "<", (until,)),) if until is not None else ()),
    )
