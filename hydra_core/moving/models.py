"""What the original knows of its models: facts, thresholds and which one was active; never their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from hydra_core.moving.foreign import LONGEST_CLASS, MOST_CLASSES, fraction_of, number_of, plain_value
from hydra_core.moving.moving import Moving
from hydra_core.moving.original import Row
from hydra_core.moving.outcome import Outcome, quoted
from hydra_core.store.earlier import NewEarlierModel, save_models
from hydra_core.store.session import writing

_LONGEST_NAME, _LONGEST_FACT = 190, 1000
#: Columns that are kept as they are; figures and curves are pictures of a page that is gone.
_FACTS = (
    "location", "input_shape", "epochs", "early_stop_quantity", "early_stop_value", "sampling", "merged",
    "learning_rate", "anneal_epochs", "tensorflow", "python", "keras",
)  # fmt: skip


def take_models(moving: Moving) -> dict[int, NewEarlierModel]:
    """Take the facts of every model over; return them by number."""
    active = {one.active_model for one in moving.types.values()}
    thresholds, images = _thresholds(moving), _training_images(moving)
    found: dict[int, NewEarlierModel] = {}
    for row in moving.original.rows("Models"):
        number = number_of(row.get("id"))
        if number is None:
            moving.outcome.leave("facts of models", "there is no number")
            continue
        theirs = moving.types.get(number_of(row.get("plot_type")) or 0)
        facts: dict[str, Any] = {name: _fact(row.get(name)) for name in _FACTS if row.get(name) is not None}
        if number in images:
            facts["training_images"] = images[number]
        found[number] = NewEarlierModel(
            number=number,
            plot_type_id=None if theirs is None else moving.rows[theirs.plot],
            parent=number_of(row.get("parent")),
            name=str(row.get("name") or "")[:_LONGEST_NAME],
            active=number in active,
            classes=_labels(row),
            thresholds=thresholds.get(number, {}),
            facts=facts,
            made_at=moving.instants.instant(row.get("at")),
        )
    writing(moving.engine, lambda connection: save_models(connection, moving.import_id, list(found.values())))
    _count(list(found.values()), moving.outcome)
    return found


def _count(models: Sequence[NewEarlierModel], outcome: Outcome) -> None:
    outcome.take("facts of models", len(models))
    outcome.leave("files of models", "networks of the original cannot be used here; train on the labels", len(models))
    for model in models:
        if model.plot_type_id is None:
            outcome.leave(
                f"plot type of model {model.number} {quoted(model.name)}", "it is not there, or was not taken"
            )
        if not model.classes:
            outcome.leave("classes of models", "they cannot be read")


def _labels(row: Row) -> list[str]:
    value = plain_value(row.get("labels"))
    names: Collection[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    fitting = [name for name in names if isinstance(name, str) and 0 < len(name) <= LONGEST_CLASS]
    return fitting if len(fitting) == len(names) <= MOST_CLASSES else []


def _fact(value: object) -> str | int | float | None:
    if isinstance(value, int | float):
        return fraction_of(value)
    return str(value)[:_LONGEST_FACT]


def _thresholds(moving: Moving) -> dict[int, dict[str, Any]]:
    """Return of each model: class -> value and method; the newest one of a class counts."""
    found: dict[int, dict[str, Any]] = {}
    for batch in moving.original.batches("ModelThresholds"):
        for row in batch:
            model, known, value = number_of(row.get("model")), moving.class_of(row), fraction_of(row.get("value"))
            if model is None or not known or value is None:
                moving.outcome.leave("thresholds of models", "model, class or value cannot be read")
                continue
            found.setdefault(model, {})[known] = {"value": value, "method": str(row.get("method") or "")[:100]}
    return found


def _training_images(moving: Moving) -> Counter[int]:
    found: Counter[int] = Counter()
    for batch in moving.original.batches("Training_Sets"):
        found.update(number for row in batch if (number := number_of(row.get("model"))) is not None)
    return found
