"""Writing so that a kill at any instant leaves the old file or the new one, never half of either."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Names of unfinished files and folders start so; ``hydra fsck`` removes old ones.
TEMP_PREFIX = ".hydra-tmp-"


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temp_beside(target: Path) -> Path:
    """Return a fresh name in the folder of `target`; random, so two writers never share one."""
    return target.with_name(f"{TEMP_PREFIX}{secrets.token_hex(6)}-{target.name[-80:]}")


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary file name; on success it is synced and renamed to `target`.

    Examples
    --------
    >>> with atomic_path(Path("block.h5")) as temp:  # doctest: +SKIP
    ...     write_everything(temp)
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_beside(target)
    try:
        yield temp
        handle = os.open(temp, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        temp.replace(target)
        sync_folder(target.parent)
    finally:
        temp.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a fresh folder that becomes `target` on success.

    A `target` that exists already is kept and the new folder thrown away: a published folder is never rewritten.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temp = temp_beside(target)
    temp.mkdir()
    try:
        yield temp
        for path in temp.rglob("*"):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(temp)
        if not target.exists():
            try:
                temp.rename(target)
            except OSError:
                # Another writer came first in this very moment.
                if not target.is_dir():
                    raise
            sync_folder(target.parent)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def write_bytes(target: Path, data: bytes) -> None:
    """Replace `target` by `data` atomically."""
    with atomic_path(target) as temp:
        temp.write_bytes(data)


def write_text(target: Path, text: str) -> None:
    """Replace `target` by `text` (UTF-8) atomically."""
    write_bytes(target, text.encode("utf-8"))


def write_json(target: Path, value: Any) -> None:
    """Replace `target` by `value` as indented JSON with sorted keys, atomically."""
    write_text(target, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")
