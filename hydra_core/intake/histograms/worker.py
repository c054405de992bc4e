"""The process that reads histogram files: started once, given one open file after the other, ended for sure."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import hydra_core
from hydra_core.base.errors import HydraError
from hydra_core.intake.histograms.frames import FrameReader

#: Started so unless a test wants another program; the arguments that follow are this process and the socket.
COMMAND = (sys.executable, "-P", "-m", "hydra_core.intake.histograms.child")
#: Importing may be slow on a shared file system, but not slower than this, in seconds.
START_SECONDS = 120.0
#: How long the reading process may take to end after its last answer, in seconds.
END_SECONDS = 10.0
#: What the reading process is given of the environment: nothing that is secret.
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
#: What it is given besides: one thread for each library, and no plugin is loaded.
FIXED = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "HDF5_PLUGIN_PRELOAD": "::",
}


@dataclass(frozen=True)
class Ending:
    """How the process that read one file ended.

    Parameters
    ----------
    signal
        The signal that ended it, or 0.
    code
        Its exit status.
    peak_mb
        The most memory that it held at one time, in MB.
    """

    signal: int = 0
    code: int = 0
    peak_mb: float = 0.0

    @property
    def words(self) -> str:
        """How it ended, for the reason on a card."""
        if self.signal == signal.SIGXCPU:
            return "used more processor time than allowed"
        if self.signal == signal.SIGKILL:
            return "had its reader ended by the system (signal 9), perhaps for lack of memory"
        if self.signal:
            return f"crashed the reader (signal {self.signal})"
        return f"made the reader stop (status {self.code})"


class Worker:
    """The reading process, from the side that asks; a context manager that ends it.

    The process ends with the thread that first asked, even when that is killed.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._results: FrameReader | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Number of the process, 0 while none runs."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """End the process and everything that it started; the next question starts another one."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            # Its number is its group's too, and stays so until it was waited for.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = self._control = self._results = None

    @contextlib.contextmanager
    def ask(self, handle: int, question: dict[str, Any], max_bytes: int) -> Iterator[FrameReader]:
        """Have the open file `handle` read and yield the answers, `max_bytes` of them at most.

        Raises
        ------
        HydraError
            When the process does not start.
        """
        control = self._started()
        answers, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            try:
                socket.send_fds(control, [json.dumps(question).encode()], [handle, theirs])
            finally:
                os.close(theirs)
            yield FrameReader(answers, max_bytes)
        finally:
            os.close(answers)

    def ending(self) -> Ending:
        """Return how reading the last file ended; ends the process when it does not say so in time."""
        if self._control is None:
            return Ending(signal=signal.SIGKILL)
        try:
            self._control.settimeout(END_SECONDS)
            said = json.loads(self._control.recv(1 << 12))
            return Ending(int(said["signal"]), int(said["code"]), float(said["peak_mb"]))
        except (OSError, ValueError, KeyError, TypeError):
            self.kill()
            return Ending(signal=signal.SIGKILL)

    def _started(self) -> socket.socket:
        if self._control is not None:
            return self._control
        # Packets keep questions apart and carry the open files with them.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [*self._command, str(os.getpid()), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        self._control = ours
        ours.settimeout(START_SECONDS)
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            if ours.recv(1 << 12) == b"ready":
                ours.settimeout(END_SECONDS)
                return ours
        self.kill()
        raise HydraError(
            f"the reader of histogram files did not start within {time.monotonic() - begun:.0f} s",
            next_step="check that uproot and h5py can be imported: python -c 'import uproot, h5py'",
        )


def _environment() -> dict[str, str]:
    paths = [str(Path(hydra_core.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    found = {name: os.environ[name] for name in KEPT if name in os.environ}
    return found | FIXED | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
