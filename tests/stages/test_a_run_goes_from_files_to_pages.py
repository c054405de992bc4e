from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError, WorkflowError
from hydra_core.base.names import PlotKey
from hydra_core.judge.rules import LOOK
from hydra_core.passes.arrive import announce
from hydra_core.report.paths import revision_href
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import open_run
from hydra_core.stages.fsck import fsck
from hydra_core.stages.judge import judge
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.verify import verify
from hydra_core.store.items import load_incidents, load_items, load_verdicts
from hydra_core.store.ledger import newest_revision, revisions_of
from hydra_core.store.plot_types import NewDecision, decide_types, known_types
from hydra_core.store.registry import add_judging_set
from hydra_core.store.schema import Verdict
from hydra_core.store.session import reading, writing
from tests.small_deployment import BEAM, DARK, STAGES, Deployment, a_plot

pytestmark = pytest.mark.stages


def verdicts(deployment: Deployment, run: int) -> list[tuple[str, int | None, str, str | None, int]]:
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, run)
        assert revision is not None
        items = load_items(connection, revision.id)
        found = load_verdicts(connection, revision.id)
    return [
        (item.plot.name, item.chunk, found[item.id].state, found[item.id].class_name, found[item.id].severity)
        for item in items
    ]


def test_bad_files_become_verdicts_with_a_reason(deployment: Deployment) -> None:
    outputs = deployment.work(BEAM)
    assert outputs == [("images",), (), ("flagged", "bad", "maps_ready"), (), (), ()]
    assert verdicts(deployment, BEAM) == [
        ("CDC", 0, "undetermined", None, 0),
        ("CDC", 1, "unreadable", None, 2),
        ("CDC", 2, "unreadable", None, 2),
        ("CDC", 3, "stuck", None, 2),
        ("CDC", 4, "no_data", "NoData", 3),
        ("RICH", None, "undetermined", None, 0),
    ]
    page = deployment.site.site_pages / f"passes/p/v1/runs/{BEAM}/r1/run.json"
    cards = json.loads(page.read_text(encoding="utf-8"))["cards"]
    assert [bool(card["image"]) for card in cards] == [True, False, False, True, True, True]
    assert "CDC_0000.png" in " ".join(cards[3]["reasons"])
    assert all(any(card["reasons"]) for card in cards)


def test_without_beam_an_empty_plot_is_what_one_expects(deployment: Deployment) -> None:
    outputs = deployment.work(DARK)
    assert outputs[2] == ("flagged", "good", "maps_ready")
    assert verdicts(deployment, DARK) == [
        ("CDC", 0, "no_beam", "NoData", 0),
        ("CDC", 1, "no_beam", None, 0),
        ("RICH", None, "missing", None, 2),
    ]


def test_a_run_without_any_image_is_published_too(deployment: Deployment) -> None:
    assert deployment.want(99) == ["new"]
    assert deployment.work(99) == [("empty",), (), ("clean", "no_data", "maps_ready"), (), (), ()]
    assert fsck(deployment.site, deployment.engine).problems == ()


@pytest.mark.parametrize(("beam_current", "called"), [(150.0, True), (None, True), (0.0, False)])
def test_a_run_of_which_no_plot_came_needs_a_look_unless_it_had_no_beam(
    deployment: Deployment, beam_current: float | None, called: bool
) -> None:
    conditions = {"conditions": {"beam_current_nA": beam_current}}
    deployment.put(99, "metadata.json", json.dumps(conditions).encode())
    deployment.want(99)
    deployment.work(99)
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, 99)
    assert revision is not None
    assert (revision.severity, revision.flagged_count) == (LOOK if called else 0, 0)
    index = (deployment.site.site_pages / "passes/p/v1/latest.js").read_text(encoding="utf-8")
    assert ("1 run needs a look: no plots came for run 99." in index) == called


def test_the_link_to_the_models_leads_somewhere_before_the_first_training(finished: Deployment) -> None:
    library = (finished.site.site_pages / "library.html").read_text(encoding="utf-8")
    assert "No model has been trained yet" in library
    assert "only checked for being there" in library


def test_a_whole_deployment_is_sound_and_says_the_same_again(finished: Deployment) -> None:
    check = fsck(finished.site, finished.engine)
    assert (check.revisions, check.images, check.problems) == (2, 6, ())
    for run, count in ((BEAM, 6), (DARK, 3)):
        found = verify(finished.context(run))
        assert (found.checked, found.differences, found.note) == (count, (), "")
    assert not (finished.site.root / "staging").exists() or not list((finished.site.root / "staging").rglob("*.h5"))


@pytest.mark.parametrize("again", range(len(STAGES)))
def test_a_stage_that_runs_twice_leaves_what_it_left_at_first(
    after: Callable[[int, int], Deployment], again: int
) -> None:
    deployment = after(0, again)
    first = deployment.work(BEAM, STAGES[again : again + 1])
    rows, files = deployment.rows(), deployment.files()
    assert deployment.work(BEAM, STAGES[again : again + 1]) == first
    assert (deployment.rows(), deployment.files()) == (rows, files)


def test_all_stages_of_a_published_run_may_run_again(finished: Deployment) -> None:
    rows, files = finished.rows(), finished.files()
    for run in (DARK, BEAM):
        finished.work(run)
    assert (finished.rows(), finished.files()) == (rows, files)


def test_jobs_that_share_a_run_leave_what_one_job_leaves(
    deployment: Deployment, make: Callable[[str], Deployment]
) -> None:
    other = make("other")
    other.put_runs()
    other.want(BEAM, DARK)
    for one in (deployment, other):
        one.work(BEAM, STAGES[:1])
    deployment.work(BEAM, STAGES[1:2])
    for shard in (2, 0, 1):
        classify(replace(other.context(BEAM), shard=shard, shards=3))
    for one in (deployment, other):
        one.work(BEAM, STAGES[2:])
    assert deployment.rows() == other.rows()


def test_the_order_of_runs_does_not_matter(make: Callable[[str], Deployment]) -> None:
    found = []
    for name, order in (("one", (BEAM, DARK)), ("other", (DARK, BEAM))):
        deployment = make(name)
        deployment.put_runs()
        for run in order:
            deployment.want(run)
            deployment.work(run)
        found.append(deployment.rows())
    assert found[0] == found[1]


def test_the_ledger_decides_what_is_to_be_done(deployment: Deployment) -> None:
    assert deployment.want(BEAM) == ["in progress"]
    deployment.work(BEAM)
    assert deployment.want(BEAM) == ["unchanged"]
    deployment.put(BEAM, "CDC_0005.png", a_plot(7))
    assert deployment.want(BEAM, BEAM) == ["revision"]
    with pytest.raises(WorkflowError, match="run 5001 is outside the pass p/v1, which spans 1 to 5000"):
        deployment.want(77, 5001)
    with reading(deployment.engine) as connection:
        assert newest_revision(connection, deployment.row.id, 77) is None


def test_a_late_chunk_makes_a_revision_and_the_earlier_one_stays(finished: Deployment) -> None:
    before = finished.files()
    pages = finished.site.site_pages / f"passes/p/v1/runs/{BEAM}/r1"
    page = {path.name: path.read_bytes() for path in pages.iterdir() if path.is_file()}
    finished.put(BEAM, "CDC_0001.png", a_plot(2), second=1)
    finished.put(BEAM, "CDC_0005.png", a_plot(7))
    finished.want(BEAM)
    finished.work(BEAM)
    with reading(finished.engine) as connection:
        rows = revisions_of(connection, finished.row.id, BEAM)
    assert [(row.revision, row.state, row.item_count, row.unreadable_count) for row in rows] == [
        (1, "published", 6, 2),
        (2, "published", 7, 1),
    ]
    assert rows[0].judging_set_id == rows[1].judging_set_id
    assert "files came or changed" in " ".join(rows[1].notes)
    told = json.loads((pages.parent / "r2" / "run.json").read_text(encoding="utf-8"))["notes"]
    assert "New since revision 1: chunk 5 of CDC (1 plot)." in told
    assert "Changed since revision 1: chunk 1 of CDC (1 plot)." in told
    assert {path.name: path.read_bytes() for path in pages.iterdir() if path.is_file()} == page
    after = finished.files()
    assert {name: after[name] for name in before if name.startswith("archive/")} == {
        name: before[name] for name in before if name.startswith("archive/")
    }
    assert fsck(finished.site, finished.engine).problems == ()


def test_a_plot_that_is_taken_away_takes_its_incidents_along_and_stops_nobody(finished: Deployment) -> None:
    def incidents() -> list[tuple[int, int, int, int]]:
        with reading(finished.engine) as connection:
            found = load_incidents(connection, finished.row.id)
        return [(one.first_run, one.first_chunk, one.last_run, one.last_chunk) for one in found if one.severity == 3]

    finished.put(5, "Extra_0000.png", a_plot(None))
    finished.put(5, "metadata.json", b'{"beam_current_nA": 9}')
    finished.want(5)
    finished.work(5)
    assert (5, 0, 5, 0) in incidents()
    (finished.site.intake / "Run000005" / "Extra_0000.png").unlink()
    finished.want(5)
    finished.work(5)
    assert (5, 0, 5, 0) not in incidents()
    finished.put(6, "Extra_0000.png", a_plot(None))
    finished.put(6, "metadata.json", b'{"beam_current_nA": 9}')
    finished.want(6)
    finished.work(6)
    assert (6, 0, 6, 0) in incidents()
    assert fsck(finished.site, finished.engine).problems == ()


def test_a_plot_type_that_is_new_is_kept_and_calls_nobody_until_it_is_accepted(finished: Deployment) -> None:
    def of_fresh(run: int) -> list[tuple[str, int]]:
        return [(state, severity) for name, _, state, _, severity in verdicts(finished, run) if name == "Fresh"]

    fresh = PlotKey("Fresh", True)
    for run in (5, 6):
        finished.put(run, "metadata.json", b'{"beam_current_nA": 9}')
        finished.put(run, "Fresh_0000.png", a_plot(None))
        finished.put(run, "Fresh_0001.png", b"cut")
    finished.want(5)
    finished.work(5)
    assert of_fresh(5) == [("undetermined", 0), ("unreadable", 0)]
    with reading(finished.engine) as connection:
        known = known_types(connection)[fresh]
    assert (known.status, known.decided_at) == ("new", None)
    page = (finished.site.site_pages / revision_href("p/v1", 5, 1) / "index.html").read_text(encoding="utf-8")
    assert "1 plot type is new and waits for a decision" in page
    accepted = NewDecision(fresh, "active", who="x", made_at=now())
    writing(finished.engine, lambda connection: decide_types(connection, [accepted]))
    finished.want(6)
    finished.work(6)
    assert of_fresh(6) == [("no_data", 3), ("unreadable", 2)]
    assert fsck(finished.site, finished.engine).problems == ()


STRANGE = [
    b'{"beam_current_nA": 1e999}',
    b'{"conditions": 5}',
    b'{"conditions": ["a"]}',
    b'{"conditions": null, "a": 1}',
    b'{"a\\ud800": "\\ud800", "b": "\\u0000"}',
    b'{"a": {"b": [1e999]}}',
    b'{"a": 1' + b"0" * 400 + b"}",
    b"[1, 2]",
    b"\xff",
]


@pytest.mark.parametrize("metadata", STRANGE)
def test_strange_conditions_never_stop_a_run(deployment: Deployment, metadata: bytes) -> None:
    deployment.put(DARK, "metadata.json", metadata, second=1)
    deployment.work(DARK)
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, DARK)
    assert revision is not None
    assert revision.state == "published"
    # What SQLite takes, MariaDB must take too, and no page may hold what is no JSON.
    json.dumps(dict(revision.conditions), allow_nan=False).encode("utf-8")
    assert fsck(deployment.site, deployment.engine).problems == ()


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_that_comes_too_early_says_so(deployment: Deployment, stage: Callable[..., object]) -> None:
    with pytest.raises(HydraError) as caught:
        stage(deployment.context(BEAM))
    assert f"run {BEAM} of p/v1" in caught.value.cause
    assert caught.value.next_step


def test_a_run_that_nobody_wanted_says_how_to_want_it(deployment: Deployment) -> None:
    with pytest.raises(HydraError, match=r"run 4711 of p/v1 is not in the ledger") as caught:
        chunk_images(deployment.context(4711))
    assert "hydra arrive p/v1 4711" in caught.value.next_step
    with pytest.raises(WorkflowError, match="has not been judged yet"):
        verify(deployment.context(BEAM))
    with pytest.raises(WorkflowError, match="outside the pass"):
        open_run(deployment.site.folder, "p/v1", 5001)


def test_a_verdict_that_was_altered_is_found(finished: Deployment) -> None:
    writing(
        finished.engine, lambda c: c.execute(sa.update(Verdict).where(Verdict.state == "no_data").values(severity=0))
    )
    found = verify(finished.context(BEAM))
    assert found.differences == ("CDC:chunks chunk 4: severity was 0, is 3",)
    judge(finished.context(BEAM))
    assert verify(finished.context(BEAM)).differences == ()


def test_a_run_is_judged_anew_only_when_asked_and_then_by_the_newest_judging_set(finished: Deployment) -> None:
    def sets() -> list[int | None]:
        with reading(finished.engine) as connection:
            return [row.judging_set_id for row in revisions_of(connection, finished.row.id, BEAM)]

    rules = rules_in_force(finished.site)
    newer = writing(
        finished.engine, lambda connection: add_judging_set(connection, "by hand", {**rules, "no_data": "x"})
    )
    assert finished.want(BEAM) == ["unchanged"]
    finished.put(BEAM, "CDC_0009.png", a_plot(9))
    assert finished.want(BEAM) == ["revision"]
    finished.work(BEAM)
    assert len(set(sets())) == 1
    arrivals = announce(finished.site, finished.engine, finished.row, [BEAM], again=True)
    assert [one.decision for one in arrivals] == ["revision"]
    assert "judged anew" in arrivals[0].sentence
    finished.work(BEAM)
    first, second, third = sets()
    assert first == second != third
    assert third is not None
    assert third >= newer.id
    assert fsck(finished.site, finished.engine).problems == ()
