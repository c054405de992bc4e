"""``hydra ask``: a question in English about the data, answered by the views of ``hydra query``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection

from hydra_core.ask.answer import Ready, examples, find_newest, why_empty
from hydra_core.ask.known_names import KnownNames
from hydra_core.ask.plan import plan_question
from hydra_core.ask.question import Question
from hydra_core.ask.read import read_question
from hydra_core.ask.tell import told
from hydra_core.base.clock import now
from hydra_core.base.words import counted
from hydra_core.cli.output import table
from hydra_core.report.encode import visible
from hydra_core.report.row_files import shown_rows
from hydra_core.stages.context import open_site
from hydra_core.store.query import Query, chosen_columns, load_names, rows, select, shown_sql
from hydra_core.store.replica import reading_for_pages

#: Rows of an answer when the question does not say how many.
SHOWN = 50
#: What is counted, as the head of its column.
_COUNTS = {"verdicts": "plots", "labels": "labels", "runs": "runs", "plots": "plot_types"}
#: What a row of a count stands for, one and many; for columns that are not called so themselves.
_ROWS = {
    "plot_type": ("plot type", "plot types"),
    "class": ("class", "classes"),
    "who": ("person", "people"),
    "pass": ("pass", "passes"),
}


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    ask = commands.add_parser("ask", help="ask about the data in plain English")
    ask.add_argument("question", metavar="QUESTION", nargs="+", help="as in 'which detectors had problems today'")
    ask.add_argument("--explain", action="store_true", help="say how it is understood, and the SQL, instead of asking")
    ask.set_defaults(command=_ask)


def _ask(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    with reading_for_pages(site, engine) as connection:
        print(answer(connection, " ".join(given.question), now(), explain=given.explain))
    return 0


def answer(connection: Connection, text: str, at: datetime, *, explain: bool = False) -> str:
    """Return the answer to a question, or how it is understood.

    Parameters
    ----------
    at
        What ``yesterday`` counts from.

    Raises
    ------
    QuestionError
        When it is not understood.
    """
    names = load_names(connection)
    question = read_question(text, KnownNames(names), at, examples(connection, names))
    lacks = question.subject == "detectors" and not names.detectors
    if lacks:
        question = replace(question, subject="plots")
    plan = plan_question(question)
    ready = find_newest(connection, question, plan)
    line = told(question, ready.query, ready.newest)
    if lacks:
        line += "\n(no plot type belongs to a detector here; 'group' in plots.toml says to which)"
    if explain:
        return visible("\n".join([line, *_explained(connection, question, ready)]))
    limit = SHOWN if ready.query.limit is None else ready.query.limit
    found = list(islice(rows(connection, replace(ready.query, limit=limit + 1)), limit + 1))
    if not found or (ready.query.count_all and not found[0]["count"]):
        return visible(f"{line}\nnone: {why_empty(connection, question, plan, ready)}")
    if ready.query.count_all:
        return visible(f"{line}\n{found[0]['count']}")
    columns = chosen_columns(ready.query)
    kinds = {column.name: column.kind for column in columns}
    if "detector" in ready.query.by:
        found = [{**row, "detector": row["detector"] or "(none)"} for row in found]
    cells = list(shown_rows(list(kinds), kinds, found[:limit]))
    heads = [_COUNTS.get(ready.query.view, name) if name == "count" else name for name in kinds]
    lines = [line, table([head.upper() for head in heads], cells)]
    if question.intent == "count":
        lines.insert(1, _sum(connection, ready.query, len(cells), more=len(found) > limit))
    elif len(found) > limit and ready.query.limit is None:
        lines.append(f"there are more than {counted(limit, 'row')}; ask for the 'top N', or take 'hydra query'")
    return visible("\n".join(lines))


def _sum(connection: Connection, query: Query, shown: int, *, more: bool) -> str:
    """Return how many there are in all rows of a count together, and in how many rows."""
    if not query.by:
        return f"more than {counted(shown, 'row')}" if more else counted(shown, "row")
    everything = replace(query, by=(), columns=("count",), order=(), count_all=True, limit=None)
    total = next(rows(connection, everything))["count"]
    what = _COUNTS.get(query.view, query.view).replace("_", " ").removesuffix("s")
    name = "run" if "run" in query.by else query.by[0]
    one, many = _ROWS.get(name, (name, f"{name}s"))
    each = f"more than {shown} {many}" if more else f"{shown} {one if shown == 1 else many}"
    return f"{counted(total, what)} in {each}"


def _explained(connection: Connection, question: Question, ready: Ready) -> Sequence[str]:
    pieces = [(repr(piece.text), piece.meaning) for piece in question.pieces]
    sql, values = shown_sql(select(ready.query), connection.dialect)
    bound = [f"  :{name} = {value}" for name, value in values.items()]
    return ["", table(("WORDS", "TAKEN FOR"), pieces), "", sql.replace(" \n", "\n"), "", *bound]
