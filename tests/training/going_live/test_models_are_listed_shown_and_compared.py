from __future__ import annotations

from collections.abc import Callable

import pytest

from hydra_core.config.site import Site
from tests.store_samples import CDC
from tests.training.going_live.three_models import (
    Said,
    change_card,
)

pytestmark = pytest.mark.training


def test_a_model_is_shown_with_figures_thresholds_and_when_it_was_live(hydra: Callable[..., Said]) -> None:
    hydra("threshold", "cdc-1", "Dead", "0.8", "--why", "too many calls")
    hydra("promote", "cdc-2", "--why", "x")
    hydra("rollback", CDC.name, "--why", "y")
    code, printed, _ = hydra("show", "cdc-1")
    assert code == 0
    rows = [line.split("  ", 1)[0] for line in printed.splitlines()]
    assert {"model", "network", "test", "accuracy", "recall of Dead", "unconfirmed"} <= set(rows)
    assert "0.80, by hand: too many calls" in printed
    assert "judging set 2 to 3, from " in printed
    assert "judging set 5, from " in printed
    assert rows.count("was live in") == 2
    assert "no judging set" in hydra("show", "cdc-3")[1]


def test_two_models_are_compared_on_the_same_images(hydra: Callable[..., Said]) -> None:
    code, printed, _ = hydra("compare", "cdc-1", "cdc-2")
    assert code == 0
    (line,) = [line for line in printed.splitlines() if line.startswith("macro-F1")]
    assert line.split()[1] == "0.90"
    assert "0.95" in line


def test_a_model_is_not_compared_with_itself(hydra: Callable[..., Said]) -> None:
    code, _, said = hydra("compare", "cdc-1", "cdc-1")
    assert code == 1
    assert "they are one and the same" in said
    assert "train anew" not in said


def test_models_that_were_tested_on_other_images_are_not_compared(hydra: Callable[..., Said], site: Site) -> None:
    folder = site.model_folder(CDC, "cdc-2")
    change_card(folder, lambda card: card["test"].update(images="0" * 64))
    code, _, said = hydra("compare", "cdc-1", "cdc-2")
    assert code == 1
    assert "cannot be compared: they were tested on other images, one on " in said
    change_card(folder, lambda card: card.update(test=None))
    assert "cdc-2 was never tested on runs of its own" in hydra("compare", "cdc-2", "cdc-1")[2]
    assert "none: too few runs" in hydra("show", "cdc-2")[1]


@pytest.mark.parametrize("words", [(), ("list",)])
def test_every_model_is_listed(hydra: Callable[..., Said], words: tuple[str, ...]) -> None:
    code, printed, _ = hydra(*words)
    assert code == 0
    assert [line.split()[1:4] for line in printed.splitlines()[1:]] == [
        ["cdc-3", "tiny", "retired"],
        ["cdc-2", "tiny", "retired"],
        ["cdc-1", "tiny", "live"],
    ]
