"""The xtrigger that keeps a pass's scheduler up until somebody closes the pass. Standard library only.

Cylc starts a process for every call, so this module imports nothing that is slow.
"""

from __future__ import annotations

from pathlib import Path


def pass_closed(mark: str) -> tuple[bool, dict[str, str]]:
    """Return (satisfied, results): whether the file `mark` is there, which ``hydra pass close`` writes.

    Parameters
    ----------
    mark
        Path of the file; it lies below the data root, so ``cylc clean`` does not reopen a pass.
    """
    path = Path(mark)
    if not path.is_file():
        return False, {}
    return True, {"by": path.read_text(encoding="utf-8").strip()[:200]}
