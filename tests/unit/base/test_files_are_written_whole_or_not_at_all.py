from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base import files
from hydra_core.base.files import (
    atomic_folder,
    atomic_path,
    sha256_bytes,
    sha256_file,
    write_bytes,
    write_json,
    write_text,
)


def test_a_file_appears_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.json"
    write_json(target, {"b": 1, "a": "é"})
    assert target.read_text(encoding="utf-8") == '{\n "a": "é",\n "b": 1\n}\n'
    assert os.listdir(target.parent) == ["file.json"]  # noqa: PTH208


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_json(path, {"a": float("nan")}),
        lambda path: write_json(path, {"a": object()}),
        lambda path: write_text(path, "\ud800"),
        lambda path: write_bytes(path / "below a file", b"x"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_content(tmp_path: Path, write: Callable[[Path], None]) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises((ValueError, TypeError, OSError)):
        write(target)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


def test_a_failure_in_the_middle_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fail() -> None:
        with atomic_path(target) as temp:
            temp.write_bytes(b"half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


class Killed(BaseException):
    """What a kill looks like from inside: no handler may take it for an error."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_kill_at_each_step_leaves_the_old_content(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(os if step == "fsync" else Path, step, killed)
    with pytest.raises(Killed):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"


def test_content_is_synced_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    replace, fsync = Path.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("sync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (steps.append("rename"), replace(self, target))[1])
    write_bytes(tmp_path / "file", b"new")
    assert steps == ["sync", "rename", "sync"]


def test_two_writers_never_share_a_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with atomic_path(target) as one, atomic_path(target) as other:
        assert one != other
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert target.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a" / "page") as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x", encoding="utf-8")
        assert not (tmp_path / "a" / "page").exists()
    assert (tmp_path / "a" / "page" / "below" / "file").read_text(encoding="utf-8") == "x"
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "page"]


def test_a_folder_that_is_there_is_never_rewritten(tmp_path: Path) -> None:
    for content in ("first", "second"):
        with atomic_folder(tmp_path / "page") as folder:
            (folder / "file").write_text(content, encoding="utf-8")
    assert (tmp_path / "page" / "file").read_text(encoding="utf-8") == "first"
    assert list(tmp_path.iterdir()) == [tmp_path / "page"]


def test_a_folder_that_another_writer_made_in_the_last_moment_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        target.mkdir()
        (target / "file").write_text("theirs", encoding="utf-8")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with atomic_folder(tmp_path / "page") as folder:
        (folder / "file").write_text("ours", encoding="utf-8")
    assert (tmp_path / "page" / "file").read_text(encoding="utf-8") == "theirs"
    assert list(tmp_path.iterdir()) == [tmp_path / "page"]


def test_a_folder_that_fails_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_folder(tmp_path / "page") as folder:
            (folder / "file").write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_name_fits_where_its_target_fits(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("x" * 255), b"x")
    assert len(files.temp_beside(tmp_path / ("x" * 255)).name) < 255


@given(st.binary(max_size=3000))
def test_a_file_has_the_hash_of_its_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(data)
    assert sha256_file(path) == sha256_bytes(data)


def test_a_file_larger_than_one_piece_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4097
    (tmp_path / "large").write_bytes(data)
    assert sha256_file(tmp_path / "large") == sha256_bytes(data)
