"""Taking request files in: each is validated, kept under its hash, entered once, and only then removed."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import RequestError
from hydra_core.base.files import TEMP_PREFIX, sha256_bytes, write_bytes
from hydra_core.base.names import PlotKey, slug
from hydra_core.config.plots import IGNORE
from hydra_core.config.site import Site
from hydra_core.labels.request import MAX_BYTES, LabelRequest, parse_request
from hydra_core.store.items import all_plot_types
from hydra_core.store.labelbook import NewLabel, NewRequest, known_requests, save_request
from hydra_core.store.session import reading, writing

#: How far the clock of whoever labels may be ahead of ours.
CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Received:
    """What became of one file of the inbox."""

    file: str
    labels: int
    refused: str
    """Why the file was put into quarantine; empty where it was accepted."""


@dataclass(frozen=True)
class _File:
    path: Path
    data: bytes
    owner: str


def waiting_files(inbox: Path) -> list[Path]:
    """Return the request files of an inbox, by name; unfinished and foreign files are not touched."""
    if not inbox.is_dir():
        return []
    return sorted(
        path for path in inbox.iterdir() if path.suffix == ".json" and not path.name.startswith((".", TEMP_PREFIX))
    )


def receive(site: Site, engine: Engine) -> list[Received]:
    """Take every file of the inbox in.

    A kill at any instant is healed by the next call: the kept copy comes first, then the rows, then the removal.
    A file that was refused before is looked at again: what it lacked may be there now.
    """
    return [_receive_one(site, engine, path) for path in waiting_files(site.inbox)]


def _read(path: Path) -> _File:
    no_file = RequestError("not a regular file", next_step="put the file itself into the inbox")
    if path.is_symlink():
        raise no_file
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise no_file
        if facts.st_size > MAX_BYTES:
            raise RequestError(f"larger than {MAX_BYTES} bytes", next_step="split it")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return _File(path, stream.read(MAX_BYTES + 1), _account(facts.st_uid))
    finally:
        os.close(handle)


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _shown(path: Path) -> str:
    """Return the name of a file as text that can be printed and kept, whatever bytes it is made of."""
    return path.name.encode("utf-8", "replace").decode()


def _put_aside(path: Path, quarantine: Path) -> None:
    quarantine.mkdir(parents=True, exist_ok=True)
    # A name of its own: what was put there before must stay.
    with contextlib.suppress(FileNotFoundError):
        path.rename(quarantine / f"{secrets.token_hex(6)}-{slug(_shown(path))}")


def _receive_one(site: Site, engine: Engine, path: Path) -> Received:
    name, quarantine = _shown(path), site.root / "quarantine"
    try:
        found = _read(path)
    except FileNotFoundError:
        return Received(name, 0, "another task took it")
    except (OSError, RequestError) as error:
        _put_aside(path, quarantine)
        return Received(name, 0, error.strerror or "" if isinstance(error, OSError) else str(error))
    sha = sha256_bytes(found.data)
    with reading(engine) as connection:
        if known_requests(connection, [sha]):
            path.unlink(missing_ok=True)
            return Received(name, 0, "")
        plot_types = all_plot_types(connection)
    try:
        request = parse_request(found.data)
        labels = _check(site, request, found.owner, plot_types)
    except RequestError as error:
        write_bytes(quarantine / f"{sha}.json", found.data)
        row = _row(sha, name, found.owner, None, "quarantined", str(error))
        writing(engine, lambda connection: save_request(connection, row, []))
        path.unlink(missing_ok=True)
        return Received(name, 0, str(error))
    write_bytes(site.requests_kept / f"{sha}.json", found.data)
    row = _row(sha, name, found.owner, request, "accepted", "")
    writing(engine, lambda connection: save_request(connection, row, labels))
    (quarantine / f"{sha}.json").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return Received(name, len(labels), "")


def _row(sha: str, name: str, owner: str, request: LabelRequest | None, status: str, reason: str) -> NewRequest:
    return NewRequest(
        sha256=sha,
        kind="label" if request else "unknown",
        file_name=name[:255],
        claimed_by=request.who if request else "",
        owner=owner,
        made_at=request.made_at if request else None,
        received_at=now(),
        status=status,
        reason=reason,
    )


def _check(site: Site, request: LabelRequest, owner: str, plot_types: dict[PlotKey, int]) -> list[NewLabel]:
    listed = any(owner in person.accounts and "Labeler" in person.roles for person in site.people.people)
    if not listed and not site.people.anyone_may_label:
        raise RequestError(
            f"its owner {owner} may not label at this site",
            next_step=f"add the account to people.toml in {site.folder}",
        )
    if request.made_at > now() + CLOCK_SKEW:
        raise RequestError(
            f"its made_at {request.made_at.isoformat()} is in the future, where it would beat every later label",
            next_step="set the clock of the machine that wrote it, and send it again",
        )
    classes = {known.name for known in site.plots.classes} | {IGNORE}
    labels: dict[tuple[PlotKey, str], NewLabel] = {}
    for number, item in enumerate(request.items, start=1):
        key = PlotKey.parse(item.plot_type)
        if key not in plot_types:
            raise RequestError(
                f"item {number}: there is no plot type {item.plot_type!r}", next_step="'hydra plots' names them"
            )
        if item.class_name not in classes:
            raise RequestError(
                f"item {number}: there is no class {item.class_name!r}; known are {', '.join(sorted(classes))}",
                next_step="add the class to plots.toml, or mend the label",
            )
        label = NewLabel(plot_types[key], item.image, item.class_name, request.who, request.made_at)
        if labels.setdefault((key, item.image), label) != label:
            raise RequestError(
                f"item {number} gives an image another class than an item before it", next_step="leave one of the two"
            )
    return list(labels.values())
