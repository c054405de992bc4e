"""Models: what they learned from, what they said, what they are worth, and the sets that judge with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from hydra_core.store.columns import Sha256, long_text, name_type
from hydra_core.store.schema.base import TABLE_OPTIONS, Base, reference


class Model(Base):
    """A trained network; its files are named by the hash of their card."""

    __tablename__ = "models"
    __table_args__ = (sa.Index(None, "plot_type_id", "status"), TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"))
    name: Mapped[str] = mapped_column(name_type(120), unique=True)
    card_sha: Mapped[str] = mapped_column(Sha256)
    network: Mapped[str] = mapped_column(sa.String(40))
    status: Mapped[str] = mapped_column(sa.String(12))  # candidate | live | rejected | retired
    reason: Mapped[str] = mapped_column(long_text())
    parent_id: Mapped[int | None] = mapped_column(reference("models.id"))
    made_at: Mapped[datetime]


class TrainingImage(Base):
    """An image that a model was trained, validated or tested on, with the label it had then."""

    __tablename__ = "training_images"
    model_id: Mapped[int] = mapped_column(reference("models.id", cascade=True), primary_key=True)
    image_sha: Mapped[str] = mapped_column(Sha256, primary_key=True)
    class_name: Mapped[str] = mapped_column(name_type(40))
    side: Mapped[str] = mapped_column(sa.String(12))  # train | validation | test


class Prediction(Base):
    """What a model said, when it was made, of an image that it had not learned from."""

    __tablename__ = "predictions"
    model_id: Mapped[int] = mapped_column(reference("models.id", cascade=True), primary_key=True)
    image_sha: Mapped[str] = mapped_column(Sha256, primary_key=True)
    side: Mapped[str] = mapped_column(sa.String(12))  # validation | test | gold
    label: Mapped[str] = mapped_column(name_type(40))  # the class that people had given it by then
    class_name: Mapped[str] = mapped_column(name_type(40))
    confidence: Mapped[float] = mapped_column(sa.Double)
    probs: Mapped[dict[str, Any]]


class TrainingReport(Base):
    """The images of which a new model and the labels said different things, put before the experts.

    The images themselves are those of `Prediction` whose class is not their label.
    """

    __tablename__ = "training_reports"
    model_id: Mapped[int] = mapped_column(reference("models.id", cascade=True), primary_key=True)
    images: Mapped[int]
    disagreements: Mapped[int]
    made_at: Mapped[datetime]


class TrainingReportResponse(Base):
    """An expert's answer to an image of a training report: the label stays, or becomes another one.

    It holds what its request says and nothing else, so that it can be entered before the model is.
    """

    __tablename__ = "training_report_responses"
    __table_args__ = (sa.Index(None, "request_sha"), TABLE_OPTIONS)
    model: Mapped[str] = mapped_column(name_type(120), primary_key=True)
    request_sha: Mapped[str] = mapped_column(Sha256, reference("requests.sha256"), primary_key=True)
    image_sha: Mapped[str] = mapped_column(Sha256, primary_key=True)
    class_name: Mapped[str] = mapped_column(name_type(40))
    who: Mapped[str] = mapped_column(name_type(120))
    made_at: Mapped[datetime]


class ModelThreshold(Base):
    """Least confidence of a class to be confirmed, who set it and how; rows are only added."""

    __tablename__ = "model_thresholds"
    __table_args__ = (sa.Index(None, "model_id"), TABLE_OPTIONS)
    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(reference("models.id", cascade=True))
    class_name: Mapped[str] = mapped_column(name_type(40))
    value: Mapped[float] = mapped_column(sa.Double)
    method: Mapped[str] = mapped_column(sa.String(100))
    examples: Mapped[int]
    set_by: Mapped[str] = mapped_column(name_type(120))
    set_at: Mapped[datetime]


class JudgingSet(Base):
    """The numbered, frozen list of what verdicts use."""

    __tablename__ = "judging_sets"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    reason: Mapped[str] = mapped_column(long_text())
    back_to_id: Mapped[int | None] = mapped_column(reference("models.id"))  # the model that was taken back, if any
    rules: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class JudgingSetModel(Base):
    """The model, with its thresholds, that a judging set uses for a plot type."""

    __tablename__ = "judging_set_models"
    __table_args__ = (sa.Index(None, "model_id"), sa.Index(None, "plot_type_id"), TABLE_OPTIONS)
    judging_set_id: Mapped[int] = mapped_column(reference("judging_sets.id", cascade=True), primary_key=True)
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(reference("models.id"))
    thresholds: Mapped[dict[str, Any]]


class TrainingClaim(Base):
    """One training of one plot type at one count of its labels; its key keeps two tasks from doing the same."""

    __tablename__ = "training_claims"
    plot_type_id: Mapped[int] = mapped_column(reference("plot_types.id"), primary_key=True)
    mark: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(name_type(160))
    state: Mapped[str] = mapped_column(sa.String(12))  # running | done | refused
    outcome: Mapped[str] = mapped_column(long_text())
    model_id: Mapped[int | None] = mapped_column(reference("models.id"))
    claimed_at: Mapped[datetime]
