"""Answers of the reading process on their way through a pipe: four bytes of length, one of kind, the content."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from enum import Enum
from typing import Any

_HEAD = struct.Struct(">IB")


class Kind(Enum):
    """What a frame says; all but ``HISTOGRAM`` are JSON."""

    FOLDER = 1  # path: this folder is listed now
    LISTED = 2  # skipped, left
    START = 3  # index, path, class_name: this entry is read now
    HISTOGRAM = 4  # JSON of path and class_name, a newline, a packed histogram
    PROBLEM = 5  # path, class_name, reason
    PASSED = 6  # class_name: an object of a list was not taken
    END = 7  # problem: why the file as a whole gave nothing, or nothing


class BadAnswer(ValueError):  # noqa: N818  (it becomes a reason on a card)
    """What came is not what the reading process says."""


def write_frame(handle: int, kind: Kind, content: bytes) -> None:
    """Write a frame to a pipe, whole."""
    waiting = memoryview(_HEAD.pack(len(content), kind.value) + content)
    while waiting:
        waiting = waiting[os.write(handle, waiting) :]


def write_json(handle: int, kind: Kind, **content: object) -> None:
    """Write a frame whose content is JSON."""
    write_frame(handle, kind, json.dumps(content).encode())


def read_json(content: bytes) -> dict[str, Any]:
    """Return the content of a frame of JSON.

    Raises
    ------
    BadAnswer
        When it is no JSON object.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("it is not JSON") from error
    if not isinstance(found, dict):
        raise BadAnswer("it is no object of JSON")
    return found


class TooMuch(BadAnswer):
    """More came than allowed."""


class FrameReader:
    """Frames out of a pipe whose writer is not trusted.

    Parameters
    ----------
    handle
        The pipe's end for reading; stays open.
    max_bytes
        How much may come before it is too much, all frames together.
    """

    def __init__(self, handle: int, max_bytes: int) -> None:
        self._handle = handle
        self._left = max_bytes
        self._buffer = bytearray()
        self._waiter = select.poll()
        self._waiter.register(handle, select.POLLIN)

    def next(self, deadline: float) -> tuple[Kind, bytes] | None:
        """Return the next frame; None at the end, also where the writer ended in the middle of a frame.

        Parameters
        ----------
        deadline
            The latest time, by ``time.monotonic``.

        Raises
        ------
        TimeoutError
            When the frame is not there in time.
        TooMuch
            When more comes than allowed.
        BadAnswer
            When the frame is of no known kind.
        """
        if not self._fill(_HEAD.size, deadline):
            return None
        length, code = _HEAD.unpack_from(self._buffer)
        if length > self._left:
            raise TooMuch("it is longer than allowed")
        if not self._fill(_HEAD.size + length, deadline):
            return None
        content = bytes(memoryview(self._buffer)[_HEAD.size : _HEAD.size + length])
        del self._buffer[: _HEAD.size + length]
        self._left -= length + _HEAD.size
        try:
            return Kind(code), content
        except ValueError as error:
            raise BadAnswer("it is of an unknown kind") from error

    def _fill(self, wanted: int, deadline: float) -> bool:
        while len(self._buffer) < wanted:
            left = deadline - time.monotonic()
            if left <= 0 or not self._waiter.poll(left * 1000):
                raise TimeoutError
            piece = os.read(self._handle, max(1 << 16, min(wanted - len(self._buffer), 1 << 22)))
            if not piece:
                return False
            self._buffer += piece
        return True
