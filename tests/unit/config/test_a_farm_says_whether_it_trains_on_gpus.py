from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.config.farm import trains_on_gpus

DOCUMENT = Path(__file__).parents[3] / "docs" / "farm.md"
SHIPPED = Path(__file__).parents[3] / "site-config" / "demo" / "farm.cylc"


def farm(option: str, *, family: str = "TRAINING", platform: str = "slurm") -> str:
    return (
        "[scheduling]\n    [[queues]]\n        [[[training]]]\n            limit = 1\n"
        f"[runtime]\n    [[root]]\n        platform = {platform}\n        [[[directives]]]\n            --mem = 2G\n"
        f"    [[{family}]]\n        [[[directives]]]\n            {option}\n"
        "        [[[environment]]]\n            X = 1\n"
    )


@pytest.mark.parametrize(
    "option",
    [
        "--gpus = 1", "--gpus=a100:2", "-G = 1", "--gpus-per-node = 4", "--gpus-per-task = {{ CARDS }}",
        "--gres = gpu", "--gres = gpu:1", '--gres = "gpu:a100:2"', "--gres = license:1,gpu:1",
        "--tres-per-task = gres/gpu:1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("family", ["TRAINING", "retrain", "root", "INFERENCE, TRAINING"])
def test_cards_that_are_asked_for_are_found(option: str, family: str) -> None:
    assert trains_on_gpus(farm(option, family=family))


@pytest.mark.parametrize(
    "option",
    [
        "--gpus = 0",
        "--gres = gpu:0",
        "--gres = tmpdir:10",
        "--partition = gpu",
        "--constraint = gpu",
        "# --gpus = 1",
        "",
    ],
)
def test_a_directive_that_asks_for_no_card_is_none(option: str) -> None:
    assert not trains_on_gpus(farm(option))


def test_only_what_trainings_inherit_counts() -> None:
    assert not trains_on_gpus(farm("--gpus = 1", family="INFERENCE"))
    assert not trains_on_gpus(farm("--gpus = 1").replace("[runtime]", "[meta]"))


def test_trainings_on_this_machine_ask_no_farm() -> None:
    assert not trains_on_gpus(farm("--gpus = 1", platform="localhost"))
    assert not trains_on_gpus(farm("--gpus = 1").replace("platform = slurm", ""))
    here = farm("--gpus = 1") + "    [[retrain]]\n        platform = localhost\n"
    assert not trains_on_gpus(here)


def test_the_family_of_trainings_overrides_what_all_jobs_ask_for() -> None:
    everywhere = farm("--gpus = 1", family="root")
    assert trains_on_gpus(everywhere)
    assert not trains_on_gpus(everywhere + "    [[TRAINING]]\n        [[[directives]]]\n            --gpus = 0\n")


def test_comments_of_a_template_are_not_read() -> None:
    assert not trains_on_gpus(farm("{# --gpus = 1\n --gres = gpu:1 #}"))


def test_the_farm_that_is_shipped_has_no_gpu_and_the_one_of_the_documents_says_how_to_ask_for_one() -> None:
    assert not trains_on_gpus(SHIPPED.read_text(encoding="utf-8"))
    told = re.findall(r"```cylc\n# farm\.cylc\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert [trains_on_gpus(one) for one in told] == [False, True]


@given(st.text(), st.lists(st.sampled_from(["[runtime]", "[[root]]", "[[[directives]]]", "--gpus = 1", "x"])))
def test_any_text_can_be_read(text: str, lines: list[str]) -> None:
    assert trains_on_gpus(text) in (True, False)
    assert trains_on_gpus("\n".join(lines)) is False
