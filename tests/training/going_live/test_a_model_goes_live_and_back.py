from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError, RequestError
from hydra_core.config.site import Site
from hydra_core.labels.request import write_promotion, write_threshold
from hydra_core.labels.send import send, sender
from hydra_core.stages.judging import current_set
from hydra_core.stages.promotion import EFFECTS
from hydra_core.store.registry import (
    find_model,
    newest_judging_set,
    set_model_status,
)
from hydra_core.store.session import reading, writing
from tests.store_samples import CDC, RICH
from tests.training.going_live.three_models import (
    Said,
    live_is,
    promote,
    reason_of,
    roll_back,
    set_threshold,
    state,
)

pytestmark = pytest.mark.training


def test_a_model_that_is_promoted_replaces_the_live_one_in_a_new_judging_set(
    hydra: Callable[..., Said], site: Site, engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, printed, _ = hydra("promote", "cdc-2", "--why", "the new  boards")
    assert code == 0
    assert printed.startswith(f"cdc-2 is live in judging set {before + 1}: macro-F1 0.950 against the live model's")
    assert live_is(engine, "cdc-2") == before + 1
    assert reason_of(engine, "cdc-2") == f"promoted by {sender()}: the new boards"
    assert reason_of(engine, "cdc-1") == f"replaced by cdc-2, promoted by {sender()}: the new boards"
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
        assert newest is not None
        assert newest.reason == f"cdc-2 went live: promoted by {sender()}: the new boards"
        assert newest == current_set(connection, site)
    assert "cdc-2" in (site.site_pages / "library.html").read_text(encoding="utf-8")


def test_a_model_that_the_gate_refuses_goes_live_only_where_somebody_insists(
    hydra: Callable[..., Said], engine: Engine
) -> None:
    before = live_is(engine, "cdc-1")
    code, _, said = hydra("promote", "cdc-3", "--why", "x")
    assert code == 7
    assert "the gate keeps cdc-3 out: macro-F1 0.850 is worse than the live model's 0.900" in said
    assert live_is(engine, "cdc-1") == before
    code, printed, _ = hydra("promote", "cdc-3", "--why", "x", "--despite-gate")
    assert code == 0
    assert "against the gate: macro-F1 0.850 is worse" in printed
    assert live_is(engine, "cdc-3") == before + 1
    assert "promoted by" in reason_of(engine, "cdc-3")
    assert "(against the gate: macro-F1 0.850 is worse" in reason_of(engine, "cdc-3")


def test_what_was_kept_out_at_its_training_stays_out_for_the_same_reason(site: Site, engine: Engine) -> None:
    def reject(connection: Connection) -> None:
        found = find_model(connection, "cdc-2")
        assert found is not None
        set_model_status(connection, found.id, "rejected", "it squints")

    writing(engine, reject)
    with pytest.raises(HydraError, match="the gate keeps cdc-2 out: it squints"):
        promote(site, engine, "cdc-2", who="Ada", why="x")


def test_a_live_model_whose_card_is_gone_can_be_replaced_by_somebody_who_insists(site: Site, engine: Engine) -> None:
    (site.model_folder(CDC, "cdc-1") / "model.json").unlink()
    with pytest.raises(HydraError, match="the live model cannot be compared"):
        promote(site, engine, "cdc-2", who="Ada", why="x")
    promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)
    live_is(engine, "cdc-2")


def test_the_way_back_leads_to_the_model_that_was_live_before(hydra: Callable[..., Said], engine: Engine) -> None:
    hydra("promote", "cdc-2", "--why", "x")
    before = live_is(engine, "cdc-2")
    # The gate would refuse it: it is worse.
    code, printed, _ = hydra("rollback", CDC.name, "--why", "it calls everything Dead")
    assert code == 0
    assert printed == f"cdc-1 is live again in judging set {before + 1}, instead of cdc-2\n"
    assert live_is(engine, "cdc-1") == before + 1
    assert reason_of(engine, "cdc-1") == f"taken back by {sender()}: it calls everything Dead"
    # Nothing was live before it: the way back does not lead to the model that was just left.
    code, _, said = hydra("rollback", CDC.name, "--why", "it was the plots")
    assert code == 1
    assert "no other model was live for this plot type before" in said
    live_is(engine, "cdc-1")


def test_the_way_back_leads_further_back_each_time_and_on_from_where_it_led(site: Site, engine: Engine) -> None:
    for name in ("cdc-2", "cdc-3", "cdc-1"):
        promote(site, engine, name, who="Ada", why="x", despite_gate=True)
    led = []
    for _ in range(2):
        roll_back(site, engine, who="Ada", why="x")
        led.append(state(engine)[1])
    assert led == ["cdc-3", "cdc-2"]
    # Of what was taken back nothing counts any more for what is promoted from here.
    promote(site, engine, "cdc-3", who="Ada", why="x", despite_gate=True)
    for wanted in ("cdc-2", "cdc-1"):
        roll_back(site, engine, who="Ada", why="x")
        live_is(engine, wanted)
    with pytest.raises(HydraError, match="no other model was live"):
        roll_back(site, engine, who="Ada", why="x")


def test_a_threshold_between_promotions_is_no_step_on_the_way_back(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    set_threshold(site, engine, "cdc-2", "Dead", 0.8)
    roll_back(site, engine, who="Ada", why="x")
    live_is(engine, "cdc-1")


def test_a_way_back_to_another_model_than_the_one_before_is_refused(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    request = write_promotion("Ada", now(), "cdc-3", why="x", action="rollback")
    with pytest.raises(RequestError, match="the way back does not lead to cdc-3 but to cdc-1"):
        send(site, engine, request, "promote", EFFECTS)
    live_is(engine, "cdc-2")


def test_a_request_that_was_made_before_the_last_one_changes_nothing(site: Site, engine: Engine) -> None:
    early = now()
    promote(site, engine, "cdc-2", who="Ada", why="x")
    with pytest.raises(RequestError, match="it was not made after the decision of Ada"):
        send(site, engine, write_promotion("Eve", early, "cdc-3", why="x", despite_gate=True), "promote", EFFECTS)
    live_is(engine, "cdc-2")
    set_threshold(site, engine, "cdc-2", "Dead", 0.8)
    with pytest.raises(RequestError, match="it was not made after the decision of Ada"):
        send(site, engine, write_threshold("Eve", early, "cdc-2", "Dead", 0.3, why="x"), "threshold", EFFECTS)
    # Another class is another matter.
    send(site, engine, write_threshold("Eve", early, "cdc-2", "Good", 0.3, why="x"), "threshold", EFFECTS)
    with reading(engine) as connection:
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.models[CDC].thresholds == {"Dead": 0.8, "Good": 0.3, "NoData": 0.5}


def test_there_is_no_way_back_from_the_first_model(hydra: Callable[..., Said], engine: Engine) -> None:
    code, _, said = hydra("rollback", CDC.name, "--why", "x")
    assert code == 1
    assert "no other model was live for this plot type before" in said
    assert "no other model was live" in hydra("rollback", RICH.name, "--why", "x")[2]
    live_is(engine, "cdc-1")
