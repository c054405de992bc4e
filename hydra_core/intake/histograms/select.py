"""Which histograms of a file are taken: patterns over their path inside the file."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def selected(path: str, take: Sequence[str], leave: Sequence[str] = ()) -> bool:
    """Say whether a histogram is taken.

    Parameters
    ----------
    path
        Path inside the file, ``CDC/straw_occupancy``.
    take, leave
        Patterns as of a shell, upper and lower case told apart: ``*`` is any text (also across ``/``), ``?`` one
        character, ``[...]`` one of those characters. A histogram is taken when a pattern of `take` fits its whole
        path and none of `leave` does.

    Examples
    --------
    >>> selected("CDC/straws/occupancy", ["CDC/*"], ["*_debug"])
    True
    >>> selected("FDC/straws/occupancy", ["CDC/*"])
    False
    """
    return any(fnmatchcase(path, glob) for glob in take) and not any(fnmatchcase(path, glob) for glob in leave)
