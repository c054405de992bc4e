"""Views of what was judged: verdicts, evidence, incidents, runs, tasks and passes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hydra_core.store.query.view import (
    Column,
    View,
    chunk_or_none,
    col,
    counted,
    day_column,
    newest_judged,
    newest_of_run,
    place_columns,
    plot_columns,
)
from hydra_core.store.schema import (
    Evidence,
    Incident,
    Item,
    JudgingSet,
    Model,
    Pass,
    PlotTypeRow,
    Revision,
    Run,
    StageTiming,
    Verdict,
    VerdictCount,
)

_SEVERITY = "0 nothing, 1 a note, 2 needs a look, 3 a problem"


_WAYS_IN = frozenset({"pass", "run", "run_name", "judged_at", "image"})


def _of_items(said: Any, item_id: Any, model_id: Any) -> Any:
    # What only has a name to give is joined loosely: a database leaves such a table out where nobody asks for it.
    found = sa.join(sa.join(sa.join(said, Item, Item.id == item_id), Revision, Revision.id == Item.revision_id), Run)
    found = sa.outerjoin(
        sa.outerjoin(found, Pass, Pass.id == Run.pass_id), PlotTypeRow, PlotTypeRow.id == Item.plot_type_id
    )
    return sa.outerjoin(found, Model, Model.id == model_id)


def _incident_since() -> sa.ColumnElement[Any]:
    # Incidents of one plot type never overlap, so only the last that had begun by then can hold this plot.
    begun = sa.or_(
        Incident.first_run < Run.number, sa.and_(Incident.first_run == Run.number, Incident.first_chunk <= Item.chunk)
    )
    lasts = sa.or_(
        Incident.last_run > Run.number, sa.and_(Incident.last_run == Run.number, Incident.last_chunk >= Item.chunk)
    )
    return (
        sa.select(sa.case((lasts, Incident.first_run)))
        .where(Incident.pass_id == Run.pass_id, Incident.plot_type_id == Item.plot_type_id, begun)
        .order_by(Incident.first_run.desc(), Incident.first_chunk.desc())
        .limit(1)
        .correlate(Run, Item)
        .scalar_subquery()
    )


def _item_columns() -> tuple[Column, ...]:
    return (
        *place_columns(),
        *plot_columns(Item.plot_type_id),
        col("chunk", "integer", "chunk of the run; none for a plot of the whole run", chunk_or_none(Item.chunk)),
    )


def _verdict_totals(count: Any, severity: Any) -> tuple[Column, ...]:
    _, *times = counted(time=Revision.judged_at)
    return (
        col("count", "integer", "rows", count),
        col("runs", "integer", "different runs", sa.func.count(sa.distinct(Run.id))),
        col("worst", "integer", f"highest severity: {_SEVERITY}", sa.func.max(severity)),
        col("last_run", "integer", "highest run number", sa.func.max(Run.number)),
        *times,
    )


_VERDICT_COUNTS = View(
    name="verdicts",
    row="verdicts of one revision that are the same for a plot type",
    source=sa.outerjoin(
        sa.outerjoin(
            sa.join(sa.join(Revision, VerdictCount), Run, Run.id == Revision.run_id), Pass, Pass.id == Run.pass_id
        ),
        PlotTypeRow,
        PlotTypeRow.id == VerdictCount.plot_type_id,
    ),
    key=(VerdictCount.revision_id, VerdictCount.plot_type_id),
    time="judged_at",
    plot=VerdictCount.plot_type_id,
    newest=newest_judged(),
    revision=VerdictCount.revision_id,
    columns=(
        *place_columns(),
        *plot_columns(VerdictCount.plot_type_id),
        col("class", "text", "the class", sa.func.nullif(VerdictCount.class_name, "", type_=sa.String())),
        col("state", "text", "how sure it is", VerdictCount.state),
        col("severity", "integer", _SEVERITY, VerdictCount.severity),
        col("judged_at", "time", "when the run was judged", Revision.judged_at),
        day_column("judged_at", Revision.judged_at),
    ),
    totals=_verdict_totals(
        sa.func.coalesce(sa.func.sum(VerdictCount.count), 0, type_=sa.Integer()), VerdictCount.severity
    ),
)

VERDICTS = View(
    name="verdicts",
    row="what Hydra says of one plot of a run, with the reasons",
    source=sa.outerjoin(
        _of_items(Verdict, Verdict.item_id, Verdict.model_id), JudgingSet, JudgingSet.id == Verdict.judging_set_id
    ),
    key=(Verdict.item_id,),
    time="judged_at",
    plot=Item.plot_type_id,
    newest=newest_judged(),
    ways_in=_WAYS_IN,
    revision=Item.revision_id,
    columns=(
        *_item_columns(),
        col("class", "text", "the class; none where no network was asked", Verdict.class_name),
        col("state", "text", "how sure it is, see [What a card means](coordinators.md)", Verdict.state),
        col("severity", "integer", _SEVERITY, Verdict.severity),
        col("confidence", "number", "what the network gave the class", Verdict.confidence, "0 to 1"),
        col("threshold", "number", "what it had to reach", Verdict.threshold, "0 to 1"),
        col("reasons", "json", "sentences", Verdict.reasons, standard=False),
        col("next_step", "text", "what to do", Verdict.next_step, standard=False),
        col("model", "text", "the model that was asked", Model.name, standard=False),
        col("judging_set", "integer", "number of the judging set", JudgingSet.number, standard=False),
        col(
            "incident_since",
            "integer",
            "the run in which the incident began that the plot is part of; none where it is part of none",
            _incident_since(),
            standard=False,
        ),
        col("image", "sha256", "the image; none where it is missing", Item.image_sha, standard=False),
        col("source", "text", "the file it came from", Item.source, standard=False),
        col("judged_at", "time", "when the run was judged", Revision.judged_at),
        day_column("judged_at", Revision.judged_at),
        col("made_at", "time", "when this verdict was made", Verdict.made_at, standard=False),
    ),
    totals=_verdict_totals(sa.func.count(), Verdict.severity),
    counts=_VERDICT_COUNTS,
)

EVIDENCE = View(
    name="evidence",
    row="what one judge says of one plot of a run, before the rules make a verdict of it",
    source=_of_items(Evidence, Evidence.item_id, Evidence.model_id),
    key=(Evidence.item_id, Evidence.judge),
    time="judged_at",
    plot=Item.plot_type_id,
    newest=newest_judged(),
    ways_in=_WAYS_IN,
    revision=Item.revision_id,
    columns=(
        *_item_columns(),
        col("judge", "text", "who says it", Evidence.judge),
        col("status", "text", "what it came to", Evidence.status),
        col("sentence", "text", "in words", Evidence.sentence),
        col("numbers", "json", "what it was made of", Evidence.numbers, standard=False),
        col("model", "text", "the model that was asked", Model.name, standard=False),
        col("judged_at", "time", "when the run was judged", Revision.judged_at),
    ),
    totals=counted(time=Revision.judged_at),
)

INCIDENTS = View(
    name="incidents",
    row="consecutive plots of one plot type that need a look and say the same, over chunks and runs of a pass",
    # Loosely, because an incident may end in a run that was never judged again.
    source=sa.outerjoin(
        sa.outerjoin(
            sa.outerjoin(sa.outerjoin(Incident, Pass, Pass.id == Incident.pass_id), PlotTypeRow),
            Run,
            sa.and_(Run.pass_id == Incident.pass_id, Run.number == Incident.last_run),
        ),
        Revision,
        sa.and_(Revision.run_id == Run.id, newest_judged()),
    ),
    key=(Incident.last_run, Incident.severity, Incident.id),
    time="judged_at",
    ways_in=frozenset({"pass", "first_run", "last_run", "judged_at"}),
    plot=Incident.plot_type_id,
    columns=(
        col("pass", "text", "the monitoring pass", Pass.name),
        *plot_columns(Incident.plot_type_id),
        col("class", "text", "the class of its worst plot", Incident.class_name),
        col("state", "text", "the state of its worst plot", Incident.state),
        col("severity", "integer", _SEVERITY, Incident.severity),
        col("first_run", "integer", "the run in which it began", Incident.first_run),
        col("first_chunk", "integer", "the chunk in which it began", chunk_or_none(Incident.first_chunk)),
        col("last_run", "integer", "the last run that is part of it", Incident.last_run),
        col("last_chunk", "integer", "the last chunk that is part of it", chunk_or_none(Incident.last_chunk)),
        col("plots", "integer", "how many plots are part of it", Incident.count),
        col("judged_at", "time", "when its last run was judged", Revision.judged_at),
        day_column("judged_at", Revision.judged_at),
    ),
    totals=counted(
        col("worst", "integer", f"highest severity: {_SEVERITY}", sa.func.max(Incident.severity)),
        col("last_run", "integer", "highest run number", sa.func.max(Incident.last_run)),
        time=Revision.judged_at,
    ),
)

RUNS = View(
    name="runs",
    row="a run that somebody wants monitored, as its newest revision stands",
    source=sa.outerjoin(sa.outerjoin(sa.join(Run, Revision), Pass, Pass.id == Run.pass_id), JudgingSet),
    key=(Run.id, Revision.revision),
    time="judged_at",
    ways_in=frozenset({"pass", "run", "run_name", "judged_at", "state"}),
    newest=newest_of_run(),
    columns=(
        *place_columns(),
        col("state", "text", "wanted, chunked, judged, archived or published", Revision.state),
        col("plots", "integer", "plots that came or were expected", Revision.item_count),
        col("flagged", "integer", "plots that need a look", Revision.flagged_count),
        col("unreadable", "integer", "plots that could not be read", Revision.unreadable_count),
        col("severity", "integer", f"the highest of its plots: {_SEVERITY}", Revision.severity),
        col("judging_set", "integer", "number of the judging set", JudgingSet.number, standard=False),
        col("conditions", "json", "what `metadata.json` says of the run", Revision.conditions, standard=False),
        col("notes", "json", "what was noticed while its files were read", Revision.notes, standard=False),
        col("folder", "text", "where its files lie, of a run without a number of its own", Run.folder, standard=False),
        col("arrived_at", "time", "when it was entered", Run.arrived_at, standard=False),
        col("wanted_at", "time", "when this revision was entered", Revision.wanted_at, standard=False),
        col("judged_at", "time", "when it was judged; none before", Revision.judged_at),
        col("published_at", "time", "when its page was made; none before", Revision.published_at),
        day_column("judged_at", Revision.judged_at),
    ),
    totals=counted(
        col("flagged", "integer", "plots that need a look", sa.func.sum(Revision.flagged_count)),
        col("last_run", "integer", "highest run number", sa.func.max(Run.number)),
        time=Revision.judged_at,
    ),
)

TIMINGS = View(
    name="timings",
    row="what one task of a run cost, at its newest attempt",
    source=sa.outerjoin(sa.join(sa.join(StageTiming, Revision), Run), Pass, Pass.id == Run.pass_id),
    key=(StageTiming.finished_at, StageTiming.id),
    time="finished_at",
    ways_in=frozenset({"pass", "run", "run_name", "finished_at"}),
    newest=newest_of_run(),
    columns=(
        *place_columns(),
        col("task", "text", "the task of the workflow", StageTiming.task),
        col("attempt", "integer", "which attempt it was", StageTiming.submit, standard=False),
        col("wall", "number", "from begin to end", StageTiming.wall_s, "s"),
        col("cpu", "number", "of all cores together", StageTiming.cpu_s, "s"),
        col("memory", "number", "the most it had at once", StageTiming.max_rss_mb, "MB"),
        col("images", "integer", "how many images it handled", StageTiming.images),
        col("finished_at", "time", "when it ended", StageTiming.finished_at),
        day_column("finished_at", StageTiming.finished_at),
    ),
    totals=counted(
        col("wall", "number", "from begin to end, together", sa.func.sum(StageTiming.wall_s), "s"),
        col("images", "integer", "images handled", sa.func.sum(StageTiming.images)),
        time=StageTiming.finished_at,
    ),
)

PASSES = View(
    name="passes",
    row="a monitoring pass: one reconstruction version of one run period",
    source=Pass,
    key=(Pass.id,),
    time="created_at",
    columns=(
        col("pass", "text", "its name", Pass.name),
        col("state", "text", "open or closed", Pass.state),
        col("first_run", "integer", "the first run that it takes", Pass.first_run),
        col("last_run", "integer", "the last run that it takes", Pass.last_run),
        col("source", "text", "the producers' folder", Pass.source),
        col("workflow", "text", "its name in Cylc", Pass.workflow, standard=False),
        col("created_at", "time", "when it was made", Pass.created_at),
        col("closed_at", "time", "when it was closed; none while it is open", Pass.closed_at),
    ),
    totals=counted(time=Pass.created_at),
)
