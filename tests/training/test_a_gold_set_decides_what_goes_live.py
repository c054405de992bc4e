from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.labels.request import write_gold, write_request
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import load, read_card
from hydra_core.models.gate import Decision
from hydra_core.models.paired import Paired
from hydra_core.stages import retrain as retrain_stage
from hydra_core.stages.gate_today import gate_now, proven_model
from hydra_core.stages.gold import propose_gold, taught_and_gold, why_not_more
from hydra_core.stages.promotion import known_model
from hydra_core.stages.proving import Contender, Proof, pair_now
from hydra_core.stages.rebuild_learned import rebuild_learned
from hydra_core.stages.retrain import DueType, _enter, retrain
from hydra_core.store.items import load_items
from hydra_core.store.kept import gold_images
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.ledger import newest_revision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.predictions import predictions_of
from hydra_core.store.registry import ModelRow, all_models, live_model, training_images
from hydra_core.store.schema import Prediction, TrainingImage, TrainingReport
from hydra_core.store.session import reading, writing
from hydra_core.store.training_reports import load_report
from tests.colours import BAD, CDC, GOOD, open_copy, plot
from tests.request_samples import take
from tests.small_deployment import STAGES, Deployment, open_deployment

pytestmark = pytest.mark.training

TRAINING = """
[training]
network = "tiny"
size = [32, 32]
epochs = 8
near = 0.0
min_labels = 12
min_new = 1
min_macro_f1 = 0.0
"""
RUNS = range(1, 11)
CHUNKS = 6


class Killed(BaseException):
    """What a kill looks like from inside."""


@dataclass
class Story:
    """A deployment with ten labelled runs, and what was seen of it on the way to its second model."""

    made: Deployment
    plot_type_id: int
    proposed: set[str]
    first: ModelRow
    second: ModelRow
    lines: dict[str, str] = field(default_factory=dict)

    def of(self, model: ModelRow, side: str) -> set[str]:
        with reading(self.made.engine) as connection:
            return {sha for sha, _, kind in training_images(connection, model.id) if kind == side}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Label, propose a gold set, train; then another form of the input, one more gold image, and train again."""
    folder = tmp_path_factory.mktemp("gold") / "site"
    with ExitStack() as opening, pytest.MonkeyPatch.context() as patch:
        made = open_deployment(folder, opening)
        with (folder / "site.toml").open("a", encoding="utf-8") as file:
            file.write(TRAINING)
        made = replace(made, site=load_site(folder))
        for run in RUNS:
            for chunk in range(CHUNKS):
                made.put(run, f"CDC_{chunk:04d}.png", plot((GOOD, BAD)[chunk % 2], 100 * run + chunk))
        made.want(*RUNS)
        for run in RUNS:
            made.work(run, STAGES[:-1])
        label(made, {sha: ("Good", "Bad")[chunk % 2] for chunk, sha in images(made)})
        with reading(made.engine) as connection:
            plot_type_id = all_plot_types(connection)[CDC]
        assert main(["--site", str(folder), "gold", "propose", "CDC", "--count", "8", "--take"]) == 0
        proposed = gold(made)
        lines = {"first": retrain(made.context(1), lambda _: None).line}
        (first,) = models(made)

        (folder / "site.toml").write_text((folder / "site.toml").read_text().replace("[32, 32]", "[40, 32]"))
        made = replace(made, site=load_site(folder))
        # One more label makes another training due; it is killed when the network is made and nothing is entered.
        (sha, *_) = sorted(set(truth(made)) - proposed)
        label(made, {sha: truth(made)[sha]})
        with suppress(Killed):
            patch.setattr(retrain_stage, "prove", _killed)
            retrain(made.context(1), lambda _: None)
        patch.undo()
        assert [one.name for one in models(made)] == [first.name]
        newcomer = next(iter(sorted(Story(made, plot_type_id, proposed, first, first).of(first, "test"))))
        request = write_gold("Ada", now(), [(str(CDC), newcomer)], action="add", why="x")
        assert [one.refused for one in take(made.site, made.engine, request)] == [""]
        lines["second"] = retrain(made.context(1), lambda _: None).line
        (second,) = [one for one in models(made) if one.name != first.name]
        yield Story(made, plot_type_id, proposed, models(made)[-1], second, lines)


def _killed(*_: Any, **__: Any) -> Any:
    raise Killed


def images(made: Deployment) -> list[tuple[int, str]]:
    found = []
    for run in RUNS:
        with reading(made.engine) as connection:
            revision = newest_revision(connection, made.row.id, run)
            assert revision is not None
            items = [item for item in load_items(connection, revision.id) if item.plot == CDC]
        found += [(item.chunk or 0, str(item.sha256)) for item in items if item.has_image]
    return found


def truth(made: Deployment) -> dict[str, str]:
    return {sha: ("Good", "Bad")[chunk % 2] for chunk, sha in images(made)}


def label(made: Deployment, classes: dict[str, str]) -> None:
    items = [(str(CDC), sha, name) for sha, name in classes.items()]
    (found,) = take(made.site, made.engine, write_request("Ada", now(), items))
    assert found.refused == ""


def gold(made: Deployment) -> set[str]:
    with reading(made.engine) as connection:
        return gold_images(connection, list(truth(made)))


def models(made: Deployment) -> list[ModelRow]:
    with reading(made.engine) as connection:
        return all_models(connection)


def test_the_gold_set_is_proposed_from_every_class_and_many_runs_but_not_the_newest(story: Story) -> None:
    known = {sha: (chunk % 2, number) for number, (chunk, sha) in enumerate(images(story.made))}
    assert Counter(known[sha][0] for sha in story.proposed) == {0: 4, 1: 4}
    runs = Counter(known[sha][1] // CHUNKS for sha in story.proposed)
    assert len(runs) >= 4
    assert max(runs) < len(RUNS) - 2


def test_no_gold_image_is_on_a_side_and_what_models_say_of_them_is_kept(story: Story) -> None:
    assert story.of(story.first, "gold") == story.proposed
    assert len(story.of(story.second, "gold") - story.proposed) == 1
    for model in (story.first, story.second):
        sides = {side: story.of(model, side) for side in ("train", "validation", "test", "gold")}
        assert all(sides.values())
        assert sum(map(len, sides.values())) == len(set().union(*sides.values()))
        with reading(story.made.engine) as connection:
            for side in ("validation", "test", "gold"):
                said = predictions_of(connection, model.id, side)
                assert {one.image_sha for one in said} >= sides[side]
                assert all(one.label == truth(story.made)[one.image_sha] for one in said)
                assert all(one.probs[one.class_name] == one.confidence == max(one.probs.values()) for one in said)
            assert predictions_of(connection, model.id, "train") == []


def test_each_training_leaves_a_report_of_all_that_the_model_was_asked(story: Story) -> None:
    for model in (story.first, story.second):
        with reading(story.made.engine) as connection:
            said = [
                one for side in ("validation", "test", "gold") for one in predictions_of(connection, model.id, side)
            ]
            report = load_report(connection, model.id)
        assert report is not None
        assert report.images == len(said)
        assert report.disagreements == sum(one.class_name != one.label for one in said)


def test_what_models_learned_from_and_said_is_found_again_in_their_folders(story: Story, tmp_path: Path) -> None:
    made = open_copy(story.made.site.folder, tmp_path / "copy")
    models_here = (story.first, story.second)
    asked = ("validation", "test")
    with reading(made.engine) as connection:
        taught = [training_images(connection, model.id) for model in models_here]
        told = [predictions_of(connection, model.id, side) for model in models_here for side in asked]

    def lose(connection: Connection) -> None:
        for table in (Prediction, TrainingReport, TrainingImage):
            connection.execute(sa.delete(table))

    writing(made.engine, lose)
    problems: list[str] = []
    (line,) = rebuild_learned(made.site, made.engine, problems)
    assert rebuild_learned(made.site, made.engine, problems) == [line]
    assert problems == []
    with reading(made.engine) as connection:
        found = [training_images(connection, model.id) for model in models_here]
        again = [predictions_of(connection, model.id, side) for model in models_here for side in asked]
        reports = [load_report(connection, model.id) for model in models_here]
    assert found == taught
    assert [(one.image_sha, one.label, one.class_name) for side in again for one in side] == [
        (one.image_sha, one.label, one.class_name) for side in told for one in side
    ]
    assert all(report is not None for report in reports)
    assert [report.made_at for report in reports if report] == [model.made_at for model in models_here]
    made.engine.dispose()


def test_a_first_model_is_measured_on_the_gold_set_too(story: Story) -> None:
    assert "is live in judging set 2: macro-F1 1.000 on " in story.lines["first"]
    assert f"; macro-F1 1.000 on {len(story.proposed)} gold images; no model was live" in story.lines["first"]


def test_models_of_other_input_forms_are_compared_each_in_its_own(story: Story) -> None:
    folder = story.made.site.model_folder(CDC, story.second.name)
    assert read_card(folder)[0].size == (40, 32)
    assert read_card(story.made.site.model_folder(CDC, story.first.name))[0].size == (32, 32)
    assert "against the live model's 1.000 on the same" in story.lines["second"]
    assert f"on the same {len(story.proposed) + 1} gold images" in story.lines["second"]
    with reading(story.made.engine) as connection:
        live = live_model(connection, story.plot_type_id)
    assert live is not None
    assert live.name == story.second.name


def test_a_training_that_was_finished_and_not_entered_is_done_anew_where_the_gold_set_has_grown(story: Story) -> None:
    card, identity = read_card(story.made.site.model_folder(CDC, story.second.name))
    assert identity == story.second.card_sha
    assert card.training.images["gold"] == len(story.proposed) + 1
    folder = story.made.site.model_folder(CDC, story.second.name).parent
    assert len([one for one in folder.iterdir() if one.is_dir()]) == 2


def test_both_figures_are_shown(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--site", str(story.made.site.folder), "models", "show", story.second.name]) == 0
    printed = capsys.readouterr().out
    count = len(story.proposed) + 1
    assert f"macro-F1 1.00 on {count} images; recall of Bad 1.00 of" in printed
    assert f"gold set, {story.first.name}" in printed


def test_the_gold_set_is_listed_and_changed_by_command(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    site = ["--site", str(story.made.site.folder), "gold"]
    whole = sorted(gold(story.made))
    sha = whole[0]
    assert main([*site, "list", "CDC"]) == 0
    assert sha[:12] in capsys.readouterr().out
    assert main([*site, "remove", "CDC", sha[:10]]) == 1
    assert "changes only with a reason" in capsys.readouterr().err
    assert main([*site, "remove", "CDC", sha[:10], "--why", "blurred"]) == 0
    assert capsys.readouterr().out == f"the gold set of CDC:chunks has {len(whole) - 1} images now\n"
    assert main([*site, "add", "CDC", sha, "--why", "it is sharp after all"]) == 0
    assert sorted(gold(story.made)) == whole
    assert main([*site, "add", "CDC", "0" * 10, "--why", "x"]) == 1
    assert "names no image" in capsys.readouterr().err
    assert main([*site, "add", "CDC", "0" * 64, "--why", "x"]) == 7
    assert main([*site, "propose", "CDC"]) == 1
    told = capsys.readouterr().err
    assert "no image of CDC:chunks can be proposed: the gold set has" in told
    assert "were learned from" in told
    assert main([*site, "add", "CDC", sha[:12], "--why", "x"]) == 1
    assert f"{sha[:12]} is in the gold set of CDC:chunks already" in capsys.readouterr().err
    assert main([*site, "add", "CDC", "g" * 64, "--why", "x"]) == 1
    assert "is no SHA-256 of an image" in capsys.readouterr().err
    assert main([*site, "propose", "CDC", "--count", "1"]) == 1
    assert f"the gold set has {len(whole)} images already" in capsys.readouterr().err
    assert main([*site, "list", "CDC"]) == 0
    assert ", chunk " in capsys.readouterr().out


def compared(story: Story) -> Paired | str:
    """Return the first model beside the live one on the gold set of now."""
    site, engine = story.made.site, story.made.engine
    with reading(engine) as connection:
        _, golden = taught_and_gold(connection, story.plot_type_id)
        first, live = (known_model(connection, one.name) for one in (story.first, story.second))
    folder = site.model_folder(CDC, first.name)
    card = read_card(folder)[0]
    opened = load(folder, threads=1)
    return pair_now(site, engine, "gold", golden, (first, Contender(card.classes, card.input, opened.predict)), live)


def test_a_gold_image_that_is_labelled_anew_changes_the_truth(story: Story) -> None:
    before = compared(story)
    assert isinstance(before, Paired)
    assert before.candidate.macro_f1 == 1
    sha = min(story.proposed)
    other = {"Good": "Bad", "Bad": "Good"}[truth(story.made)[sha]]
    label(story.made, {sha: other})
    after = compared(story)
    assert isinstance(after, Paired)
    assert after.candidate.n == before.candidate.n
    assert after.candidate.macro_f1 < 1
    label(story.made, {sha: "Ignore"})
    ignored = compared(story)
    assert isinstance(ignored, Paired)
    assert ignored.candidate.n == before.candidate.n - 1
    label(story.made, {sha: truth(story.made)[sha]})


def test_a_promotion_asks_both_models_the_newest_test_images_and_the_gold_set(story: Story) -> None:
    site, engine = story.made.site, story.made.engine
    with reading(engine) as connection:
        first, live = (known_model(connection, one.name) for one in (story.first, story.second))
    decision = gate_now(site, engine, first, live, proven_model(site, first))
    tested = story.of(story.second, "test") - story.of(story.first, "train")
    assert f"on the same {len(tested)} test images" in decision.reason
    assert f"on the same {len(story.proposed) + 1} gold images" in decision.reason


def test_a_comparison_with_a_model_that_is_live_no_more_enters_nothing(story: Story) -> None:
    site, engine, name = story.made.site, story.made.engine, "beside"
    folder = site.model_folder(CDC, name)
    shutil.copytree(site.model_folder(CDC, story.second.name), folder)
    due, proof = DueType(CDC, story.plot_type_id, 10_000), Proof(Decision(True, "better"))
    for compared_with in (None, story.first):
        said = _enter(site, engine, due, name, read_card(folder)[0], [], compared_with, proof)
        assert said is None
    assert name not in [one.name for one in models(story.made)]
    shutil.rmtree(folder)


def test_images_that_the_live_model_learned_from_prove_nothing(story: Story) -> None:
    site, engine = story.made.site, story.made.engine
    with reading(engine) as connection:
        taught, _ = taught_and_gold(connection, story.plot_type_id)
        live = known_model(connection, story.second.name)
    learned = [image for image in taught if image.image_sha in story.of(live, "train")]
    nothing: Any = Contender(("Bad", "Good"), InputSpec(), lambda _: None)
    other = replace(live, id=-1)
    said = pair_now(site, engine, "gold", learned, (other, nothing), live)
    assert said == "the live model was trained on every gold image, so the two cannot be compared"
    assert pair_now(site, engine, "gold", learned, (live, nothing), None) == (
        "it was trained on every gold image, so nothing tells what it is worth"
    )


def labelled(run: int, name: str, number: int) -> LabelledImage:
    return LabelledImage(f"{run:032d}{number:032d}", name, 1, run, run, 1, 0, number)


def test_what_is_proposed_was_never_learned_from_and_leaves_enough_to_learn() -> None:
    taught = [
        labelled(run, name, 10 * place + turn)
        for run in range(20)
        for place, name in enumerate(("Bad", "Good"))
        for turn in range(4)
    ]
    used = {image.image_sha for image in taught if image.run < 5}
    found = propose_gold(taught, [], used, 1000)
    assert not used & {image.image_sha for image in found}
    assert {image.run for image in found} == set(range(5, 17))
    assert Counter(image.class_name for image in found) == {"Good": 20, "Bad": 20}
    few = propose_gold(taught, [], used, 6)
    assert len({image.run for image in few if image.class_name == "Bad"}) == 3
    # With what is gold already the classes even out.
    more = propose_gold([image for image in taught if image not in found[:5]], found[:5], used, 12)
    assert Counter(image.class_name for image in [*found[:5], *more]) == {"Good": 6, "Bad": 6}
    assert propose_gold([], [], set(), 5) == []
    assert why_not_more(taught, found, used) == (
        "of the others 40 were learned from, 24 are of the newest runs and 56 are needed for the training"
    )


def test_the_request_of_a_gold_set_says_when_it_was_made() -> None:
    at = now() - timedelta(days=1)
    whole = json.loads(write_gold("Ada", at, [("CDC", "0" * 64)], action="add", why=" a  set\n"))
    assert whole["items"] == [{"plot_type": "CDC", "image": "0" * 64, "action": "add", "why": "a set"}]
