"""A source folder is walked once; every file is part of a run or named with a reason."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path, PurePosixPath

import pytest

from hydra_core.base.errors import HydraError
from hydra_core.intake.conditions import conditions_for
from hydra_core.intake.naming import default_rules
from hydra_core.intake.scan import fingerprint, scan, scan_run
from hydra_core.intake.sources import SourceProblem, read_source


def put(root: Path, name: str, content: bytes = b"x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for run in (50001, 50002):
        for name in ("CDC_0002", "CDC_0001", "trigger"):
            put(root, f"RunPeriod-2026-01/ver01/Run{run:06d}/{name}.png", f"{run} {name}".encode())
    put(root, "metadata.json", b"{}")
    return root


def reasons(root: Path, **how: float) -> dict[str, str]:
    return {file.relative: file.reason for file in scan(root, **how).unmatched}


def test_files_are_sorted_into_runs(tree: Path) -> None:
    found = scan(tree)
    assert [run.run for run in found.runs] == [50001, 50002]
    assert [file.relative.name for file in found.runs[0].files] == ["CDC_0001.png", "CDC_0002.png", "trigger.png"]
    assert found.runs[0].files[0].size == len(b"50001 CDC_0001")
    assert found.runs[0].run_name == "050001"
    assert found.unmatched == ()


def test_one_run_is_found_without_listing_the_folders_of_others(tree: Path) -> None:
    (tree / "RunPeriod-2026-01/ver01/Run050002/link.png").symlink_to("trigger.png")
    found = scan_run(tree, 50001)
    assert found.runs == scan(tree).runs[:1]
    assert found.unmatched == ()
    assert scan_run(tree, 7).runs == ()


def test_one_run_is_the_same_in_every_order_of_folders(tmp_path: Path) -> None:
    for name in ("5/a_1.png", "2026/5/b.png", "lms/run_5.png", "lms/run_6.png", "6/a_1.png"):
        put(tmp_path, name)
    for run in (5, 6):
        assert list(scan_run(tmp_path, run).runs) == [found for found in scan(tmp_path).runs if found.run == run]


def test_what_is_no_plain_file_is_named_and_never_opened(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tree / "RunPeriod-2026-01/ver01/Run050001"
    (run / "passwd.png").symlink_to("/etc/passwd")
    (run / "linked").symlink_to(tmp_path)
    (run / "folder.png").mkdir()
    put(run, "folder.png/x.png")
    os.mkfifo(run / "pipe.png")
    monkeypatch.chdir(run)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        found = {Path(name).name: reason for name, reason in reasons(tree).items()}
    assert set(found) == {"passwd.png", "linked", "folder.png", "pipe.png", "socket.png"}
    assert "links are not followed" in found["passwd.png"]
    assert "links are not followed" in found["linked"]
    assert "named like an image" in found["folder.png"]
    assert "named pipe" in found["pipe.png"]
    assert "socket" in found["socket.png"]
    assert [len(run.files) for run in scan(tree).runs] == [3, 3]


def test_files_that_fit_no_rule_are_never_dropped_silently(tree: Path) -> None:
    names = [b"plots/x.png", b"Run1/notes.txt", b"Run1/.x_0001.png.Ab3", b"Run1/bad\xff.png", b"Run1/new\nline.png"]
    for name in names:
        put(tree, os.fsdecode(name))
    found = reasons(tree)
    assert len(found) == len(names)
    assert found["plots/x.png"].startswith("no naming rule fits")
    assert found["Run1/bad\\xff.png"] == "the name is not valid UTF-8"
    assert all(name.encode() for name in found)


def test_young_files_wait_for_the_next_look(tree: Path) -> None:
    long_ago = time.time() - 3600
    for path in tree.rglob("*.png"):
        os.utime(path, (long_ago, long_ago))
    put(tree, "RunPeriod-2026-01/ver01/Run050001/CDC_0003.png")
    put(tree, "RunPeriod-2026-01/ver01/Run050003/CDC_0001.png")
    runs = {run.run: run for run in scan(tree, settle_s=5).runs}
    assert {run: (len(found.files), found.waiting) for run, found in runs.items()} == {
        50001: (3, 1),
        50002: (3, 0),
        50003: (0, 1),
    }


def test_a_folder_without_permission_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def deny(path: Path) -> object:
        if str(path).endswith("Run050002"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", deny)
    assert "Permission denied" in reasons(tree)["RunPeriod-2026-01/ver01/Run050002"]


def test_a_missing_source_folder_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(HydraError, match="nowhere") as caught:
        scan(tmp_path / "nowhere")
    assert caught.value.next_step


def test_the_fingerprint_changes_with_name_size_and_time_only(tree: Path) -> None:
    files = scan(tree).runs[0].files
    first = fingerprint(files)
    assert fingerprint(reversed(files)) == first
    assert fingerprint(files[1:]) != first
    path = tree / files[0].relative
    os.utime(path, ns=(0, files[0].mtime_ns + 1))
    assert fingerprint(scan(tree).runs[0].files) != first
    os.utime(path, ns=(0, files[0].mtime_ns))
    assert fingerprint(scan(tree).runs[0].files) == first


def test_histogram_files_are_found_with_rules_of_their_ending(tmp_path: Path) -> None:
    put(tmp_path, "root/run_296168.root")
    found = scan(tmp_path, default_rules(), suffixes=(".root",))
    assert found.runs[0].run == 296168


def test_a_deeper_metadata_file_wins_key_by_key(tmp_path: Path) -> None:
    put(tmp_path, "metadata.json", b'{"beam": 1, "target": "LH2"}')
    put(tmp_path, "Run1/metadata.json", b'{"beam": 2}')
    assert conditions_for(tmp_path, PurePosixPath("Run1")).values == {"beam": 2, "target": "LH2"}
    assert conditions_for(tmp_path, PurePosixPath(".")).values == {"beam": 1, "target": "LH2"}
    assert conditions_for(tmp_path, PurePosixPath("Run2/deep")).values == {"beam": 1, "target": "LH2"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff", "UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deep"),
        (b" " * (1 << 20) + b"{}", "limit"),
    ],
)
def test_a_bad_metadata_file_is_reported_and_left_out(tmp_path: Path, content: bytes, words: str) -> None:
    put(tmp_path, "metadata.json", b'{"beam": 1}')
    put(tmp_path, "Run1/metadata.json", content)
    found = conditions_for(tmp_path, PurePosixPath("Run1"))
    assert found.values == {"beam": 1}
    assert len(found.problems) == 1
    assert words in found.problems[0]
    assert "Run1/metadata.json" in found.problems[0]


def test_a_linked_metadata_file_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere.json", b'{"beam": 9}')
    (tmp_path / "metadata.json").symlink_to("elsewhere.json")
    assert conditions_for(tmp_path, PurePosixPath(".")).values == {}
    assert conditions_for(tmp_path, PurePosixPath(".")).problems


def problem(root: Path, name: str, limit: int = 100, expect: tuple[int, int] | None = None) -> str:
    with pytest.raises(SourceProblem) as caught:
        read_source(root, PurePosixPath(name), limit, expect=expect)
    return caught.value.reason


def test_a_source_is_read_only_if_it_is_a_plain_file_below_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = put(root, "a/x.png", b"12345")
    put(tmp_path, "secret", b"s")
    assert read_source(root, PurePosixPath("a/x.png"), 5) == b"12345"
    assert "limit" in problem(root, "a/x.png", 4)
    assert "vanished" in problem(root, "a/y.png")
    assert "leaves" in problem(root, "../secret")
    assert "leaves" in problem(root, "/etc/passwd")
    assert "a folder" in problem(root, "a")
    (root / "b").symlink_to("a")
    assert "cannot be opened" in problem(root, "b/x.png")
    (root / "l").symlink_to("a/x.png")
    assert "cannot be opened" in problem(root, "l")
    os.mkfifo(root / "p")
    assert "named pipe" in problem(root, "p")
    facts = path.stat()
    assert read_source(root, PurePosixPath("a/x.png"), 5, expect=(5, facts.st_mtime_ns)) == b"12345"
    assert "changed" in problem(root, "a/x.png", expect=(5, facts.st_mtime_ns + 1))
