from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.clock import now
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.intake.block import Block
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_pins, write_request
from hydra_core.stages.context import block_file
from hydra_core.stages.fsck import fsck
from hydra_core.stages.keeping import Needed, draw_of, is_kept, reason_to_keep
from hydra_core.stages.retention import Deletion, apply_retention, plan_retention
from hydra_core.stages.verify import verify
from hydra_core.store.items import ItemRow, load_items
from hydra_core.store.ledger import RevisionRow, newest_revision
from hydra_core.store.schema import KeptImage, Revision
from hydra_core.store.session import reading, writing
from tests.colours import CDC, ORDINARY, go_live, judge_by_colour, open_copy, play, with_rules
from tests.small_deployment import Deployment, open_deployment
from tests.store_samples import a_verdict

pytestmark = pytest.mark.stages

RUN, LATER = 21, 22
EVERYTHING = {"older_than_days": 0}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a deployment with two published runs of coloured plots."""
    folder = tmp_path_factory.mktemp("coloured") / "here"
    with ExitStack() as opening, pytest.MonkeyPatch.context() as patch:
        judge_by_colour(patch)
        deployment = open_deployment(folder, opening)
        go_live(deployment, "by-colour")
        play(deployment, [RUN, LATER])
    return folder


@pytest.fixture
def played(kept: Path, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_copy(kept, tmp_path / "copy")
    yield deployment
    deployment.engine.dispose()


def plan(deployment: Deployment) -> list[Deletion]:
    return list(plan_retention(deployment.site, deployment.engine, now()))


def delete(deployment: Deployment) -> list[Deletion]:
    done: list[Deletion] = []
    apply_retention(deployment.site, deployment.engine, now(), done.append)
    return done


def chunks(deletions: list[Deletion], run: int = RUN) -> list[int | None]:
    assert {one.plot for one in deletions} <= {CDC}
    return [one.chunk for one in deletions if one.run == run]


def revision_of(deployment: Deployment, run: int = RUN) -> RevisionRow:
    with reading(deployment.engine) as connection:
        found = newest_revision(connection, deployment.row.id, run)
    assert found is not None
    return found


def image_of(deployment: Deployment, chunk: int) -> str:
    with reading(deployment.engine) as connection:
        items = load_items(connection, revision_of(deployment).id)
    return next(item.sha256 for item in items if item.plot == CDC and item.chunk == chunk and item.sha256)


def image_bytes(path: Path) -> int:
    with h5py.File(path) as file:
        return int(file["data/bytes"].shape[0])


def test_without_a_rule_nothing_leaves(played: Deployment) -> None:
    assert plan(played) == []
    assert delete(played) == []


def test_ordinary_images_leave_and_whatever_needs_a_look_or_a_decision_stays(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    # Chunk 3 is Bad, chunk 4 unconfirmed; RICH has no model; Fresh is new and nobody has accepted it.
    assert chunks(plan(deployment)) == list(ORDINARY)
    assert chunks(plan(deployment), LATER) == list(ORDINARY)


def test_what_was_listed_leaves_and_a_sentence_stands_in_its_place(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    listed, before = plan(deployment), revision_of(deployment)
    room = image_bytes(block_file(deployment.context(RUN), before))
    assert delete(deployment) == listed
    after = revision_of(deployment)
    assert (before.block_generation, after.block_generation) == (0, 1)
    with reading(deployment.engine) as connection:
        items = load_items(connection, after.id)
    with Block.open(block_file(deployment.context(RUN), after), after.block_sha) as block:
        held = {(item.plot.name, item.chunk): block.has_image(item.block_index) for item in items}
    gone = {("CDC", chunk) for chunk in ORDINARY}
    assert {place for place, there in held.items() if not there} == gone
    assert {
        (item.plot.name, item.chunk) for item in items if "ordinary images older than 0 days" in item.tombstone
    } == gone
    left = image_bytes(block_file(deployment.context(RUN), after))
    assert room - left == sum(one.bytes for one in listed if one.run == RUN) > 0
    assert fsck(deployment.site, deployment.engine).problems == ()
    with pytest.MonkeyPatch.context() as patch:
        judge_by_colour(patch)
        assert verify(deployment.context(RUN)).differences == ()


def test_a_second_time_nothing_more_leaves(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    assert delete(deployment)
    files = deployment.files()
    assert plan(deployment) == []
    assert delete(deployment) == []
    assert deployment.files() == files


def test_a_labelled_image_stays(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    (deployment.site.inbox).mkdir()
    request = write_request("Ada", now(), [("CDC:chunks", image_of(deployment, 1), "Good")])
    (deployment.site.inbox / "label.json").write_bytes(request)
    assert [one.refused for one in receive(deployment.site, deployment.engine)] == [""]
    assert chunks(delete(deployment)) == [0, 2, 5, 6, 7]


def test_a_pinned_image_stays_until_its_pin_is_taken_back(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    image = image_of(deployment, 2)
    deployment.site.inbox.mkdir()
    for pinned, wanted in ((True, [0, 1, 5, 6, 7]), (False, list(ORDINARY))):
        request = write_pins("Ada", now(), [image], pinned=pinned, why="a textbook case")
        (deployment.site.inbox / "pin.json").write_bytes(request)
        assert [one.refused for one in receive(deployment.site, deployment.engine)] == [""]
        assert chunks(plan(deployment)) == wanted


def test_an_image_of_a_gold_set_stays(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    row = {"image_sha": image_of(deployment, 5), "kind": "gold", "who": "Ada", "why": "set 1", "kept_at": now()}
    writing(deployment.engine, lambda connection: connection.execute(sa.insert(KeptImage).values(**row)))
    assert chunks(plan(deployment)) == [0, 1, 2, 6, 7]


def test_a_run_whose_page_is_not_written_is_left_alone(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    revision = revision_of(deployment)
    change = sa.update(Revision).where(Revision.id == revision.id).values(state="archived")
    writing(deployment.engine, lambda connection: connection.execute(change))
    assert chunks(plan(deployment)) == []
    assert chunks(plan(deployment), LATER) == list(ORDINARY)


def test_only_what_is_old_enough_and_named_by_a_rule_leaves(played: Deployment) -> None:
    at = now()
    for rule, wanted in (
        ({"older_than_days": 1}, 0),
        ({**EVERYTHING, "plots": "FDC*"}, 0),
        ({**EVERYTHING, "plots": "C?C"}, 2 * len(ORDINARY)),
        ({**EVERYTHING, "passes": "q/*"}, 0),
        ({**EVERYTHING, "passes": "p/*"}, 2 * len(ORDINARY)),
    ):
        deployment = with_rules(played, rule)
        assert len(list(plan_retention(deployment.site, deployment.engine, at))) == wanted, rule
    late = at + timedelta(days=1, hours=1)
    deployment = with_rules(played, {"older_than_days": 1})
    assert len(list(plan_retention(deployment.site, deployment.engine, late))) == 2 * len(ORDINARY)


def test_of_several_rules_the_one_that_keeps_least_counts_and_a_share_is_drawn_from_the_images(
    played: Deployment,
) -> None:
    deployment = with_rules(played, {**EVERYTHING, "keep": 1}, {**EVERYTHING, "keep": 0.5})
    drawn = [chunk for chunk in ORDINARY if draw_of(image_of(deployment, chunk)) >= 0.5]
    assert chunks(plan(deployment)) == drawn
    assert 0 < len(drawn) < len(ORDINARY)


def test_a_damaged_file_is_named_and_the_other_runs_go_on(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    path = block_file(deployment.context(RUN), revision_of(deployment))
    data = path.read_bytes()
    for damaged in (data[:-100], data[:-10] + bytes(10)):
        path.write_bytes(damaged)
        problems: list[str] = []
        done: list[Deletion] = []
        apply_retention(deployment.site, deployment.engine, now(), done.append, problem=problems.append)
        assert len(problems) == 1
        assert str(path) in problems[0]
        assert "p/v1 run 21 r1" in problems[0]
        assert path.read_bytes() == damaged
    assert revision_of(deployment, LATER).block_generation == 1


def test_what_a_killed_call_left_is_cleared_by_the_next(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    old = block_file(deployment.context(RUN), revision_of(deployment))
    data = old.read_bytes()
    delete(deployment)
    new = block_file(deployment.context(RUN), revision_of(deployment))
    assert not old.exists()
    # Killed before the old file went, and, in another run, before the new one was entered.
    old.write_bytes(data)
    unentered = deployment.site.archive_file("p/v1", LATER, 1, 2)
    unentered.write_bytes(data)
    assert len(fsck(deployment.site, deployment.engine).problems) == 2
    assert delete(deployment) == []
    assert (old.exists(), unentered.exists(), new.exists()) == (False, False, True)
    assert fsck(deployment.site, deployment.engine).problems == ()


def test_a_file_beside_a_damaged_one_is_never_cleared(played: Deployment) -> None:
    deployment = with_rules(played, EVERYTHING)
    old = block_file(deployment.context(RUN), revision_of(deployment))
    data = old.read_bytes()
    delete(deployment)
    old.write_bytes(data)
    block_file(deployment.context(RUN), revision_of(deployment)).write_bytes(b"damaged")
    delete(deployment)
    assert old.read_bytes() == data


def test_the_command_lists_exactly_what_it_deletes(played: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    settings = played.site.folder / "site.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8") + "\n[[retention.rule]]\nolder_than_days = 0\nkeep = 0.5\n",
        encoding="utf-8",
    )
    command = ["--site", str(played.site.folder), "retention", "--at", now().isoformat()]
    files = played.files()
    assert main(command) == 0
    listed = capsys.readouterr().out
    assert played.files() == files
    assert main([*command, "--delete"]) == 0
    assert capsys.readouterr().out == listed
    assert played.files() != files
    *lines, total = listed.splitlines()
    assert total.startswith(f"{len(lines)} images of 2 run revisions, 0.0")
    assert lines[0].startswith("p/v1 run 21 r1 CDC:chunks chunk ")
    assert main(command) == 0
    assert capsys.readouterr().out == "0 images of 0 run revisions, 0.000 MB\n"


@pytest.mark.parametrize(
    ("time", "words"),
    [("yesterday", "is no time"), ("2026-01-01T00:00:00", "has no zone"), ("2199-01-01T00:00:00Z", "in the future")],
)
def test_an_instant_that_cannot_be_meant_is_refused(
    played: Deployment, capsys: pytest.CaptureFixture[str], time: str, words: str
) -> None:
    assert main(["--site", str(played.site.folder), "retention", "--delete", "--at", time]) == 1
    assert words in capsys.readouterr().err


ITEM = ItemRow(1, CDC, 1, 0, 0, "ok", "", sha256_bytes(b"x"), "", "CDC_0000.png", 4, 3, "", "")
GOOD = a_verdict(1, 1, class_name="Good", severity=0)


@pytest.mark.parametrize(
    ("verdict", "needed", "why"),
    [
        (None, Needed(), "not judged yet"),
        (replace(GOOD, severity=2), Needed(), "it needs a look"),
        (replace(GOOD, state="unconfirmed"), Needed(), "it needs a look"),
        (replace(GOOD, state="novel"), Needed(), "it needs a look"),
        (replace(GOOD, class_name="Bad"), Needed(problems={"Bad"}), "judged Bad"),
        (replace(GOOD, class_name=None), Needed(), "no model or rule has judged it"),
        (GOOD, Needed(labelled={ITEM.sha256 or ""}), "labelled"),
        (GOOD, Needed(pinned={ITEM.sha256 or ""}), "pinned"),
        (GOOD, Needed(gold={ITEM.sha256 or ""}), "part of a gold set"),
        (GOOD, Needed(), ""),
    ],
)
def test_an_image_stays_for_a_reason_that_has_words(verdict: object, needed: Needed, why: str) -> None:
    assert reason_to_keep(ITEM, verdict, needed) == why  # type: ignore[arg-type]
    assert is_kept(ITEM, verdict, needed, 0.0) == bool(why)  # type: ignore[arg-type]
    assert is_kept(ITEM, verdict, needed, 1.0)  # type: ignore[arg-type]


@given(st.binary(), st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_share_never_keeps_what_a_larger_one_deletes(data: bytes, one: float, other: float) -> None:
    item = replace(ITEM, sha256=sha256_bytes(data))
    small, large = sorted((one, other))
    assert is_kept(item, GOOD, Needed(), large) >= is_kept(item, GOOD, Needed(), small)


def test_shares_are_what_they_say() -> None:
    draws = [draw_of(sha256_bytes(str(number).encode())) for number in range(4000)]
    for share in (0.1, 0.5, 0.9):
        assert abs(sum(draw < share for draw in draws) / len(draws) - share) < 0.03


def test_a_plot_type_that_was_held_is_not_in_any_plan(played: Deployment) -> None:
    deployment = with_rules(played, {**EVERYTHING, "plots": "Fresh"}, {**EVERYTHING, "plots": "RICH"})
    assert PlotKey("Fresh", True) not in {one.plot for one in plan(deployment)}
    assert plan(deployment) == []
