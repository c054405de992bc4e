"""Opening a producer's file safely: no link followed, no device touched, a size kept, a change noticed."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: The reason for a file that somebody still writes.
CHANGED = "the file changed while it was read; it is taken at the next look"


class SourceProblem(ValueError):  # noqa: N818  (it becomes a reason on a card)
    """A source file that cannot be taken now; the reason is a sentence without paths."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_source(root: Path, relative: PurePosixPath, max_bytes: int, *, expect: tuple[int, int] | None = None) -> bytes:
    """Return the content of a regular file below `root`; links in any part of `relative` are refused.

    Parameters
    ----------
    max_bytes
        The largest size to read, in bytes.
    expect
        Size in bytes and modification time in ns that the file had when it was found.

    Raises
    ------
    SourceProblem
        When the file is gone, a link or no regular file, over the limit, out of reach, or changed since it was found.
    """
    handle = open_source(root, relative)
    try:
        before = os.fstat(handle)
        if before.st_size > max_bytes:
            raise SourceProblem(f"the file ({before.st_size} bytes) is larger than the limit of {max_bytes} bytes")
        data = _read_all(handle, before.st_size + 1)
        after = os.fstat(handle)
    except OSError as error:
        raise SourceProblem(f"the file cannot be read ({_words(error)})") from error
    finally:
        os.close(handle)
    found = (after.st_size, after.st_mtime_ns)
    if len(data) != after.st_size or found != (before.st_size, before.st_mtime_ns) or (expect and found != expect):
        raise SourceProblem(CHANGED)
    return data


def open_source(root: Path, relative: PurePosixPath) -> int:
    """Return a descriptor, open for reading, of a regular file below `root`; links in `relative` are refused.

    The caller closes it.

    Raises
    ------
    SourceProblem
        When the file is gone, a link, no regular file, or out of reach.
    """
    try:
        handle = _open_below(root, relative)
    except FileNotFoundError as error:
        raise SourceProblem("the file vanished after it was found") from error
    except (OSError, ValueError) as error:
        raise SourceProblem(f"the file cannot be opened ({_words(error)})") from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise SourceProblem(f"not a regular file but {kind_of(mode)}")
    return handle


def kind_of(mode: int) -> str:
    """Return what a file mode stands for, in words: ``a folder``, ``a named pipe`` ..."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "of an unknown kind")


def _open_below(root: Path, relative: PurePosixPath) -> int:
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise ValueError("the path leaves its folder")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in relative.parts[:-1]:
            below = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(relative.parts[-1], _FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def _read_all(handle: int, limit: int) -> bytes:
    pieces, left = [], limit
    while left > 0 and (piece := os.read(handle, min(left, 1 << 22))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _words(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
