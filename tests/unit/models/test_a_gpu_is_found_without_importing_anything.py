from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.models import precision
from hydra_core.models.engine import BATCH
from hydra_core.models.gpu import GPU_BATCH, sees_gpu
from hydra_core.models.precision import engine_for, images_at_a_time


@pytest.fixture(scope="module")
def one_card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodes(tmp_path_factory.mktemp("one"), "nvidia0", "nvidiactl", "nvidia-uvm", "null")


def nodes(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("nvidia0",), True),
        (("nvidia11", "nvidiactl"), True),
        (("dxg",), True),
        (("nvidiactl", "nvidia-uvm", "nvidia-modeset"), False),
        (("nvidia0-old", "my-nvidia0"), False),
        ((), False),
    ],
)
def test_a_card_is_a_device_node_of_its_own(tmp_path: Path, names: tuple[str, ...], found: bool) -> None:
    assert sees_gpu(nodes(tmp_path, *names), {}) is found


def test_a_folder_that_cannot_be_listed_holds_no_card(tmp_path: Path) -> None:
    assert not sees_gpu(tmp_path / "nothing", {})


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("0", True),
        (" 0 ,1", True),
        ("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", True),
        ("MIG-c2ff0a8b", True),
        ("", False),
        ("-1", False),
        ("-1,0", False),
        ("NoDevFiles", False),
        ("1", False),
    ],
)
def test_cuda_sees_what_its_variable_names_first(one_card: Path, visible: str, found: bool) -> None:
    assert sees_gpu(one_card, {"CUDA_VISIBLE_DEVICES": visible}) is found


@pytest.mark.parametrize(
    ("given_by_slurm", "found"),
    [
        ({}, False),
        ({"CUDA_VISIBLE_DEVICES": "0"}, True),
        ({"SLURM_JOB_GPUS": "3"}, True),
        ({"SLURM_GPUS_ON_NODE": "1"}, True),
        ({"SLURM_GPUS_ON_NODE": "1", "CUDA_VISIBLE_DEVICES": "-1"}, False),
    ],
)
def test_a_slurm_job_has_the_cards_that_it_was_given_and_no_others(
    one_card: Path, given_by_slurm: dict[str, str], found: bool
) -> None:
    assert sees_gpu(one_card, {"SLURM_JOB_ID": "77", **given_by_slurm}) is found


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_without_a_device_no_variable_makes_a_gpu(environment: dict[str, str]) -> None:
    assert not sees_gpu(Path(__file__).parent, environment)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that says what the machine shows, and what TensorFlow finds of it."""

    def shows(*, card: bool, found: int) -> None:
        engine_for.cache_clear()
        monkeypatch.setattr(precision, "sees_gpu", lambda: card)
        monkeypatch.setattr(precision, "gpus", lambda: found)

    yield shows
    engine_for.cache_clear()


@pytest.mark.parametrize(
    ("card", "found", "used", "lines"),
    [(False, 5, "openvino", 0), (True, 1, "tensorflow", 0), (True, 0, "openvino", 1)],
)
def test_auto_is_tensorflow_where_it_finds_the_gpu(machine: Any, card: bool, found: int, used: str, lines: int) -> None:
    machine(card=card, found=found)
    told: list[str] = []
    tell = told.append
    assert [engine_for("auto", tell) for _ in range(3)] == [used] * 3
    assert len(told) == lines


def test_what_is_named_is_used_whatever_the_machine_has(machine: Any) -> None:
    machine(card=True, found=1)
    assert engine_for("openvino") == "openvino"
    machine(card=False, found=0)
    assert engine_for("tensorflow") == "tensorflow"


def test_more_images_are_handed_over_at_a_time_where_a_gpu_is(machine: Any) -> None:
    machine(card=True, found=0)
    assert [images_at_a_time(name) for name in ("auto", "tensorflow", "openvino")] == [GPU_BATCH, GPU_BATCH, BATCH]
    machine(card=False, found=1)
    assert [images_at_a_time(name) for name in ("auto", "tensorflow", "openvino")] == [BATCH, GPU_BATCH, BATCH]
