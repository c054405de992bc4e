from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.config.site import Site
from hydra_core.labels import inbox
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_promotion
from hydra_core.labels.send import send
from hydra_core.stages import gate_today, promotion
from hydra_core.stages.promotion import EFFECTS
from hydra_core.store.registry import (
    find_model,
)
from hydra_core.store.session import reading
from tests.training.going_live.three_models import (
    live_is,
    promote,
    state,
)

pytestmark = pytest.mark.training


class Killed(BaseException):
    """What a kill looks like from inside."""


STEPS = {
    "check_request": inbox,
    "write_bytes": inbox,
    "writing": inbox,
    "save_request": inbox,
    "live_models": promotion,
    "set_model_status": promotion,
    "add_judging_set": promotion,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "afterwards"])
@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_kill_anywhere_leaves_one_live_model_and_the_next_call_goes_on(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch, action: str, step: str, when: str
) -> None:
    # The checks of the folder are proven above, and cost most of the time.
    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    if action == "rollback":
        promote(site, engine, "cdc-2", who="Ada", why="x")
    first, last = ("cdc-1", "cdc-2") if action == "promote" else ("cdc-2", "cdc-1")
    before = live_is(engine, first)
    site.inbox.mkdir(exist_ok=True)
    (site.inbox / "request.json").write_bytes(write_promotion("Ada", now(), last, why="x", action=action))
    real = getattr(STEPS[step], step)

    def killed(*arguments: Any, **more: Any) -> Any:
        if when == "afterwards":
            real(*arguments, **more)
        raise Killed

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(STEPS[step], step, killed)
        receive(site, engine, EFFECTS)
    committed = (step, when) == ("writing", "afterwards")
    assert live_is(engine, last if committed else first) == before + committed
    receive(site, engine, EFFECTS)
    assert live_is(engine, last) == before + 1
    assert not list(site.inbox.iterdir())


def _fake_load(engine: Engine) -> Callable[..., Any]:
    class Opened:
        def __init__(self, folder: Path, threads: int) -> None:
            assert threads == 1
            with reading(engine) as connection:
                found = find_model(connection, folder.name)
            self.identity = found.card_sha if found else ""

    return Opened


def test_what_changed_while_the_folder_was_looked_at_is_noticed(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = gate_today.proven_model

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(promotion, "proven_model", real)
        # Somebody with an earlier request, as one with a later one would be refused for that reason.
        early = now() - timedelta(minutes=1)
        send(site, engine, write_promotion("Eve", early, "cdc-3", why="x", despite_gate=True), "promote", EFFECTS)
        return real(*arguments)

    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    monkeypatch.setattr(promotion, "proven_model", slow)
    with pytest.raises(HydraError, match="changed while cdc-2 was looked at"):
        promote(site, engine, "cdc-2", who="Ada", why="x")
    live_is(engine, "cdc-3")


def test_of_two_who_promote_at_once_one_model_is_live(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_today, "load", _fake_load(engine))
    done: list[str] = []

    def act(name: str) -> None:
        with contextlib.suppress(HydraError):
            promote(site, engine, name, who=name, why="x", despite_gate=True)
            done.append(name)

    threads = [threading.Thread(target=act, args=(name,)) for name in ("cdc-2", "cdc-3")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert done
    live_is(engine, done[-1] if len(done) == 1 else state(engine)[1])
