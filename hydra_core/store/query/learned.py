"""Views of what is looked at and who judges it: plot types, models, thresholds and predictions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hydra_core.store.query.view import View, col, counted, day_column, plot_columns
from hydra_core.store.schema import Label, Model, ModelThreshold, PlotTypeRow, Prediction

_RENAMED, _PARENT = PlotTypeRow.__table__.alias(), Model.__table__.alias()


def _labels(what: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.select(what).where(Label.plot_type_id == PlotTypeRow.id).correlate(PlotTypeRow).scalar_subquery()


def _live_model() -> sa.ColumnElement[Any]:
    live = (Model.plot_type_id == PlotTypeRow.id, Model.status == "live")
    return sa.select(sa.func.max(Model.name)).where(*live).correlate(PlotTypeRow).scalar_subquery()


def _tested(*kept: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    of_model = (Prediction.model_id == Model.id, Prediction.side == "test", *kept)
    return sa.select(sa.func.count()).where(*of_model).correlate(Model).scalar_subquery()


def _no_later_threshold() -> sa.ColumnElement[bool]:
    later = ModelThreshold.__table__.alias().c
    same = (later.model_id == ModelThreshold.model_id, later.class_name == ModelThreshold.class_name)
    return ~sa.exists().where(*same, later.id > ModelThreshold.id).correlate(ModelThreshold)


PLOTS = View(
    name="plots",
    row="a plot type, with what is decided about it and who is to be called",
    source=sa.outerjoin(PlotTypeRow, _RENAMED, _RENAMED.c.id == PlotTypeRow.renamed_to),
    key=(PlotTypeRow.id,),
    time="first_seen_at",
    plot=PlotTypeRow.id,
    columns=(
        *plot_columns(PlotTypeRow.id),
        col("display", "text", "what pages call it; empty: its name", PlotTypeRow.display, standard=False),
        col("contact", "text", "whom to call", PlotTypeRow.contact),
        col("description", "text", "what it shows", PlotTypeRow.description, standard=False),
        col("status", "text", "new, active, ignored or renamed", PlotTypeRow.status),
        col("renamed_to", "text", "the plot type that its plots go to", _RENAMED.c.name, standard=False),
        col("decided_by", "text", "who decided so", PlotTypeRow.decided_by, standard=False),
        col("decided_at", "time", "when", PlotTypeRow.decided_at, standard=False),
        col("model", "text", "its live model; none where none judges it", _live_model()),
        col(
            "labelled_images",
            "integer",
            "images that people gave a class",
            _labels(sa.func.count(sa.distinct(Label.image_sha))),
        ),
        col("labels", "integer", "labels, corrections included", _labels(sa.func.count()), standard=False),
        col("first_seen_at", "time", "when it was first seen or listed", PlotTypeRow.first_seen_at),
    ),
    totals=counted(time=PlotTypeRow.first_seen_at),
)

MODELS = View(
    name="models",
    row="a trained network",
    source=sa.outerjoin(sa.outerjoin(Model, PlotTypeRow), _PARENT, _PARENT.c.id == Model.parent_id),
    key=(Model.id,),
    time="made_at",
    plot=Model.plot_type_id,
    columns=(
        col("model", "text", "its name", Model.name),
        *plot_columns(Model.plot_type_id),
        col("status", "text", "candidate, live, rejected or retired", Model.status),
        col("reason", "text", "why it has this status", Model.reason, standard=False),
        col("network", "text", "what it was built as", Model.network),
        col("tested", "integer", "images of runs that it never saw, on which it was tested", _tested()),
        col(
            "right",
            "integer",
            "of these: where it said what the label says",
            _tested(Prediction.label == Prediction.class_name),
        ),
        col("parent", "text", "the model whose weights it began with", _PARENT.c.name, standard=False),
        col("card", "sha256", "the hash of its card, which names its files", Model.card_sha, standard=False),
        col("made_at", "time", "when it was trained", Model.made_at),
        day_column("made_at", Model.made_at),
    ),
    totals=counted(time=Model.made_at),
)

THRESHOLDS = View(
    name="thresholds",
    row="what a model must give a class for it to be confirmed, as it stands now",
    source=sa.outerjoin(sa.join(ModelThreshold, Model), PlotTypeRow, PlotTypeRow.id == Model.plot_type_id),
    key=(ModelThreshold.id,),
    time="set_at",
    plot=Model.plot_type_id,
    always=_no_later_threshold(),
    columns=(
        col("model", "text", "the model", Model.name),
        col("model_status", "text", "candidate, live, rejected or retired", Model.status),
        *plot_columns(Model.plot_type_id),
        col("class", "text", "the class", ModelThreshold.class_name),
        col("threshold", "number", "the least confidence", ModelThreshold.value, "0 to 1"),
        col("method", "text", "how it was found", ModelThreshold.method),
        col("examples", "integer", "images that it was found with", ModelThreshold.examples, standard=False),
        col("set_by", "text", "who set it", ModelThreshold.set_by),
        col("set_at", "time", "when", ModelThreshold.set_at),
    ),
    totals=counted(time=ModelThreshold.set_at),
)

PREDICTIONS = View(
    name="predictions",
    row="what a model said, when it was made, of an image that it had not learned from",
    source=sa.outerjoin(sa.join(Prediction, Model), PlotTypeRow, PlotTypeRow.id == Model.plot_type_id),
    key=(Prediction.model_id, Prediction.image_sha),
    time="made_at",
    ways_in=frozenset({"model", "model_status", "made_at"}),
    plot=Model.plot_type_id,
    columns=(
        col("model", "text", "the model", Model.name),
        *plot_columns(Model.plot_type_id),
        col("image", "sha256", "the image", Prediction.image_sha),
        col("side", "text", "validation, test or gold", Prediction.side),
        col("label", "text", "the class that people had given it by then", Prediction.label),
        col("class", "text", "the class that the model gave it", Prediction.class_name),
        col("confidence", "number", "what the model gave this class", Prediction.confidence, "0 to 1"),
        col("agrees", "truth", "whether both are the same", Prediction.label == Prediction.class_name),
        col("probabilities", "json", "what it gave each class", Prediction.probs, "0 to 1", standard=False),
        col("made_at", "time", "when the model was trained", Model.made_at),
    ),
    totals=counted(time=Model.made_at),
)
