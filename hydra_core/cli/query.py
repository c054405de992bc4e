"""``hydra query``: rows of a documented view, for people, spreadsheets and notebooks."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.base.files import atomic_path, write_text
from hydra_core.base.times import read_instant
from hydra_core.base.words import counted
from hydra_core.cli.output import table
from hydra_core.report.row_files import shown_rows, write_csv, write_json, write_json_lines, write_parquet
from hydra_core.stages.context import open_site
from hydra_core.store.ledger import get_pass
from hydra_core.store.query import (
    Column,
    Condition,
    Query,
    Row,
    View,
    chosen_columns,
    find_view,
    in_span,
    load_names,
    of_runs,
    plots_of,
    read_condition,
    rows,
    views,
)
from hydra_core.store.replica import reading_for_pages

#: Rows of a table for people when nothing else is said.
SHOWN = 50
_TEXT = {"csv": write_csv, "json": write_json, "jsonl": write_json_lines}
_RUNS = re.compile(r"(\d{1,18})(?:[-:](\d{1,18}))?")


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    query = commands.add_parser("query", help="rows of a view of the data, as a table, CSV, JSON or Parquet")
    query.add_argument("view", metavar="VIEW", nargs="?", help="without it: the views; with it alone: its newest rows")
    query.add_argument("--columns", metavar="A,B", help="columns to give, in this order (default: the standard ones)")
    query.add_argument(
        "--where",
        metavar="CONDITION",
        action="append",
        default=[],
        help="as in 'run>=50010'; may be given several times",
    )
    query.add_argument("--pass", dest="pass_name", metavar="PASS", help="only of this pass")
    query.add_argument("--runs", metavar="A-B", help="only of these runs, or of one")
    query.add_argument("--since", metavar="TIME", help="only from then on: 24h, 7d, 2026-01-17, 2026-01-17T12:00 (UTC)")
    query.add_argument("--until", metavar="TIME", help="only before then")
    query.add_argument(
        "--plot", metavar="NAME", action="append", default=[], help="only this plot type, or all that fit a pattern"
    )
    query.add_argument(
        "--detector", metavar="NAME", action="append", default=[], help="only plot types of this detector or group"
    )
    query.add_argument("--state", metavar="STATE", action="append", default=[], help="only in this state")
    query.add_argument(
        "--class", dest="class_name", metavar="CLASS", action="append", default=[], help="only this class"
    )
    query.add_argument("--by", metavar="A,B", help="count: one row for each value of these columns, with totals")
    query.add_argument(
        "--order", metavar="A,B", help="columns to order by; --order=-severity puts the largest first (default: newest)"
    )
    query.add_argument("--limit", type=int, metavar="N", help=f"the most rows (default: {SHOWN} in a table, else all)")
    query.add_argument("--format", choices=("table", *_TEXT, "parquet"), default="table", help="how rows are written")
    query.add_argument("--out", type=Path, metavar="FILE", help="write there instead of to the terminal")
    query.add_argument("--all-revisions", action="store_true", help="also revisions that a later one has replaced")
    query.set_defaults(command=_query)


def _query(given: argparse.Namespace) -> int:
    if given.view is None:
        print(table(("VIEW", "A ROW IS"), [(view.name, view.row) for view in views()]))
        return 0
    view = find_view(given.view)
    if given.format == "parquet" and given.out is None:
        raise HydraError("a Parquet file is nothing for a terminal", next_step="give --out FILE")
    if given.limit is not None and given.limit < 0:
        raise HydraError("--limit is below 0", next_step="give the most rows that you want")
    site, engine = open_site(given.site)
    with reading_for_pages(site, engine) as connection:
        asked = _asked(connection, given, view)
        columns = chosen_columns(asked)
        if given.format == "table":
            _print_table(connection, asked, columns, given.out)
        else:
            _write(given.format, given.out, columns, rows(connection, asked))
    return 0


def _asked(connection: Connection, given: argparse.Namespace, view: View) -> Query:
    at = now()
    known = {column.name: column for column in view.columns}
    where = [read_condition(text, known, at) for text in given.where]
    if given.pass_name is not None:
        where.append(_same(view, "pass", (get_pass(connection, given.pass_name).name,)))
    if given.runs is not None:
        where += of_runs(view, *_span(given.runs))
    if given.since is not None or given.until is not None:
        instants = [None if text is None else read_instant(text, at) for text in (given.since, given.until)]
        where += in_span(view, *instants)
    if given.state:
        where.append(_same(view, "state", given.state))
    if given.class_name:
        where.append(_same(view, "class", given.class_name))
    plots = None
    if given.plot or given.detector:
        plots = plots_of(load_names(connection), given.plot, given.detector)
    return Query(
        view=view.name,
        columns=_words(given.columns),
        where=tuple(where),
        plots=plots,
        by=_words(given.by),
        order=_words(given.order),
        limit=given.limit,
        all_revisions=given.all_revisions,
    )


def _same(view: View, name: str, values: Sequence[str]) -> Condition:
    if name not in {column.name for column in view.columns}:
        raise HydraError(f"rows of the view {view.name} have no {name}", next_step=f"leave --{name} out")
    return Condition(name, "in", tuple(values))


def _span(text: str) -> tuple[int, int]:
    found = _RUNS.fullmatch(text.strip())
    if found is None:
        raise HydraError(f"{text!r} names no runs", next_step="write 50010 or 50010-50020")
    return int(found[1]), int(found[2] or found[1])


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _print_table(connection: Connection, asked: Query, columns: Sequence[Column], out: Path | None) -> None:
    limit = SHOWN if asked.limit is None else asked.limit
    found = list(islice(rows(connection, replace(asked, limit=limit + 1)), limit + 1))
    kinds = {column.name: column.kind for column in columns}
    text = table([_head(column) for column in columns], list(shown_rows(list(kinds), kinds, found[:limit])))
    if len(found) > limit:
        text += f"\nthere are more than {counted(limit, 'row')}: --limit N shows N, --format csv writes all"
    if not found:
        text += "\nno rows"
    if out is None:
        print(text)
    else:
        write_text(out, text + "\n")


def _head(column: Column) -> str:
    return column.name.upper() + (f" ({column.unit})" if column.unit and column.unit != "0 to 1" else "")


def _write(form: str, out: Path | None, columns: Sequence[Column], given: Iterable[Row]) -> None:
    kinds = {column.name: column.kind for column in columns}
    if out is None:
        _TEXT[form](sys.stdout, list(kinds), given)
        return
    count = _Counted(given)
    with atomic_path(out) as temp:
        if form == "parquet":
            write_parquet(temp, kinds, count)
        else:
            with temp.open("w", encoding="utf-8", newline="") as stream:
                _TEXT[form](stream, list(kinds), count)
    print(f"{out}: {counted(count.number, 'row')}")


class _Counted:
    """Rows, counted while somebody takes them."""

    def __init__(self, given: Iterable[Row]) -> None:
        self._given = given
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._given:
            self.number += 1
            yield row
