"""Where models were live: what the judging sets remember."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.registry import ModelRow, get_model
from hydra_core.store.schema import JudgingSet, JudgingSetModel, Model


@dataclass(frozen=True)
class UsedIn:
    """A judging set that uses a model."""

    number: int
    reason: str
    made_at: datetime


def went_live(name: str, reason: str) -> str:
    """Return the reason of a judging set that a model's going live began."""
    return f"{name} went live: {reason}"


def live_again(name: str, reason: str) -> str:
    """Return the reason of a judging set that a way back began."""
    return f"{name} is live again: {reason}"


def sets_with(connection: Connection, model_id: int) -> list[UsedIn]:
    """Return the judging sets that use a model, oldest first."""
    query = (
        sa.select(JudgingSet.number, JudgingSet.reason, JudgingSet.made_at)
        .join(JudgingSetModel, JudgingSetModel.judging_set_id == JudgingSet.id)
        .where(JudgingSetModel.model_id == model_id)
        .order_by(JudgingSet.number)
    )
    return [UsedIn(row.number, row.reason, row.made_at) for row in connection.execute(query)]


def live_before(connection: Connection, plot_type_id: int, model_id: int | None) -> ModelRow | None:
    """Return the model that was live before `model_id` in the line of those that went live, or None.

    A way back is no step of that line but undoes its last ones, so that a second way back leads further back, and not
    to the model that was just left.
    """
    query = (
        sa.select(JudgingSetModel.model_id, JudgingSet.back_to_id)
        .join(JudgingSet, JudgingSet.id == JudgingSetModel.judging_set_id)
        .where(JudgingSetModel.plot_type_id == plot_type_id)
        .order_by(JudgingSet.number)
    )
    line: list[int] = []
    for row in connection.execute(query):
        if line and line[-1] == row.model_id:
            continue
        if row.back_to_id == row.model_id and row.model_id in line:
            del line[_last(line, row.model_id) + 1 :]
        else:
            line.append(row.model_id)
    if model_id in line:
        del line[_last(line, model_id) :]
    return get_model(connection, line[-1]) if line else None


def _last(line: list[int], model_id: int) -> int:
    return len(line) - 1 - line[::-1].index(model_id)


def live_models(connection: Connection, plot_type_id: int) -> list[ModelRow]:
    """Return the models that are live for a plot type: one, or none."""
    query = sa.select(Model.id).where(Model.plot_type_id == plot_type_id, Model.status == "live").order_by(Model.id)
    return [get_model(connection, found) for found in connection.execute(query).scalars().all()]
