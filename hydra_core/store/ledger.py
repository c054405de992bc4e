"""Passes, runs and revisions: the ledger, which is the truth about what was wanted and what is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.errors import DatabaseError
from hydra_core.store.schema import Pass, Revision, Run
from hydra_core.store.upsert import insert_new

#: The states of a revision, in the order in which it passes through them.
STATES = ("wanted", "chunked", "judged", "archived", "published")
#: Names or numbers in one statement.
_PART = 500


@dataclass(frozen=True)
class PassRow:
    """A pass as the database knows it."""

    id: int
    name: str
    workflow: str
    first_run: int
    last_run: int
    state: str
    source: str


@dataclass(frozen=True)
class RevisionRow:
    """A run revision with its run and pass."""

    id: int
    run_id: int
    pass_id: int
    run: int
    run_name: str
    folder: str
    revision: int
    fingerprint: str | None
    state: str
    judging_set_id: int | None
    conditions: Mapping[str, Any]
    notes: tuple[str, ...]
    block_sha: str | None
    maps_sha: str | None
    block_generation: int
    item_count: int
    flagged_count: int
    unreadable_count: int
    severity: int
    wanted_at: datetime
    judged_at: datetime | None
    published_at: datetime | None

    def reached(self, state: str) -> bool:
        """Whether the revision is in `state` or beyond it."""
        return STATES.index(self.state) >= STATES.index(state)


_REVISION: sa.Select[*tuple[Any, ...]] = sa.select(
    Revision.id,
    Revision.run_id,
    Run.pass_id,
    Run.number.label("run"),
    Run.name.label("run_name"),
    Run.folder,
    Revision.revision,
    Revision.fingerprint,
    Revision.state,
    Revision.judging_set_id,
    Revision.conditions,
    Revision.notes,
    Revision.block_sha,
    Revision.maps_sha,
    Revision.block_generation,
    Revision.item_count,
    Revision.flagged_count,
    Revision.unreadable_count,
    Revision.severity,
    Revision.wanted_at,
    Revision.judged_at,
    Revision.published_at,
).join(Run, Run.id == Revision.run_id)


def _revision(row: sa.Row[*tuple[Any, ...]]) -> RevisionRow:
    values = dict(row._mapping)
    values["notes"] = tuple(values["notes"])
    return RevisionRow(**values)


def find_pass(connection: Connection, name: str) -> PassRow | None:
    """Return the pass of that name, or None."""
    columns = (Pass.id, Pass.name, Pass.workflow, Pass.first_run, Pass.last_run, Pass.state, Pass.source)
    row = connection.execute(sa.select(*columns).where(Pass.name == name)).one_or_none()
    return PassRow(**row._mapping) if row else None


def get_pass(connection: Connection, name: str) -> PassRow:
    """Return the pass of that name.

    Raises
    ------
    DatabaseError
        When there is none.
    """
    found = find_pass(connection, name)
    if found is None:
        known = connection.execute(sa.select(Pass.name).order_by(Pass.name)).scalars().all()
        listed = f"known passes: {', '.join(known)}" if known else "make it with 'hydra pass create'"
        raise DatabaseError(f"there is no pass {name!r}", next_step=listed)
    return found


def all_passes(connection: Connection) -> list[PassRow]:
    """Return every pass, newest first."""
    columns = (Pass.id, Pass.name, Pass.workflow, Pass.first_run, Pass.last_run, Pass.state, Pass.source)
    return [PassRow(**row._mapping) for row in connection.execute(sa.select(*columns).order_by(Pass.id.desc()))]


def add_pass(connection: Connection, name: str, workflow: str, runs: tuple[int, int], source: str) -> None:
    """Enter a pass; one that is there already stays as it is."""
    row = {"name": name, "workflow": workflow, "first_run": runs[0], "last_run": runs[1], "source": source}
    insert_new(connection, Pass, [{**row, "state": "open", "created_at": now()}])


def lock_pass(connection: Connection, pass_id: int) -> None:
    """Hold the pass until the transaction ends; SQLite holds the whole database anyway."""
    connection.execute(sa.select(Pass.id).where(Pass.id == pass_id).with_for_update())


def set_pass_state(connection: Connection, pass_id: int, state: str) -> None:
    """Open or close a pass."""
    closed_at = now() if state == "closed" else None
    connection.execute(sa.update(Pass).where(Pass.id == pass_id).values(state=state, closed_at=closed_at))


@dataclass(frozen=True)
class RunEntry:
    """A run of the ledger: its number, what people call it, and where its files lie if that was not its own number."""

    number: int
    name: str
    folder: str


def want_run(
    connection: Connection, pass_id: int, number: int, name: str, folder: str = "", *, at: datetime | None = None
) -> int:
    """Enter a run into the ledger, once; return its row.

    Parameters
    ----------
    folder
        Of a run that got its number from the ledger: where its files lie below the source, ``.`` for all of it.
    at
        When it arrived; None: now.
    """
    # Two that enter the same run at once would both count it.
    lock_pass(connection, pass_id)
    this = sa.select(Run.id).where(Run.pass_id == pass_id, Run.number == number)
    found = connection.execute(this).scalar_one_or_none()
    if found is None:
        row = {"pass_id": pass_id, "number": number, "name": name, "folder": folder, "arrived_at": at or now()}
        connection.execute(sa.insert(Run), [row])
        connection.execute(sa.update(Pass).where(Pass.id == pass_id).values(run_count=Pass.run_count + 1))
        found = connection.execute(this).scalar_one()
    return int(found)


def find_run_entry(connection: Connection, pass_id: int, number: int) -> RunEntry | None:
    """Return a run of the ledger by its number, or None."""
    query = sa.select(Run.number, Run.name, Run.folder).where(Run.pass_id == pass_id, Run.number == number)
    row = connection.execute(query).one_or_none()
    return RunEntry(**row._mapping) if row else None


def run_entries(
    connection: Connection, pass_id: int, *, names: Collection[str] = (), numbers: Collection[int] = ()
) -> list[RunEntry]:
    """Return the runs of a pass that have one of these names or numbers, by number."""
    found: dict[int, RunEntry] = {}
    for column, wanted in ((Run.name, sorted(names)), (Run.number, sorted(numbers))):
        for start in range(0, len(wanted), _PART):
            query = sa.select(Run.number, Run.name, Run.folder).where(
                Run.pass_id == pass_id, column.in_(wanted[start : start + _PART])
            )
            found.update({row.number: RunEntry(**row._mapping) for row in connection.execute(query)})
    return [found[number] for number in sorted(found)]


def free_numbers(connection: Connection, pass_id: int) -> Sequence[int]:
    """Return the numbers of a pass that no run of it has, in order."""
    highest = sa.select(Run.number).where(Run.pass_id == pass_id).order_by(Run.number.desc()).limit(1)
    row = connection.execute(
        sa.select(Pass.first_run, Pass.last_run, Pass.run_count, highest.scalar_subquery().label("top")).where(
            Pass.id == pass_id
        )
    ).one()
    if row.top is None:
        return range(row.first_run, row.last_run + 1)
    if row.run_count >= row.top - row.first_run + 1:
        # As many runs as numbers up to the highest: there is no gap.
        return range(row.top + 1, row.last_run + 1)
    taken = set(connection.execute(sa.select(Run.number).where(Run.pass_id == pass_id)).scalars())
    return [number for number in range(row.first_run, row.last_run + 1) if number not in taken]


def move_run(connection: Connection, pass_id: int, number: int, folder: str) -> None:
    """Write down where the files of a run lie now."""
    where = (Run.pass_id == pass_id) & (Run.number == number)
    connection.execute(sa.update(Run).where(where).values(folder=folder))


def want_revision(connection: Connection, run_id: int, revision: int, fingerprint: str) -> None:
    """Enter the next revision of a run, once."""
    row = {"run_id": run_id, "revision": revision, "fingerprint": fingerprint, "state": "wanted"}
    insert_new(connection, Revision, [{**row, "conditions": {}, "notes": [], "wanted_at": now()}])


def newest_revision(connection: Connection, pass_id: int, run: int) -> RevisionRow | None:
    """Return the newest revision of a run, whatever its state."""
    query = _REVISION.where(Run.pass_id == pass_id, Run.number == run).order_by(Revision.revision.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _revision(row) if row else None


def revisions_of(connection: Connection, pass_id: int, run: int) -> list[RevisionRow]:
    """Return every revision of a run, oldest first."""
    query = _REVISION.where(Run.pass_id == pass_id, Run.number == run).order_by(Revision.revision)
    return [_revision(row) for row in connection.execute(query)]


def newest_revisions(
    connection: Connection, pass_id: int, *, first_run: int, last_run: int, state: str | None = None
) -> list[RevisionRow]:
    """Return the newest revision of each run in a span of run numbers, by run number.

    Parameters
    ----------
    state
        Count only revisions in this state.
    """
    other = Revision.__table__.alias().c
    newest = (
        sa.select(other.id)
        .where(other.run_id == Run.id, *([] if state is None else [other.state == state]))
        .order_by(other.revision.desc())
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )
    query = _REVISION.where(
        Run.pass_id == pass_id, Run.number.between(first_run, last_run), Revision.id == newest
    ).order_by(Run.number)
    return [_revision(row) for row in connection.execute(query)]


def archived_before(
    connection: Connection, pass_id: int, instant: datetime | None, *, run: int | None = None
) -> list[RevisionRow]:
    """Return the revisions of a pass whose images are in the archive, by run number and revision.

    Parameters
    ----------
    instant
        Count only those that were judged before it.
    run
        Count only those of this run.
    """
    where = [Run.pass_id == pass_id, Revision.state.in_(("archived", "published"))]
    if instant is not None:
        where.append(Revision.judged_at < instant)
    if run is not None:
        where.append(Run.number == run)
    query = _REVISION.where(*where).order_by(Run.number, Revision.revision)
    return [_revision(row) for row in connection.execute(query)]


def unfinished(connection: Connection, pass_id: int) -> list[RevisionRow]:
    """Return the revisions that are wanted but not published yet, by run number."""
    # Of all passes, for those few are quickly found by their state, and the runs of one pass are many.
    query = _REVISION.where(Revision.state.in_(STATES[:-1])).order_by(Run.number, Revision.revision)
    return [_revision(row) for row in connection.execute(query) if row.pass_id == pass_id]


def published_revision() -> sa.ScalarSelect[int]:
    """Return a published revision of the run of the query around it, or NULL.

    As a value, not as a join: the database then walks the runs in their order, and no further than needed.
    """
    return (
        sa.select(Revision.id)
        .where(Revision.run_id == Run.id, Revision.state == "published")
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )


def count_runs(connection: Connection, pass_id: int) -> tuple[int, int]:
    """Return (runs wanted, runs published) of a pass."""
    row = connection.execute(sa.select(Pass.run_count, Pass.published_count).where(Pass.id == pass_id)).one()
    return int(row.run_count), int(row.published_count)


def update_revision(connection: Connection, revision_id: int, **values: Any) -> None:
    """Set columns of a revision; the first of its run that is published counts the run."""
    if values.get("state") == "published":
        run_id, pass_id = connection.execute(
            sa.select(Revision.run_id, Run.pass_id).join(Run).where(Revision.id == revision_id)
        ).one()
        before = sa.exists().where(Revision.run_id == run_id, Revision.state == "published")
        more = {"published_count": Pass.published_count + 1}
        connection.execute(sa.update(Pass).where(Pass.id == pass_id, ~before).values(more))
    connection.execute(sa.update(Revision).where(Revision.id == revision_id).values(**values))


def handed_over(connection: Connection, pass_id: int, runs: Iterable[int]) -> None:
    """Note that the scheduler has these runs."""
    where = (Run.pass_id == pass_id) & Run.number.in_(list(runs))
    connection.execute(sa.update(Run).where(where).values(handed_over_at=now()))
