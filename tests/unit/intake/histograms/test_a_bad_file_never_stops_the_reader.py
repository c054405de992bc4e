"""Whatever a file does to its reader: the others are read, what was read is kept, the culprit is named."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import h5py
import numpy as np
import pytest

from hydra_core.base.errors import HydraError
from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.reader import FileContent, Worker, read_histograms, read_many
from hydra_core.intake.histograms.worker import FIXED, KEPT
from tests.histogram_files import RootMaker, count_useful, hdf5_histogram

STRANGE = (sys.executable, "-P", str(Path(__file__).with_name("strange_reader.py")))
LIMITS = ReadLimits(seconds_per_file=60, seconds_per_object=30, memory_mb=200)
#: For files that hang: long enough for a busy machine, short enough to wait for.
SHORT = ReadLimits(seconds_per_file=60, seconds_per_object=1, memory_mb=200)
Reading = Callable[..., FileContent]


@pytest.fixture(scope="module")
def strange() -> Iterator[Worker]:
    """Return a reading process that does what the lines of a file say."""
    with Worker(STRANGE) as worker:
        yield worker


@pytest.fixture
def behave(tmp_path: Path, strange: Worker) -> Reading:
    """Return a function that reads a file of such lines."""

    def reading(*lines: str, limits: ReadLimits = LIMITS) -> FileContent:
        (tmp_path / "file.root").write_text("\n".join(("root", *lines)), encoding="utf-8")
        return read_histograms(tmp_path, PurePosixPath("file.root"), limits, worker=strange)

    return reading


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("hang", "reading it took longer than 1 s"),
        ("bomb", "reading it needed more than 200 MB"),
        ("hoard", "reading it crashed the reader (signal 6)"),
        ("crash", "reading it crashed the reader (signal 11)"),
        ("leave", "reading it made the reader stop (status 7)"),
        ("grow", "reading it made the reader stop (status 1)"),
    ],
)
def test_the_culprit_is_named_and_the_others_are_read(behave: Reading, how: str, reason: str) -> None:
    content = behave("good one", f"{how} two", "good three", limits=SHORT if how == "hang" else LIMITS)
    assert [one.path for one in content.histograms] == ["one", "three"]
    assert [(one.path, one.class_name, one.reason) for one in content.problems] == [("two", "TH1D", reason)]
    assert content.problem == ""


def test_a_file_in_which_everything_crashes_is_given_up(behave: Reading) -> None:
    content = behave("good zero", *(f"crash c{number}" for number in range(9)))
    assert [one.path for one in content.problems] == ["c0", "c1", "c2", "c3", ""]
    assert content.problems[-1].reason == (
        "the rest of the file was not read: its reader had to be started more than 4 times"
    )
    assert (
        behave("crash only").problem == "nothing of it can be read: 'only': reading it crashed the reader (signal 11)"
    )


def test_a_crash_before_anything_is_listed_is_the_reason_of_the_file(behave: Reading) -> None:
    content = behave("folder quiet", "folder crash", "good one")
    assert content.problem == "listing what it holds at 'crash' crashed the reader (signal 11)"
    assert content.histograms == ()


def test_the_time_of_the_file_counts_for_all_of_it(behave: Reading) -> None:
    limits = ReadLimits(seconds_per_file=2, seconds_per_object=20)
    content = behave("good one", "hang two", "good three", limits=limits)
    assert [one.path for one in content.histograms] == ["one"]
    assert [one.reason for one in content.problems] == ["the rest of the file was not read: it took longer than 2 s"]


def test_what_the_reading_process_says_is_not_believed(behave: Reading) -> None:
    content = behave("good one", "colour two")
    assert [one.path for one in content.histograms] == ["one"]
    assert "not understood" in content.problems[-1].reason


def test_reading_goes_on_with_the_next_file(tmp_path: Path, strange: Worker) -> None:
    for number, how in enumerate(("good", "hang", "crash", "good")):
        (tmp_path / str(number)).write_text(f"root\n{how} x", encoding="utf-8")
    files = [(PurePosixPath(str(number)), None) for number in range(4)]
    contents = list(read_many(tmp_path, files, SHORT, worker=strange))
    assert [len(content.histograms) for content in contents] == [1, 0, 0, 1]
    assert [bool(content.problem) for content in contents] == [False, True, True, False]


def _alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be taken note of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _below(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="ascii").rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found += [int(path.parent.name), *_below(int(path.parent.name))]
    return found


def test_the_reading_process_ends_with_the_one_that_asked(tmp_path: Path) -> None:
    (tmp_path / "file.root").write_text("root\nhang x", encoding="utf-8")
    script = (
        "import sys; from pathlib import Path, PurePosixPath\n"
        "from hydra_core.intake.histograms.reader import *\n"
        f"read_histograms(Path({str(tmp_path)!r}), PurePosixPath('file.root'), worker=Worker({STRANGE!r}))"
    )
    asking = subprocess.Popen([sys.executable, "-c", script])
    try:
        end = time.monotonic() + 60
        while len(below := _below(asking.pid)) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(below) == 2
    finally:
        asking.send_signal(signal.SIGKILL)
        asking.wait()
    end = time.monotonic() + 30
    while any(map(_alive, below)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(_alive, below))


def test_nothing_is_left_running_when_reading_is_broken_off(tmp_path: Path) -> None:
    (tmp_path / "file.root").write_bytes(b"root")
    files = [(PurePosixPath("file.root"), None)] * 3
    before = set(_below(os.getpid()))
    contents = read_many(tmp_path, files)
    next(contents)
    assert set(_below(os.getpid())) - before
    contents.close()  # type: ignore[attr-defined]
    assert set(_below(os.getpid())) - before == set()


def test_a_reading_process_that_does_not_start_is_an_error_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "file.root").write_bytes(b"root")
    with Worker((sys.executable, "-c", "raise SystemExit")) as worker, pytest.raises(HydraError, match="did not start"):
        read_histograms(tmp_path, PurePosixPath("file.root"), worker=worker)


def test_the_reading_process_inherits_only_what_is_listed(root: RootMaker, read: Reading, worker: Worker) -> None:
    root.file({"h": root.th1([0, 1.0, 0])})
    read()
    given = Path(f"/proc/{worker.pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0].decode() for entry in given} - {""}
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in names
    assert names <= {*KEPT, *FIXED, "PYTHONPATH"}


def test_files_that_are_no_files_are_refused(tmp_path: Path, read: Reading) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("not a histogram", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    reasons = {name: read(name).problem for name in ("folder", "link", "empty", "text", "pipe", "gone", "../x")}
    assert reasons["folder"] == "not a regular file but a folder"
    assert reasons["link"].startswith("the file cannot be opened")
    assert reasons["empty"] == "the file is empty (0 bytes)"
    assert reasons["text"] == "neither a ROOT nor an HDF5 file"
    assert reasons["pipe"] == "not a regular file but a named pipe"
    assert reasons["gone"] == "the file vanished after it was found"
    assert reasons["../x"].startswith("the file cannot be opened")
    assert "limit of 10 bytes" in read("text", limits=ReadLimits(max_file_bytes=10)).problem


def test_a_file_that_changed_since_it_was_found_is_taken_later(tmp_path: Path, root: RootMaker, read: Reading) -> None:
    facts = root.file({"h": root.th1([0, 1.0, 0])}).stat()
    assert read(expect=(facts.st_size, facts.st_mtime_ns)).problem == ""
    assert "changed while it was read" in read(expect=(facts.st_size, facts.st_mtime_ns + 1)).problem
    assert "changed while it was read" in read(expect=(facts.st_size + 1, facts.st_mtime_ns)).problem


@pytest.fixture
def samples(tmp_path: Path, root: RootMaker) -> dict[str, bytes]:
    """Return small files that hold one of everything."""
    values = np.arange(12.0)
    listed = root.list_of(root.th1(values, name="in a list"))
    things = {
        "folder/h": root.th1(values, root.axis(np.arange(11.0), labels={1: "one"}), squares=values),
        "m": root.th2(np.ones((4, 5)), root.axis([0, 1, 2, 3]), root.axis([0, 5, 20], name="yaxis")),
        "p": root.profile(values, values, values),
        "list": listed,
        "note": "text",
    }
    plain = root.file(things, "plain.root", compression=None).read_bytes()
    packed = root.file(things, "packed.root").read_bytes()
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        hdf5_histogram(file, "a/h", values, x_labels=[str(value) for value in values], title="text")
        group = hdf5_histogram(file, "m", np.ones((3, 4)))
        group.create_dataset("variances", data=np.ones((3, 4)), compression="gzip")
    return {"plain": plain, "packed": packed, "hdf5": (tmp_path / "plain.h5").read_bytes()}


@pytest.mark.parametrize("name", ["plain", "packed", "hdf5"])
def test_a_cut_file_gives_histograms_or_a_reason(
    tmp_path: Path, worker: Worker, samples: dict[str, bytes], name: str
) -> None:
    data = samples[name]
    parts = (*range(0, 96, 5), 96, 97, 98, 99)
    for part in parts:
        (tmp_path / f"cut{part}").write_bytes(data[: len(data) * part // 100])
    files = [(PurePosixPath(f"cut{part}"), None) for part in parts]
    assert count_useful(read_many(tmp_path, files, LIMITS, worker=worker), len(parts)) < len(parts) / 2


@pytest.mark.parametrize("name", ["plain", "packed", "hdf5"])
def test_a_file_with_wrong_bytes_gives_histograms_or_a_reason(
    tmp_path: Path, worker: Worker, samples: dict[str, bytes], name: str
) -> None:
    chance = random.Random(name)
    count = 15
    for number in range(count):
        changed = bytearray(samples[name])
        for _ in range(chance.choice((1, 3, 20, 200))):
            changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        (tmp_path / f"wrong{number}").write_bytes(changed)
    files = [(PurePosixPath(f"wrong{number}"), None) for number in range(count)]
    assert count_useful(read_many(tmp_path, files, LIMITS, worker=worker), count) > 0
