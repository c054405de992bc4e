from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hydra_core.base.clock import now
from hydra_core.base.errors import DatabaseError, DataError, HydraError
from hydra_core.base.files import TEMP_PREFIX, sha256_bytes
from hydra_core.cli.main import main
from hydra_core.stages import backup as backup_stage
from hydra_core.stages import restoring
from hydra_core.stages.backup import BackedUp, backup
from hydra_core.stages.backup_form import MANIFEST, MANIFEST_SHA, backups_in, listed_files, read_lines, read_manifest
from hydra_core.stages.context import open_site
from hydra_core.stages.fsck import fsck
from hydra_core.stages.restoring import restore
from hydra_core.stages.verify import verify
from hydra_core.store import refill, sqlite_file
from hydra_core.store.dump import dump_rows
from hydra_core.store.items import load_items
from hydra_core.store.ledger import newest_revision, want_run
from hydra_core.store.session import check_version, reading, writing
from hydra_core.store.upgrade import upgrade
from tests.small_deployment import BEAM, DARK, STAGES, Deployment

pytestmark = pytest.mark.recovery


def lose_database(made: Deployment) -> None:
    made.engine.dispose()
    for path in made.site.root.glob("hydra.sqlite*"):
        path.unlink()


def pages_of(made: Deployment) -> dict[str, bytes]:
    """Return the pages of runs; the lists tell when they were written."""
    root = made.site.site_pages
    found = [path for path in sorted(root.rglob("*")) if path.is_file() and "runs" in path.parts]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def lists_of(made: Deployment) -> set[str]:
    root = made.site.site_pages
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def verified(made: Deployment) -> list[Any]:
    return [verify(made.context(run)) for run in (BEAM, DARK)]


@pytest.fixture
def taken(finished: Deployment, tmp_path: Path) -> tuple[Deployment, BackedUp]:
    """Return a deployment and a backup of it."""
    return finished, backup(finished.site, finished.engine, tmp_path / "backups")


def test_a_lost_database_and_lost_pages_come_back_as_they_were(
    finished: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = ["--site", str(finished.site.folder)]
    rows, pages, lists, verdicts = finished.rows(), pages_of(finished), lists_of(finished), verified(finished)
    assert len(pages) > 4
    assert main([*site, "backup", str(tmp_path / "backups")]) == 0
    lose_database(finished)
    shutil.rmtree(finished.site.site_pages)
    assert main([*site, "restore", str(tmp_path / "backups")]) == 0
    assert main([*site, "publish", "--all"]) == 0
    assert finished.rows() == rows
    assert pages_of(finished) == pages
    # Nobody has published the model library of this deployment yet.
    assert lists_of(finished) >= lists
    assert verified(finished) == verdicts
    assert main([*site, "fsck"]) == 0
    assert "everything agrees, 0 lost" in capsys.readouterr().out


@pytest.mark.parametrize("done", [1, 3, 4])
def test_a_run_that_was_under_way_at_the_backup_is_read_anew(
    after: Callable[[int, int], Deployment], done: int, tmp_path: Path
) -> None:
    made = after(len(STAGES), done)
    site = ["--site", str(made.site.folder)]
    assert main([*site, "backup", str(tmp_path / "backups")]) == 0
    lose_database(made)
    shutil.rmtree(made.site.root / "staging")
    assert main([*site, "restore", str(tmp_path / "backups")]) == 0
    (problem,) = fsck(made.site, made.engine).problems
    gone = made.site.staging("p/v1", BEAM, 1) / "block.h5"
    assert problem == (
        f"p/v1 run {BEAM} r1: it was under way, and its block {gone} is gone (no backup has it): "
        "'hydra pass resume p/v1' reads its files anew"
    )
    made.work(BEAM)
    assert fsck(made.site, made.engine).problems == ()
    assert verify(made.context(BEAM)).differences == ()


def test_a_run_whose_block_and_files_are_gone_keeps_what_was_said_of_it(
    after: Callable[[int, int], Deployment],
) -> None:
    made = after(len(STAGES), 3)
    shutil.rmtree(made.site.root / "staging")
    shutil.rmtree(made.site.intake / f"Run{BEAM:06d}")
    rows = made.rows()
    with pytest.raises(DataError, match="its files are both gone"):
        made.work(BEAM, STAGES[:1])
    assert made.rows() == rows


def test_pages_that_are_there_are_left_alone(finished: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.site.site_pages.rglob("r1/*") if path.is_file()}
    assert before
    assert main(["--site", str(finished.site.folder), "publish", "--all"]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "0 pages of runs made, 2 were there" in capsys.readouterr().out


def test_a_page_whose_block_is_damaged_is_named_and_the_others_are_made(
    finished: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(finished.site.site_pages)
    finished.site.archive_file("p/v1", BEAM, 1).write_bytes(b"cut")
    assert main(["--site", str(finished.site.folder), "publish", "--all"]) == 8
    told = capsys.readouterr().out
    assert f"PROBLEM  p/v1 run {BEAM} r1: " in told
    assert "1 pages of runs made" in told
    assert (finished.site.site_pages / f"passes/p/v1/runs/{DARK}/r1/index.html").is_file()


def test_a_database_with_nothing_but_the_mirror_of_the_site_is_empty(taken: tuple[Deployment, BackedUp]) -> None:
    made, done = taken
    rows = made.rows()
    lose_database(made)
    assert main(["--site", str(made.site.folder), "db", "upgrade"]) == 0
    restore(made.site, made.engine, done.folder)
    assert made.rows() == rows
    # Every value is as it was, numbers of rows and times too.
    again = backup(made.site, made.engine, done.folder.parent, at=now() + timedelta(milliseconds=5))
    assert read_manifest(again.folder)[0].tables == read_manifest(done.folder)[0].tables


def test_what_people_asked_for_after_the_backup_is_taken_in_again(
    taken: tuple[Deployment, BackedUp], capsys: pytest.CaptureFixture[str]
) -> None:
    made, done = taken
    site = ["--site", str(made.site.folder)]
    with reading(made.engine) as connection:
        revision = newest_revision(connection, made.context(BEAM).pass_row.id, BEAM)
        assert revision is not None
        item = next(item for item in load_items(connection, revision.id) if item.sha256)
    assert main([*site, "label", str(item.plot), "0" * 64, "Bad"]) == 1
    assert f"no image of {item.plot} has the SHA-256 {'0' * 64}" in capsys.readouterr().err
    assert main([*site, "label", str(item.plot), str(item.sha256)[:12].upper(), "Bad"]) == 0
    assert main([*site, "news", "the beam is back"]) == 0
    rows = made.rows()
    lose_database(made)
    capsys.readouterr()
    assert main([*site, "restore", str(done.folder)]) == 0
    assert capsys.readouterr().out.count(", accepted after the backup: ") == 2
    for table in ("labels", "news"):
        assert made.rows()[table] == rows[table]
        assert len(rows[table]) == 1


def test_a_database_in_use_is_refused_and_left_as_it_is(taken: tuple[Deployment, BackedUp]) -> None:
    made, done = taken
    rows = made.rows()
    with pytest.raises(DatabaseError, match=r"is not empty: it holds .* 1 passes"):
        restore(made.site, made.engine, done.folder)
    assert made.rows() == rows
    check_version(made.engine)


def damaged(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])


@pytest.mark.parametrize("how", ["missing", "cut", "flipped"])
@pytest.mark.parametrize("part", ["manifest.json", "tables/items.jsonl.gz", "files.jsonl.gz", "site/plots.toml"])
def test_a_damaged_backup_is_refused_before_the_database_is_touched(
    taken: tuple[Deployment, BackedUp], part: str, how: str
) -> None:
    made, done = taken
    lose_database(made)
    damaged(done.folder / part, how)
    with pytest.raises(DataError, match=r"is not what was written|is missing from|cannot be read|there is no backup"):
        restore(made.site, made.engine, done.folder)
    assert not (made.site.root / "hydra.sqlite").exists()


def altered(folder: Path, **changes: object) -> None:
    """Write another manifest, as a program of another time might have."""
    raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8")) | changes
    data = json.dumps(raw).encode()
    (folder / MANIFEST).write_bytes(data)
    (folder / MANIFEST_SHA).write_text(f"{sha256_bytes(data)}  {MANIFEST}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "kind", "why"),
    [
        ({"schema": "9999"}, DatabaseError, "has schema 9999, which this program does not know"),
        ({"site": "other"}, DatabaseError, "is a backup of the site other"),
        ({"format": "hydra-backup-9"}, DataError, "is no manifest that this version knows"),
        ({"tables": []}, DataError, "is no manifest that this version knows"),
        ({"files": {"file": "../x", "bytes": 1, "sha256": "", "rows": 0}}, DataError, "a file named"),
    ],
)
def test_a_backup_that_is_not_of_this_site_or_program_is_refused(
    taken: tuple[Deployment, BackedUp], changes: dict[str, object], kind: type[HydraError], why: str
) -> None:
    made, done = taken
    lose_database(made)
    altered(done.folder, **changes)
    with pytest.raises(kind, match=why):
        restore(made.site, made.engine, done.folder)
    assert not (made.site.root / "hydra.sqlite").exists()


class StoppedError(Exception):
    """What a test stops a restore with."""


def stopped(made: Deployment, folder: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, times: int) -> None:
    """Restore, and be stopped at the nth call of a function."""
    real = getattr(place, name)
    calls = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == times:
            raise StoppedError
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, call)
        with pytest.raises(StoppedError):
            restore(made.site, made.engine, folder)


STOPS = [
    (restoring, "make_tables", 1),
    (refill, "upgrade", 1),
    (restoring, "fill_table", 1),
    (refill, "_enter", 5),
    (restoring, "loaded", 1),
    (restoring, "finish_refill", 1),
    (refill, "upgrade", 2),
    (refill, "take_mark_away", 1),
]


@pytest.mark.parametrize(("place", "name", "times"), STOPS)
def test_a_half_restored_database_is_refused_by_all_and_completed_by_the_same_command(
    taken: tuple[Deployment, BackedUp],
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    times: int,
) -> None:
    made, done = taken
    rows = made.rows()
    lose_database(made)
    # A table takes several transactions.
    monkeypatch.setattr("hydra_core.store.dump.BATCH", 2)
    stopped(made, done.folder, monkeypatch, place, name, times)
    with pytest.raises(DatabaseError, match="is half restored from a backup"):
        open_site(made.site.folder)
    if name in ("fill_table", "_enter"):
        with pytest.raises(DatabaseError, match="is half restored from a backup"):
            upgrade(made.engine)
    restore(made.site, made.engine, done.folder)
    assert made.rows() == rows
    open_site(made.site.folder)
    assert fsck(made.site, made.engine).problems == ()


def test_a_half_restored_database_is_not_completed_from_another_backup(
    taken: tuple[Deployment, BackedUp], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, done = taken
    writing(made.engine, lambda connection: want_run(connection, made.row.id, 99, "99"))
    later = backup(made.site, made.engine, done.folder.parent, at=now() + timedelta(milliseconds=5))
    lose_database(made)
    stopped(made, done.folder, monkeypatch, restoring, "fill_table", 3)
    with pytest.raises(DatabaseError, match="is half restored from another backup"):
        restore(made.site, made.engine, later.folder)
    restore(made.site, made.engine, done.folder)


def test_files_that_are_not_as_they_were_are_listed(
    taken: tuple[Deployment, BackedUp], capsys: pytest.CaptureFixture[str]
) -> None:
    made, done = taken
    lose_database(made)
    made.site.archive_file("p/v1", DARK, 1).unlink()
    block = made.site.archive_file("p/v1", BEAM, 1)
    data = block.read_bytes()
    block.write_bytes(data[:-9] + b"!" + data[-8:])
    (made.site.folder / "plots.toml").write_text("", encoding="utf-8")
    assert main(["--site", str(made.site.folder), "restore", "--verify", str(done.folder)]) == 8
    told = capsys.readouterr().out
    assert f"PROBLEM  archive/p/v1/0/{DARK}-r1.h5 is missing" in told
    assert f"PROBLEM  archive/p/v1/0/{BEAM}-r1.h5 has another content" in told
    assert "plots.toml of this site is not as it was" in told
    check_version(made.engine)


def test_a_backup_names_files_of_the_archive_that_are_damaged_and_is_whole_all_the_same(
    finished: Deployment, tmp_path: Path
) -> None:
    block = finished.site.archive_file("p/v1", BEAM, 1)
    data = block.read_bytes()
    block.write_bytes(data[:-9] + b"!" + data[-8:])
    finished.site.archive_file("p/v1", DARK, 1).unlink()
    quick = backup(finished.site, finished.engine, tmp_path / "quick")
    assert [one.rpartition("/")[2] for one in quick.problems] == [f"{DARK}-r1.h5 is missing"]
    done = backup(finished.site, finished.engine, tmp_path / "all", verify=True)
    assert [one.rpartition("/")[2] for one in done.problems] == [
        f"{BEAM}-r1.h5 has another content",
        f"{DARK}-r1.h5 is missing",
    ]
    manifest, _ = read_manifest(done.folder)
    known = {one.path: one for one in listed_files(done.folder, manifest)}
    assert known[f"archive/p/v1/0/{DARK}-r1.h5"].bytes is None
    assert known[f"archive/p/v1/0/{BEAM}-r1.h5"].sha256 == sha256_bytes(data)


def test_copies_of_the_archive_are_brought_back_and_shared_by_backups(finished: Deployment, tmp_path: Path) -> None:
    target, kept = tmp_path / "backups", finished.files()
    first = backup(finished.site, finished.engine, target, with_archive=True)
    # What was damaged after the first backup is not copied over what is good there.
    block = finished.site.archive_file("p/v1", BEAM, 1)
    block.write_bytes(b"x" * block.stat().st_size)
    second = backup(finished.site, finished.engine, target, with_archive=True, at=now() + timedelta(milliseconds=5))
    copies = [one.folder / "files" / block.relative_to(finished.site.root) for one in (first, second)]
    assert copies[0].samefile(copies[1])
    lose_database(finished)
    shutil.rmtree(finished.site.root / "archive")
    done = restore(finished.site, finished.engine, target, verify=True)
    assert done.folder == second.folder
    assert done.problems == ()
    assert done.brought == 2
    assert finished.files() == kept
    assert fsck(finished.site, finished.engine).problems == ()


def test_a_damaged_copy_is_not_brought_back(finished: Deployment, tmp_path: Path) -> None:
    done = backup(finished.site, finished.engine, tmp_path / "backups", with_archive=True)
    block = finished.site.archive_file("p/v1", BEAM, 1)
    copy = done.folder / "files" / block.relative_to(finished.site.root)
    copy.write_bytes(b"x" * copy.stat().st_size)
    block.unlink()
    lose_database(finished)
    found = restore(finished.site, finished.engine, done.folder)
    assert found.problems == (f"archive/p/v1/0/{BEAM}-r1.h5 is missing",)
    assert not block.exists()


def test_only_the_newest_backups_of_the_site_are_kept(finished: Deployment, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    begin = now()
    others = target / "another-20200101T000000000Z"
    others.mkdir(parents=True)
    (others / MANIFEST).touch()
    for number in range(4):
        done = backup(finished.site, finished.engine, target, keep=2, at=begin + timedelta(milliseconds=number))
    left = backups_in(target, finished.site.name)
    assert len(left) == 2
    assert left[-1] == done.folder
    assert len(done.removed) == 1
    assert others.exists()


def test_a_backup_is_never_written_over(taken: tuple[Deployment, BackedUp]) -> None:
    made, done = taken
    at, before = now(), len(backups_in(done.folder.parent))
    backup(made.site, made.engine, done.folder.parent, at=at)
    with pytest.raises(HydraError, match="is there already"):
        backup(made.site, made.engine, done.folder.parent, at=at)
    assert len(backups_in(done.folder.parent)) == before + 1


def test_nothing_is_removed_for_a_backup_that_failed(
    finished: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, begin = tmp_path / "backups", now()
    first = backup(finished.site, finished.engine, target, at=begin)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_stage, "known_files", full)
    with pytest.raises(HydraError, match=r"could not be written: .*No space left"):
        backup(finished.site, finished.engine, target, keep=1, at=begin + timedelta(milliseconds=5))
    assert backups_in(target) == [first.folder]
    assert not list(target.glob(f"{TEMP_PREFIX}*"))


def test_two_backups_do_not_write_into_one_folder(
    finished: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backups"

    def meanwhile(*_: object) -> None:
        backup(finished.site, finished.engine, target)

    monkeypatch.setattr(backup_stage, "known_files", meanwhile)
    with pytest.raises(HydraError, match="another backup is at work in"):
        backup(finished.site, finished.engine, target)


@pytest.mark.parametrize("file_system", ["ext4", "nfs4"])
def test_what_passes_write_meanwhile_is_not_waited_for_and_not_in_the_backup(
    after: Callable[[int, int], Deployment],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file_system: str,
) -> None:
    monkeypatch.setattr(sqlite_file, "file_system_of", lambda _: file_system)
    made = after(6, 3)
    rows, real = made.rows(), dump_rows
    meanwhile = 0

    def dump(connection: Any, shape: Any) -> Any:
        nonlocal meanwhile
        meanwhile += 1
        number = 1000 + meanwhile
        for lines in real(connection, shape):
            writing(made.engine, lambda other: want_run(other, made.row.id, number, str(number)))
            yield lines

    monkeypatch.setattr(backup_stage, "dump_rows", dump)
    done = backup(made.site, made.engine, tmp_path / "backups")
    assert meanwhile > 20
    assert made.rows() != rows
    lose_database(made)
    restore(made.site, made.engine, done.folder)
    assert made.rows() == rows


def test_no_password_is_in_a_backup(finished: Deployment, tmp_path: Path) -> None:
    (finished.site.folder / "password").write_text("geheim-42", encoding="utf-8")
    done = backup(finished.site, finished.engine, tmp_path / "backups")
    assert {path.name for path in (done.folder / "site").iterdir()} == {"site.toml", "plots.toml", "people.toml"}
    for path in done.folder.rglob("*"):
        if path.is_file():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert b"geheim-42" not in data, path


def test_every_table_is_in_a_backup_with_all_its_rows(taken: tuple[Deployment, BackedUp]) -> None:
    made, done = taken
    manifest, _ = read_manifest(done.folder)
    lines = {shape.name: len(list(read_lines(done.folder / part.file))) for shape, part in manifest.tables}
    assert lines == {name: len(rows) for name, rows in made.rows().items()}
    assert sum(lines.values()) == done.rows > 20
    with reading(made.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM items").scalar() == lines["items"]
