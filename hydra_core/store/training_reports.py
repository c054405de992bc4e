"""Training reports: the images of which a model and people said different things, and what the experts answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.store.schema import (
    Image,
    Item,
    Pass,
    Prediction,
    Revision,
    Run,
    TrainingReport,
    TrainingReportResponse,
)
from hydra_core.store.upsert import insert_new

_PART = 500


@dataclass(frozen=True)
class Answer:
    """What an expert answered to an image of a report."""

    model: str
    image_sha: str
    class_name: str
    who: str
    made_at: datetime


@dataclass(frozen=True)
class Report:
    """How often a model disagreed with the labels, of how many images that it had not learned from."""

    model_id: int
    images: int
    disagreements: int
    made_at: datetime


@dataclass(frozen=True)
class Disagreement:
    """An image of which a model says another class than its label said when the model was made."""

    image_sha: str
    side: str
    label: str
    class_name: str
    confidence: float


@dataclass(frozen=True)
class ImagePlace:
    """Where an image is: the archived item that came first; `generation` and `block_index` lead to its bytes."""

    pass_name: str
    run: int
    revision: int
    generation: int
    chunk: int
    block_index: int
    tombstone: str


def save_answers(connection: Connection, request_sha: str, answers: Sequence[Answer]) -> None:
    """Enter what a request answers, once."""
    insert_new(connection, TrainingReportResponse, [{**vars(one), "request_sha": request_sha} for one in answers])


def answers_to(connection: Connection, model: str) -> dict[str, Answer]:
    """Return the newest answer to each image of a model's report: SHA-256 -> answer."""
    of = TrainingReportResponse
    query = (
        sa.select(of.model, of.image_sha, of.class_name, of.who, of.made_at)
        .where(of.model == model)
        .order_by(of.made_at, of.request_sha)
    )
    return {row.image_sha: Answer(**row._mapping) for row in connection.execute(query)}


def save_report(connection: Connection, model_id: int, *, at: datetime | None = None) -> Report | None:
    """Enter the report of a model, as of now or of `at`, or bring its counts up to date; None without predictions."""
    differs = sa.case((Prediction.class_name != Prediction.label, 1), else_=0)
    count = sa.select(sa.func.count(), sa.func.sum(differs)).where(Prediction.model_id == model_id)
    images, disagreements = connection.execute(count).one()
    if not images:
        return None
    counts = {"images": images, "disagreements": int(disagreements)}
    insert_new(connection, TrainingReport, [{"model_id": model_id, **counts, "made_at": at or now()}])
    connection.execute(sa.update(TrainingReport).where(TrainingReport.model_id == model_id).values(**counts))
    return load_report(connection, model_id)


def load_report(connection: Connection, model_id: int) -> Report | None:
    """Return the report of a model, or None where there is none."""
    of = TrainingReport
    query = sa.select(of.model_id, of.images, of.disagreements, of.made_at).where(of.model_id == model_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Report(**row._mapping)


def reported_models(connection: Connection) -> list[int]:
    """Return the models that have a report."""
    return list(connection.execute(sa.select(TrainingReport.model_id).order_by(TrainingReport.model_id)).scalars())


def disagreements(connection: Connection, model_id: int) -> list[Disagreement]:
    """Return the images of which a model says another class than their label, the surest first."""
    of = Prediction
    query = (
        sa.select(of.image_sha, of.side, of.label, of.class_name, of.confidence)
        .where(of.model_id == model_id, of.class_name != of.label)
        .order_by(of.confidence.desc(), of.image_sha)
    )
    return [Disagreement(**row._mapping) for row in connection.execute(query)]


def image_places(connection: Connection, plot_type_id: int, hashes: Sequence[str]) -> dict[str, ImagePlace]:
    """Return where images of a plot type were archived first, by SHA-256."""
    # As a value, not as a join: an empty plot is the same image in thousands of runs, and one of them is enough.
    first = (
        sa.select(Item.id)
        .join(Revision, Revision.id == Item.revision_id)
        .where(
            Item.image_sha == Image.sha256,
            Item.plot_type_id == plot_type_id,
            Revision.state.in_(("archived", "published")),
        )
        .order_by(Item.id)
        .limit(1)
        .correlate(Image)
        .scalar_subquery()
    )
    places = sa.select(Image.sha256, first.label("item_id"))
    found: dict[str, ImagePlace] = {}
    for start in range(0, len(hashes), _PART):
        of_images = connection.execute(places.where(Image.sha256.in_(hashes[start : start + _PART])))
        ids = [row.item_id for row in of_images if row.item_id is not None]
        query = (
            sa.select(
                Item.image_sha,
                Pass.name.label("pass_name"),
                Run.number.label("run"),
                Revision.revision,
                Revision.block_generation.label("generation"),
                Item.chunk,
                Item.block_index,
                Item.tombstone,
            )
            .join(Revision, Revision.id == Item.revision_id)
            .join(Run, Run.id == Revision.run_id)
            .join(Pass, Pass.id == Run.pass_id)
            .where(Item.id.in_(ids))
        )
        for row in connection.execute(query):
            values = dict(row._mapping)
            found.setdefault(values.pop("image_sha"), ImagePlace(**values))
    return found
