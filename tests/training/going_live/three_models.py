"""Three models of one plot type, of which the first is live, and what may be done with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.files import sha256_bytes
from hydra_core.config.site import Site
from hydra_core.labels.request import write_promotion, write_threshold
from hydra_core.labels.send import send
from hydra_core.stages.promotion import EFFECTS, way_back
from hydra_core.store.registry import (
    all_models,
    find_model,
    newest_judging_set,
)
from hydra_core.store.session import reading
from tests.store_samples import CDC

CLASSES = ("Dead", "Good", "NoData")
#: Macro-F1 on the card of each model; the first is live.
MODELS = {"cdc-1": 0.9, "cdc-2": 0.95, "cdc-3": 0.85}
Said = tuple[int, str, str]
Change = Callable[[dict[str, Any]], None]


def promote(site: Site, engine: Engine, name: str, *, who: str, why: str, despite_gate: bool = False) -> str:
    """Let a model go live through a request; return what became of it."""
    request = write_promotion(who, now(), name, why=why, despite_gate=despite_gate)
    return send(site, engine, request, "promote", EFFECTS).said


def roll_back(site: Site, engine: Engine, *, who: str, why: str) -> str:
    """Let the model that was live before go live through a request; return what became of it."""
    with reading(engine) as connection:
        model = way_back(connection, kind_of(engine))
    return send(
        site, engine, write_promotion(who, now(), model.name, why=why, action="rollback"), "promote", EFFECTS
    ).said


def set_threshold(site: Site, engine: Engine, name: str, class_name: str, value: float) -> str:
    """Set a threshold through a request; return what became of it."""
    return send(
        site, engine, write_threshold("Ada", now(), name, class_name, value, why="x"), "threshold", EFFECTS
    ).said


def change_card(folder: Path, change: Change) -> str:
    """Change a model's card and return its identity."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    change(card)
    data = json.dumps(card).encode()
    (folder / "model.json").write_bytes(data)
    return sha256_bytes(data)


def state(engine: Engine) -> tuple[dict[str, str], str, int]:
    """Return the status of each model, the model in the newest judging set, and that set's number."""
    with reading(engine) as connection:
        statuses = {one.name: one.status for one in all_models(connection)}
        newest = newest_judging_set(connection)
    assert newest is not None
    return statuses, newest.models[CDC].model.name, newest.number


def live_is(engine: Engine, name: str) -> int:
    """Check that this model alone is live, and in the newest judging set; return the set's number."""
    statuses, used, number = state(engine)
    assert [one for one, status in statuses.items() if status == "live"] == [name] == [used]
    return number


def kind_of(engine: Engine) -> int:
    with reading(engine) as connection:
        found = find_model(connection, "cdc-1")
    assert found is not None
    return found.plot_type_id


def reason_of(engine: Engine, name: str) -> str:
    with reading(engine) as connection:
        found = find_model(connection, name)
    assert found is not None
    return found.reason
