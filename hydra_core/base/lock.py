"""Work that only one process may do in a folder at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra_core.base.errors import HydraError


@contextmanager
def alone(path: Path, refusal: HydraError) -> Iterator[None]:
    """Hold a lock file; its folder is made where it is missing. The kernel frees it when the process ends, however.

    Raises
    ------
    HydraError
        `refusal`, where somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal from None
        yield
    finally:
        os.close(handle)
