"""Filling an empty database from a backup, and saying which files of the archive are not as it knows them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from hydra_core.base.errors import DatabaseError, DataError, HydraError
from hydra_core.base.files import atomic_path, sha256_file
from hydra_core.base.names import safe_join
from hydra_core.config.site import Site
from hydra_core.labels.inbox import Received, receive_kept
from hydra_core.stages.backup_form import (
    FILES,
    Manifest,
    check_parts,
    find_backup,
    listed_files,
    read_lines,
    read_manifest,
)
from hydra_core.stages.known_files import what_is_wrong
from hydra_core.store.half_restored import Mark
from hydra_core.store.labelbook import known_requests
from hydra_core.store.refill import begin_refill, fill_table, finish_refill, loaded, make_tables, rows_in
from hydra_core.store.session import reading, shown_url
from hydra_core.store.upgrade import known_versions

Progress = Callable[[str], None]
_HASH = re.compile(r"[0-9a-f]{64}")
#: Rows after which a line of progress is due.
_EVERY = 500_000


@dataclass(frozen=True)
class Restored:
    """What became of the database, and of the files.

    Attributes
    ----------
    files, brought
        Files that the database knows, and how many of them were copied from the backup.
    problems
        Files that are missing or not as the database knows them.
    settings
        Files of the site's settings that are not as they were.
    requests
        Requests that were accepted after the backup, taken in again from the files that were kept.
    """

    folder: Path
    rows: int
    files: int
    brought: int
    problems: tuple[str, ...]
    settings: tuple[str, ...]
    requests: tuple[Received, ...]


def restore(
    site: Site,
    engine: Engine,
    given: Path,
    *,
    verify: bool = False,
    progress: Progress = lambda _line: None,
) -> Restored:
    """Fill the empty database of a site from a backup; where it was stopped, the next call goes on.

    Every part of the backup is compared with its SHA-256 before the database is touched.

    Parameters
    ----------
    given
        The backup, or a folder of backups, of which the newest is taken.
    verify
        Compare the content of the archive's files too; else no more than their sizes.

    Raises
    ------
    DataError
        When the backup is not what was written.
    DatabaseError
        When the backup is of another site or of a newer schema, or the database is not empty or cannot be filled.
    """
    folder = find_backup(given)
    manifest, sha = read_manifest(folder)
    if manifest.site != site.name:
        raise DatabaseError(
            f"{folder} is a backup of the site {manifest.site}, and this one is {site.name}",
            next_step=f"give --site with the folder of that site; its settings are in {folder / 'site'}",
        )
    if manifest.schema not in known_versions():
        raise DatabaseError(
            f"{folder} has schema {manifest.schema}, which this program does not know",
            next_step=f"install version {manifest.code_version}, which made it, or a newer one",
        )
    check_parts(folder, manifest)
    progress(f"{folder}: {manifest.rows} rows, made {manifest.made_at} with schema {manifest.schema}; all parts whole")
    try:
        _fill(engine, folder, manifest, sha, progress)
        brought = _bring_files(site, folder, manifest) if manifest.with_files else 0
        # Last: until then the same command goes on.
        finish_refill(engine)
    except DBAPIError as error:
        raise DatabaseError(
            f"the database {shown_url(engine)} could not be filled: {error.orig}",
            next_step="mend the cause; then run 'hydra restore' with the same folder again, which goes on where it was",
        ) from error
    requests = _later_requests(site, engine)
    files, problems = 0, []
    for files, one in enumerate(listed_files(folder, manifest), start=1):  # noqa: B007
        if wrong := what_is_wrong(_place(site, one.path), one, read=verify):
            problems.append(f"{one.path} {wrong}")
    return Restored(
        folder=folder,
        rows=manifest.rows,
        files=files,
        brought=brought,
        problems=tuple(problems),
        settings=tuple(_changed_settings(site, manifest)),
        requests=requests,
    )


def _fill(engine: Engine, folder: Path, manifest: Manifest, sha: str, progress: Progress) -> None:
    shapes = [shape for shape, _ in manifest.tables]
    mark = begin_refill(engine, sha, shapes)
    if mark.phase != "tables":
        progress("the database is half restored: going on")
    if mark.phase == "tables":
        mark = make_tables(engine, mark, manifest.schema, shapes)
    if mark.phase == "rows":
        mark = _fill_tables(engine, folder, manifest, mark, progress)
        _count(engine, manifest)
        loaded(engine, mark)


def _fill_tables(engine: Engine, folder: Path, manifest: Manifest, mark: Mark, progress: Progress) -> Mark:
    begun = [shape.name for shape, _ in manifest.tables].index(mark.table_name) if mark.table_name else 0
    before = sum(part.rows for _, part in manifest.tables[:begun])
    told = before // _EVERY

    def tell(done: int) -> None:
        nonlocal told
        if (before + done) // _EVERY > told:
            told = (before + done) // _EVERY
            progress(f"{before + done} of {manifest.rows} rows")

    for shape, part in manifest.tables[begun:]:
        try:
            mark = fill_table(engine, mark, shape, read_lines(folder / part.file), tell)
        except ValueError as error:
            raise DataError(
                f"{folder / part.file} does not hold rows of its table: {error}", next_step="take another backup"
            ) from error
        before += part.rows
    return mark


def _count(engine: Engine, manifest: Manifest) -> None:
    found = rows_in(engine, [shape for shape, _ in manifest.tables])
    for shape, part in manifest.tables:
        if found[shape.name] != part.rows:
            raise DatabaseError(
                f"the table {shape.name} has {found[shape.name]} rows, and {part.rows} in the backup",
                next_step="empty the database, and run 'hydra restore' again while nothing else writes",
            )


def _bring_files(site: Site, folder: Path, manifest: Manifest) -> int:
    """Copy files that are missing from the backup to their places; return how many."""
    brought = 0
    for one in listed_files(folder, manifest):
        target, copy = _place(site, one.path), folder / FILES / one.path
        if target.exists() or not copy.is_file():
            continue
        try:
            with atomic_path(target) as temp:
                shutil.copyfile(copy, temp)
                whole = sha256_file(temp) == one.sha256
                if not whole:
                    raise DataError(f"{copy} is not what was written")
            brought += 1
        except DataError:
            # It is told with the files that are missing.
            continue
        except OSError as error:
            raise HydraError(
                f"{target} could not be brought back: {error}",
                next_step="mend the cause; then run 'hydra restore' with the same folder again",
            ) from error
    return brought


def _later_requests(site: Site, engine: Engine) -> tuple[Received, ...]:
    kept = {path.stem: path for path in sorted(site.requests_kept.glob("*.json")) if _HASH.fullmatch(path.stem)}
    with reading(engine) as connection:
        known = known_requests(connection, kept)
    return tuple(receive_kept(site, engine, [path for sha, path in kept.items() if sha not in known]))


def _place(site: Site, path: str) -> Path:
    return safe_join(site.root, *path.split("/"))


def _changed_settings(site: Site, manifest: Manifest) -> Iterator[str]:
    for part in manifest.site_files:
        name = part.file.rpartition("/")[2]
        here = site.folder / name
        if not here.is_file() or sha256_file(here) != part.sha256:
            yield name
