"""Entering what is known from files: rows with the times and numbers that they had, each of them once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.ledger import want_run
from hydra_core.store.registry import ModelRow, ThresholdRow, add_threshold, claim_training, find_model, finish_claim
from hydra_core.store.schema import (
    JudgingSet,
    JudgingSetModel,
    Label,
    Model,
    Pass,
    Request,
    Revision,
    Run,
    TrainingImage,
)
from hydra_core.store.upsert import insert_new

# Not passes: they come first, and a rebuild that was stopped right then has entered nothing else.
_OF_A_SITE = {"runs": Run, "models": Model, "labels": Label, "requests": Request}
_ARCHIVED = Revision.state.in_(("archived", "published"))


def content_of(connection: Connection) -> dict[str, int]:
    """Return how many rows the tables hold that a database in use fills; empty ones are left out."""
    counted = {
        name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
        for name, table in _OF_A_SITE.items()
    }
    return {name: count for name, count in counted.items() if count}


def unjudged_archived(connection: Connection) -> int:
    """Return how many archived revisions have no verdicts: none in a database in use, for judging comes first."""
    query = sa.select(sa.func.count(Revision.id)).where(_ARCHIVED, Revision.judged_at.is_(None))
    return int(connection.execute(query).scalar_one())


def restore_pass(
    connection: Connection, *, name: str, workflow: str, runs: tuple[int, int], source: str, state: str, at: datetime
) -> None:
    """Enter a pass as it was; one that is there already stays as it is."""
    row = {"name": name, "workflow": workflow, "first_run": runs[0], "last_run": runs[1], "source": source}
    insert_new(connection, Pass, [{**row, "state": state, "created_at": at, "closed_at": None}])


def restore_revision(
    connection: Connection, pass_id: int, *, run: int, name: str, folder: str, revision: int, values: Mapping[str, Any]
) -> int:
    """Enter a revision, and its run where it is the first, with the columns that are known; return its row."""
    run_id = want_run(connection, pass_id, run, name, folder, at=values["wanted_at"])
    insert_new(connection, Revision, [{"run_id": run_id, "revision": revision, **values}])
    where = (Revision.run_id == run_id) & (Revision.revision == revision)
    return int(connection.execute(sa.select(Revision.id).where(where)).scalar_one())


def restore_model(
    connection: Connection,
    *,
    plot_type_id: int,
    name: str,
    card_sha: str,
    network: str,
    status: str,
    reason: str,
    at: datetime,
    thresholds: Sequence[ThresholdRow],
    mark: int | None,
) -> ModelRow:
    """Enter a model with its thresholds, and the training that made it; one that is there already stays as it is.

    Parameters
    ----------
    mark
        Number of labels that its training started from, where that is known.
    """
    known = find_model(connection, name)
    if known is not None:
        return known
    values = {"plot_type_id": plot_type_id, "name": name, "card_sha": card_sha, "network": network}
    more = {"status": status, "reason": reason, "parent_id": None, "made_at": at}
    connection.execute(sa.insert(Model).values(**values, **more))
    found = find_model(connection, name)
    if found is None:
        raise AssertionError(f"the model {name} was not entered")
    for threshold in thresholds:
        add_threshold(connection, found.id, threshold, who="hydra")
    if mark is not None and claim_training(connection, plot_type_id, mark, "rebuild-db"):
        finish_claim(connection, plot_type_id, mark, "done", f"{name} is {status}: {reason}", found.id)
    return found


def restore_training_images(connection: Connection, model_id: int, images: Sequence[tuple[str, str, str]]) -> None:
    """Enter a model's training set, (SHA-256, class, side); what is there already stays as it is."""
    rows = [{"model_id": model_id, "image_sha": sha, "class_name": known, "side": side} for sha, known, side in images]
    insert_new(connection, TrainingImage, rows)


def restore_judging_set(
    connection: Connection,
    *,
    number: int,
    reason: str,
    back_to_id: int | None,
    rules: Mapping[str, Any],
    at: datetime,
    models: Collection[tuple[ModelRow, Mapping[str, float]]],
) -> int:
    """Enter a judging set under the number that it had; return its row. One that is there already stays as it is."""
    row = {"number": number, "reason": reason, "back_to_id": back_to_id, "rules": dict(rules), "made_at": at}
    insert_new(connection, JudgingSet, [row])
    set_id = int(connection.execute(sa.select(JudgingSet.id).where(JudgingSet.number == number)).scalar_one())
    rows = [
        {
            "judging_set_id": set_id,
            "plot_type_id": model.plot_type_id,
            "model_id": model.id,
            "thresholds": dict(thresholds),
        }
        for model, thresholds in models
    ]
    insert_new(connection, JudgingSetModel, rows)
    return set_id


def judging_set_ids(connection: Connection) -> dict[int, int]:
    """Return the row of every judging set: number -> row."""
    query = sa.select(JudgingSet.number, JudgingSet.id)
    return {row.number: row.id for row in connection.execute(query)}
