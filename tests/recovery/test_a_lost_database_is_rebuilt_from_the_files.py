from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydra_core.base.clock import now
from hydra_core.base.errors import DatabaseError, DataError
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.config.plots import DrawSettings
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_decisions, write_pins, write_request
from hydra_core.labels.request_kinds import PlotTypeItem
from hydra_core.stages import rebuild as rebuild_stage
from hydra_core.stages import rebuild_models
from hydra_core.stages.fsck import fsck
from hydra_core.stages.rebuild import LOST, Rebuilt, rebuild
from hydra_core.stages.retention import apply_retention
from hydra_core.stages.verify import verify
from hydra_core.store.items import load_items, load_verdicts
from hydra_core.store.ledger import get_pass, newest_revision, set_pass_state
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import all_models, newest_claim, newest_judging_set
from hydra_core.store.schema import KeptImage, Label, PlotTypeRow, Revision, Run
from hydra_core.store.session import reading, writing
from tests.colours import CDC, ORDINARY, go_live, judge_by_colour, open_copy, play, with_rules, write_card
from tests.final_state import assert_same, final_state
from tests.small_deployment import BEAM, DARK, Deployment, open_deployment
from tests.store_samples import sqlite_copy

pytestmark = pytest.mark.recovery
FIRST, SECOND, THIRD = 21, 22, 23
#: The hash keeps the name of a model apart from that of its folder.
OLD, NEW = f"{CDC.slug}-000024", f"{CDC.slug}-000036"
Afresh = Callable[[Deployment], Deployment]


@pytest.fixture(autouse=True)
def coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by_colour(monkeypatch)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a deployment with everything in it: three runs, two models, labels, decisions, pins."""
    folder = tmp_path_factory.mktemp("whole") / "here"
    with ExitStack() as opening, pytest.MonkeyPatch.context() as patch:
        judge_by_colour(patch)
        made = open_deployment(folder, opening)
        enter_listed(made)
        play(made, [FIRST])
        go_live(made, OLD, day=1)
        play(made, [SECOND])
        go_live(made, NEW, day=2)
        play(made, [THIRD])
        _send(made)
    return folder


def enter_listed(made: Deployment) -> None:
    """Enter the plot types of plots.toml, as `hydra pass create` does."""
    writing(made.engine, lambda connection: plot_type_ids(connection, [one.key for one in made.site.plots.plots]))


def _send(made: Deployment) -> None:
    made.site.inbox.mkdir()
    images = [image for _, image in images_of(made, SECOND)]
    requests = {
        "labels": write_request("Ada", now(), [("CDC:chunks", images[0], "Good"), ("CDC:chunks", images[3], "Bad")]),
        "later": write_request("Bob", now(), [("CDC:chunks", images[0], "Bad")]),
        "pin": write_pins("Ada", now(), images[1:2], pinned=True, why="a textbook case"),
        "types": write_decisions(
            "Ada",
            now(),
            [PlotTypeItem(plot_type="Fresh:chunks", action="accept", drawing=DrawSettings(y=(0, 5)))],
        ),
    }
    for name, data in requests.items():
        (made.site.inbox / f"{name}.json").write_bytes(data)
        assert [one.refused for one in receive(made.site, made.engine)] == [""]


def images_of(made: Deployment, run: int) -> list[tuple[int | None, str]]:
    with reading(made.engine) as connection:
        revision = newest_revision(connection, made.row.id, run)
        assert revision is not None
        items = load_items(connection, revision.id)
    return [(item.chunk, item.sha256) for item in items if item.plot == CDC and item.sha256]


@pytest.fixture
def whole(kept: Path, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_copy(kept, tmp_path / "copy")
    yield deployment
    deployment.engine.dispose()


@pytest.fixture
def afresh() -> Iterator[Afresh]:
    """Return a function that gives a deployment an empty database in the place of its own."""
    with ExitStack() as opening:

        def renewed(deployment: Deployment) -> Deployment:
            deployment.engine.dispose()
            for path in deployment.site.root.glob("hydra.sqlite*"):
                path.unlink()
            engine = opening.enter_context(sqlite_copy(deployment.site.root / "hydra.sqlite"))
            return replace(deployment, engine=engine)

        yield renewed


def again(deployment: Deployment) -> Rebuilt:
    return rebuild(deployment.site, deployment.engine, lambda _line: None)


def state(deployment: Deployment) -> dict[str, Any]:
    """Return what must be as it was; the file name of a request and the folder of the producers are not known."""
    found = final_state(deployment.site.root)
    found["requests"] = [(sha, kind, who, status) for sha, kind, _, who, status, _ in found["requests"]]
    with reading(deployment.engine) as connection:
        types = sa.select(PlotTypeRow.name, PlotTypeRow.status, PlotTypeRow.drawing, PlotTypeRow.decided_by)
        pins = sa.select(KeptImage.image_sha, KeptImage.kind, KeptImage.who, KeptImage.why, KeptImage.kept_at)
        found["plot types"] = sorted(map(str, connection.execute(types).all()))
        found["kept"] = sorted(map(str, connection.execute(pins).all()))
        judged = connection.execute(sa.select(Revision.judged_at).order_by(Revision.judged_at)).scalars()
        # A page tells seconds.
        found["judged"] = [at.replace(microsecond=0) for at in judged]
    return found


def test_an_ordinary_deployment_is_as_it_was(finished: Deployment, afresh: Afresh) -> None:
    enter_listed(finished)
    before = state(finished)
    renewed = afresh(finished)
    assert again(renewed).problems == ()
    assert_same(state(renewed), before)
    assert fsck(renewed.site, renewed.engine).problems == ()
    assert all(verify(renewed.context(run)).differences == () for run in (BEAM, DARK))


def test_models_judging_sets_labels_decisions_and_pins_are_as_they_were(whole: Deployment, afresh: Afresh) -> None:
    before = state(whole)
    renewed = afresh(whole)
    result = again(renewed)
    assert result.problems == ()
    after = state(renewed)
    # How it was trained is told by the name of the model alone.
    assert before.pop("claims") == []
    assert after.pop("claims") == [("CDC", 24, "done"), ("CDC", 36, "done")]
    assert_same(after, before)
    with reading(renewed.engine) as connection:
        assert {model.name: model.status for model in all_models(connection)} == {OLD: "retired", NEW: "live"}
        newest = newest_judging_set(connection)
        assert newest is not None
        assert {str(key): one.model.name for key, one in newest.models.items()} == {"CDC:chunks": NEW}
        claim = newest_claim(connection, newest.models[CDC].model.plot_type_id)
        assert claim is not None
        assert claim.mark == 36
    assert fsck(renewed.site, renewed.engine).problems == ()
    assert all(verify(renewed.context(run)).differences == () for run in (FIRST, SECOND, THIRD))
    assert f"{NEW} is live: rebuilt from the archive: judging set 3 used it" in result.lines


def test_nothing_is_lost_that_is_not_named(whole: Deployment, afresh: Afresh) -> None:
    renewed = afresh(whole)
    again(renewed)
    with reading(renewed.engine) as connection:
        owners = connection.execute(sa.text("SELECT DISTINCT owner FROM requests")).scalars().all()
    assert owners == [""]
    assert any("from whose account a request came" in sentence for sentence in LOST)


class Killed(BaseException):
    """What a kill looks like from inside."""


STEPS = [
    ("_enter_passes", 1),
    ("_enter_revision", 0),  # before the first: passes are entered, and nothing else
    ("_enter_revision", 1),
    ("_enter_revision", 2),
    ("receive_kept", 1),
    ("rebuild_models", 1),
    ("_give_sets", 1),
    ("look", 2),
    ("enter_verdicts", 1),
    ("_judge", 1),
    ("_judge", 3),
]


@pytest.mark.parametrize(("name", "turn"), STEPS)
def test_a_killed_rebuild_goes_on(whole: Deployment, afresh: Afresh, name: str, turn: int) -> None:
    undisturbed = afresh(whole)
    again(undisturbed)
    wanted = state(undisturbed)
    renewed = afresh(undisturbed)
    real, calls = getattr(rebuild_stage, name), []

    def killed(*arguments: Any, **more: Any) -> Any:
        if turn == 0:
            raise Killed
        done = real(*arguments, **more)
        calls.append(1)
        if len(calls) == turn:
            raise Killed
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuild_stage, name, killed)
        with pytest.raises(Killed):
            again(renewed)
    if (name, turn) == ("_judge", 3):
        # Everything was entered.
        with pytest.raises(DatabaseError, match="is not empty"):
            again(renewed)
    else:
        assert again(renewed).problems == ()
    assert_same(state(renewed), wanted)
    assert fsck(renewed.site, renewed.engine).problems == ()


def test_a_database_in_use_is_refused(whole: Deployment) -> None:
    rows = whole.rows()
    with pytest.raises(DatabaseError, match="is not empty: it holds 3 runs, 2 models, 3 labels, 4 requests"):
        again(whole)
    assert whole.rows() == rows


def test_a_damaged_block_is_named_and_the_others_go_on(
    whole: Deployment, afresh: Afresh, capsys: pytest.CaptureFixture[str]
) -> None:
    head, image = (whole.site.archive_file("p/v1", run, 1) for run in (FIRST, SECOND))
    head.write_bytes(head.read_bytes()[:-100])
    data = bytearray(image.read_bytes())
    data[data.index(b"IDAT") + 8] ^= 1
    image.write_bytes(data)
    renewed = afresh(whole)
    assert main(["--site", str(renewed.site.folder), "archive", "rebuild-db"]) == 8
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("PROBLEM")]
    assert len([line for line in problems if str(head) in line]) == 1
    assert len([line for line in problems if str(image) in line]) == 1
    with reading(renewed.engine) as connection:
        assert connection.execute(sa.select(Run.number)).scalars().all() == [THIRD]
        assert connection.execute(sa.select(sa.func.count(Label.id))).scalar_one() == 3
    assert verify(renewed.context(THIRD)).differences == ()


def test_images_that_left_the_archive_keep_the_verdict_of_their_page(whole: Deployment, afresh: Afresh) -> None:
    ruled = with_rules(whole, {"older_than_days": 0})
    assert apply_retention(ruled.site, ruled.engine, now()) == 2 * len(ORDINARY) - 2
    before = state(whole)
    renewed = afresh(whole)
    assert again(renewed).problems == ()
    after = state(renewed)
    del before["claims"], after["claims"]
    assert_same(after, before)
    assert fsck(renewed.site, renewed.engine).problems == ()
    assert all(verify(renewed.context(run)).differences == () for run in (FIRST, SECOND, THIRD))


def test_without_pages_runs_are_judged_by_the_model_that_goes_live(whole: Deployment, afresh: Afresh) -> None:
    ruled = with_rules(whole, {"older_than_days": 0})
    apply_retention(ruled.site, ruled.engine, now())
    shutil.rmtree(whole.site.site_pages)
    renewed = afresh(whole)
    assert again(renewed).problems == ()
    with reading(renewed.engine) as connection:
        assert {model.name: model.status for model in all_models(connection)} == {OLD: "retired", NEW: "live"}
        revision = newest_revision(connection, renewed.row.id, THIRD)
        assert revision is not None
        assert (revision.state, revision.block_generation) == ("archived", 1)
        verdicts = load_verdicts(connection, revision.id)
        found = {
            item.chunk: (verdicts[item.id].class_name, verdicts[item.id].state)
            for item in load_items(connection, revision.id)
            if item.plot == CDC
        }
        buried = next(item for item in load_items(connection, revision.id) if item.plot == CDC and item.tombstone)
        assert "no page says" in verdicts[buried.id].reasons[0]
    assert found[3] == ("Bad", "confirmed")
    assert found[ORDINARY[0]] == (None, "undetermined")


def test_the_newest_file_of_a_revision_counts_and_an_older_one_where_that_is_damaged(
    whole: Deployment, afresh: Afresh
) -> None:
    old = whole.site.archive_file("p/v1", THIRD, 1)
    data = old.read_bytes()
    ruled = with_rules(whole, {"older_than_days": 0})
    apply_retention(ruled.site, ruled.engine, now())
    old.write_bytes(data)
    renewed = afresh(whole)
    result = again(renewed)
    assert result.problems == ()
    assert any("has 2 files: 23-r1.g1.h5 counts, the newest; not 23-r1.h5" in line for line in result.lines)
    whole.site.archive_file("p/v1", THIRD, 1, 1).write_bytes(b"damaged")
    renewed = afresh(renewed)
    result = again(renewed)
    assert len(result.problems) == 1
    assert "23-r1.g1.h5" in result.problems[0]
    assert any("23-r1.h5 counts, the newest that can be read" in line for line in result.lines)
    with reading(renewed.engine) as connection:
        assert not [item for item in _items(renewed, THIRD) if item.tombstone]
        assert get_pass(connection, "p/v1").state == "open"


def _items(deployment: Deployment, run: int) -> list[Any]:
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, run)
        assert revision is not None
        return load_items(connection, revision.id)


def test_files_at_a_wrong_place_are_named(whole: Deployment, afresh: Afresh) -> None:
    good = whole.site.archive_file("p/v1", THIRD, 1)
    for name in ("p/v1/0/24-r1.h5", "p/v1/1000/23-r1.h5", "p/v1/0/notes.txt", "p/23-r1.h5"):
        path = whole.site.root / "archive" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(good, path)
    result = again(afresh(whole))
    assert len(result.problems) == 4
    assert sum("at no place where an archive file can be" in one for one in result.problems) == 3
    assert sum("says that it is p/v1 run 23 r1: it lies elsewhere" in one for one in result.problems) == 1


def test_a_closed_pass_is_closed_again(whole: Deployment, afresh: Afresh) -> None:
    mark = whole.site.root / "passes" / "p" / "v1" / "CLOSED"
    mark.parent.mkdir(parents=True)
    mark.write_text("closed\n", encoding="utf-8")
    writing(whole.engine, lambda connection: set_pass_state(connection, whole.row.id, "closed"))
    before = state(whole)
    renewed = afresh(whole)
    again(renewed)
    assert state(renewed)["passes"] == before["passes"]


def test_a_kept_request_that_was_altered_is_named_and_kept(whole: Deployment, afresh: Afresh) -> None:
    path = sorted(whole.site.requests_kept.iterdir())[0]
    path.write_bytes(path.read_bytes() + b" ")
    result = again(afresh(whole))
    assert [one for one in result.problems if path.name in one and "is not what was accepted" in one]
    assert len(result.problems) == 1
    assert path.exists()


def test_a_dry_run_says_what_is_there_and_needs_no_database(
    whole: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    whole.engine.dispose()
    (whole.site.root / "hydra.sqlite").unlink()
    files = whole.files()
    assert main(["--site", str(whole.site.folder), "archive", "rebuild-db", "--dry-run"]) == 0
    assert whole.files() == files
    assert not (whole.site.root / "hydra.sqlite").exists()
    told = capsys.readouterr().out
    assert "pass p/v1: 3 run revisions, 30 images, 3 with a page" in told
    assert "2 models, 4 kept requests" in told
    assert all(sentence in told for sentence in LOST)


def named(deployment: Deployment) -> dict[str, tuple[str, str]]:
    with reading(deployment.engine) as connection:
        return {model.name: (model.status, model.reason) for model in all_models(connection)}


def test_a_model_that_fails_its_golden_batch_does_not_go_live(
    whole: Deployment, afresh: Afresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path, **_: Any) -> None:
        if "000036" in folder.name:
            raise DataError("it gives other probs on its golden batch than at export")

    monkeypatch.setattr(rebuild_models, "load", refused)
    renewed = afresh(whole)
    result = again(renewed)
    assert [one for one in result.problems if "golden batch" in one]
    assert {name: status for name, (status, _) in named(renewed).items()} == {OLD: "live", NEW: "rejected"}


def test_a_model_that_no_page_names_takes_nobody_s_place(whole: Deployment, afresh: Afresh) -> None:
    newer = f"{CDC.slug}-000048"
    write_card(whole.site.model_folder(CDC, newer), day=3)
    renewed = afresh(whole)
    again(renewed)
    found = named(renewed)
    assert found[NEW][0] == "live"
    assert found[newer] == ("retired", "rebuilt from the archive: no page shows that it was ever in use")


def test_where_no_page_names_a_model_the_newest_that_passes_by_its_own_figures_goes_live(
    whole: Deployment, afresh: Afresh
) -> None:
    rich = PlotKey("RICH", False)
    for day, values in ((1, {}), (2, {}), (3, {"test": None})):
        write_card(whole.site.model_folder(rich, f"RICH-{day:06d}"), day=day, **values)
    renewed = afresh(whole)
    again(renewed)
    found = named(renewed)
    assert [found[f"RICH-{day:06d}"][0] for day in (1, 2, 3)] == ["retired", "live", "rejected"]
    with reading(renewed.engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.number == 4
    assert newest.models[rich].model.name == "RICH-000002"


def test_models_that_cannot_be_placed_are_named(whole: Deployment, afresh: Afresh) -> None:
    (whole.site.model_folder(CDC, OLD) / "model.json").write_text("{}", encoding="utf-8")
    write_card(whole.site.models / "Nobody" / "Nobody-000024", day=1)
    result = again(afresh(whole))
    assert any(f"{OLD}, which judging set 2 used, has no folder" in one for one in result.problems)
    assert any("is no model card" in one for one in result.problems)
    assert any("of a plot type that no archived run has" in one for one in result.problems)


@pytest.mark.parametrize("text", ["", "[]", '{"cards": []}', '{"cards": [{"slug": 1}], "made_at": "x"}', "\x00"])
def test_a_page_that_cannot_be_read_is_named(whole: Deployment, afresh: Afresh, text: str) -> None:
    page = whole.site.site_pages / f"passes/p/v1/runs/{THIRD}/r1/run.json"
    page.write_text(text, encoding="utf-8")
    renewed = afresh(whole)
    result = again(renewed)
    assert len([one for one in result.problems if str(page) in one]) == 1
    with reading(renewed.engine) as connection:
        revision = newest_revision(connection, renewed.row.id, THIRD)
    assert revision is not None
    assert revision.state == "archived"


def test_thresholds_that_a_page_shows_count(whole: Deployment, afresh: Afresh) -> None:
    page = whole.site.site_pages / f"passes/p/v1/runs/{THIRD}/r1/run.json"
    record = json.loads(page.read_text(encoding="utf-8"))
    for card in record["cards"]:
        if card["class"] == "Bad" and card["model"]:
            card["threshold"] = 0.95
    page.write_text(json.dumps(record), encoding="utf-8")
    renewed = afresh(whole)
    again(renewed)
    with reading(renewed.engine) as connection:
        newest = newest_judging_set(connection)
        assert newest is not None
        assert dict(newest.models[CDC].thresholds) == {"Good": 0.75, "Bad": 0.95}
        assert newest.number == 3
