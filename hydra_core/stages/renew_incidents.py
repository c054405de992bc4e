"""Renewing the incidents that the verdicts of a run touch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from hydra_core.judge import incidents
from hydra_core.judge.rules import LOOK
from hydra_core.store.items import (
    FlaggedChunk,
    IncidentRow,
    judged_beside,
    neighbour_run,
    replace_incidents,
    run_series,
    verdict_series,
)


@dataclass(frozen=True)
class _Near:
    """A run and the judged ones beside it, with the verdicts of all their plot types: what most incidents need."""

    run: int
    beside: Mapping[bool, int | None]
    known: Mapping[int, Mapping[int, Sequence[FlaggedChunk]]]


def renew_incidents(connection: Connection, pass_id: int, run: int, plot_type_ids: Collection[int]) -> None:
    """Make the incidents that a run can touch follow from the verdicts in the database.

    The number of statements does not depend on the number of plot types, but for those in trouble over several runs.
    """
    beside = {later: judged_beside(connection, pass_id, run, later=later) for later in (False, True)}
    numbers = {number for number in (run, *beside.values()) if number is not None}
    near = _Near(run, beside, {number: run_series(connection, pass_id, number) for number in numbers})
    spans, rows = {}, []
    for plot_type_id in sorted(plot_type_ids):
        spans[plot_type_id], found = _renewed(connection, pass_id, plot_type_id, near)
        rows += found
    replace_incidents(connection, pass_id, spans, rows)


def _renewed(
    connection: Connection, pass_id: int, plot_type_id: int, near: _Near
) -> tuple[tuple[int, int], list[IncidentRow]]:
    """Return the first and the last run of a span that no incident of a plot type leaves, and its incidents."""

    def series(runs: Sequence[int]) -> Sequence[FlaggedChunk]:
        if all(run in near.known for run in runs):
            return [one for run in runs for one in near.known[run].get(plot_type_id, ())]
        return verdict_series(connection, pass_id, plot_type_id, runs)

    def edges(run: int) -> tuple[bool, bool]:
        found = series([run])
        return found[0].severity >= LOOK, found[-1].severity >= LOOK

    def neighbour(run: int, later: bool) -> int | None:
        beside = near.beside[later]
        if run == near.run and (beside is None or plot_type_id in near.known[beside]):
            return beside
        return neighbour_run(connection, pass_id, plot_type_id, run, later=later)

    runs = incidents.window(near.run, edges, neighbour)
    moments = [incidents.Moment(one.run, one.chunk, one.class_name, one.state, one.severity) for one in series(runs)]
    rows = [IncidentRow(plot_type_id=plot_type_id, **vars(found)) for found in incidents.merge(moments)]
    return (runs[0], runs[-1]), rows
