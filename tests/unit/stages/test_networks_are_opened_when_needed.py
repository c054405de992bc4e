from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.names import PlotKey
from hydra_core.intake.images import read_image
from hydra_core.intake.maps import read_maps
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Prediction
from hydra_core.models.pixels import model_input
from hydra_core.models.residual import Residual, fit_residual
from hydra_core.stages import classify as classify_stage
from hydra_core.stages import missing_heat as missing_stage
from hydra_core.stages.context import maps_file
from hydra_core.stages.networks import Shelf
from hydra_core.store.items import load_items
from hydra_core.store.ledger import newest_revision
from hydra_core.store.registry import SetModel, load_judging_set
from hydra_core.store.session import reading
from tests.colours import BAD, CDC, CLASSES, GOOD, ColourNetwork, go_live, plot
from tests.small_deployment import BEAM, STAGES, Deployment


@dataclass(frozen=True)
class Model:
    id: int

    @property
    def plot(self) -> PlotKey:
        return CDC

    @property
    def name(self) -> str:
        return f"m{self.id}"


class Places:
    """As much of a site as a shelf asks: where models lie."""

    def __init__(self, root: Path, sizes: dict[int, int]) -> None:
        self.root = root
        for number, size in sizes.items():
            (root / f"m{number}").mkdir()
            (root / f"m{number}" / "engine.bin").write_bytes(b"\0" * size)

    def model_folder(self, _: PlotKey, name: str) -> Path:
        return self.root / name


def asked_of_a_shelf(root: Path, sizes: dict[int, int], budget: int, order: str) -> list[int]:
    """Return which models were opened, in order, when they were asked for in the order of digits."""
    opened: list[int] = []

    def opener(entry: Any) -> Any:
        opened.append(entry.model.id)
        return f"network {entry.model.id}"

    shelf = Shelf(Places(root, sizes), opener, budget)  # type: ignore[arg-type]
    for digit in order:
        entry: Any = SetModel(Model(int(digit)), {})  # type: ignore[arg-type]
        assert shelf.network(entry) == f"network {digit}"
    return opened


@pytest.mark.parametrize(
    ("budget", "order", "opened"),
    [
        (100, "12321", [1, 2, 3]),
        (20, "1213", [1, 2, 3]),
        (20, "121312", [1, 2, 3, 2]),
        (10, "1122", [1, 2]),
        (5, "121", [1, 2, 1]),
    ],
)
def test_the_network_used_longest_ago_is_closed_first(
    tmp_path: Path, budget: int, order: str, opened: list[int]
) -> None:
    assert asked_of_a_shelf(tmp_path, {1: 10, 2: 10, 3: 10}, budget, order) == opened


def test_a_large_network_makes_room_for_itself(tmp_path: Path) -> None:
    assert asked_of_a_shelf(tmp_path, {1: 4, 2: 4, 3: 9}, 10, "12312") == [1, 2, 3, 1, 2]


@dataclass(frozen=True)
class WithResidual(ColourNetwork):
    residual: Residual | None = None  # type: ignore[assignment]
    own_head: bool = False


def read_input(seed: int) -> np.ndarray:
    return model_input(read_image(plot(GOOD, seed)), InputSpec(size=(24, 32)))


def kinds_of_maps(deployment: Deployment) -> dict[int, list[tuple[str, str]]]:
    deployment.put(BEAM, "CDC_0009.png", plot(BAD, 3))
    deployment.want(BEAM)
    deployment.work(BEAM, STAGES[:4])
    with reading(deployment.engine) as connection:
        revision = newest_revision(connection, deployment.row.id, BEAM)
    assert revision is not None
    found = read_maps(maps_file(deployment.context(BEAM), revision), revision.maps_sha)
    return {number: [(one.kind, one.class_name) for one in kept] for number, kept in found.items()}


@pytest.fixture
def residual() -> Residual:
    made = fit_residual(np.stack([read_input(seed) for seed in range(12)]))
    assert made is not None
    return made


@pytest.fixture
def fresh(deployment: Deployment) -> Deployment:
    deployment.put(BEAM, "metadata.json", b'{"beam_current_nA": 100}')
    go_live(deployment, "colours")
    return deployment


def test_beside_the_reasons_stands_what_differs_from_good(
    fresh: Deployment, residual: Residual, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in (classify_stage, missing_stage):
        monkeypatch.setattr(stage, "open_network", lambda *_, **__: WithResidual(residual=residual))
    kinds = kinds_of_maps(fresh)
    assert [("residual", "Good"), ("contrast", "Bad"), ("cam", "Bad")] in kinds.values()


def test_a_network_with_a_head_of_its_own_claims_no_reasons(fresh: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in (classify_stage, missing_stage):
        monkeypatch.setattr(stage, "open_network", lambda *_, **__: WithResidual(own_head=True))
    assert [("active", "Bad")] in kinds_of_maps(fresh).values()


def test_a_network_judges_with_the_thresholds_of_the_set_and_the_arithmetic_of_the_site(
    fresh: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def opened(_site: Any, model: Any, threads: int, **more: Any) -> ColourNetwork:
        asked.append((model.name, threads, more))
        return ColourNetwork()

    monkeypatch.setattr(classify_stage, "open_network", opened)
    fresh.put(BEAM, "CDC_0000.png", plot(BAD, 1))
    fresh.put(BEAM, "CDC_0001.png", plot(GOOD, 2))
    fresh.want(BEAM)
    fresh.work(BEAM, STAGES[:2])
    assert asked == [("colours", 1, {"thresholds": dict.fromkeys(CLASSES, 0.75), "wish": "auto", "engine": "auto"})]


def test_images_of_many_plot_types_get_the_answers_of_their_own_networks(
    fresh: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sided(ColourNetwork):
        def predict(self, images: np.ndarray, **_: bool) -> Prediction:
            assert len(images) <= 8
            return super().predict(images)

    monkeypatch.setattr(classify_stage, "open_network", lambda *_, **__: Sided())
    for chunk in range(19):
        fresh.put(BEAM, f"CDC_{chunk:04d}.png", plot(BAD if chunk % 3 == 0 else GOOD, chunk))
    fresh.want(BEAM)
    fresh.work(BEAM, STAGES[:1])
    with reading(fresh.engine) as connection:
        revision = newest_revision(connection, fresh.row.id, BEAM)
        assert revision is not None
        items = load_items(connection, revision.id)
        chosen = load_judging_set(connection, revision.judging_set_id or 0)
    rows = classify_stage.look(fresh.context(BEAM), revision, items, chosen)
    said = {row.item_id: row.sentence for row in rows if row.judge == classify_stage.CLASSIFIER and row.model_id}
    wanted = {
        item.id: f"colours says {'Bad' if item.chunk % 3 == 0 else 'Good'}."
        for item in items
        if item.has_image and item.plot.name == "CDC" and item.chunk is not None
    }
    assert len(wanted) == 19
    assert said == wanted
