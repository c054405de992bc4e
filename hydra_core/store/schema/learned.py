"""Models: what they learned from, what they said, what they are worth, and the sets that judge with them."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.columns import JSON_TABLE, REAL, Sha256, UtcTime, long_text, name_type
from hydra_core.store.schema.base import Base, key, needed, optional, reference


class Model(Base):
    """A trained network; its files are named by the hash of their card."""

    __tablename__ = "models"
    __table_args__ = (sa.Index(None, "plot_type_id", "status"),)
    id = key(sa.Integer)
    plot_type_id = needed(sa.Integer, reference("plot_types.id"))
    name = needed(name_type(120), unique=True)
    card_sha = needed(Sha256)
    network = needed(sa.String(40))
    status = needed(sa.String(12))  # candidate | live | rejected | retired
    reason = needed(long_text())
    parent_id = optional(sa.Integer, reference("models.id"))
    made_at = needed(UtcTime)


class TrainingImage(Base):
    """An image that a model was trained, validated or tested on, with the label it had then."""

    __tablename__ = "training_images"
    model_id = key(sa.Integer, reference("models.id", cascade=True))
    image_sha = key(Sha256)
    class_name = needed(name_type(40))
    side = needed(sa.String(12))  # train | validation | test


class Prediction(Base):
    """What a model said, when it was made, of an image that it had not learned from."""

    __tablename__ = "predictions"
    model_id = key(sa.Integer, reference("models.id", cascade=True))
    image_sha = key(Sha256)
    side = needed(sa.String(12))  # validation | test | gold
    label = needed(name_type(40))  # the class that people had given it by then
    class_name = needed(name_type(40))
    confidence = needed(REAL)
    probs = needed(JSON_TABLE)


class TrainingReport(Base):
    """The images of which a new model and the labels said different things, put before the experts.

    The images themselves are those of `Prediction` whose class is not their label.
    """

    __tablename__ = "training_reports"
    model_id = key(sa.Integer, reference("models.id", cascade=True))
    images = needed(sa.Integer)
    disagreements = needed(sa.Integer)
    made_at = needed(UtcTime)


class TrainingReportResponse(Base):
    """An expert's answer to an image of a training report: the label stays, or becomes another one.

    It holds what its request says and nothing else, so that it can be entered before the model is.
    """

    __tablename__ = "training_report_responses"
    __table_args__ = (sa.Index(None, "request_sha"),)
    model = key(name_type(120))
    request_sha = key(Sha256, reference("requests.sha256"))
    image_sha = key(Sha256)
    class_name = needed(name_type(40))
    who = needed(name_type(120))
    made_at = needed(UtcTime)


class ModelThreshold(Base):
    """Least confidence of a class to be confirmed, who set it and how; rows are only added."""

    __tablename__ = "model_thresholds"
    __table_args__ = (sa.Index(None, "model_id"),)
    id = key(sa.Integer)
    model_id = needed(sa.Integer, reference("models.id", cascade=True))
    class_name = needed(name_type(40))
    value = needed(REAL)
    method = needed(sa.String(100))
    examples = needed(sa.Integer)
    set_by = needed(name_type(120))
    set_at = needed(UtcTime)


class JudgingSet(Base):
    """The numbered, frozen list of what verdicts use."""

    __tablename__ = "judging_sets"
    id = key(sa.Integer)
    number = needed(sa.Integer, unique=True)
    reason = needed(long_text())
    back_to_id = optional(sa.Integer, reference("models.id"))  # the model that was taken back, if any
    rules = needed(JSON_TABLE)
    made_at = needed(UtcTime)


class JudgingSetModel(Base):
    """The model, with its thresholds, that a judging set uses for a plot type."""

    __tablename__ = "judging_set_models"
    __table_args__ = (sa.Index(None, "model_id"), sa.Index(None, "plot_type_id"))
    judging_set_id = key(sa.Integer, reference("judging_sets.id", cascade=True))
    plot_type_id = key(sa.Integer, reference("plot_types.id"))
    model_id = needed(sa.Integer, reference("models.id"))
    thresholds = needed(JSON_TABLE)


class TrainingClaim(Base):
    """One training of one plot type at one count of its labels; its key keeps two tasks from doing the same."""

    __tablename__ = "training_claims"
    plot_type_id = key(sa.Integer, reference("plot_types.id"))
    mark = key(sa.Integer, autoincrement=False)
    owner = needed(name_type(160))
    state = needed(sa.String(12))  # running | done | refused
    outcome = needed(long_text())
    model_id = optional(sa.Integer, reference("models.id"))
    claimed_at = needed(UtcTime)
