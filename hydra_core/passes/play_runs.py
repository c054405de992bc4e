"""Runs from arrival to their pages, for commands that wait until a pass has nothing more to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy.engine import Engine

from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.passes import scheduler
from hydra_core.passes.arrive import announce, hand_over
from hydra_core.passes.life import resume_pass, wait_for_pass
from hydra_core.store.ledger import PassRow, unfinished
from hydra_core.store.session import reading

Progress = Callable[[str], None]


def play_runs(
    site: Site,
    engine: Engine,
    row: PassRow,
    runs: Sequence[int],
    say: Progress,
    *,
    patience_s: float,
    what: str = "",
) -> bool:
    """Announce runs, hand them to the scheduler and wait until they are published.

    Parameters
    ----------
    patience_s
        Nothing at all happening in the pass for so long means that something is wrong.
    what
        What these runs are, for the line that says how many there are of which kind.

    Returns
    -------
    bool
        Whether there was anything to do.

    Raises
    ------
    WorkflowError
        When a job failed for good, or nothing happened for too long.
    """
    decisions = Counter(arrival.decision for arrival in announce(site, engine, row, runs))
    with reading(engine) as connection:
        waiting = unfinished(connection, row.id)
    if not waiting and not scheduler.busy_tasks(row.workflow):
        return False
    told = ", ".join(f"{counted(count, 'run')} {decision}" for decision, count in decisions.items())
    say(f"{what}: {told}" if what else told)
    bring_up(site, engine, row, say)
    hand_over(site, engine, row, say)
    wait_for_pass(site, engine, row, say, timeout_s=patience_s)
    return True


def bring_up(site: Site, engine: Engine, row: PassRow, say: Progress) -> None:
    """Start the scheduler of a pass unless it is there."""
    if not scheduler.is_running(row.workflow):
        resume_pass(site, engine, row, say)
