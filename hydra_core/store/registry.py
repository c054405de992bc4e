"""Models, thresholds and judging sets: what verdicts are made with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey
from hydra_core.store.schema import (
    JudgingSet,
    JudgingSetModel,
    Model,
    ModelThreshold,
    PlotTypeRow,
    TrainingClaim,
    TrainingImage,
)
from hydra_core.store.session import hold_database
from hydra_core.store.upsert import insert_new


@dataclass(frozen=True)
class ModelRow:
    """A model as the database knows it; its folder is named by the plot type and `name`."""

    id: int
    plot: PlotKey
    plot_type_id: int
    name: str
    card_sha: str
    network: str
    status: str
    reason: str
    parent_id: int | None
    made_at: datetime


@dataclass(frozen=True)
class SetModel:
    """What a judging set uses for one plot type."""

    model: ModelRow
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class JudgingSetRow:
    """A judging set with its models."""

    id: int
    number: int
    reason: str
    rules: Mapping[str, Any]
    made_at: datetime
    models: Mapping[PlotKey, SetModel] = field(default_factory=dict)


@dataclass(frozen=True)
class ThresholdRow:
    """Least confidence of a class to be confirmed."""

    class_name: str
    value: float
    method: str
    examples: int


_MODEL = sa.select(
    Model.id,
    PlotTypeRow.name.label("plot_name"),
    PlotTypeRow.chunked,
    Model.plot_type_id,
    Model.name,
    Model.card_sha,
    Model.network,
    Model.status,
    Model.reason,
    Model.parent_id,
    Model.made_at,
).join(PlotTypeRow, PlotTypeRow.id == Model.plot_type_id)


def _model(row: sa.RowMapping) -> ModelRow:
    values = dict(row)
    plot = PlotKey(values.pop("plot_name"), bool(values.pop("chunked")))
    return ModelRow(plot=plot, **values)


def all_models(connection: Connection) -> list[ModelRow]:
    """Return every model, by plot type, newest first."""
    query = _MODEL.order_by(PlotTypeRow.name, PlotTypeRow.chunked, Model.id.desc())
    return [_model(row) for row in connection.execute(query).mappings()]


def model_names(connection: Connection, model_ids: Collection[int]) -> dict[int, str]:
    """Return the names of some models: row -> name."""
    query = sa.select(Model.id, Model.name).where(Model.id.in_(sorted(model_ids)))
    return {row.id: row.name for row in connection.execute(query)}


def find_model(connection: Connection, name: str) -> ModelRow | None:
    """Return the model of that name, or None."""
    row = connection.execute(_MODEL.where(Model.name == name)).mappings().one_or_none()
    return _model(row) if row else None


def get_model(connection: Connection, model_id: int) -> ModelRow:
    """Return the model of that row."""
    return _model(connection.execute(_MODEL.where(Model.id == model_id)).mappings().one())


def live_model(connection: Connection, plot_type_id: int) -> ModelRow | None:
    """Return the model in use for a plot type, or None."""
    query = _MODEL.where(Model.plot_type_id == plot_type_id, Model.status == "live").order_by(Model.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return _model(row) if row else None


def add_model(
    connection: Connection,
    plot_type_id: int,
    name: str,
    card_sha: str,
    network: str,
    thresholds: Sequence[ThresholdRow],
    images: Sequence[tuple[str, str, str]],
) -> ModelRow:
    """Enter a candidate, its thresholds and its training set (SHA-256, class, side), once."""
    parent = live_model(connection, plot_type_id)
    row = {"plot_type_id": plot_type_id, "name": name, "card_sha": card_sha, "network": network}
    more = {"status": "candidate", "reason": "", "parent_id": parent.id if parent else None, "made_at": now()}
    insert_new(connection, Model, [{**row, **more}])
    found = find_model(connection, name)
    if found is None:
        raise AssertionError(f"the model {name} was not entered")
    insert_new(
        connection,
        TrainingImage,
        [{"model_id": found.id, "image_sha": sha, "class_name": known, "side": side} for sha, known, side in images],
    )
    if not thresholds_of(connection, found.id):
        for threshold in thresholds:
            add_threshold(connection, found.id, threshold, who="hydra")
    return found


def add_threshold(
    connection: Connection, model_id: int, threshold: ThresholdRow, *, who: str, at: datetime | None = None
) -> None:
    """Set a threshold, as of now or of `at`; earlier ones stay as history."""
    values = {**vars(threshold), "model_id": model_id, "set_by": who, "set_at": at or now()}
    connection.execute(sa.insert(ModelThreshold).values(**values))


def thresholds_of(connection: Connection, model_id: int) -> dict[str, ThresholdRow]:
    """Return the thresholds of a model that are in force: class -> row."""
    query = sa.select(
        ModelThreshold.class_name, ModelThreshold.value, ModelThreshold.method, ModelThreshold.examples
    ).where(ModelThreshold.model_id == model_id)
    return {
        row.class_name: ThresholdRow(**row._mapping) for row in connection.execute(query.order_by(ModelThreshold.id))
    }


def training_images(connection: Connection, model_id: int) -> list[tuple[str, str, str]]:
    """Return a model's training set: (SHA-256, class, side)."""
    query = sa.select(TrainingImage.image_sha, TrainingImage.class_name, TrainingImage.side)
    rows = connection.execute(query.where(TrainingImage.model_id == model_id).order_by(TrainingImage.image_sha))
    return [(row.image_sha, row.class_name, row.side) for row in rows]


def learned_images(connection: Connection, plot_type_id: int) -> set[str]:
    """Return every image that some model of a plot type was trained or validated with."""
    query = (
        sa.select(TrainingImage.image_sha)
        .join(Model, Model.id == TrainingImage.model_id)
        .where(Model.plot_type_id == plot_type_id, TrainingImage.side.in_(("train", "validation")))
        .distinct()
    )
    return set(connection.execute(query).scalars())


def set_model_status(connection: Connection, model_id: int, status: str, reason: str) -> None:
    """Note what became of a model."""
    connection.execute(sa.update(Model).where(Model.id == model_id).values(status=status, reason=reason))


def load_judging_set(connection: Connection, set_id: int) -> JudgingSetRow:
    """Return a judging set with its models."""
    head = connection.execute(
        sa.select(JudgingSet.id, JudgingSet.number, JudgingSet.reason, JudgingSet.rules, JudgingSet.made_at).where(
            JudgingSet.id == set_id
        )
    ).one()
    chosen = sa.select(JudgingSetModel.model_id, JudgingSetModel.thresholds)
    rows = connection.execute(chosen.where(JudgingSetModel.judging_set_id == set_id)).all()
    query = _MODEL.where(Model.id.in_([row.model_id for row in rows]))
    models = {model.id: model for model in map(_model, connection.execute(query).mappings())}
    found = [SetModel(models[row.model_id], row.thresholds) for row in rows]
    return JudgingSetRow(**head._mapping, models={entry.model.plot: entry for entry in found})


def newest_judging_set(connection: Connection) -> JudgingSetRow | None:
    """Return the judging set with the highest number, or None."""
    query = sa.select(JudgingSet.id).order_by(JudgingSet.number.desc()).limit(1)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else load_judging_set(connection, found)


def add_judging_set(
    connection: Connection, reason: str, rules: Mapping[str, Any], *, back_to_id: int | None = None
) -> JudgingSetRow:
    """Freeze what is live now as the next judging set; if nothing differs from the newest, return that one.

    Parameters
    ----------
    back_to_id
        The model that was taken back, where that is why there is a new set.
    """
    hold_database(connection)
    newest = newest_judging_set(connection)
    live = [
        get_model(connection, model_id)
        for model_id in connection.execute(
            sa.select(Model.id).where(Model.status == "live").order_by(Model.plot_type_id)
        ).scalars()
    ]
    chosen = {
        model.plot: SetModel(model, {name: row.value for name, row in thresholds_of(connection, model.id).items()})
        for model in live
    }
    if newest is not None and dict(newest.rules) == dict(rules) and _same(newest.models, chosen):
        return newest
    number = newest.number + 1 if newest else 1
    row = {"number": number, "reason": reason, "back_to_id": back_to_id, "rules": dict(rules), "made_at": now()}
    connection.execute(sa.insert(JudgingSet).values(**row))
    set_id = connection.execute(sa.select(JudgingSet.id).where(JudgingSet.number == number)).scalar_one()
    for entry in chosen.values():
        connection.execute(
            sa.insert(JudgingSetModel).values(
                judging_set_id=set_id,
                plot_type_id=entry.model.plot_type_id,
                model_id=entry.model.id,
                thresholds=dict(entry.thresholds),
            )
        )
    return load_judging_set(connection, set_id)


def _same(left: Mapping[PlotKey, SetModel], right: Mapping[PlotKey, SetModel]) -> bool:
    def plain(models: Mapping[PlotKey, SetModel]) -> dict[PlotKey, tuple[int, dict[str, float]]]:
        return {key: (entry.model.id, dict(entry.thresholds)) for key, entry in models.items()}

    return plain(left) == plain(right)


def claim_training(connection: Connection, plot_type_id: int, mark: int, owner: str) -> bool:
    """Take one training on; False where somebody else has it or it is done.

    The owner that has it already may go on: that is the same task after a kill.

    Parameters
    ----------
    mark
        Number of labels of archived images that the training starts from.
    owner
        Pass and run of the task.
    """
    row = {"plot_type_id": plot_type_id, "mark": mark, "owner": owner, "state": "running", "outcome": ""}
    insert_new(connection, TrainingClaim, [{**row, "claimed_at": now(), "model_id": None}])
    where = (TrainingClaim.plot_type_id == plot_type_id) & (TrainingClaim.mark == mark)
    found = connection.execute(sa.select(TrainingClaim.owner, TrainingClaim.state).where(where)).one()
    return bool(found.owner == owner and found.state == "running")


def forget_claims(connection: Connection, plot_type_id: int) -> None:
    """Forget the unfinished trainings of a plot type; the caller knows that nobody works on them any more."""
    unfinished = (TrainingClaim.plot_type_id == plot_type_id) & (TrainingClaim.state == "running")
    connection.execute(sa.delete(TrainingClaim).where(unfinished))


def finish_claim(
    connection: Connection, plot_type_id: int, mark: int, state: str, outcome: str, model_id: int | None
) -> None:
    """Note how a training ended."""
    where = (TrainingClaim.plot_type_id == plot_type_id) & (TrainingClaim.mark == mark)
    connection.execute(sa.update(TrainingClaim).where(where).values(state=state, outcome=outcome, model_id=model_id))


@dataclass(frozen=True)
class ClaimRow:
    """A training that was taken on."""

    mark: int
    owner: str
    state: str
    outcome: str


def newest_claim(connection: Connection, plot_type_id: int) -> ClaimRow | None:
    """Return the training of a plot type that saw most labels, or None."""
    query = (
        sa.select(TrainingClaim.mark, TrainingClaim.owner, TrainingClaim.state, TrainingClaim.outcome)
        .where(TrainingClaim.plot_type_id == plot_type_id)
        .order_by(TrainingClaim.mark.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return ClaimRow(**row._mapping) if row else None
