"""The reading process: imports the libraries once, then reads each file in a copy of itself with fixed limits.

It is given open files, never paths, and answers through pipes. A file that crashes, hangs or fills its reader takes
nothing else with it; what one file makes the libraries learn is forgotten with the process that read it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hydra_core.intake.histograms.content import ObjectProblem, ReadLimits
from hydra_core.intake.histograms.encode import pack_histogram
from hydra_core.intake.histograms.frames import Kind, write_frame, write_json
from hydra_core.intake.histograms.object_names import Choice
from hydra_core.intake.histograms.objects import Entry, Member, NotRead, Opener

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_DESCRIPTORS = 64


def main(load: Callable[[], Mapping[str, Opener]] | None = None) -> None:
    """Serve the process that is named by the first argument through the socket that is named by the second."""
    parent, control = int(sys.argv[1]), int(sys.argv[2])
    _end_with(parent)
    openers = (load or _load)()
    with socket.socket(fileno=control) as server:
        server.send(b"ready")
        while True:
            message, handles, _, _ = socket.recv_fds(server, 1 << 20, 2)
            if not message:
                return
            server.send(json.dumps(_answer(json.loads(message), handles, server, openers)).encode())


def _load() -> Mapping[str, Opener]:
    # Imported here, before any file is met, so that no copy of this process has to.
    import h5py  # noqa: F401
    import uproot  # noqa: F401

    from hydra_core.intake.histograms.hdf5_file import list_hdf5
    from hydra_core.intake.histograms.root_file import list_root

    return {"ROOT": list_root, "HDF5": list_hdf5}


def _answer(
    question: dict[str, Any], handles: list[int], server: socket.socket, openers: Mapping[str, Opener]
) -> dict[str, Any]:
    source, answers = handles
    here = os.getpid()
    reader = os.fork()
    if not reader:
        code = 1
        try:
            server.close()
            limits = ReadLimits.model_validate(question["limits"])
            _end_with(here)
            _confine(limits)
            choice = Choice(tuple(question["take"]), tuple(question["leave"]))
            _read(source, answers, openers[question["format"]], choice, limits, int(question["first"]))
            code = 0
        finally:
            os._exit(code)
    os.close(source)
    os.close(answers)
    _, status, used = os.wait4(reader, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"signal": max(0, -code), "code": max(0, code), "peak_mb": used.ru_maxrss / 1024}


def _read(source: int, answers: int, opener: Opener, choice: Choice, limits: ReadLimits, first: int) -> None:
    def enter(path: str) -> None:
        write_json(answers, Kind.FOLDER, path=path)

    too_much = f"needed more than {limits.memory_mb} MB"
    try:
        listing = opener(source, choice, limits, enter)
    except MemoryError:
        write_json(answers, Kind.END, problem=f"listing what it holds {too_much}")
        return
    except NotRead as error:
        write_json(answers, Kind.END, problem=error.reason)
        return
    if not first:
        for problem in listing.problems:
            _write_problem(answers, problem)
        if listing.over:
            reason = f"{listing.over} more histograms were not read: the limit is {limits.max_histograms} a file"
            _write_problem(answers, ObjectProblem("", "", reason))
    write_json(answers, Kind.LISTED, skipped=dict(listing.skipped), left=listing.left)
    for index, entry in enumerate(listing.entries[first:], first):
        write_json(answers, Kind.START, index=index, path=entry.path, class_name=entry.class_name)
        try:
            _read_entry(answers, entry)
        except MemoryError:
            _write_problem(answers, ObjectProblem(entry.path, entry.class_name, f"reading it {too_much}"))
        except NotRead as error:
            _write_problem(answers, ObjectProblem(entry.path, entry.class_name, error.reason))
    write_json(answers, Kind.END, problem="")


def _read_entry(answers: int, entry: Entry) -> None:
    for found in entry.read():
        match found:
            case Member(path, class_name, hist):
                head = json.dumps({"path": path, "class_name": class_name}).encode()
                write_frame(answers, Kind.HISTOGRAM, head + b"\n" + pack_histogram(hist))
            case ObjectProblem():
                _write_problem(answers, found)
            case _:
                write_json(answers, Kind.PASSED, class_name=found.class_name)


def _write_problem(answers: int, problem: ObjectProblem) -> None:
    write_json(answers, Kind.PROBLEM, path=problem.path, class_name=problem.class_name, reason=problem.reason)


def _end_with(parent: int) -> None:
    """End when `parent` ends, however that happens, and never gain rights."""
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        # It ended before it could be watched.
        os._exit(1)


def _confine(limits: ReadLimits) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    room = pages * resource.getpagesize() + (limits.memory_mb << 20)
    seconds = int(limits.seconds_per_file) + 1
    for what, value in (
        (resource.RLIMIT_AS, room),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        hard = resource.getrlimit(what)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
