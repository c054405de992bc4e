"""Taking request files in: each is validated, kept under its hash, entered once, and only then removed."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import RequestError
from hydra_core.base.files import TEMP_PREFIX, sha256_bytes, write_bytes
from hydra_core.base.names import slug
from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.labels.checks import Entries, check_request, refuse_circles
from hydra_core.labels.request import MAX_BYTES, parse_request
from hydra_core.labels.request_kinds import AnyRequest, ModelRequest, PromoteRequest, ThresholdRequest
from hydra_core.store.directory import renew_directory
from hydra_core.store.kept import save_kept
from hydra_core.store.labelbook import NewRequest, known_requests, save_request
from hydra_core.store.news import save_news
from hydra_core.store.plot_types import decide_types, known_types
from hydra_core.store.session import hold_database, reading, writing
from hydra_core.store.training_reports import save_answers

#: Does what a request asks for, in the transaction that enters it; returns in a sentence what became of it.
Act = Callable[[Connection], str]

#: Looks at what a request about models asks for, which may take long, and returns how to do it; raises RequestError.
Prepare = Callable[[Site, Engine, ModelRequest], Act]

_NOBODY: Mapping[str, Prepare] = MappingProxyType({})


@dataclass(frozen=True)
class Received:
    """What became of one file of the inbox."""

    file: str
    labels: int
    refused: str
    """Why the file was put into quarantine; empty where it was accepted."""
    decisions: int = 0
    pins: int = 0
    gold: int = 0
    news: int = 0
    done: str = ""
    """What became of a request about models, in a sentence."""
    request: ModelRequest | None = None
    """The request, where it is one about models that was accepted before."""

    @property
    def said(self) -> str:
        """What became of it, in words: why it was refused, or what it brought."""
        if self.refused:
            return self.refused
        if self.done:
            return self.done
        if self.decisions:
            return f"{counted(self.decisions, 'decision')} about plot types taken"
        if self.pins:
            return f"{counted(self.pins, 'pin')} set or taken back"
        if self.gold:
            return f"{counted(self.gold, 'image')} added to a gold set or taken out"
        if self.news:
            return "news taken"
        return f"{counted(self.labels, 'label')} taken"


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


def receive(site: Site, engine: Engine, effects: Mapping[str, Prepare] = _NOBODY) -> list[Received]:
    """Take every file of the inbox in.

    Parameters
    ----------
    effects
        Kind of request -> how what it asks for is done. A request about models whose kind is not among them stays in
        the inbox, for somebody who can do it.

    Notes
    -----
    A kill at any instant is healed by the next call: the kept copy comes first, then the rows, then the removal.
    A file that was refused before is looked at again: what it lacked may be there now.
    """
    renew_directory(engine, site)
    return [receive_file(site, engine, path, effects) for path in waiting_files(site.inbox)]


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
            return _File(path, stream.read(MAX_BYTES + 1), account_name(facts.st_uid))
    finally:
        os.close(handle)


def account_name(uid: int) -> str:
    """Return the account of a user number, as the owner of a file is called."""
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


def receive_file(site: Site, engine: Engine, path: Path, effects: Mapping[str, Prepare] = _NOBODY) -> Received:
    """Take one file of the inbox in; see `receive`."""
    name, quarantine = _shown(path), site.root / "quarantine"
    try:
        found = _read(path)
    except FileNotFoundError:
        return Received(name, 0, "another task took it")
    except (OSError, RequestError) as error:
        _put_aside(path, quarantine)
        return Received(name, 0, error.strerror or "" if isinstance(error, OSError) else str(error))
    sha = sha256_bytes(found.data)
    kept, refused = site.requests_kept / f"{sha}.json", quarantine / f"{sha}.json"
    with reading(engine) as connection:
        if known_requests(connection, [sha]):
            path.unlink(missing_ok=True)
            return Received(name, 0, "")
    try:
        request = parse_request(found.data)
        if isinstance(request, PromoteRequest | ThresholdRequest) and request.kind not in effects:
            return Received(name, 0, "", done="it waits for 'hydra merge-labels'")
        with reading(engine) as connection:
            entries = check_request(site, connection, request, found.owner)
        act = _act(site, engine, request, effects)
        write_bytes(kept, found.data)
        row = _row(sha, name, found.owner, request, "accepted", "")
        done = writing(engine, lambda connection: _enter(connection, row, entries, act))
    except RequestError as error:
        write_bytes(refused, found.data)
        row = _row(sha, name, found.owner, None, "quarantined", str(error))
        # Another task may have accepted the very same file in this moment: then that holds.
        accepted = writing(engine, lambda connection: _enter_refused(connection, row))
        (refused if accepted else kept).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return Received(name, 0, str(error))
    refused.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return _received(name, entries, done)


def _received(name: str, entries: Entries, done: str = "", request: ModelRequest | None = None) -> Received:
    counts = len(entries.decisions), len(entries.pins), len(entries.gold), len(entries.news)
    return Received(name, len(entries.labels), "", *counts, done, request)


def _act(site: Site, engine: Engine, request: AnyRequest, effects: Mapping[str, Prepare]) -> Act | None:
    if not isinstance(request, PromoteRequest | ThresholdRequest):
        return None
    return effects[request.kind](site, engine, request)


def receive_kept(site: Site, engine: Engine, paths: Sequence[Path]) -> list[Received]:
    """Enter requests that were accepted before, from the copies that were kept, in the order in which they were made.

    What requests about models ask for is not done: they are handed back, for whoever has entered the models. Who owned
    the files then is not known any more. A copy that cannot be entered stays where it is.
    """
    found: list[tuple[datetime, Path, AnyRequest]] = []
    received: list[Received] = []
    for path in paths:
        try:
            data = _read(path).data
            if sha256_bytes(data) != path.stem:
                raise RequestError("it is not what was accepted", next_step="take it from the backup")
            request = parse_request(data)
            found.append((request.made_at, path, request))
        except (OSError, RequestError) as error:
            received.append(Received(_shown(path), 0, str(error)))
    for _, path, request in sorted(found, key=lambda one: one[:2]):
        received.append(_enter_again(site, engine, path, request))
    return received


def _enter_again(site: Site, engine: Engine, path: Path, request: AnyRequest) -> Received:
    try:
        with reading(engine) as connection:
            entries = check_request(site, connection, request, None)
        row = _row(path.stem, path.name, "", request, "accepted", "")
        writing(engine, lambda connection: _enter(connection, row, entries, None))
    except RequestError as error:
        return Received(_shown(path), 0, str(error))
    about_models = request if isinstance(request, PromoteRequest | ThresholdRequest) else None
    return _received(_shown(path), entries, request=about_models)


def _enter(connection: Connection, row: NewRequest, entries: Entries, act: Act | None) -> str:
    if entries.decisions or entries.pins or entries.gold or act is not None:
        # Whoever decides at the same moment waits: what counts depends on what is there.
        hold_database(connection)
    if act is not None and known_requests(connection, [row.sha256]):
        return "another task took it"
    save_request(connection, row, entries.labels)
    decide_types(connection, entries.decisions)
    if entries.decisions:
        refuse_circles(known_types(connection), entries.decisions)
    save_kept(connection, (*entries.pins, *entries.gold))
    save_news(connection, row.sha256, entries.news)
    save_answers(connection, row.sha256, entries.answers)
    return act(connection) if act is not None else ""


def _enter_refused(connection: Connection, row: NewRequest) -> bool:
    save_request(connection, row, [])
    return bool(known_requests(connection, [row.sha256]))


def _row(sha: str, name: str, owner: str, request: AnyRequest | None, status: str, reason: str) -> NewRequest:
    return NewRequest(
        sha256=sha,
        kind=request.kind if request else "unknown",
        file_name=name[:255],
        claimed_by=request.who if request else "",
        owner=owner,
        made_at=request.made_at if request else None,
        received_at=now(),
        status=status,
        reason=reason,
    )
