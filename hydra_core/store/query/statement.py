"""From a question to one SELECT: names are looked up in the view, values are bound, and nothing else gets in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from hydra_core.base.errors import HydraError
from hydra_core.store.query.catalogue import find_column, find_view
from hydra_core.store.query.condition import Condition, clause
from hydra_core.store.query.view import Column, View
from hydra_core.store.schema import Revision


@dataclass(frozen=True)
class Query:
    """What is asked of a view.

    Attributes
    ----------
    columns
        Names of columns; empty: the standard ones, or all totals where `by` groups the rows.
    where
        Conditions that all hold.
    plots
        Only plots of these plot types, by their rows (see `plots_of`); None: of all.
    by
        Columns of which equal values make one row, with totals; `count_all` makes one row of everything.
    order
        Names of columns or totals, with ``-`` in front for the largest first; empty: newest first, or most first.
    limit
        The most rows; None: all.
    all_revisions
        Whether revisions of a run count that a later one has replaced.
    """

    view: str
    columns: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    plots: frozenset[int] | None = None
    by: tuple[str, ...] = ()
    count_all: bool = False
    order: tuple[str, ...] = ()
    limit: int | None = None
    all_revisions: bool = False


def chosen_columns(query: Query) -> tuple[Column, ...]:
    """Return the columns of the answer, in order.

    Raises
    ------
    HydraError
        When there is no such view or column.
    """
    return _columns(find_view(query.view), query)


def _columns(view: View, query: Query) -> tuple[Column, ...]:
    if not (query.by or query.count_all):
        names = query.columns or tuple(column.name for column in view.columns if column.standard)
        return tuple(find_column(view, name) for name in names)
    groups = tuple(find_column(view, name) for name in query.by)
    for column in groups:
        if column.kind == "json":
            raise HydraError(f"rows cannot be counted by {column.name}", next_step="count by another column")
    # A total may be called as the column that the rows are grouped by.
    free = tuple(column for column in view.totals if column.name not in query.by)
    return (*groups, *(tuple(find_column(view, name, free) for name in query.columns) or free))


def select(query: Query) -> sa.Select[Any]:
    """Return the statement of a query.

    Raises
    ------
    HydraError
        When there is no such view or column, or a condition does not fit its column.
    """
    view = _quickest(query)
    columns = _columns(view, query)
    statement = sa.select(*(column.value.label(column.name) for column in columns)).select_from(view.source)
    times = [one for one in query.where if one.column == view.time and view.revision is not None]
    kept = [clause(find_column(view, one.column), one) for one in query.where if one not in times]
    if times and view.revision is not None:
        kept.append(view.revision.in_(_judged_then(view, times)))
    if query.plots is not None:
        if view.plot is None:
            raise HydraError(f"rows of the view {view.name} are of no plot type", next_step="leave the plot type out")
        kept.append(view.plot.in_(sorted(query.plots)))
    if view.always is not None:
        kept.append(view.always)
    if view.newest is not None and not query.all_revisions:
        kept.append(view.newest)
    if query.by:
        statement = statement.group_by(*(find_column(view, name).value for name in query.by))
    elif not (query.count_all or query.order or _finds_few(view, query)):
        # MariaDB would rather join and sort everything than walk along the key.
        statement = statement.prefix_with("STRAIGHT_JOIN", dialect="mysql").prefix_with(
            "STRAIGHT_JOIN", dialect="mariadb"
        )
    statement = statement.where(*kept).order_by(*_order(view, query))
    return statement if query.limit is None else statement.limit(query.limit)


def _quickest(query: Query) -> View:
    """Return the view that is asked for, or its counts where they can answer the same."""
    view = find_view(query.view)
    if view.counts is None or not (query.by or query.count_all):
        return view
    known = {column.name for column in view.counts.columns}
    asked = {*query.by, *(one.column for one in query.where)}
    return view.counts if asked <= known else view


def _judged_then(view: View, times: Sequence[Condition]) -> sa.Select[int]:
    # SQLite looks for few revisions first only where they are asked for by themselves.
    then = Revision.__table__.alias().c
    column = replace(find_column(view, view.time), value=then.judged_at)
    return sa.select(then.id).where(*(clause(column, one) for one in times))


def _finds_few(view: View, query: Query) -> bool:
    return query.plots is not None or any(one.column in view.ways_in for one in query.where)


def _order(view: View, query: Query) -> Iterable[sa.ColumnElement[Any]]:
    if query.count_all:
        return []
    groups = {name: find_column(view, name).value for name in query.by}
    totals = tuple(column for column in view.totals if column.name not in groups)
    found = []
    for text in query.order or (("-count",) if query.by else ()):
        name = text.removeprefix("-")
        value = groups[name] if name in groups else find_column(view, name, totals if query.by else ()).value
        found.append(value.desc() if text.startswith("-") else value.asc())
    # Rows that are alike keep one order, so that the same question gives the same answer.
    if query.by:
        return (*found, *groups.values())
    # SQLite would rather walk along the whole key than sort the few rows that are asked for.
    few = _finds_few(view, query)
    return (*found, *(sa.desc(sa.func.coalesce(part, part) if few else part) for part in view.key))
