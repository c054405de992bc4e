"""What leaves the archive when it is old: planned as a list, and deleted exactly as planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import groupby

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_file
from hydra_core.base.names import PlotKey
from hydra_core.config.retention import RetentionRule
from hydra_core.config.site import Site
from hydra_core.intake.block import Block, write_block
from hydra_core.report.lock import site_lock
from hydra_core.stages.archived import archive_files
from hydra_core.stages.context import RunContext, block_file
from hydra_core.stages.keeping import Needed, is_kept, needed_of, without
from hydra_core.store.items import bury_items, load_items, load_verdicts
from hydra_core.store.ledger import (
    PassRow,
    RevisionRow,
    all_passes,
    archived_before,
    find_pass,
    revisions_of,
    update_revision,
)
from hydra_core.store.session import reading, writing

Progress = Callable[["Deletion"], None]
Problem = Callable[[str], None]


@dataclass(frozen=True)
class Deletion:
    """An image that a rule takes out of the archive.

    Attributes
    ----------
    block_index
        Its place in the block of its run revision.
    why
        What will stand in its place.
    bytes
        How much smaller the archive gets; an image that is kept once for several items leaves with the last of them.
    """

    pass_name: str
    run: int
    revision: int
    item_id: int
    block_index: int
    plot: PlotKey
    chunk: int | None
    sha256: str
    why: str
    bytes: int = 0

    def __str__(self) -> str:
        chunk = "" if self.chunk is None else f" chunk {self.chunk}"
        return f"{self.pass_name} run {self.run} r{self.revision} {self.plot}{chunk} {self.sha256[:12]}: {self.why}"


def _silent(_: object) -> None:
    """Say nothing."""


def plan_retention(site: Site, engine: Engine, at: datetime, *, problem: Problem = _silent) -> Iterator[Deletion]:
    """Return what the site's rules take out of the archive at an instant, by pass and run; nothing is changed.

    Only runs whose page stands are looked at: the page is written from the archive.

    Parameters
    ----------
    problem
        Receives a sentence on each archive file that cannot be used; it is left as it is.
    """
    rules = site.settings.retention.rules
    if not rules:
        return
    oldest = at - timedelta(days=min(rule.older_than_days for rule in rules))
    with reading(engine) as connection:
        passes = all_passes(connection)
    for row in reversed(passes):
        with reading(engine) as connection:
            revisions = archived_before(connection, row.id, oldest)
        for revision in revisions:
            if not revision.reached("published"):
                continue
            with reading(engine) as connection:
                found = list(_of_revision(connection, site, row, revision, rules, at))
            if not found:
                continue
            try:
                yield from _with_bytes(RunContext(site, engine, row, revision.run), revision, found)
            except DataError as error:
                problem(f"{row.name} run {revision.run} r{revision.revision}: {error.cause}")


def apply_retention(
    site: Site, engine: Engine, at: datetime, progress: Progress = _silent, *, problem: Problem = _silent
) -> int:
    """Delete what `plan_retention` returns for the same instant; return how many images that were.

    Each run revision is written anew beside its file, entered, and only then the old file goes: a kill at any instant
    leaves one whole file that the database knows, and the next call goes on. Two calls take turns.

    Parameters
    ----------
    progress
        Receives each deletion when it is done.
    problem
        As in `plan_retention`.
    """
    deleted = 0
    with site_lock(site.root):
        _remove_other_generations(site, engine)
        plan = plan_retention(site, engine, at, problem=problem)
        for (pass_name, run, revision), group in groupby(plan, lambda one: (one.pass_name, one.run, one.revision)):
            batch = list(group)
            try:
                _apply(site, engine, batch)
            except DataError as error:
                problem(f"{pass_name} run {run} r{revision}: {error.cause}")
                continue
            for deletion in batch:
                progress(deletion)
            deleted += len(batch)
    return deleted


def _with_bytes(context: RunContext, revision: RevisionRow, deletions: Sequence[Deletion]) -> list[Deletion]:
    with Block.open(block_file(context, revision)) as block:
        room = block.room([one.block_index for one in deletions])
    return [replace(one, bytes=room[one.block_index]) for one in deletions]


def _remove_other_generations(site: Site, engine: Engine) -> None:
    """Remove what a killed call left behind: a file not entered yet, or one that its successor has replaced."""
    for (pass_name, run, number), files in groupby(archive_files(site), lambda file: file.revision_key):
        paths = [file.path for file in files]
        if len(paths) == 1:
            continue
        with reading(engine) as connection:
            row = find_pass(connection, pass_name)
            known = revisions_of(connection, row.id, run) if row else []
        revision = next((one for one in known if one.revision == number and one.reached("archived")), None)
        if revision is None:
            continue
        current = site.archive_file(pass_name, run, number, revision.block_generation)
        # A file that stands beside a damaged one may be all that is left.
        if current in paths and sha256_file(current) == revision.block_sha:
            for path in paths:
                if path != current:
                    path.unlink(missing_ok=True)


def _of_revision(
    connection: Connection,
    site: Site,
    row: PassRow,
    revision: RevisionRow,
    rules: Sequence[RetentionRule],
    at: datetime,
) -> Iterator[Deletion]:
    age = at - (revision.judged_at or revision.wanted_at)
    due = [rule for rule in rules if age > timedelta(days=rule.older_than_days) and fnmatchcase(row.name, rule.passes)]
    items = [item for item in load_items(connection, revision.id) if item.has_image]
    if not due or not items:
        return
    verdicts = load_verdicts(connection, revision.id)
    needed: Needed = needed_of(connection, site, items)
    for item in items:
        mine = [rule for rule in due if fnmatchcase(item.plot.name, rule.plots)]
        if not mine or item.sha256 is None:
            continue
        rule = min(mine, key=lambda rule: rule.keep)
        if is_kept(item, verdicts.get(item.id), needed, rule.keep):
            continue
        share = f", of which {rule.keep * 100:g} % are kept" if rule.keep else ""
        why = f"deleted by a retention rule: ordinary images older than {rule.older_than_days:g} days{share}"
        yield Deletion(
            row.name,
            revision.run,
            revision.revision,
            item.id,
            item.block_index,
            item.plot,
            item.chunk,
            item.sha256,
            why,
        )


def _apply(site: Site, engine: Engine, batch: Sequence[Deletion]) -> None:
    first = batch[0]
    with reading(engine) as connection:
        row = next(found for found in all_passes(connection) if found.name == first.pass_name)
        revision = next(
            found
            for found in archived_before(connection, row.id, None, run=first.run)
            if found.revision == first.revision
        )
    old = block_file(RunContext(site, engine, row, first.run), revision)
    generation = revision.block_generation + 1
    new = site.archive_file(row.name, revision.run, revision.revision, generation)
    with Block.open(old, revision.block_sha) as block:
        tombstones = {deletion.block_index: deletion.why for deletion in batch}
        sha = write_block(new, without(block, tombstones), block.attributes)

    def enter(connection: Connection) -> None:
        bury_items(connection, {deletion.item_id: deletion.why for deletion in batch})
        update_revision(connection, revision.id, block_sha=sha, block_generation=generation)

    writing(engine, enter)
    old.unlink(missing_ok=True)
