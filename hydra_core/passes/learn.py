"""Letting a pass learn now: retrain tasks are triggered until no plot type is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.config.site import Site
from hydra_core.labels.inbox import waiting_files
from hydra_core.passes import scheduler
from hydra_core.passes.life import wait_for_pass
from hydra_core.stages.retrain import due_types
from hydra_core.store.labelbook import known_requests
from hydra_core.store.ledger import PassRow
from hydra_core.store.session import reading


def hand_in(site: Site, engine: Engine, request: bytes, name: str) -> bool:
    """Put a request file into the inbox unless it was received before; say whether it is new."""
    with reading(engine) as connection:
        if known_requests(connection, [sha256_bytes(request)]):
            return False
    write_bytes(site.inbox / name, request)
    return True


def learning_is_due(site: Site, engine: Engine) -> bool:
    """Whether a retrain task would find work."""
    with reading(engine) as connection:
        return bool(waiting_files(site.inbox)) or bool(due_types(connection, site))


def learn(
    site: Site, engine: Engine, row: PassRow, run: int, progress: Callable[[str], None], *, timeout_s: float
) -> None:
    """Trigger the retrain task of `run` until nothing is due; its log is the training's log."""
    done = 0
    while learning_is_due(site, engine):
        with reading(engine) as connection:
            waiting = [str(one.plot) for one in due_types(connection, site)]
        progress(about_to_learn(waiting, done))
        done += bool(waiting)
        before = _marks(site, engine)
        scheduler.trigger_again(row.workflow, run, ("retrain", "publish_library"))
        scheduler.wait_until_busy(row.workflow, f"{run}/retrain")
        wait_for_pass(site, engine, row, progress, timeout_s=timeout_s)
        if _marks(site, engine) == before:
            return


def about_to_learn(waiting: Sequence[str], done: int) -> str:
    """Return what is told before a training: which of how many it is, of those known to be due.

    Parameters
    ----------
    waiting
        The plot types that are due, in the order of their trainings.
    done
        How many trainings there were before.
    """
    if not waiting:
        return "labels in the inbox are taken in, then what they make due is trained"
    then = f"; then {', '.join(waiting[1:])}" if waiting[1:] else ""
    return f"training {done + 1} of {done + len(waiting)}: {waiting[0]}{then}"


def _marks(site: Site, engine: Engine) -> tuple[object, ...]:
    with reading(engine) as connection:
        return (len(waiting_files(site.inbox)), tuple(due_types(connection, site)))
