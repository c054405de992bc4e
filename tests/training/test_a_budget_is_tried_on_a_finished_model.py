from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.files import sha256_file
from hydra_core.cli.main import main
from hydra_core.config.site import Site
from hydra_core.models.thresholds import Policy, by_policy
from hydra_core.models.trusted import read_answers
from hydra_core.stages.judging import rules_in_force
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import (
    ThresholdRow,
    add_judging_set,
    add_model,
    find_model,
    newest_judging_set,
    set_model_status,
    thresholds_of,
)
from hydra_core.store.session import reading, writing
from tests.request_samples import a_database, a_site
from tests.store_samples import CDC

pytestmark = pytest.mark.training

CLASSES = ("Dead", "Good", "NoData")
Said = tuple[int, str, str]


@pytest.fixture
def site(tmp_path: Path, trained: Any) -> Site:
    made = a_site(tmp_path / "site")
    folder = made.model_folder(CDC, "cdc-1")
    folder.parent.mkdir(parents=True)
    shutil.copytree(trained.result.folder, folder)
    return made


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:

        def enter(connection: Connection) -> None:
            kind = plot_type_ids(connection, [CDC])[CDC]
            identity = sha256_file(site.model_folder(CDC, "cdc-1") / "model.json")
            thresholds = [ThresholdRow(known, 0.5, "default: too few", 3) for known in CLASSES]
            model = add_model(connection, kind, "cdc-1", identity, "tiny", thresholds, [])
            set_model_status(connection, model.id, "live", "as it was made")
            add_judging_set(connection, "cdc-1 is there", rules_in_force(site))

        writing(engine, enter)
        yield engine


@pytest.fixture
def hydra(site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command and gives its exit code and what it printed."""

    def run(*arguments: str) -> Said:
        code = main(["--site", str(site.folder), "models", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("option", "share", "policy"),
    [("--recall", "0.5", Policy("recall", 0.5)), ("--false-alarms", "0.2", Policy("false_alarms", 0.2))],
)
def test_a_threshold_keeps_a_budget_without_a_training(
    site: Site, engine: Engine, hydra: Callable[..., Said], option: str, share: str, policy: Policy
) -> None:
    answers = read_answers(site.model_folder(CDC, "cdc-1"))
    assert answers is not None
    wanted = by_policy(answers, "Dead", policy)
    code, printed, _ = hydra("threshold", "cdc-1", "Dead", option, share, "--why", "nights are short")
    assert code == 0
    assert wanted.method in printed
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
        model = find_model(connection, "cdc-1")
        assert newest is not None
        assert model is not None
        kept = thresholds_of(connection, model.id)["Dead"]
    assert newest.models[CDC].thresholds["Dead"] == wanted.value == kept.value
    assert kept.method == f"by hand: {policy.words}: nights are short"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (
            ("Dead", "--false-alarms", "0.01"),
            "known to keep 1 % false alarms: only 11 validation images of other classes",
        ),
        (("Dead", "--recall", "0.99"), "99 are needed"),
        (("Dead", "--recall", "1"), "a share of 1 can be no budget"),
        (("Hot", "--recall", "0.5"), "the model knows no class 'Hot'"),
    ],
)
def test_a_budget_that_cannot_be_kept_sets_nothing(
    engine: Engine, hydra: Callable[..., Said], arguments: tuple[str, ...], cause: str
) -> None:
    code, _, complaint = hydra("threshold", "cdc-1", *arguments, "--why", "x")
    assert code == 1
    assert cause in complaint
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.reason == "cdc-1 is there"


def test_a_model_that_keeps_no_answers_is_named(site: Site, engine: Engine, hydra: Callable[..., Said]) -> None:
    folder = site.model_folder(CDC, "cdc-1")
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    del card["files"]["answers.npz"]
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")
    code, _, complaint = hydra("threshold", "cdc-1", "Dead", "--recall", "0.5", "--why", "x")
    assert code == 1
    assert "cdc-1 was made before models kept their answers" in complaint


@pytest.mark.parametrize("arguments", [(), ("0.5", "--recall", "0.5"), ("--recall", "0.5", "--false-alarms", "0.5")])
def test_a_value_or_one_budget_is_asked_for(hydra: Callable[..., Said], arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        hydra("threshold", "cdc-1", "Dead", *arguments, "--why", "x")
    assert caught.value.code == 2


def test_a_model_is_shown_with_what_its_confidence_means(hydra: Callable[..., Said]) -> None:
    code, printed, _ = hydra("show", "cdc-1")
    assert code == 0
    assert re.match(r"model +cdc-1\n", printed)
    assert re.search(r"when it is [01]\.\d\d sure +right in \d+ of \d+ test image", printed)
    assert "none: 16 validation images, 50 are needed" in printed
