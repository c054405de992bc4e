"""The demo played for real: scheduler, jobs, database, archive and pages agree, and show what they are meant to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hydra_core.emulate.plan import DemoRun
from hydra_core.passes.demo import MONITORING
from hydra_core.report.paths import run_href
from tests.own_cylc import OwnCylc
from tests.played_demo import PlayedDemo, play
from tests.small_pass import PLAN

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800)]

(LATE_CHUNK,) = [run for run in PLAN.runs if run.late_chunks]
(LATE_RUN,) = PLAN.in_phase("late_run")
(EMPTY,) = [run for run in PLAN.runs if not run.has_images]
(DARK,) = [run for run in PLAN.runs if not run.has_beam]


def page(played: PlayedDemo, run: DemoRun, revision: int = 1) -> dict[str, Any]:
    folder = played.site.site_pages / run_href(MONITORING, run.number) / f"r{revision}"
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Path, time and size of every file but those that a reader of SQLite touches."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("hydra.sqlite")
    }


def test_every_run_is_published(played: PlayedDemo) -> None:
    pages = sorted(path.name for path in (played.site.site_pages / run_href(MONITORING, 0)).parent.iterdir())
    assert pages == [str(run.number) for run in PLAN.runs]
    assert played.counted["runs"] == len(PLAN.runs)
    assert played.counted["changed"]


def test_run_that_came_late_stands_among_the_others(played: PlayedDemo) -> None:
    (shard,) = (played.site.site_pages / "passes").glob("*/*/blocks/[0-9]*-runs.js")
    text = shard.read_text(encoding="utf-8")
    listed = json.loads(text[text.index("{") : text.rindex("}") + 1])["runs"]
    assert [row[0] for row in listed] == [run.number for run in PLAN.runs]
    assert LATE_RUN.number != max(run.number for run in PLAN.runs)


def test_late_chunk_makes_a_revision_and_leaves_the_first_as_it_was(played: PlayedDemo) -> None:
    first, second = page(played, LATE_CHUNK, 1), page(played, LATE_CHUNK, 2)
    (chunk,) = LATE_CHUNK.late_chunks
    absent = {card["slug"] for card in first["cards"] if card["chunk"] == chunk and card["image"] is None}
    there = {card["slug"] for card in second["cards"] if card["chunk"] == chunk and card["image"]}
    assert len(there) == len(PLAN.names) - 1
    assert not absent & {card["slug"] for card in first["cards"] if card["image"] and card["chunk"] == chunk}
    assert not {card["slug"] for card in first["cards"] if card["image"] and card["chunk"] == chunk}
    assert any("Revision 2" in note for note in second["notes"])
    # Written before the second revision was even wanted, and not touched since.
    pages = played.site.site_pages / run_href(MONITORING, LATE_CHUNK.number)
    newest = max(path.stat().st_mtime_ns for path in (pages / "r1").rglob("*"))
    assert newest < min(path.stat().st_mtime_ns for path in (pages / "r2").rglob("*") if path.is_file())
    assert (pages / "links.js").read_text(encoding="utf-8").strip().endswith('"revisions":[1,2]});')
    assert {run.number for run in PLAN.runs if not (pages.parent / str(run.number) / "r2").exists()} == {
        run.number for run in PLAN.runs if run is not LATE_CHUNK
    }


def test_run_without_images_has_a_page_that_says_so(played: PlayedDemo) -> None:
    found = page(played, EMPTY)
    assert found["cards"] == []
    assert found["notes"] == ["The run arrived without any plot."]


def test_empty_plots_are_no_alarm_when_there_was_no_beam(played: PlayedDemo) -> None:
    cards = page(played, DARK)["cards"]
    assert len(cards) == len(PLAN.names) + (len(PLAN.names) - 1) * (PLAN.chunks - 1)
    assert {card["state"] for card in cards} == {"no_beam"}
    assert {card["severity"] for card in cards} == {0}


def test_unreadable_image_is_a_card_with_its_reason(played: PlayedDemo) -> None:
    cards = [(run, card) for run in PLAN.runs for card in page(played, run)["cards"] if card["state"] == "unreadable"]
    planted = [
        (run.number, one.plot, one.chunks)
        for run in PLAN.runs
        for one in run.planted
        if one.fault in ("truncated_png", "zero_byte")
    ]
    assert [(run.number, card["slug"].removesuffix("~chunks"), (card["chunk"],)) for run, card in cards] == planted
    assert planted
    assert played.counted["unreadable"] == len(planted)
    for _, card in cards:
        assert card["image"] is None
        assert card["reasons"]
        assert card["severity"] >= 1


def test_archive_database_and_pages_agree(cylc: OwnCylc, played: PlayedDemo) -> None:
    said = cylc.hydra(played.site.folder, "fsck")
    assert f"{len(PLAN.runs) + 1} run revisions, " in said
    assert "everything agrees, 0 lost" in said


@pytest.mark.parametrize("run", [LATE_CHUNK.number, EMPTY.number, DARK.number])
def test_verdicts_come_out_the_same_from_the_archive(cylc: OwnCylc, played: PlayedDemo, run: int) -> None:
    assert "all the same" in cylc.hydra(played.site.folder, "verify", MONITORING, str(run))


def test_labels_were_taken_in(played: PlayedDemo) -> None:
    assert list(played.site.inbox.iterdir()) == []
    (kept,) = played.site.requests_kept.iterdir()
    assert kept.read_bytes() == (played.root / "labels.json").read_bytes()


def test_nothing_is_left_in_staging(played: PlayedDemo) -> None:
    assert not [path for path in (played.root / "staging").rglob("*") if path.is_file()]


def test_no_job_failed_and_no_scheduler_is_left(cylc: OwnCylc, played: PlayedDemo) -> None:
    jobs = list(cylc.jobs(played.workflow))
    assert len(jobs) >= 6 * len(PLAN.runs) - 3
    assert {job.facts()["CYLC_JOB_EXIT"] for job in jobs} == {"SUCCEEDED"}
    assert [path for job in jobs for path in job.folder.glob("job.err") if path.read_text(encoding="utf-8")] == []
    assert not cylc.scheduler(played.workflow)


def test_nothing_else_of_the_user_is_touched(cylc: OwnCylc, played: PlayedDemo) -> None:
    run_folder = cylc.home / "cylc-run"
    assert {path.name for path in (run_folder / "somebody" / "else").iterdir()} == {"flow.cylc", "log"}
    assert (run_folder / "somebody" / "else" / "flow.cylc").read_text(encoding="utf-8") == "# not ours\n"
    assert {path.name for path in (run_folder / "hydra-demo").iterdir()} >= {played.workflow.split("/")[1]}


def test_second_call_changes_nothing_and_starts_no_scheduler(cylc: OwnCylc, played: PlayedDemo) -> None:
    before, runs = everything(played.root), everything(cylc.folder(played.workflow))
    again = play(cylc, played.root)
    assert not again.counted["changed"]
    assert {**again.counted, "changed": True} == played.counted
    assert "scheduler" not in again.printed
    after = everything(played.root)
    changed = {name for name in after if after[name] != before.get(name)}
    # The source of the workflow and of the site is brought up to date with the program: the same text again.
    assert {name for name in changed if not name.startswith(("workflows/", "site-config/"))} == set()
    assert after.keys() == before.keys()
    jobs = {name for name in runs if name.startswith("log/job/")}
    now = everything(cylc.folder(played.workflow))
    assert {name: now[name] for name in now if name.startswith("log/job/")} == {name: runs[name] for name in jobs}
    assert not cylc.scheduler(played.workflow)


def test_announcing_a_run_again_says_that_nothing_changed(cylc: OwnCylc, played: PlayedDemo) -> None:
    said = cylc.hydra(played.site.folder, "arrive", MONITORING, str(LATE_CHUNK.number), str(EMPTY.number))
    assert f"run {LATE_CHUNK.number}: unchanged, published as revision 2" in said
    assert f"run {EMPTY.number}: unchanged, published as revision 1" in said
    assert "6 of 6 runs published" in cylc.hydra(played.site.folder, "pass", "status", MONITORING)
