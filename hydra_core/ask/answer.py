"""Asking the database: the newest runs, the rows of an answer, and why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from hydra_core.ask.plan import Plan
from hydra_core.ask.question import Question
from hydra_core.ask.tell import like_words, span_words
from hydra_core.base.clock import iso
from hydra_core.store.query import Condition, Names, Query, find_view, of_runs, rows


@dataclass(frozen=True)
class Ready:
    """A query that can be asked as it is; `newest` are the pass and the runs that ``the newest runs`` stood for."""

    query: Query
    newest: tuple[str, Sequence[int]] | None


def find_newest(connection: Connection, question: Question, plan: Plan) -> Ready:
    """Return the query of a plan, the newest judged runs found where it is about those."""
    if plan.newest_runs is None:
        return Ready(plan.query, None)
    judged = Condition("judged_at", "!=", (None,))
    passes = tuple(one.name for one in question.of_kind("pass"))
    where = (judged, Condition("pass", "in", passes)) if passes else (judged,)
    found = next(rows(connection, Query("runs", ("pass",), where, order=("-judged_at",), limit=1)), None)
    if found is None:
        return Ready(replace(plan.query, where=(*plan.query.where, Condition("pass", "in", ()))), ("", ()))
    name = found["pass"]
    of_pass = (judged, Condition("pass", "=", (name,)))
    newest = [
        row["run"]
        for row in rows(connection, Query("runs", ("run",), of_pass, order=("-run",), limit=plan.newest_runs))
    ]
    view = find_view(plan.query.view)
    more = (Condition("pass", "=", (name,)), *of_runs(view, min(newest), max(newest)))
    return Ready(replace(plan.query, where=(*plan.query.where, *more)), (name, newest))


def why_empty(connection: Connection, question: Question, plan: Plan, ready: Ready) -> str:
    """Return why an answer has no rows: nothing is there at all, nothing at that time, or nothing like that."""
    view = find_view(plan.base.view)
    everything = next(rows(connection, Query(view.name, count_all=True)))
    if not everything["count"]:
        return f"there are no {view.name} in this database yet"
    wanted = " and ".join(like_words(question, ready.query))
    looked_for = f"; looked for: {wanted}" if wanted else ""
    if ready.newest is not None:
        return f"nothing is like that in these runs{looked_for}"
    if not plan.base.where:
        return f"of the {view.name}, {everything['count']} in all, none is like that{looked_for}"
    there = next(rows(connection, plan.base))["count"]
    if there:
        return f"{view.name} there: {there}, and nothing like that in them{looked_for}"
    last = everything.get("last_at")
    newest = f"; the newest is of {iso(last)}" if last is not None else ""
    if view.name == "runs" and last is not None:
        row = next(rows(connection, Query("runs", ("pass", "run", "judged_at"), order=("-judged_at",), limit=1)))
        newest = f"; the last judged run is {row['run']} of {row['pass']}, {iso(row['judged_at'])}"
    when = f" {span_words(question.span)}" if question.span is not None else " there"
    return f"there are no {view.name}{when}{newest}"


def examples(connection: Connection, names: Names) -> tuple[str, ...]:
    """Return three questions that have an answer, if anything has, in this database."""
    judged = (Condition("judged_at", "!=", (None,)),)
    run = next(rows(connection, Query("runs", ("run",), judged, limit=1)), None)
    of_run = f"how many images of run {run['run']} by state" if run else "which runs are there"
    incident = next(rows(connection, Query("incidents", ("plot_type", "first_run"), limit=1)), None)
    if incident is None:
        return ("show the last 10 runs", of_run, "which plots are there")
    things = "detectors" if names.detectors else "plots"
    name = incident["plot_type"]
    plain = name.isprintable() and not set(name) & set("\"'\\$`")
    since = f"since when is plot '{name}' bad" if plain else "show the newest incident"
    return (f"which {things} had problems since run {incident['first_run']}", of_run, since)
