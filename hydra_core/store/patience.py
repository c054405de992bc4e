"""What a database refuses for a moment only, and how long to go on trying."""

from __future__ import annotations

import itertools
import random
import socket
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from hydra_core.base.errors import DatabaseError
from hydra_core.base.telling import Tell

#: A server that is started again within about two minutes is waited for.
PATIENCE_S = 150.0
LONGEST_WAIT_S = 10.0
#: Cannot be reached (2002, 2003), too many connections (1040, 1203), shutting down (1053), killed (1927), lost.
_AWAY = frozenset({1040, 1053, 1203, 1927, 2002, 2003, 2006, 2013, 2055})
#: Waited too long for a lock, lost a dead-lock.
_HELD = frozenset({1205, 1213})
#: No right to write (1142), read-only server (1290, 1836).
_NOT_TO_BE_WRITTEN = frozenset({1142, 1290, 1836})

_Result = TypeVar("_Result")


def to_stderr(line: str) -> None:
    """Print a line where the log of a job keeps it."""
    print(f"hydra: {line}", file=sys.stderr, flush=True)


def _code(error: DBAPIError) -> object:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return arguments[0] if arguments else None


def is_away(error: DBAPIError) -> bool:
    """Whether the server cannot be reached now, or broke the connection; a host that has no address never answers."""
    cause = getattr(error.orig, "original_exception", None)
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
        return False
    return error.connection_invalidated or _code(error) in _AWAY


def _is_held(error: DBAPIError) -> bool:
    return _code(error) in _HELD or "database is locked" in str(_code(error))


def patiently(
    name: str, work: Callable[[], _Result], *, patience_s: float = PATIENCE_S, tell: Tell = to_stderr
) -> _Result:
    """Do `work`; where the database is away or others hold it, begin it again until `patience_s` seconds are over.

    Parameters
    ----------
    name
        The database as messages name it, without its password.
    tell
        Is told each time that the database does not answer; a lock that others hold is everyday and not told.

    Raises
    ------
    DatabaseError
        When the time is over, or the database may not be written.
    """
    began = time.monotonic()
    for attempt in itertools.count():
        try:
            return work()
        except DBAPIError as error:
            if _code(error) in _NOT_TO_BE_WRITTEN or "readonly database" in str(_code(error)):
                raise DatabaseError(
                    f"the database {name} may not be written: {error.orig}",
                    next_step="give the server that takes writes, and a user with that right, as database.url",
                ) from error
            away = is_away(error)
            if not away and not _is_held(error):
                raise
            # Half of it by chance, so that those who met once do not meet again.
            wait = min(0.1 * 2 ** min(attempt, 10), LONGEST_WAIT_S) * random.uniform(0.5, 1)  # noqa: S311
            if time.monotonic() - began + wait > patience_s:
                state = "does not answer" if away else "is held by others"
                raise DatabaseError(
                    f"the database {name} {state}, for {time.monotonic() - began:.0f} s now: {error.orig}",
                    next_step="look after its server; the same command or job then goes on, nothing is half written",
                ) from error
            if away:
                tell(f"the database {name} does not answer; trying again in {wait:.1f} s")
            time.sleep(wait)
    raise AssertionError("unreachable")
