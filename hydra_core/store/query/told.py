"""Views of what people told: labels, requests, people and news; and of what came from an earlier Hydra."""

from __future__ import annotations

import sqlalchemy as sa

from hydra_core.store.query.view import Column, View, chunk_or_none, col, counted, day_column, plot_columns
from hydra_core.store.schema import (
    EarlierLabel,
    EarlierVerdict,
    Import,
    Label,
    NewsItem,
    PersonAccount,
    PersonRole,
    PersonRow,
    PlotTypeRow,
    Request,
)


def _counts() -> sa.ColumnElement[bool]:
    later = Label.__table__.alias().c
    same = (later.plot_type_id == Label.plot_type_id, later.image_sha == Label.image_sha)
    after = sa.or_(
        later.made_at > Label.made_at,
        sa.and_(later.made_at == Label.made_at, later.request_sha > Label.request_sha),
    )
    return ~sa.exists().where(*same, after).correlate(Label)


def _label_columns() -> tuple[Column, ...]:
    return (
        *plot_columns(Label.plot_type_id),
        col("image", "sha256", "the image", Label.image_sha),
        col("class", "text", "the class that it was given", Label.class_name),
        col("who", "text", "who gave it", Label.who),
        col("made_at", "time", "when", Label.made_at),
        day_column("made_at", Label.made_at),
        col("request", "sha256", "the request file that brought it", Label.request_sha, standard=False),
        col("kind", "text", "the kind of that request", Request.kind, standard=False),
    )


_WAYS_IN = frozenset({"made_at", "image", "request"})
_LABELLED = sa.outerjoin(
    sa.outerjoin(Label, PlotTypeRow, PlotTypeRow.id == Label.plot_type_id), Request, Request.sha256 == Label.request_sha
)
_LABEL_TOTALS = counted(
    col("images", "integer", "different images", sa.func.count(sa.distinct(Label.image_sha))), time=Label.made_at
)

LABELS = View(
    name="labels",
    row="the label of an image that counts: the newest that people gave it",
    source=_LABELLED,
    key=(Label.made_at, Label.id),
    time="made_at",
    ways_in=_WAYS_IN,
    plot=Label.plot_type_id,
    always=_counts(),
    columns=_label_columns(),
    totals=_LABEL_TOTALS,
)

LABEL_HISTORY = View(
    name="label_history",
    row="any label that was ever given, also one that was corrected later",
    source=_LABELLED,
    key=(Label.made_at, Label.id),
    time="made_at",
    ways_in=_WAYS_IN,
    plot=Label.plot_type_id,
    columns=(*_label_columns(), col("counts", "truth", "whether it is the one that counts", _counts())),
    totals=_LABEL_TOTALS,
)

REQUESTS = View(
    name="requests",
    row="a request file from the inbox, accepted or put into quarantine",
    source=Request,
    key=(Request.received_at, Request.sha256),
    time="received_at",
    columns=(
        col("kind", "text", "what it asks for", Request.kind),
        col("status", "text", "accepted or quarantined", Request.status),
        col("who", "text", "who it says it is from", Request.claimed_by),
        col("owner", "text", "the account that owned the file", Request.owner),
        col("reason", "text", "why it was put into quarantine", Request.reason),
        col("file", "text", "the name that it came with", Request.file_name, standard=False),
        col("sha256", "sha256", "the hash of the file", Request.sha256, standard=False),
        col("made_at", "time", "when it says it was made", Request.made_at, standard=False),
        col("received_at", "time", "when it was read", Request.received_at),
        day_column("received_at", Request.received_at),
    ),
    totals=counted(time=Request.received_at),
)

PEOPLE = View(
    name="people",
    row="somebody who may ask for changes, as `people.toml` says",
    source=PersonRow,
    key=(PersonRow.id,),
    columns=(
        col("who", "text", "the name", PersonRow.name),
        col(
            "roles",
            "text",
            "what the person may do, with commas",
            sa.select(sa.func.group_concat(PersonRole.role))
            .where(PersonRole.person_id == PersonRow.id)
            .scalar_subquery(),
        ),
        col(
            "accounts",
            "text",
            "accounts that own the person's request files, with commas",
            sa.select(sa.func.group_concat(PersonAccount.account))
            .where(PersonAccount.person_id == PersonRow.id)
            .scalar_subquery(),
        ),
        col("any_plot_type", "truth", "whether the person may label every plot type", PersonRow.any_plot_type),
    ),
    totals=counted(),
)

NEWS = View(
    name="news",
    row="a line for the top of every page",
    source=NewsItem,
    key=(NewsItem.begins_at, NewsItem.request_sha),
    time="begins_at",
    columns=(
        col("text", "text", "what it says; empty: the line is gone", NewsItem.text),
        col("who", "text", "who said it", NewsItem.who),
        col("begins_at", "time", "from when it is shown", NewsItem.begins_at),
        col("ends_at", "time", "until when; none: until there is another one", NewsItem.ends_at),
        col("request", "sha256", "the request file that brought it", NewsItem.request_sha, standard=False),
    ),
    totals=counted(time=NewsItem.begins_at),
)

EARLIER_VERDICTS = View(
    name="earlier_verdicts",
    row="a verdict of an imported database of the original Hydra",
    source=sa.outerjoin(
        sa.outerjoin(EarlierVerdict, Import, Import.id == EarlierVerdict.import_id),
        PlotTypeRow,
        PlotTypeRow.id == EarlierVerdict.plot_type_id,
    ),
    key=(EarlierVerdict.id,),
    time="made_at",
    ways_in=frozenset({"made_at"}),
    plot=EarlierVerdict.plot_type_id,
    columns=(
        col("period", "text", "the run period", EarlierVerdict.period),
        col("run", "integer", "run number", EarlierVerdict.run),
        *plot_columns(EarlierVerdict.plot_type_id),
        col(
            "chunk",
            "integer",
            "chunk of the run; none for a plot of the whole run",
            chunk_or_none(EarlierVerdict.chunk),
        ),
        col("class", "text", "the class", EarlierVerdict.class_name),
        col("confidence", "number", "what the network gave the class", EarlierVerdict.confidence, "0 to 1"),
        col("confirmed", "truth", "whether it reached its threshold", EarlierVerdict.confirmed),
        col("model", "integer", "number of the model there", EarlierVerdict.model, standard=False),
        col("import", "text", "the database that it came from", Import.source, standard=False),
        col("table", "text", "the table there", EarlierVerdict.origin, standard=False),
        col("made_at", "time", "when it was made", EarlierVerdict.made_at),
        day_column("made_at", EarlierVerdict.made_at),
    ),
    totals=counted(time=EarlierVerdict.made_at),
)

EARLIER_LABELS = View(
    name="earlier_labels",
    row="a label of an imported database of the original Hydra",
    source=sa.outerjoin(
        sa.outerjoin(EarlierLabel, Import, Import.id == EarlierLabel.import_id),
        PlotTypeRow,
        PlotTypeRow.id == EarlierLabel.plot_type_id,
    ),
    key=(EarlierLabel.import_id, EarlierLabel.number),
    time="made_at",
    plot=EarlierLabel.plot_type_id,
    columns=(
        col("period", "text", "the run period", EarlierLabel.period),
        col("run", "integer", "run number", EarlierLabel.run),
        *plot_columns(EarlierLabel.plot_type_id),
        col(
            "chunk", "integer", "chunk of the run; none for a plot of the whole run", chunk_or_none(EarlierLabel.chunk)
        ),
        col("class", "text", "the class that it was given", EarlierLabel.class_name),
        col("who", "text", "who gave it", EarlierLabel.who),
        col("made_at", "time", "when; none where that is not known", EarlierLabel.made_at),
        col(
            "image",
            "sha256",
            "the image; none where its file could not be read",
            EarlierLabel.image_sha,
            standard=False,
        ),
        col("reason", "text", "why it could not be given to an image", EarlierLabel.reason, standard=False),
        col("import", "text", "the database that it came from", Import.source, standard=False),
    ),
    totals=counted(time=EarlierLabel.made_at),
)
