from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.stages import chosen_network
from hydra_core.stages.library_view import library_view
from hydra_core.stages.model_words import model_facts
from hydra_core.stages.retrain import DueType, train_type
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import claim_training, find_model
from hydra_core.store.session import reading, writing
from tests import colours
from tests.small_deployment import STAGES, Deployment, a_plot

CDC = PlotKey("CDC", True)
RUN = 11


@pytest.fixture
def lines_of(make: Callable[[str], Deployment], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that begins a training without labels, by the settings of a site, and returns its log."""

    def begin(settings: str, *, gpu: bool) -> list[str]:
        monkeypatch.setattr(chosen_network, "sees_gpu", lambda: gpu)
        found = make("site")
        with (found.site.folder / "site.toml").open("a", encoding="utf-8") as file:
            file.write(f"[training]\n{settings}\n")
        found = replace(found, site=load_site(found.site.folder))
        found.put(RUN, "CDC_0000.png", a_plot(1))
        found.want(RUN)
        found.work(RUN, STAGES[:1])
        with reading(found.engine) as connection:
            kind = all_plot_types(connection)[CDC]
        writing(found.engine, lambda connection: claim_training(connection, kind, 0, "test"))
        lines: list[str] = []
        told = train_type(found.site, found.engine, DueType(CDC, kind, 0), lines.append, threads=1)
        assert "was not trained" in told
        return lines

    return begin


@pytest.mark.parametrize(
    ("gpu", "line"),
    [
        (False, "compact was taken because there is no GPU for trainings"),
        (True, "inceptionv3 was taken because this job has a GPU"),
    ],
)
def test_the_log_says_which_network_nobody_named(lines_of: Callable[..., list[str]], gpu: bool, line: str) -> None:
    assert lines_of("", gpu=gpu)[0] == line


def test_the_log_says_nothing_of_a_network_that_was_named(lines_of: Callable[..., list[str]]) -> None:
    assert lines_of('network = "tiny"', gpu=True)[0].startswith("training ")


def test_the_log_warns_of_an_input_that_is_too_small(lines_of: Callable[..., list[str]]) -> None:
    line = lines_of('network = "inceptionv3"', gpu=False)[0]
    assert line.startswith("inceptionv3 at 128 x 128 pixels ends in 2 x 2 places, too few")


@pytest.mark.parametrize("why", ["", "inceptionv3 was taken because this job has a GPU"])
def test_card_command_and_page_say_why(
    make: Callable[[str], Deployment], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    write = colours.write_card
    training = {**colours.card(datetime(2026, 1, 1, tzinfo=UTC))["training"], "spec": {"network_why": why}}

    def with_reason(folder: Path, day: int) -> str:
        return write(folder, day, training=training)

    monkeypatch.setattr(colours, "write_card", with_reason)
    found = make("site")
    found.put(RUN, "CDC_0000.png", a_plot(1))
    found.want(RUN)
    found.work(RUN, STAGES[:1])
    colours.go_live(found, "first")
    with reading(found.engine) as connection:
        model = find_model(connection, "first")
        assert model is not None
        told = dict(model_facts(connection, found.site, model))
        (page,) = [one for one in library_view(connection, found.site).models if one.name == "first"]
    assert told.get("why this network", "") == dict(page.facts).get("why this network", "") == why
