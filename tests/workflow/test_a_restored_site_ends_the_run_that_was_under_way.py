"""A backup taken between ``classify`` and ``judge``, restored to a fresh data root and played: as if nothing had been.

The scheduler, its folder and the old data root are gone; the producers' files and the backup are what is left.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hydra_core.store.ledger import revisions_of
from hydra_core.store.session import reading
from tests.final_state import assert_same, final_state
from tests.own_cylc import OwnCylc, wait_until
from tests.small_pass import FIRST, LAST, PASS, RUNS, SmallPass, small_pass

pytestmark = [pytest.mark.workflow, pytest.mark.faults, pytest.mark.timeout(1200)]
DONE, UNDER_WAY = RUNS[:2]
PREFIX = "under-way"


def states(site: SmallPass, run: int) -> list[str]:
    with reading(site.engine) as connection:
        return [one.state for one in revisions_of(connection, site.row.id, run)]


def lose(cylc: OwnCylc, site: SmallPass) -> None:
    """Take away everything of a site but what producers wrote."""
    cylc.kill_scheduler(site.workflow)
    shutil.rmtree(cylc.folder(site.workflow))
    site.engine.dispose()
    for path in site.root.iterdir():
        if path != site.site.intake:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_run_that_was_under_way_ends_as_the_undisturbed_one(cylc: OwnCylc, files: Path, tmp_path: Path) -> None:
    by_hand = small_pass(tmp_path / "by-hand", "by-hand")
    by_hand.enter()
    by_hand.bring(files, (DONE, UNDER_WAY))
    by_hand.by_hand((DONE, UNDER_WAY))

    lost = small_pass(tmp_path / "lost", PREFIX)
    lost.bring(files, (DONE, UNDER_WAY))
    cylc.hydra(lost.folder, "pass", "create", PASS, "--runs", f"{FIRST}:{LAST}")
    cylc.cylc("hold", f"{lost.workflow}//{UNDER_WAY}/judge")
    cylc.hydra(lost.folder, "arrive", PASS, str(DONE), str(UNDER_WAY))
    shards = {(str(UNDER_WAY), f"classify_shard{number}") for number in range(lost.site.settings.cylc.shards)}
    wait_until(
        lambda: {*shards, (str(DONE), "publish_run")} <= cylc.done(lost.workflow),
        "one run is done, one waits for judge",
    )
    assert (states(lost, DONE), states(lost, UNDER_WAY)) == (["published"], ["chunked"])
    cylc.hydra(lost.folder, "backup", str(tmp_path / "backups"), "--with-archive")
    lose(cylc, lost)

    found = small_pass(tmp_path / "found", PREFIX)
    cylc.hydra(found.folder, "restore", str(tmp_path / "backups"))
    assert (states(found, DONE), states(found, UNDER_WAY)) == (["published"], ["chunked"])
    cylc.hydra(found.folder, "publish", "--all")
    cylc.hydra(found.folder, "pass", "resume", PASS)
    wait_until(lambda: (str(UNDER_WAY), "publish_run") in cylc.done(found.workflow), "the other run is published")
    assert "2 of 2 runs published" in cylc.hydra(found.folder, "pass", "status", PASS)
    assert_same(final_state(found.root), final_state(by_hand.root))
    assert "everything agrees, 0 lost" in cylc.hydra(found.folder, "fsck")
    found.engine.dispose()
    cylc.kill_scheduler(found.workflow)
