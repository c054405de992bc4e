from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from hydra_core.base.errors import DataError
from hydra_core.intake.maps import read_maps
from hydra_core.models.engine import Prediction
from hydra_core.stages import classify as classify_stage
from hydra_core.stages import missing_heat as missing_stage
from hydra_core.stages.context import RunContext, maps_file
from hydra_core.stages.fsck import fsck
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.verify import verify
from hydra_core.store.items import load_items, load_verdicts
from hydra_core.store.ledger import RevisionRow, newest_revision
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import (
    ModelRow,
    ThresholdRow,
    add_judging_set,
    add_model,
    live_model,
    load_judging_set,
    set_model_status,
)
from hydra_core.store.session import reading, writing
from tests.colours import CDC, CLASSES, ColourNetwork
from tests.small_deployment import BEAM, DARK, STAGES, Deployment
from tests.store_samples import digest


@dataclass(frozen=True)
class NamedNetwork(ColourNetwork):
    """Says Bad with a certainty that its name tells; `broken` gives no numbers."""

    name: str = ""

    def predict(self, images: NDArray[np.uint8], *, stage: bool = False) -> Prediction:
        assert images.shape[1:] == (*self.size, 3)
        bad = np.nan if self.name == "broken" else float(self.name.removeprefix("bad-"))
        probs = np.tile(np.array([1 - bad, bad], dtype=np.float32), (len(images), 1))
        return replace(super().predict(images), probs=probs)


@pytest.fixture(autouse=True)
def named_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every model of the database be a network of its name."""

    def opened(_site: Any, model: ModelRow, _threads: int, **_: Any) -> NamedNetwork:
        return NamedNetwork(name=model.name)

    monkeypatch.setattr(classify_stage, "open_network", opened)
    monkeypatch.setattr(missing_stage, "open_network", opened)


def go_live(deployment: Deployment, name: str) -> int:
    def work(connection: Connection) -> int:
        kind = plot_type_ids(connection, [CDC])[CDC]
        if (earlier := live_model(connection, kind)) is not None:
            set_model_status(connection, earlier.id, "retired", "replaced")
        thresholds = [ThresholdRow(known, 0.75, "by hand", 9) for known in CLASSES]
        model = add_model(connection, kind, name, digest(name), "compact", thresholds, [])
        set_model_status(connection, model.id, "live", "a test")
        return add_judging_set(connection, f"{name} is live", rules_in_force(deployment.site)).number

    return writing(deployment.engine, work)


def state(deployment: Deployment, run: int) -> tuple[RevisionRow, dict[tuple[str, int | None], tuple[Any, ...]]]:
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, run)
        assert revision is not None
        verdicts = load_verdicts(connection, revision.id)
        found = {
            (item.plot.name, item.chunk): (
                verdicts[item.id].class_name,
                verdicts[item.id].state,
                verdicts[item.id].severity,
            )
            for item in load_items(connection, revision.id)
        }
    return revision, found


def number_of_set(deployment: Deployment, revision: RevisionRow) -> int:
    with reading(deployment.engine) as connection:
        return load_judging_set(connection, revision.judging_set_id or 0).number


def test_a_confident_problem_is_flagged_and_gets_its_heat_maps(deployment: Deployment) -> None:
    number = go_live(deployment, "bad-0.9")
    assert deployment.work(BEAM) == [("images",), (), ("flagged", "bad", "maps_ready"), (), (), ()]
    revision, found = state(deployment, BEAM)
    assert found[("CDC", 0)] == ("Bad", "confirmed", 3)
    assert found[("CDC", 4)] == ("NoData", "no_data", 3)
    assert found[("RICH", None)] == (None, "undetermined", 0)
    assert number_of_set(deployment, revision) == number
    context: RunContext = deployment.context(BEAM)
    maps = read_maps(maps_file(context, revision), revision.maps_sha)
    # Item 0 alone: what is empty, stuck or unreadable says itself why.
    assert {item: [one.kind for one in kept] for item, kept in maps.items()} == {0: ["contrast", "cam"]}
    assert np.unravel_index(maps[0][0].values.argmax(), (3, 4)) == (1, 2)
    assert verify(context).differences == ()
    page = deployment.site.site_pages / f"passes/p/v1/runs/{BEAM}/r1"
    card = json.loads((page / "run.json").read_text(encoding="utf-8"))["cards"][0]
    assert card["model"] == "bad-0.9"
    assert [(page / one["file"]).is_file() for one in card["maps"]] == [True, True]


def test_a_close_call_asks_for_a_label(deployment: Deployment) -> None:
    go_live(deployment, "bad-0.7")
    deployment.work(BEAM)
    assert state(deployment, BEAM)[1][("CDC", 0)] == ("Bad", "unconfirmed", 2)


def test_without_beam_a_network_calls_nobody(deployment: Deployment) -> None:
    go_live(deployment, "bad-0.9")
    deployment.work(DARK)
    assert state(deployment, DARK)[1][("CDC", 1)] == ("Bad", "confirmed", 1)


def test_a_network_without_numbers_is_a_verdict_with_a_next_step(deployment: Deployment) -> None:
    go_live(deployment, "broken")
    deployment.work(BEAM)
    assert state(deployment, BEAM)[1][("CDC", 0)] == (None, "undetermined", 2)
    assert verify(deployment.context(BEAM)).differences == ()


def test_a_run_keeps_the_set_in_force_when_it_was_first_read(deployment: Deployment) -> None:
    first = go_live(deployment, "bad-0.9")
    deployment.work(BEAM, STAGES[:1])
    second = go_live(deployment, "bad-0.1")
    deployment.work(BEAM, STAGES[1:])
    deployment.work(DARK)
    revision, found = state(deployment, BEAM)
    assert found[("CDC", 0)] == ("Bad", "confirmed", 3)
    assert (number_of_set(deployment, revision), number_of_set(deployment, state(deployment, DARK)[0])) == (
        first,
        second,
    )
    assert state(deployment, DARK)[1][("CDC", 1)] == ("Good", "confirmed", 0)
    deployment.put(BEAM, "CDC_0007.png", b"late")
    deployment.want(BEAM)
    deployment.work(BEAM)
    assert number_of_set(deployment, state(deployment, BEAM)[0]) == first
    for run in (BEAM, DARK):
        assert verify(deployment.context(run)).differences == ()


def test_heat_maps_that_are_altered_and_models_without_files_are_named(deployment: Deployment) -> None:
    go_live(deployment, "bad-0.9")
    deployment.work(BEAM)
    revision, _ = state(deployment, BEAM)
    path = maps_file(deployment.context(BEAM), revision)
    path.write_bytes(path.read_bytes()[:-1])
    problems = fsck(deployment.site, deployment.engine).problems
    assert len(problems) == 2
    assert problems[0].startswith(f"p/v1 run {BEAM} r1: ")
    assert path.name in problems[0]
    assert problems[1].startswith("model bad-0.9: ")
    with pytest.raises(DataError):
        read_maps(path, revision.maps_sha)
