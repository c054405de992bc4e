from __future__ import annotations

import contextlib
import random
import re
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hydra_core.base.errors import DatabaseError, HydraError
from hydra_core.stages.backup import backup
from hydra_core.stages.backup_form import Manifest, backups_in, check_parts, read_manifest
from hydra_core.stages.context import open_site
from hydra_core.stages.republish import republish
from hydra_core.stages.restoring import restore
from hydra_core.stages.verify import verify
from tests.faults.test_stage_meets_a_full_disk import Failing
from tests.final_state import assert_same, final_state
from tests.small_pass import SmallPass, open_small_pass
from tests.staged_run import RUN, StagedRun, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
KILLS = 12


def do_backup(root: Path, target: Path) -> None:
    """Take a backup with everything, and keep two, in a process of its own."""
    made = open_small_pass(root)
    backup(made.site, made.engine, target, with_archive=True, verify=True, keep=2)


def do_restore(root: Path, target: Path) -> None:
    """Fill the database from the newest backup, in a process of its own."""
    made = open_small_pass(root)
    restore(made.site, made.engine, target, verify=True)


def with_little_room(work: Callable[[Path, Path], None], root: Path, target: Path, room: int) -> None:
    """Do it while no file may grow beyond `room` bytes, which is what a full disk looks like to a writer."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    work(root, target)


def whole_backups(target: Path) -> list[Manifest]:
    """Return the manifests of the backups that look whole, after comparing every part and every copy."""
    found = []
    for folder in backups_in(target) if target.is_dir() else []:
        manifest, _ = read_manifest(folder)
        check_parts(folder, manifest)
        found.append(manifest)
    return found


def lose_database(made: SmallPass, *also: str) -> None:
    made.engine.dispose()
    for path in made.root.glob("hydra.sqlite*"):
        path.unlink()
    for name in also:
        shutil.rmtree(made.root / name)


@pytest.fixture
def taken(staged: StagedRun, tmp_path: Path) -> tuple[SmallPass, Path]:
    """Return a finished run and a folder with a backup of it, copies of its files included."""
    made = staged.copy("end", tmp_path / "data")
    backup(made.site, made.engine, tmp_path / "backups", with_archive=True)
    return made, tmp_path / "backups"


def pages_of(made: SmallPass) -> dict[str, bytes]:
    found = [path for path in sorted(made.site.site_pages.rglob("*")) if path.is_file() and "runs" in path.parts]
    return {path.relative_to(made.root).as_posix(): path.read_bytes() for path in found}


def test_a_run_that_a_network_has_judged_comes_back_with_its_pages(taken: tuple[SmallPass, Path]) -> None:
    made, target = taken
    wanted, pages, checked = final_state(made.root), pages_of(made), verify(made.context(RUN))
    assert len(pages) > 3
    lose_database(made, "site", "archive", "models")
    assert restore(made.site, made.engine, target, verify=True).problems == ()
    republish(made.site, made.engine)
    assert_same(final_state(made.root), wanted)
    assert pages_of(made) == pages
    assert verify(made.context(RUN)) == checked
    assert checked.differences == ()
    assert problems(made) == ()


def kill_again_and_again(work: Callable[[Path, Path], None], root: Path, target: Path) -> Iterator[bool]:
    """Kill it so many times at instants drawn by chance; yield after each whether it was still at work."""
    chance = random.Random(f"kills of {work.__name__}")
    begun = time.monotonic()
    whole = in_process(work, root, target)
    whole.join()
    assert whole.exitcode == 0
    took, killed = time.monotonic() - begun, 0
    yield False
    while killed < KILLS:
        victim = in_process(work, root, target)
        victim.join(chance.uniform(0.0, took))
        victim.kill()
        victim.join()
        at_work = victim.exitcode == -signal.SIGKILL
        killed += at_work
        # One that was through says how long it takes at most.
        took *= 1.0 if at_work else 0.9
        yield at_work


def test_a_killed_backup_leaves_only_whole_ones(taken: tuple[SmallPass, Path]) -> None:
    made, target = taken
    for _ in kill_again_and_again(do_backup, made.root, target):
        # One too many where it was killed just before it removed the oldest.
        assert 1 <= len(whole_backups(target)) <= 3
    do_backup(made.root, target)
    assert len(whole_backups(target)) == 2
    # What the killed ones left is gone too.
    assert {path.name for path in target.iterdir()} == {".lock", *(path.name for path in backups_in(target))}


def test_a_killed_restore_is_refused_by_tasks_and_goes_on(taken: tuple[SmallPass, Path]) -> None:
    made, target = taken
    wanted, refused = final_state(made.root), list[str]()
    lose_database(made, "archive")
    for at_work in kill_again_and_again(do_restore, made.root, target):
        try:
            open_site(made.folder)
        except DatabaseError as error:
            refused.append(str(error))
        else:
            assert_same(final_state(made.root), wanted)
        if not at_work:
            # It was through, or found the database full: the next one starts from the beginning.
            lose_database(made, "archive")
    assert refused
    assert [error for error in refused if not re.search("half restored|no tables|no database", error)] == []
    _complete(made, target)
    assert_same(final_state(made.root), wanted)
    assert problems(made) == ()


def _complete(made: SmallPass, target: Path) -> None:
    # The last one may have been stopped after the last step.
    with contextlib.suppress(DatabaseError):
        do_restore(made.root, target)


def test_a_backup_without_room_leaves_the_others_as_they_were(taken: tuple[SmallPass, Path]) -> None:
    made, target = taken
    before = whole_backups(target)
    ended = []
    for room in (0, 100, 2_000):
        job = in_process(with_little_room, do_backup, made.root, target, room)
        job.join()
        ended.append(job.exitcode)
        assert whole_backups(target) == before
        assert {path.name for path in target.iterdir()} == {".lock", *(path.name for path in backups_in(target))}
    assert set(ended) == {1}


def test_every_call_of_a_backup_that_keeps_something_may_fail_once(
    taken: tuple[SmallPass, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, target = taken
    disk, failed = Failing(monkeypatch), list[str]()
    before = whole_backups(target)
    for number in range(1, 1000, 3):
        other = target / str(number)
        disk.calls, disk.fails_at = 0, number
        try:
            backup(made.site, made.engine, other)
        except HydraError as error:
            failed.append(str(error))
        disk.fails_at = 0
        if disk.calls < number:
            break
        assert len(whole_backups(other)) <= 1
    assert len(failed) >= 5
    assert all("could not be written" in error for error in failed)
    assert whole_backups(target) == before


def test_a_restore_without_room_goes_on_when_there_is_some(taken: tuple[SmallPass, Path]) -> None:
    made, target = taken
    wanted = final_state(made.root)
    lose_database(made, "archive")
    ended: list[Any] = []
    for room in (0, 40_000, 200_000, 400_000):
        job = in_process(with_little_room, do_restore, made.root, target, room)
        job.join()
        ended.append(job.exitcode)
    assert ended[0] == 1
    assert set(ended) <= {0, 1}
    _complete(made, target)
    assert_same(final_state(made.root), wanted)
    assert problems(made) == ()
