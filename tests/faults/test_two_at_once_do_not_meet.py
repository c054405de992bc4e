from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hydra_core.intake.scan import fingerprint
from hydra_core.passes.arrive import Arrival, announce
from hydra_core.stages.sources import look_at_run
from hydra_core.store.ledger import revisions_of
from hydra_core.store.session import reading
from tests.final_state import assert_same, final_state
from tests.small_pass import RUNS, SmallPass, open_small_pass, small_pass
from tests.staged_run import Process, StagedRun, do_stage, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
AT_ONCE = 4


def announce_run(root: Path, run: int) -> None:
    """Announce a run, in a process of its own."""
    made = open_small_pass(root)
    announce(made.site, made.engine, made.row, [run])


def shard(text: str) -> Any:
    """Read what a shard hands to its page; the name of the shard is checked by the browser tests."""
    assert text.startswith("hydra.take(")
    assert text.endswith(");\n")
    return json.loads("[" + text[len("hydra.take(") : -len(");\n")] + "]")[1]


def follow_links(site: Path) -> int:
    """Read every list of the site as a browser would; return how many runs it names."""
    seen = 0
    for path in sorted(site.glob("passes/*/*/blocks/[0-9]*-runs.js")):
        for _, href, *_ in shard(path.read_text(encoding="utf-8"))["runs"]:
            seen += 1
            page = site / href
            cards = json.loads((page / "run.json").read_text(encoding="utf-8"))["cards"]
            assert (page / "index.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
            for card in cards:
                assert (page / card["image"]).stat().st_size > 0
    for name in ("index.html", "status.html"):
        if (site / name).exists():
            assert (site / name).read_text(encoding="utf-8").rstrip().endswith("</html>")
    return seen


def started(count: int, *arguments: Any) -> list[Process]:
    return [in_process(*arguments) for _ in range(count)]


def join(processes: list[Process]) -> None:
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


@pytest.mark.parametrize("stage", ["chunk-images", "classify", "judge", "archive-run"])
def test_stage_done_by_several_at_once_is_done_once(staged: StagedRun, tmp_path: Path, stage: str) -> None:
    made = staged.copy(stage, tmp_path / "data")
    join(started(AT_ONCE, do_stage, made.root, stage))
    assert_same(final_state(made.root), staged.after(stage))
    assert problems(made) == ()


def test_readers_never_see_half_a_page_or_a_dead_link(staged: StagedRun, tmp_path: Path) -> None:
    made = staged.copy("publish-run", tmp_path / "data")
    publishers = started(AT_ONCE, do_stage, made.root, "publish-run")
    looks = runs = 0
    while looks < 3 or any(process.is_alive() for process in publishers):
        runs = follow_links(made.site.site_pages)
        looks += 1
    join(publishers)
    assert follow_links(made.site.site_pages) == 1
    assert runs in (0, 1)
    assert_same(final_state(made.root), staged.after("publish-run"))


def test_run_announced_by_several_at_once_is_one_run(files: Path, tmp_path: Path) -> None:
    made = _with_runs(files, tmp_path)
    join(started(AT_ONCE, announce_run, made.root, RUNS[0]))
    with reading(made.engine) as connection:
        (only,) = revisions_of(connection, made.row.id, RUNS[0])
    assert (only.revision, only.state) == (1, "wanted")
    found = look_at_run(made.site, made.site.intake, RUNS[0]).files
    assert only.fingerprint == fingerprint(found)


def test_change_announced_by_several_at_once_is_one_revision(files: Path, tmp_path: Path) -> None:
    made = _with_runs(files, tmp_path)
    made.by_hand([RUNS[0]])
    changed = next((made.site.intake / "RunPeriod-2026-01").rglob(f"*{RUNS[0]}/CDC_occupancy_0001.png"))
    changed.write_bytes(changed.read_bytes())
    join(started(AT_ONCE, announce_run, made.root, RUNS[0]))
    with reading(made.engine) as connection:
        revisions = revisions_of(connection, made.row.id, RUNS[0])
    assert [(row.revision, row.state) for row in revisions] == [(1, "published"), (2, "wanted")]


def test_run_announced_while_it_is_at_work_is_in_progress(files: Path, tmp_path: Path) -> None:
    made = _with_runs(files, tmp_path)
    for decision in ("new", "in progress"):
        (arrival,) = announce(made.site, made.engine, made.row, [RUNS[0]])
        assert isinstance(arrival, Arrival)
        assert arrival.decision == decision
    made.by_hand([RUNS[0]])
    (arrival,) = announce(made.site, made.engine, made.row, [RUNS[0]])
    assert arrival.decision == "unchanged"


def _with_runs(files: Path, folder: Path) -> SmallPass:
    made = small_pass(folder / "data", "at-once")
    made.enter()
    made.bring(files, [RUNS[0]])
    return made
