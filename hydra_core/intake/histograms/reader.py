"""Reading histogram files (ROOT, HDF5): what can be read is returned, what cannot is named, nothing is raised.

The files are read in a process of its own with limits of time and memory, see `child`. What that process says is
checked here before it is believed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hydra_core.intake.histograms.collect import Collector
from hydra_core.intake.histograms.content import FileContent, FoundHistogram, ObjectProblem, ReadLimits
from hydra_core.intake.histograms.frames import BadAnswer, TooMuch
from hydra_core.intake.histograms.object_names import Choice
from hydra_core.intake.histograms.worker import Ending, Worker
from hydra_core.intake.sources import CHANGED, SourceProblem, open_source

__all__ = ["FileContent", "FoundHistogram", "ObjectProblem", "ReadLimits", "Worker", "read_histograms", "read_many"]

#: How often reading one file is taken up again behind an object that ended or stopped its reader.
RESTARTS = 3
#: Size in bytes and modification time in ns that a file had when it was found.
Expect = tuple[int, int]
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_histograms(
    root: Path,
    relative: PurePosixPath,
    limits: ReadLimits | None = None,
    *,
    expect: Expect | None = None,
    take: tuple[str, ...] = ("*",),
    leave: tuple[str, ...] = (),
    worker: Worker | None = None,
) -> FileContent:
    """Read the histograms of one file below `root`; see `read_many`."""
    (content,) = read_many(root, [(relative, expect)], limits, take=take, leave=leave, worker=worker)
    return content


def read_many(
    root: Path,
    files: Iterable[tuple[PurePosixPath, Expect | None]],
    limits: ReadLimits | None = None,
    *,
    take: tuple[str, ...] = ("*",),
    leave: tuple[str, ...] = (),
    worker: Worker | None = None,
) -> Iterator[FileContent]:
    """Read the histograms of several files, one after the other, each within the limits.

    Parameters
    ----------
    root
        The folder that holds the files.
    files
        Path of each below `root`, and the size and modification time that it had when it was found. Links are refused.
    limits
        How much time, memory and room each file may take.
    take, leave
        Patterns as in a shell over the paths of histograms, in which ``*`` also stands for ``/``; a histogram is read
        when one of `take` and none of `leave` fits.
    worker
        A reading process that goes on afterwards, for who reads in several calls; otherwise one is started here, which
        takes half a second, and ended.

    Yields
    ------
    FileContent
        One a file, in the order of `files`. A file that cannot be read is one with a `problem`.

    Raises
    ------
    HydraError
        When the reading process cannot be started at all.
    """
    choice = Choice(take, leave)
    with nullcontext(worker) if worker is not None else Worker() as reading:
        for relative, expect in files:
            begun = time.monotonic()
            content = _read_file(reading, root, relative, expect, limits or ReadLimits(), choice)
            yield replace(content, seconds=time.monotonic() - begun)


def _read_file(
    worker: Worker, root: Path, relative: PurePosixPath, expect: Expect | None, limits: ReadLimits, choice: Choice
) -> FileContent:
    try:
        handle = open_source(root, relative)
    except SourceProblem as error:
        return FileContent(problem=error.reason)
    try:
        before = os.fstat(handle)
        size = before.st_size
        if expect is not None and expect != (size, before.st_mtime_ns):
            return FileContent(problem=CHANGED)
        if size > limits.max_file_bytes:
            return FileContent(
                problem=f"the file ({size} bytes) is larger than the limit of {limits.max_file_bytes} bytes"
            )
        digest = _sha256(handle)
        content = _content(_Question(handle, _format_of(handle), size), worker, limits, choice)
        after = os.fstat(handle)
        if (size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return FileContent(problem=CHANGED)
        return replace(content, sha256=digest)
    except OSError as error:
        return FileContent(problem=f"the file cannot be read ({error.strerror or error})")
    finally:
        os.close(handle)


@dataclass(frozen=True)
class _Question:
    handle: int
    format: str
    size: int


def _content(question: _Question, worker: Worker, limits: ReadLimits, choice: Choice) -> FileContent:
    if not question.size:
        return FileContent(problem="the file is empty (0 bytes)")
    if not question.format:
        return FileContent(problem="neither a ROOT nor an HDF5 file")
    collector = Collector(limits)
    deadline = time.monotonic() + limits.seconds_per_file
    peak_mb = 0.0
    for _ in range(RESTARTS + 1):
        ending = _ask(worker, question, limits, choice, collector, deadline)
        peak_mb = max(peak_mb, ending.peak_mb)
        if collector.done:
            break
    else:
        collector.give_up(f"its reader had to be started more than {RESTARTS + 1} times")
    return replace(collector.content(), peak_mb=peak_mb)


def _ask(
    worker: Worker, question: _Question, limits: ReadLimits, choice: Choice, collector: Collector, deadline: float
) -> Ending:
    """Have the file read from where the collector stands, until the end or the next object that cannot be read."""
    request = {
        "format": question.format,
        "first": collector.first,
        "limits": limits.model_dump(),
        "take": choice.take,
        "leave": choice.leave,
    }
    latest = deadline
    with worker.ask(question.handle, request, collector.room) as answers:
        try:
            while not collector.gave_up and (frame := answers.next(min(latest, deadline))):
                collector.accept(*frame)
                latest = time.monotonic() + limits.seconds_per_object
        except TimeoutError:
            worker.kill()
            if time.monotonic() < deadline:
                collector.stumbled(f"took longer than {limits.seconds_per_object:g} s")
            else:
                collector.give_up(f"it took longer than {limits.seconds_per_file:g} s")
            return Ending()
        except TooMuch:
            collector.give_up(f"its contents take more than {limits.max_content_mb} MB")
        except BadAnswer as error:
            collector.give_up(f"the answer of its reader is not understood: {error}")
    if collector.gave_up:
        worker.kill()
        return Ending()
    ending = worker.ending()
    if not collector.done:
        collector.stumbled(ending.words)
    return ending


def _format_of(handle: int) -> str:
    if os.pread(handle, 4, 0) == b"root":
        return "ROOT"
    # HDF5 lets a block of the user's come first, of 512 bytes or a power of two times that.
    return "HDF5" if any(os.pread(handle, 8, start) == _HDF5 for start in (0, 512, 1024, 2048, 4096)) else ""


def _sha256(handle: int) -> str:
    digest, place = hashlib.sha256(), 0
    while piece := os.pread(handle, 1 << 20, place):
        digest.update(piece)
        place += len(piece)
    return digest.hexdigest()
