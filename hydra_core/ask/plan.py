"""From a question to a query of one view."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from hydra_core.ask.question import Grouping, Question, QuestionError, Subject
from hydra_core.store.query import Condition, Operator, Query, View, find_view, in_span, of_runs

#: Severity from which a person is asked to look.
_LOOK = 2
#: States in which somebody or something judged the plot; severity 0 in the others only says that nobody is called.
_JUDGED = ("confirmed", "unconfirmed")
_PLACE = ("run", "plot_type", "chunk")
#: Subject -> the view that lists them, where nothing says what their plots are like.
_LISTED: dict[Subject, str] = {
    "detectors": "plots",
    "plots": "plots",
    "runs": "runs",
    "incidents": "incidents",
    "labels": "labels",
    "people": "people",
    "models": "models",
    "images": "verdicts",
    "passes": "passes",
    "requests": "requests",
    "news": "news",
}
#: Subject -> what rows are counted by, where one row stands for many.
_GROUPS: dict[Subject, tuple[str, ...]] = {
    "detectors": ("detector",),
    "plots": ("plot_type", "detector"),
    "runs": ("pass", "run"),
    "passes": ("pass",),
}
_BY: dict[Grouping, tuple[str, ...]] = {
    "detector": ("detector",),
    "plot": ("plot_type", "detector"),
    "run": ("pass", "run"),
    "day": ("day",),
    "class": ("class",),
    "state": ("state",),
    "person": ("who",),
    "pass": ("pass",),
    "model": ("model",),
}
_TOTALS = {
    "verdicts": ("count", "runs", "worst", "last_run", "last_at"),
    "labels": ("count", "last_at"),
    "plots": ("count",),
}
_COLUMNS = {
    "verdicts": ("pass", *_PLACE, "class", "state", "severity", "confidence", "judged_at", "image"),
    "incidents": (
        *("pass", "plot_type", "class", "state", "severity"),
        *("first_run", "first_chunk", "last_run", "last_chunk", "plots", "judged_at"),
    ),
    "labels": ("plot_type", "image", "class", "who", "made_at"),
}


@dataclass(frozen=True)
class Plan:
    """What is asked of the database.

    Attributes
    ----------
    newest_runs
        Whether only the newest judged runs count, whose numbers are still to be found.
    base
        Where and when alone: what there is to choose from, which says why an answer is empty.
    """

    query: Query
    newest_runs: int | None
    base: Query


def plan_question(question: Question) -> Plan:
    """Return the query that answers a question.

    Raises
    ------
    QuestionError
        When it asks for what does not go together, as for the people of a run.
    """
    if question.either and question.states and (question.severity is not None or question.fine):
        words = " or ".join(repr(piece.text) for piece in question.pieces if piece.likeness)
        raise QuestionError(
            f"these do not go together: {words}, as one is a severity and the other a state",
            next_step="ask for one, then for the other",
        )
    subject = question.subject or "plots"
    view = find_view(_view_of(question))
    by = _BY[question.by] if question.by else _groups(question, view)
    place = _place(question, view)
    where = (*place, *_like(question, view))
    query = Query(view=view.name, where=where, plots=_plots(question, view), limit=question.limit)
    if by:
        _known(view, by, f"be counted by {question.by or subject}")
        totals = {column.name for column in view.totals} - set(by)
        columns = tuple(name for name in _TOTALS.get(view.name, ("count", "last_at")) if name in totals)
        query = replace(query, by=by, columns=columns, order=_group_order(question, by, totals))
    elif question.intent == "count":
        query = replace(query, count_all=True, columns=("count",), limit=None)
    else:
        query = replace(query, columns=_COLUMNS.get(view.name, ()), order=_row_order(question, view))
    base = Query(view="runs" if view.name == "verdicts" else view.name, count_all=True)
    kept = _place(replace(question, newest_runs=None), find_view(base.view))
    return Plan(query, question.newest_runs, replace(base, where=kept))


def _view_of(question: Question) -> str:
    subject = question.subject or "plots"
    if question.labelled and subject in ("labels", "people", "images", "plots", "detectors"):
        return "labels"
    if subject == "people" and (question.of_kind("class") or question.span or question.order):
        return "labels"
    if question.since_when and subject in ("plots", "detectors", "incidents"):
        return "incidents"
    if subject in ("detectors", "plots", "passes"):
        if subject == "passes":
            return "verdicts" if question.about_verdicts else "passes"
        said = (question.span, question.runs, question.newest_runs, question.order, question.by)
        about = question.about_verdicts or bool(question.of_kind("class")) or question.intent == "when"
        return "verdicts" if about or any(one is not None for one in said) else "plots"
    if subject == "runs":
        of_plots = {one.kind for one in question.named} & {"detector", "plot", "class", "model"}
        return "verdicts" if question.about_verdicts or of_plots else "runs"
    return _LISTED[subject]


def _groups(question: Question, view: View) -> tuple[str, ...]:
    subject = question.subject or "plots"
    if view.name == "labels" and subject == "people":
        return ("who",)
    if view.name == "labels" and subject in ("plots", "detectors"):
        return _GROUPS[subject]
    if question.intent == "when" and view.name == "verdicts":
        return ("pass", "run")
    if view.name == "verdicts" and subject in _GROUPS:
        return _GROUPS[subject]
    return _GROUPS["detectors"] if view.name == "plots" and subject == "detectors" else ()


def _known(view: View, names: Collection[str], what: str) -> None:
    known = {column.name for column in view.columns}
    if not set(names) <= known:
        raise QuestionError(
            f"these do not go together: {view.name} cannot {what}",
            next_step=f"leave it out; 'hydra query {view.name}' shows what they have",
        )


def _condition(view: View, name: str, operator: Operator, values: tuple[Any, ...], what: str) -> Condition:
    _known(view, (name,), f"be chosen by {what}")
    return Condition(name, operator, values)


def _place(question: Question, view: View) -> tuple[Condition, ...]:
    """Return the conditions that say where and when."""
    found: list[Condition] = []
    passes = tuple(one.name for one in question.of_kind("pass"))
    if passes:
        found.append(_condition(view, "pass", "in", passes, "pass"))
    if question.runs is not None or question.newest_runs is not None:
        names = {column.name for column in view.columns}
        _known(view, ("run",) if "first_run" not in names else ("first_run",), "be chosen by run")
    if question.runs is not None:
        found += of_runs(view, *question.runs)
    if question.span is not None:
        if not view.time:
            raise QuestionError(
                f"these do not go together: {view.name} cannot be chosen by time", next_step="leave the time out"
            )
        found += in_span(view, question.span.since, question.span.until)
    return tuple(found)


def _like(question: Question, view: View) -> tuple[Condition, ...]:
    """Return the conditions that say what rows are like."""
    found: list[Condition] = []
    severity = question.severity
    if severity is None and question.order == "most" and view.name == "verdicts" and not question.about_verdicts:
        # The worst are those with most that needs a look.
        severity = _LOOK
    if view.name == "incidents" and severity == _LOOK:
        severity = None
    if severity is not None:
        found.append(_condition(view, "severity", ">=", (severity,), "problems"))
    if question.fine:
        found.append(_condition(view, "severity", "=", (0,), "what is good"))
        if view.name == "verdicts":
            found.append(Condition("state", "in", _JUDGED))
    if question.states:
        found.append(_condition(view, "state", "in", question.states, "state"))
    if question.statuses:
        name = "state" if view.name in ("runs", "passes") else "status"
        found.append(_condition(view, name, "in", question.statuses, "status"))
    for kind, column in (("class", "class"), ("model", "model"), ("person", "who")):
        names = tuple(one.name for one in question.of_kind(kind))
        if names:
            found.append(_condition(view, column, "in", names, kind))
    return tuple(found)


def _plots(question: Question, view: View) -> frozenset[int] | None:
    groups, plots = question.of_kind("detector"), question.of_kind("plot")
    if not groups and not plots:
        return None
    if view.plot is None:
        raise QuestionError(
            f"these do not go together: {view.name} cannot be chosen by plot type or detector",
            next_step="ask for runs, plots, incidents, labels, models or images",
        )
    in_groups = frozenset(row for one in groups for row in one.plots)
    named = frozenset(row for one in plots for row in one.plots)
    # A plot type of a detector, or plot types beside a detector.
    return (in_groups & named) or (in_groups | named)


def _group_order(question: Question, by: tuple[str, ...], totals: Collection[str]) -> tuple[str, ...]:
    if question.order is None and by == ("day",):
        # Days are read one after the other.
        return by
    newest = "-last_run" if "last_run" in totals else "-last_at" if "last_at" in totals else "-count"
    # Of things that happen one after the other the newest is looked for.
    if question.order == "newest" or (question.order is None and (question.intent == "when" or "run" in by)):
        return (newest,)
    if question.order == "oldest":
        return (newest.removeprefix("-"),)
    if question.order == "fewest":
        return ("count",)
    return ("-count",)


def _row_order(question: Question, view: View) -> tuple[str, ...]:
    names = {column.name for column in view.columns}
    if question.order == "oldest" and view.time:
        return (view.time,)
    if question.order in ("most", "fewest") and "severity" in names:
        return ("-severity",) if question.order == "most" else ("severity",)
    if view.name in ("plots", "people"):
        return ("plot_type",) if view.name == "plots" else ("who",)
    if view.name == "incidents" and question.order != "oldest":
        return ("-last_run",)
    return (f"-{view.time}",) if view.time and (question.order == "newest" or question.intent == "when") else ()
