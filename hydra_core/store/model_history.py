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
    """Return the model that a plot type used last before it came to `model_id`, or None."""
    of_type = JudgingSetModel.plot_type_id == plot_type_id
    query = (
        sa.select(JudgingSetModel.model_id)
        .join(JudgingSet, JudgingSet.id == JudgingSetModel.judging_set_id)
        .where(of_type if model_id is None else of_type & (JudgingSetModel.model_id != model_id))
        .order_by(JudgingSet.number.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else get_model(connection, found)


def live_models(connection: Connection, plot_type_id: int) -> list[ModelRow]:
    """Return the models that are live for a plot type: one, or none."""
    query = sa.select(Model.id).where(Model.plot_type_id == plot_type_id, Model.status == "live").order_by(Model.id)
    return [get_model(connection, found) for found in connection.execute(query).scalars().all()]
