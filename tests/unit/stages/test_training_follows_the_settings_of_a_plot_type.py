from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.names import PlotKey
from hydra_core.config.plots import PlotsFile, PlotType
from hydra_core.config.site import DatabaseSection, PathsSection, PeopleFile, Site, SiteFile, SiteSection
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.plots import make_item
from hydra_core.models.asked import InputSpec, TrainSpec
from hydra_core.stages import chosen_network
from hydra_core.stages.emulated_bad import emulate_bad
from hydra_core.stages.retrain import training_spec

CDC = PlotKey("CDC_occupancy", True)


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return a function that gives this machine a GPU or takes it away; first there is none."""

    def has(found: bool) -> None:
        monkeypatch.setattr(chosen_network, "sees_gpu", lambda: found)

    has(False)
    return has


def site(training: dict[str, Any], plot: dict[str, Any], folder: Path = Path("/nowhere")) -> Site:
    sections = SiteFile(
        site=SiteSection(name="x", experiment="x"),
        paths=PathsSection(data_root=Path("/nowhere")),
        database=DatabaseSection(),
        training=training,  # type: ignore[arg-type]
    )
    plots = PlotsFile.model_validate({"plot": [{"name": CDC.name, **plot}]})
    return Site(folder=folder, settings=sections, plots=plots, people=PeopleFile())


def taken(spec: TrainSpec) -> tuple[str, tuple[int, int], str]:
    return spec.network, spec.size, spec.network_why


def test_where_no_network_is_named_the_machine_of_the_training_decides(gpu: Callable[[bool], None]) -> None:
    assert taken(training_spec(site({}, {}), CDC)) == (
        "compact", (128, 128), "compact was taken because there is no GPU for trainings"
    )  # fmt: skip
    gpu(True)
    assert taken(training_spec(site({}, {}), CDC)) == (
        "inceptionv3", (299, 299), "inceptionv3 was taken because this job has a GPU"
    )  # fmt: skip


def test_a_farm_that_asks_for_gpus_decides_too(tmp_path: Path) -> None:
    farm = "[runtime]\n[[TRAINING]]\nplatform = slurm\n[[[directives]]]\n--gpus = 1\n"
    (tmp_path / "farm.cylc").write_text(farm, encoding="utf-8")
    spec = training_spec(site({}, {}, folder=tmp_path), CDC)
    assert taken(spec) == (
        "inceptionv3", (299, 299), "inceptionv3 was taken because farm.cylc asks for GPUs for trainings"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("training", "plot", "network", "size"),
    [
        ({"network": "compact"}, {}, "compact", (128, 128)),
        ({"network": "vgg16", "size": [64, 96]}, {}, "vgg16", (64, 96)),
        ({}, {"network": "tiny"}, "tiny", (128, 128)),
        ({"size": [200, 300]}, {}, "inceptionv3", (200, 300)),
        ({}, {"input": {"size": [192, 192]}}, "inceptionv3", (192, 192)),
        ({"size": [128, 128]}, {}, "compact", (128, 128)),
        ({"network": "compact"}, {"network": "auto"}, "inceptionv3", (299, 299)),
    ],
)
def test_what_is_named_is_kept_on_any_machine(
    gpu: Callable[[bool], None], training: dict[str, Any], plot: dict[str, Any], network: str, size: tuple[int, int]
) -> None:
    gpu(True)
    spec = training_spec(site(training, plot), CDC)
    assert (spec.network, spec.size) == (network, size)
    named = training.get("network", "auto") != "auto" or plot.get("network", "auto") != "auto"
    assert bool(spec.network_why) is (not named or plot.get("network") == "auto")


def test_blocks_keep_pictures_in_the_form_of_the_network_that_will_be_trained(gpu: Callable[[bool], None]) -> None:
    assert chosen_network.chosen_network(site({}, {})).size == (128, 128)
    gpu(True)
    assert chosen_network.chosen_network(site({}, {})).size == (299, 299)


def test_a_plot_type_that_says_nothing_is_trained_as_the_site_says() -> None:
    spec = training_spec(site({"sampling": "normal", "keep": "averaged", "size": [64, 96]}, {}), CDC)
    assert (spec.sampling, spec.keep, spec.size) == ("normal", "averaged", (64, 96))
    assert spec.input == InputSpec(size=(64, 96))
    assert spec.augment == ("shift",)
    assert spec.balance_to == "Bad"


def test_what_a_plot_type_says_counts_before_the_site() -> None:
    plot = {
        "network": "vit_tiny",
        "input": {"size": [80, 80], "aspect": "pad", "masks": [[0, 0, 1, 0.12]]},
        "training": {"sampling": "oversample", "augment": ["flip_x", "rotate90"]},
    }
    spec = training_spec(site({"sampling": "normal"}, plot), CDC)
    assert (spec.network, spec.sampling, spec.augment) == ("vit_tiny", "oversample", ("flip_x", "rotate90"))
    assert spec.input == InputSpec(size=(80, 80), aspect="pad", masks=((0.0, 0.0, 1.0, 0.12),))
    assert training_spec(site({}, plot), PlotKey("another", True)).input == InputSpec()


def test_a_plot_type_has_its_own_policy_of_thresholds() -> None:
    asked = {"thresholds": "recall", "recall": 0.9, "false_alarms": 0.02}
    spec = training_spec(site(asked, {"training": {"thresholds": "false_alarms"}}), CDC)
    assert (spec.thresholds, spec.false_alarms, spec.recall) == ("false_alarms", 0.02, 0.9)
    spec = training_spec(site(asked, {"training": {"false_alarms": 0.05, "recall": 0.8}}), CDC)
    assert (spec.thresholds, spec.false_alarms, spec.recall) == ("recall", 0.05, 0.8)
    for wrong in ({"false_alarms": 0.0}, {"recall": 1.0}, {"thresholds": "best"}):
        with pytest.raises(ValueError, match="CDC_occupancy"):
            PlotType.model_validate({"name": CDC.name, "training": wrong})


def test_the_defaults_of_a_site_are_those_of_a_training() -> None:
    ours, plain = training_spec(site({}, {}), CDC), TrainSpec()
    same = set(TrainSpec.model_fields) - {"epochs", "seed", "network_why"}
    assert {name: getattr(ours, name) for name in same} == {name: getattr(plain, name) for name in same}


@pytest.mark.parametrize("wrong", [{"masks": [[0, 0.2, 1, 0.1]]}, {"size": [8, 8]}, {"aspect": "crop"}])
def test_an_input_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="CDC_occupancy"):
        PlotType.model_validate({"name": CDC.name, "input": wrong})


@pytest.mark.parametrize("name", ["CDC_occupancy", "TOF_time"])
def test_emulated_faults_take_many_boards_and_some_at_a_reduced_rate(name: str) -> None:
    kind = demo_plot(name)
    good = {number: make_item(kind, 1, 121000 + number, 0) for number in range(3)}
    spec = InputSpec(size=(32, 32))
    made = list(emulate_bad(good, 10, spec, scale=kind.scale, size=(96, 64), seed=4))
    assert len(made) == 10
    assert len({one.fault.rsplit(" ", 1)[1] for one in made}) >= (10 if name == "CDC_occupancy" else 8)
    assert {one.fault.split(" of ")[0] for one in made} >= {"dead_board 0", "board_at_30_percent 0.3"}
    assert {one.source for one in made} == {0, 1, 2}
    assert len({one.image_sha for one in made}) == 10
    again = list(emulate_bad(good, 10, spec, scale=kind.scale, size=(96, 64), seed=4))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(made, again, strict=True))


def test_nothing_is_emulated_from_nothing() -> None:
    empty = demo_plot("CDC_occupancy").frame
    spec = InputSpec(size=(32, 32))
    assert list(emulate_bad({}, 5, spec, scale=None, seed=1)) == []
    blank = empty.with_values(np.zeros_like(empty.values))
    assert list(emulate_bad({0: blank}, 5, spec, scale=None, seed=1)) == []
