"""Merging consecutive chunks of one plot type that say the same into incidents: a pure function of the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hydra_core.judge.rules import LOOK


@dataclass(frozen=True)
class Moment:
    """A verdict of one plot type at one moment; a list of them is ordered by (run, chunk)."""

    run: int
    chunk: int
    class_name: str | None
    state: str
    severity: int


@dataclass(frozen=True)
class Incident:
    """Consecutive flagged moments that say the same; its state is that of the worst of them, of equals the first."""

    class_name: str | None
    state: str
    severity: int
    first_run: int
    first_chunk: int
    last_run: int
    last_chunk: int
    count: int


def merge(moments: Sequence[Moment]) -> list[Incident]:
    """Return the incidents in a series of verdicts.

    Parameters
    ----------
    moments
        All verdicts of one plot type, ordered by (run, chunk). One that asks for nobody ends an incident, and so does
        one that says something else: a chunk that leans to Good is no part of an incident called Bad.
    """
    return [_incident(list(streak)) for says, streak in groupby(moments, key=_trouble) if says is not None]


def _trouble(moment: Moment) -> str | None:
    """Return what a flagged moment says, whether it is sure of it or not; None where it asks for nobody."""
    return (moment.class_name or moment.state) if moment.severity >= LOOK else None


def _incident(streak: Sequence[Moment]) -> Incident:
    worst = max(streak, key=lambda one: one.severity)
    first, last = streak[0], streak[-1]
    return Incident(
        worst.class_name,
        worst.state,
        worst.severity,
        first.run,
        first.chunk,
        last.run,
        last.chunk,
        len(streak),
    )


def window(
    run: int, flagged_edges: Callable[[int], tuple[bool, bool]], neighbour: Callable[[int, bool], int | None]
) -> list[int]:
    """Return the runs whose verdicts decide the incidents that `run` can touch.

    An incident reaches into another run only over edges that are flagged, and no incident of these runs leaves them.

    Parameters
    ----------
    flagged_edges
        Run -> (its first verdict is flagged, its last verdict is flagged).
    neighbour
        (run, later) -> the next run with a verdict in that direction.
    """
    runs = [run]
    for later in (False, True):
        here = run
        while True:
            beyond = neighbour(here, later)
            if beyond is None:
                break
            first, last = flagged_edges(beyond)
            near, far = (first, last) if later else (last, first)
            if not near:
                break
            runs.append(beyond)
            if not far:
                break
            here = beyond
    return sorted(runs)
