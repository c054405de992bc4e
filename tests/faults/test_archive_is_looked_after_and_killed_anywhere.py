from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydra_core.store.schema import Verdict
from hydra_core.store.session import writing
from hydra_core.store.upgrade import upgrade
from tests.final_state import assert_same, final_state
from tests.small_pass import SmallPass, open_small_pass
from tests.staged_run import StagedRun, do_rebuild, do_retention, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
KILLS = 10


def with_ordinary_images(staged: StagedRun, target: Path) -> SmallPass:
    """Return a copy of the run, at its end, in which every image is ordinary and a rule deletes it."""
    made = staged.copy("end", target)
    calm = sa.update(Verdict).values(class_name="Good", state="confirmed", severity=0)
    writing(made.engine, lambda connection: connection.execute(calm))
    path = made.folder / "site.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[[retention.rule]]\nolder_than_days = 0\n", encoding="utf-8")
    return open_small_pass(made.root)


def without_database(staged: StagedRun, target: Path) -> SmallPass:
    """Return a copy of the run, at its end, with an empty database."""
    made = staged.copy("end", target)
    made.engine.dispose()
    for path in made.root.glob("hydra.sqlite*"):
        path.unlink()
    upgrade(made.engine)
    return made


WORK = [(with_ordinary_images, do_retention), (without_database, do_rebuild)]


@pytest.mark.parametrize(("prepared", "work"), WORK, ids=["retention", "rebuild"])
def test_killed_work_on_the_archive_ends_where_an_undisturbed_one_does(
    staged: StagedRun,
    tmp_path: Path,
    prepared: Callable[[StagedRun, Path], SmallPass],
    work: Callable[[Path], None],
) -> None:
    chance = random.Random(f"kills of {work.__name__}")
    made = prepared(staged, tmp_path / "undisturbed")
    begun = time.monotonic()
    whole = in_process(work, made.root)
    whole.join()
    took = time.monotonic() - begun
    assert whole.exitcode == 0
    wanted = final_state(made.root)
    assert problems(made) == ()
    made = prepared(staged, tmp_path / "data")
    before = final_state(made.root)
    assert before != wanted
    killed = 0
    while killed < KILLS:
        victim = in_process(work, made.root)
        victim.join(chance.uniform(0.0, took))
        victim.kill()
        victim.join()
        if victim.exitcode != -signal.SIGKILL:
            # It was through: the next one starts from the beginning again, and is killed sooner.
            made = prepared(staged, tmp_path / "data")
            took *= 0.9
            continue
        killed += 1
    _finish(work, made)
    assert_same(final_state(made.root), wanted)
    assert problems(made) == ()


def _finish(work: Callable[[Path], None], made: SmallPass) -> Any:
    last = in_process(work, made.root)
    last.join()
    # A rebuild that had just entered the last row finds a database in use.
    assert last.exitcode == 0 or work is do_rebuild


def test_a_run_that_a_trained_network_has_judged_is_rebuilt_as_it_was(staged: StagedRun, tmp_path: Path) -> None:
    made = without_database(staged, tmp_path / "data")
    do_rebuild(made.root)
    assert_same(final_state(made.root), final_state(staged.before["end"]))
    assert problems(made) == ()
