"""Runs without a number of their own get one from the ledger: counted from the first of the pass, and kept for ever."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import WorkflowError
from hydra_core.intake.scan import RunFiles, natural
from hydra_core.store.ledger import PassRow, RunEntry, free_numbers, lock_pass, move_run, run_entries, want_run
from hydra_core.store.session import writing


def must_be_open(row: PassRow) -> None:
    """Refuse runs for a pass that was closed.

    Raises
    ------
    WorkflowError
        When it is closed.
    """
    if row.state != "open":
        raise WorkflowError(f"the pass {row.name} is closed", next_step=f"reopen it: hydra pass resume {row.name}")


def ledger_name(run: RunFiles) -> str:
    """Return the name by which the ledger knows a run again: its own number without leading zeros, or its name."""
    return run.run_name if run.run is None else str(run.run)


def runs_named(runs: Iterable[RunFiles], names: Sequence[str], source: str) -> list[RunFiles]:
    """Return the runs of those names; a number stands for a run of that number, with or without leading zeros.

    Raises
    ------
    WorkflowError
        When the source has no run of a name.
    """
    known = {ledger_name(run): run for run in runs}
    found = []
    for given in names:
        name = unicodedata.normalize("NFC", given)
        key = name if name in known or not (name.isascii() and name.isdigit()) else name.lstrip("0")
        if key not in known:
            raise WorkflowError(
                f"no run in {source} has the name {given!r}",
                next_step=f"see what is there: hydra intake explain {source}",
            )
        found.append(known[key])
    return found


def number_runs(engine: Engine, row: PassRow, runs: Sequence[RunFiles], *, map_all: bool = False) -> list[int]:
    """Return the number of each run in the pass: its own, or the one that the ledger gives to its name.

    The same name has the same number for ever. New names get the next free numbers in natural order (``b9`` before
    ``b10``), and the folder of each is written down with it.

    Parameters
    ----------
    runs
        As a look at the whole source found them.
    map_all
        Give numbers to runs that have their own as well; their own become their names.

    Raises
    ------
    WorkflowError
        When the pass is closed, its span has too few numbers left, or a run's own number is another's already; then no
        run is entered.
    """
    must_be_open(row)
    named = {ledger_name(run): run for run in runs if run.run is None or map_all}
    own = {run.run for run in runs if run.run is not None and not map_all}
    if not named and not own:
        return []

    def work(connection: Connection) -> dict[str, int]:
        lock_pass(connection, row.id)
        # A run that was entered under its own number before the site began to map them keeps that number.
        unmapped = {int(name) for name in named if name.isascii() and name.isdigit() and int(name) <= row.last_run}
        entries = run_entries(connection, row.id, names=named, numbers=own | unmapped)
        _check_own(row, own, entries)
        return _numbers(connection, row, named, own, entries)

    numbers = writing(engine, work)
    return [run.run if run.run in own and run.run is not None else numbers[ledger_name(run)] for run in runs]


def _check_own(row: PassRow, own: Collection[int], entries: Sequence[RunEntry]) -> None:
    for entry in entries:
        if entry.folder and entry.number in own:
            raise WorkflowError(
                f"the number {entry.number} of the pass {row.name} was given to {entry.name!r}, and the source has "
                "another run of that number",
                next_step="make one pass for runs with numbers and one for those without, each with its own source",
            )


def _numbers(
    connection: Connection,
    row: PassRow,
    named: dict[str, RunFiles],
    own: Collection[int],
    entries: Sequence[RunEntry],
) -> dict[str, int]:
    known = {entry.name if entry.folder else str(entry.number): entry for entry in entries}
    numbers = {name: known[name].number for name in named if name in known}
    for name, run in named.items():
        entry = known.get(name)
        if entry is not None and entry.folder and entry.folder != str(run.folder):
            move_run(connection, row.id, entry.number, str(run.folder))
    new = sorted((name for name in named if name not in known), key=natural)
    free = [number for number in free_numbers(connection, row.id) if number not in own] if new else []
    if len(new) > len(free):
        raise WorkflowError(
            f"{len(new)} new runs need a number, and the pass {row.name} has {len(free)} left: it spans "
            f"{row.first_run} to {row.last_run}",
            next_step="make another pass for a part of the source, or leave files out with [intake] leave",
        )
    for name, number in zip(new, free, strict=False):
        want_run(connection, row.id, number, name, str(named[name].folder))
        numbers[name] = number
    return numbers
