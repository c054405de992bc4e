"""What a backup is: a folder with a manifest, lines of JSON for each table and for the files, and the settings."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes, sha256_file
from hydra_core.store.dump import TableShape, known_kinds

FORMAT = "hydra-backup-1"
MANIFEST, MANIFEST_SHA = "manifest.json", "manifest.json.sha256"
#: Below a backup: tables, the list of files, the site's settings, and copies of the files where they were asked for.
TABLES, FILES_LIST, SITE, FILES = "tables", "files.jsonl.gz", "site", "files"
_NEXT = "take another backup: this one was cut, or altered"
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?\Z", re.ASCII)


@dataclass(frozen=True)
class KnownFile:
    """A file that the database knows.

    Attributes
    ----------
    path
        Below the data root.
    bytes
        None where it was not there when the backup was made.
    sha256
        As the database, or the card of its model, has it.
    """

    path: str
    bytes: int | None
    sha256: str


@dataclass(frozen=True)
class Part:
    """A file of a backup."""

    file: str
    bytes: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    schema
        Version of the tables.
    tables
        In the order in which they can be filled, each with its file.
    files
        The list of the files that the database knows.
    site_files
        The site's settings.
    with_files
        Whether the files themselves are there too.
    """

    site: str
    made_at: str
    schema: str
    code_version: str
    database: str
    tables: tuple[tuple[TableShape, Part], ...]
    files: Part
    site_files: tuple[Part, ...]
    with_files: bool

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(part.rows for _, part in self.tables)

    def text(self) -> str:
        """Return ``manifest.json``."""
        record = asdict(self)
        record["tables"] = [
            {"name": shape.name, **asdict(part), "columns": dict(shape.columns)} for shape, part in self.tables
        ]
        return json.dumps({"format": FORMAT, **record}, indent=1, ensure_ascii=False) + "\n"


def backup_name(site: str, at: datetime) -> str:
    """Return the name of a backup's folder; sorted by name the newest is the last."""
    return f"{site}-{at.astimezone(UTC):%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}Z"


def find_backup(folder: Path) -> Path:
    """Return a backup: the folder itself, or the newest one in it.

    Raises
    ------
    DataError
        When there is none.
    """
    if (folder / MANIFEST).is_file():
        return folder
    whole = backups_in(folder) if folder.is_dir() else []
    if not whole:
        raise DataError(f"there is no backup in {folder}", next_step="give the folder that 'hydra backup' wrote into")
    return whole[-1]


def backups_in(folder: Path, site: str | None = None) -> list[Path]:
    """Return the whole backups in a folder, of one site or of any, the oldest first."""
    start = "[A-Za-z0-9_-]+" if site is None else re.escape(site)
    name = re.compile(start + r"-\d{8}T\d{9}Z\Z", re.ASCII)
    found = [path for path in folder.iterdir() if name.match(path.name) and (path / MANIFEST).is_file()]
    return sorted(found, key=lambda path: (path.name[-19:], path.name))


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """Return the manifest of a backup and its SHA-256, by which a backup is known.

    Raises
    ------
    DataError
        When it is missing or not what was written.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        told = (folder / MANIFEST_SHA).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not text"
        raise DataError(f"the manifest of the backup {folder} cannot be read: {cause}", next_step=_NEXT) from error
    sha = sha256_bytes(data)
    if told[:1] != [sha]:
        raise DataError(f"{path} is not what was written", next_step=_NEXT)
    try:
        raw = json.loads(data)
        if raw.pop("format") != FORMAT:
            raise ValueError("another format")
        return _manifest(raw), sha
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no manifest that this version knows: {error}",
            next_step="restore it with the program version that made it; its manifest names it",
        ) from error


def _manifest(raw: dict[str, Any]) -> Manifest:
    tables = []
    for one in raw.pop("tables"):
        columns = tuple((str(name), str(kind)) for name, kind in one.pop("columns").items())
        if unknown := {kind for _, kind in columns} - known_kinds():
            raise ValueError(f"kinds of values {sorted(unknown)}")
        tables.append((TableShape(one.pop("name"), columns), _part(one)))
    if not tables:
        raise ValueError("no tables")
    files = _part(raw.pop("files"))
    site_files = tuple(_part(one) for one in raw.pop("site_files"))
    return Manifest(tables=tuple(tables), files=files, site_files=site_files, **raw)


def _part(raw: dict[str, Any]) -> Part:
    part = Part(**raw)
    if not _SAFE.match(part.file):
        raise ValueError(f"a file named {part.file!r}")
    return part


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Compare every part of a backup with its SHA-256, but for copies of the site's files.

    Raises
    ------
    DataError
        Naming the first part that is missing or not what was written.
    """
    for part in (*(part for _, part in manifest.tables), manifest.files, *manifest.site_files):
        path = folder / part.file
        if not path.is_file():
            raise DataError(f"{path} is missing from the backup", next_step=_NEXT)
        if path.stat().st_size != part.bytes or sha256_file(path) != part.sha256:
            raise DataError(f"{path} is not what was written", next_step=_NEXT)


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed part.

    Raises
    ------
    DataError
        When it can no longer be read.
    """
    try:
        with closing(gzip.open(path, "rb")) as stream:
            yield from stream
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not what was written: {error}", next_step=_NEXT) from error


def listed_files(folder: Path, manifest: Manifest) -> Iterator[KnownFile]:
    """Yield the files that the database knew when the backup was made."""
    for line in read_lines(folder / manifest.files.file):
        yield KnownFile(**json.loads(line))
