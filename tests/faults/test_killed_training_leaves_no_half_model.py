from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hydra_core.base.files import write_bytes
from hydra_core.emulate.plan import plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_promotion, write_request
from hydra_core.models.engine import load, read_card
from hydra_core.stages.promotion import EFFECTS
from hydra_core.stages.retrain import retrain
from hydra_core.store.items import load_items
from hydra_core.store.ledger import newest_revision
from hydra_core.store.registry import (
    ThresholdRow,
    add_model,
    all_models,
    live_model,
    newest_claim,
    newest_judging_set,
)
from hydra_core.store.session import reading, writing
from tests.final_state import assert_same, final_state
from tests.own_cylc import wait_until
from tests.small_pass import SmallPass, open_small_pass, small_pass
from tests.staged_run import CDC, in_process, problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

PLAN = plan_demo(runs=3, plot_types=1, chunks=8)
RUNS = [run.number for run in PLAN.runs]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> SmallPass:
    """Three archived runs, and in the inbox a label for every image of one plot type."""
    folder = tmp_path_factory.mktemp("labelled")
    made = small_pass(folder / "data", "training", PLAN)
    write_demo(PLAN, folder / "files")
    made.enter(folder / "files" / "incoming")
    made.by_hand(RUNS)
    items = []
    for run in RUNS:
        with reading(made.engine) as connection:
            revision = newest_revision(connection, made.row.id, run)
            assert revision
            found = [item for item in load_items(connection, revision.id) if item.plot == CDC]
        items += [(str(CDC), str(item.sha256), ("Good", "Bad")[number % 2]) for number, item in enumerate(found)]
    write_bytes(made.site.inbox / "labels.json", write_request("expert", datetime(2026, 1, 20, tzinfo=UTC), items))
    return made


def copy(labelled: SmallPass, target: Path) -> SmallPass:
    return open_small_pass(Path(shutil.copytree(labelled.root, target)))


def train_in(root: Path) -> None:
    """Retrain, in a process of its own."""
    made = open_small_pass(root)
    retrain(made.context(RUNS[0]), lambda _line: None)


def claimed(made: SmallPass) -> bool:
    with reading(made.engine) as connection:
        kind = connection.exec_driver_sql("SELECT id FROM plot_types WHERE name = 'CDC_occupancy'").scalar_one()
        return newest_claim(connection, int(kind)) is not None


@pytest.fixture(scope="module")
def wanted(labelled: SmallPass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is there after a training that nobody disturbed."""
    calm = copy(labelled, tmp_path_factory.mktemp("calm") / "data")
    train_in(calm.root)
    return final_state(calm.root)


def no_model_is_live(made: SmallPass) -> bool:
    with reading(made.engine) as connection:
        kinds = {model.plot_type_id for model in all_models(connection)}
        return not [kind for kind in kinds if live_model(connection, kind)]


def test_killed_training_ends_where_an_undisturbed_one_does(
    labelled: SmallPass, wanted: dict[str, Any], tmp_path: Path
) -> None:
    assert [(name, network) for name, network, _ in wanted["models"]] == [("CDC_occupancy~chunks-000024", "tiny")]
    assert [state for _, _, state in wanted["claims"]] == ["done"]

    made = copy(labelled, tmp_path / "killed")
    chance = random.Random(5)
    killed = 0
    for latest in (2.0, 4.0, 6.0):
        job = in_process(train_in, made.root)
        wait_until(lambda: claimed(made), "the training is taken on")
        time.sleep(chance.uniform(0.0, latest))
        job.kill()
        job.join()
        if job.exitcode == 0:
            break
        assert job.exitcode == -signal.SIGKILL
        killed += 1
        assert no_model_is_live(made)
        assert problems(made) == ()
    assert killed
    train_in(made.root)
    assert_same(final_state(made.root), wanted)
    assert problems(made) == ()
    with reading(made.engine) as connection:
        (model,) = all_models(connection)
    card, identity = read_card(made.site.model_folder(model.plot, model.name))
    assert identity == model.card_sha
    assert card.classes == ("Bad", "Good")


def train_until(root: Path, place: str, step: str) -> None:
    """Retrain, and be killed as soon as a step of it is done."""
    module = importlib.import_module(f"hydra_core.models.{place}")
    real = getattr(module, step)

    def last(*arguments: Any, **more: Any) -> None:
        real(*arguments, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, step, last)
    train_in(root)


def test_a_kill_in_the_middle_of_an_export_leaves_no_model_or_a_whole_one(
    labelled: SmallPass, wanted: dict[str, Any], tmp_path: Path
) -> None:
    made = copy(labelled, tmp_path / "exported")
    folder = made.site.model_folder(CDC, "CDC_occupancy~chunks-000024")
    for place, step, whole in (
        ("export", "convert", False),
        ("export", "write_json", False),
        ("train", "export", True),
    ):
        job = in_process(train_until, made.root, place, step)
        job.join()
        assert job.exitcode == -signal.SIGKILL
        assert folder.exists() == whole
        assert no_model_is_live(made)
        assert problems(made) == ()
    load(folder, threads=1)
    train_in(made.root)
    assert_same(final_state(made.root), wanted)
    assert problems(made) == ()


def take_in(root: Path) -> None:
    """Take the inbox in, in a process of its own."""
    made = open_small_pass(root)
    receive(made.site, made.engine, EFFECTS)


def live_and_judging(made: SmallPass) -> tuple[str, str]:
    """Return the model that is live, and the one with which the newest judging set judges; nothing for none."""
    with reading(made.engine) as connection:
        live = [model.name for model in all_models(connection) if model.status == "live"]
        newest = newest_judging_set(connection)
    assert len(live) < 2
    return "".join(live), newest.models[CDC].model.name if newest and newest.models else ""


def test_a_killed_promotion_by_request_leaves_the_old_model_or_the_new_one(labelled: SmallPass, tmp_path: Path) -> None:
    made = copy(labelled, tmp_path / "promoted")
    train_in(made.root)
    with reading(made.engine) as connection:
        (first,) = all_models(connection)
    shutil.copytree(
        made.site.model_folder(first.plot, first.name), made.site.model_folder(first.plot, "another"), symlinks=True
    )
    writing(
        made.engine,
        lambda connection: add_model(
            connection,
            first.plot_type_id,
            "another",
            first.card_sha,
            first.network,
            [ThresholdRow("Bad", 0.5, "x", 0)],
            [],
        ),
    )
    before = live_and_judging(made)
    at = datetime(2026, 1, 20, tzinfo=UTC)
    chance, wanted, killed = random.Random(6), "another", 0
    for number, latest in enumerate((0.05, 0.5, 1.5, 3.5)):
        request = write_promotion("Ada", at + timedelta(days=number), wanted, why="x", despite_gate=True)
        write_bytes(made.site.inbox / "promote.json", request)
        job = in_process(take_in, made.root)
        time.sleep(chance.uniform(0.0, latest))
        job.kill()
        job.join()
        killed += job.exitcode == -signal.SIGKILL
        assert live_and_judging(made) in (before, (wanted, wanted))
        take_in(made.root)
        assert live_and_judging(made) == (wanted, wanted)
        assert not list(made.site.inbox.iterdir())
        assert problems(made) == ()
        before, wanted = (wanted, wanted), {"another": first.name, first.name: "another"}[wanted]
    assert killed
