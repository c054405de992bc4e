"""Taking a backup while passes run: one state of the database, the settings, and a list of the archive's files."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

import hydra_core
from hydra_core.base.clock import iso, now
from hydra_core.base.errors import DatabaseError, HydraError
from hydra_core.base.files import TEMP_PREFIX, atomic_folder, sha256_bytes, sha256_file, temp_beside
from hydra_core.base.lock import alone
from hydra_core.config.site import Site
from hydra_core.stages.backup_form import (
    FILES,
    FILES_LIST,
    MANIFEST,
    MANIFEST_SHA,
    SITE,
    TABLES,
    KnownFile,
    Manifest,
    Part,
    backup_name,
    backups_in,
    listed_files,
    read_manifest,
)
from hydra_core.stages.known_files import known_files, what_is_wrong
from hydra_core.store.dump import TableShape, blocks_writers, copy_database, dump_rows, table_shapes
from hydra_core.store.schema import SCHEMA_REVISION
from hydra_core.store.session import open_engine, reading, shown_url

Progress = Callable[[str], None]
#: Little text is left to gain beyond this, and much time to lose.
_LEVEL = 3
#: What is copied of a site's folder; a file with a password has none of these endings.
_SETTINGS = (".toml", ".cylc")


@dataclass(frozen=True)
class BackedUp:
    """Where the backup is, and what it holds.

    Attributes
    ----------
    problems
        Files that the database knows, and that are not as it knows them.
    removed
        Older backups that were removed.
    """

    folder: Path
    rows: int
    bytes: int
    files: int
    problems: tuple[str, ...]
    removed: tuple[Path, ...]


def backup(
    site: Site,
    engine: Engine,
    target: Path,
    *,
    with_archive: bool = False,
    verify: bool = False,
    keep: int | None = None,
    at: datetime | None = None,
    progress: Progress = lambda _line: None,
) -> BackedUp:
    """Write a backup into a new folder in `target`; it appears there whole, or not at all.

    Parameters
    ----------
    with_archive
        Copy the files that the database knows too; one that the backup before has is linked to that.
    verify
        Read every such file and compare its content.
    keep
        Remove all but so many backups of this site, the newest, when this one is there.
    at
        The instant that names it; now, where None.

    Raises
    ------
    DatabaseError
        When the database cannot be read to its end.
    HydraError
        When there is no room, or another backup is at work in that folder.
    """
    made_at = at or now()
    folder = target / backup_name(site.name, made_at)
    try:
        with _room_for_backups(target):
            before = backups_in(target, site.name)
            if folder.exists():
                raise HydraError(f"{folder} is there already", next_step="wait a second, and do it again")
            with atomic_folder(folder) as temp:
                problems, manifest = _write(site, engine, temp, before, made_at, with_archive, verify, progress)
            removed = _remove_old([*before, folder], keep)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        raise HydraError(
            f"the backup in {target} could not be written: {error}",
            next_step="make room, or name another folder; backups that were there are as they were",
        ) from error
    except DBAPIError as error:
        raise DatabaseError(
            f"the backup was given up, {shown_url(engine)} could not be read to its end: {error.orig}",
            next_step="do it again when nobody changes the tables",
        ) from error
    return BackedUp(folder, manifest.rows, size, manifest.files.rows, tuple(problems), tuple(removed))


@contextmanager
def _room_for_backups(target: Path) -> Iterator[None]:
    """Be the only one who writes into a folder of backups, and clear what others left unfinished."""
    busy = HydraError(f"another backup is at work in {target}", next_step="wait for it, or name another folder")
    with alone(target / ".lock", busy):
        for path in target.glob(f"{TEMP_PREFIX}*"):
            shutil.rmtree(path, ignore_errors=True)
        yield


def _write(
    site: Site,
    engine: Engine,
    temp: Path,
    before: list[Path],
    made_at: datetime,
    with_archive: bool,
    verify: bool,
    progress: Progress,
) -> tuple[list[str], Manifest]:
    problems: list[str] = []
    with _one_state(engine, temp / "database.copy") as connection:
        tables = tuple((shape, _table(connection, temp, shape)) for shape in table_shapes())
        progress(f"{sum(part.rows for _, part in tables)} rows of {len(tables)} tables")
        known = known_files(connection, site)
        if with_archive:
            known = _copied(site, temp, known, before, problems)
        files = _write_lines(temp, FILES_LIST, _files(site, known, verify, problems, progress))
    manifest = Manifest(
        site=site.name,
        made_at=iso(made_at),
        schema=SCHEMA_REVISION,
        code_version=hydra_core.__version__,
        database=shown_url(engine),
        tables=tables,
        files=files,
        site_files=tuple(_settings(site, temp)),
        with_files=with_archive,
    )
    data = manifest.text().encode()
    (temp / MANIFEST).write_bytes(data)
    (temp / MANIFEST_SHA).write_text(f"{sha256_bytes(data)}  {MANIFEST}\n", encoding="utf-8")
    return problems, manifest


@contextmanager
def _one_state(engine: Engine, copy: Path) -> Iterator[Connection]:
    """Yield a connection that sees one state of the database, and that nobody has to wait for."""
    with engine.connect() as connection:
        copied = blocks_writers(connection)
    if not copied:
        with reading(engine) as connection:
            yield connection
        return
    copy_database(engine, copy)
    other = open_engine(f"sqlite:///{copy}")
    try:
        with reading(other) as connection:
            yield connection
    finally:
        other.dispose()
        copy.unlink()


def _table(connection: Connection, temp: Path, shape: TableShape) -> Part:
    return _write_lines(temp, f"{TABLES}/{shape.name}.jsonl.gz", dump_rows(connection, shape))


def _write_lines(temp: Path, name: str, batches: Iterable[list[bytes]]) -> Part:
    path = temp / name
    path.parent.mkdir(exist_ok=True)
    rows = 0
    # Neither time nor name of the file in it: the same rows are the same bytes.
    with path.open("wb") as plain, gzip.GzipFile("", "wb", _LEVEL, plain, mtime=0) as stream:
        for lines in batches:
            stream.write(b"".join(lines))
            rows += len(lines)
    return Part(name, path.stat().st_size, sha256_file(path), rows)


def _files(
    site: Site, known: Iterable[KnownFile], verify: bool, problems: list[str], progress: Progress
) -> Iterator[list[bytes]]:
    for number, one in enumerate(known, start=1):
        if wrong := what_is_wrong(site.root / one.path, one, read=verify):
            problems.append(f"{one.path} {wrong}")
        yield [json.dumps(asdict(one), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"]
        if number % 1000 == 0:
            progress(f"{number} files of the archive")


def _copied(
    site: Site, temp: Path, known: Iterable[KnownFile], before: list[Path], problems: list[str]
) -> Iterator[KnownFile]:
    """Copy each file on its way into the list."""
    earlier = _copies(before[-1]) if before else {}
    for one in known:
        target = temp / FILES / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if earlier.get(one.path) == one.sha256:
            # Files of the archive never change; so a file that was damaged since is not copied over a good one.
            _link(before[-1] / FILES / one.path, target)
        elif (source := site.root / one.path).is_file():
            shutil.copyfile(source, target)
            if sha256_file(target) != one.sha256:
                target.unlink()
                problems.append(f"{one.path} has another content, and was not copied")
        yield replace(one, bytes=target.stat().st_size if target.exists() else one.bytes)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Not every file system can.
        shutil.copyfile(source, target)


def _copies(folder: Path) -> dict[str, str]:
    """Return what a backup has copies of: path -> SHA-256."""
    try:
        manifest, _ = read_manifest(folder)
        listed = listed_files(folder, manifest) if manifest.with_files else iter(())
        return {one.path: one.sha256 for one in listed if (folder / FILES / one.path).is_file()}
    except HydraError:
        # That one is of no use; all is copied anew.
        return {}


def _settings(site: Site, temp: Path) -> Iterator[Part]:
    for path in sorted(site.folder.iterdir()):
        if path.suffix in _SETTINGS and path.is_file() and not path.name.startswith("."):
            (temp / SITE).mkdir(exist_ok=True)
            copy = Path(shutil.copyfile(path, temp / SITE / path.name))
            yield Part(f"{SITE}/{path.name}", copy.stat().st_size, sha256_file(copy))


def _remove_old(whole: list[Path], keep: int | None) -> list[Path]:
    old = whole[:-keep] if keep else []
    for path in old:
        # Under that name it no longer looks whole, wherever this is stopped; the next backup clears what is left.
        shutil.rmtree(path.rename(temp_beside(path)))
    return old
