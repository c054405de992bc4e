"""One writer of shared files at a time, over all processes that can see the site."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_THREADS = threading.RLock()
_DEPTH: dict[Path, int] = {}


@contextmanager
def site_lock(site: Path) -> Iterator[None]:
    """Hold the lock of a site (``flock`` on ``site/.lock``); may be entered again by whoever holds it.

    The kernel frees it when the process ends, however it ends.
    """
    site.mkdir(parents=True, exist_ok=True)
    key = site.resolve()
    with _THREADS:
        if _DEPTH.get(key):
            yield
            return
        handle = os.open(key / ".lock", os.O_RDWR | os.O_CREAT, 0o664)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _DEPTH[key] = 1
            yield
        finally:
            _DEPTH.pop(key, None)
            os.close(handle)
