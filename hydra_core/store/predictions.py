"""What models said of images that they had not learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.schema import Prediction
from hydra_core.store.upsert import insert_new


@dataclass(frozen=True)
class NewPrediction:
    """What a model said of one image.

    Attributes
    ----------
    side
        ``validation``, ``test`` or ``gold``.
    label
        The class that people had given the image by then.
    class_name, confidence
        The most probable class, and its probability.
    probs
        Class -> probability.
    """

    image_sha: str
    side: str
    label: str
    class_name: str
    confidence: float
    probs: Mapping[str, float]


def save_predictions(connection: Connection, model_id: int, said: Sequence[NewPrediction]) -> None:
    """Enter what a model said; what it said of an image before stays."""
    insert_new(connection, Prediction, [{**vars(one), "probs": dict(one.probs), "model_id": model_id} for one in said])


def predictions_of(connection: Connection, model_id: int, side: str) -> list[NewPrediction]:
    """Return what a model said of the images of one side, by SHA-256."""
    query = (
        sa.select(
            Prediction.image_sha,
            Prediction.side,
            Prediction.label,
            Prediction.class_name,
            Prediction.confidence,
            Prediction.probs,
        )
        .where(Prediction.model_id == model_id, Prediction.side == side)
        .order_by(Prediction.image_sha)
    )
    return [NewPrediction(**row._mapping) for row in connection.execute(query)]
