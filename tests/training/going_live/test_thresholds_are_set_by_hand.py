from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.engine import Engine

from hydra_core.config.site import Site
from hydra_core.labels.send import sender
from hydra_core.store.registry import (
    ThresholdRow,
    find_model,
    newest_judging_set,
    thresholds_of,
)
from hydra_core.store.session import reading
from tests.store_samples import CDC
from tests.training.going_live.three_models import (
    Said,
    live_is,
    promote,
    set_threshold,
)

pytestmark = pytest.mark.training


def test_a_threshold_by_hand_makes_a_new_judging_set_where_the_model_is_live(
    hydra: Callable[..., Said], engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, printed, _ = hydra("threshold", "cdc-1", "Dead", "0.8", "--why", "too many calls")
    assert code == 0
    line = "Dead of cdc-1 is confirmed from 0.8 on, before from 0.5"
    assert printed == f"{line}, in judging set {before + 1}\n"
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
        found = find_model(connection, "cdc-1")
        assert newest is not None
        assert found is not None
        assert newest.models[CDC].thresholds == {"Dead": 0.8, "Good": 0.5, "NoData": 0.5}
        assert newest.reason == f"threshold of Dead of cdc-1 set to 0.8 by {sender()}: too many calls"
        assert thresholds_of(connection, found.id)["Dead"] == ThresholdRow("Dead", 0.8, "by hand: too many calls", 0)
    code, printed, _ = hydra("threshold", "cdc-2", "Dead", "0.9", "--why", "x")
    assert (code, live_is(engine, "cdc-1")) == (0, before + 1)
    assert printed.endswith("; cdc-2 is retired, so no verdict changes\n")


def test_a_threshold_that_was_set_is_that_of_the_model_when_it_goes_live(site: Site, engine: Engine) -> None:
    set_threshold(site, engine, "cdc-2", "Good", 0.7)
    promote(site, engine, "cdc-2", who="Ada", why="x")
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.models[CDC].thresholds["Good"] == 0.7
