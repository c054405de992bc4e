"""What a view is: named columns over joined tables, each with a type, a unit and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from hydra_core.config.groups import DETECTOR
from hydra_core.store.schema import (
    ONCE_A_RUN,
    Pass,
    PlotGroupRow,
    PlotGroupType,
    PlotTypeRow,
    Revision,
    Run,
)

#: What a value is in Python: ``str``, ``int``, ``float``, ``bool``, ``datetime`` with zone (UTC), 64 hexadecimal
#: digits, or what JSON holds.
Kind = Literal["text", "integer", "number", "truth", "time", "sha256", "json"]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a view.

    Attributes
    ----------
    words
        What a value is, and when there is none.
    value
        What the database is asked for.
    standard
        Whether it is given where no columns are named.
    """

    name: str
    kind: Kind
    words: str
    value: sa.ColumnElement[Any]
    unit: str = ""
    standard: bool = True


@dataclass(frozen=True, eq=False)
class View:
    """A documented way to look at the database.

    Attributes
    ----------
    row
        What one row is, in words.
    source
        The tables that it looks at, joined.
    key
        What rows are ordered by when nothing else is said, newest first.
    totals
        Columns of a group of rows, for questions that count.
    time
        The column that a span of time is about; empty where there is none.
    plot
        The plot type's row number, where a row is about a plot type.
    always
        What every row keeps to.
    newest
        What the rows of the newest revision of a run keep to.
    ways_in
        Columns by which a database finds few rows among many; a plot type is one for every view that has it.
    revision
        What refers to the revision that has the time, where there are many rows for each revision.
    counts
        The same rows counted when they were written, by fewer columns of the same names and with all totals: what
        answers a question that only counts.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    source: Any
    key: tuple[Any, ...]
    totals: tuple[Column, ...] = ()
    time: str = ""
    plot: sa.ColumnElement[Any] | None = None
    always: sa.ColumnElement[bool] | None = None
    newest: sa.ColumnElement[bool] | None = None
    ways_in: frozenset[str] = frozenset()
    revision: sa.ColumnElement[Any] | None = None
    counts: View | None = None


def col(name: str, kind: Kind, words: str, value: Any, unit: str = "", *, standard: bool = True) -> Column:
    """Return a column."""
    return Column(name, kind, words, value, unit, standard)


def chunk_or_none(value: Any) -> sa.ColumnElement[Any]:
    """Return a chunk, NULL for a plot that comes once a run."""
    return sa.func.nullif(value, ONCE_A_RUN, type_=sa.Integer())


def day_column(instant: str, value: Any) -> Column:
    """Return the column with the day (UTC) of an instant as ``2026-11-21``; both databases write an instant so.

    Parameters
    ----------
    instant, value
        Name and value of the column with the instant.
    """
    day = sa.func.substr(sa.cast(value, sa.String(32)), 1, 10, type_=sa.String())
    return col("day", "text", f"the day of `{instant}`", day, standard=False)


def detector_of(plot_type_id: Any) -> sa.ColumnElement[Any]:
    """Return the detector of a plot type, the first by name where it belongs to several."""
    # All of them at first, which a database does once: a question that counts asks for those of a million rows.
    first = (
        sa.select(PlotGroupType.plot_type_id, sa.func.min(PlotGroupRow.name).label("name"))
        .join(PlotGroupRow, PlotGroupType.group_id == PlotGroupRow.id)
        .where(PlotGroupRow.kind == DETECTOR)
        .group_by(PlotGroupType.plot_type_id)
        .subquery()
    )
    return sa.select(first.c.name).where(first.c.plot_type_id == plot_type_id).scalar_subquery()


def newest_judged() -> sa.ColumnElement[bool]:
    """Return that a revision is judged and no later one of its run is.

    It offers the database no way in, so that it begins with what was asked for.
    """
    later = Revision.__table__.alias().c
    beyond = (later.run_id == Revision.run_id, later.revision > Revision.revision, later.judged_at.is_not(None))
    return sa.and_(Revision.judged_at.is_not(None), ~sa.exists().where(*beyond).correlate(Revision))


def newest_of_run() -> sa.ColumnElement[bool]:
    """Return that a revision is the newest of its run, in whatever state."""
    later = Revision.__table__.alias().c
    beyond = (later.run_id == Revision.run_id, later.revision > Revision.revision)
    return ~sa.exists().where(*beyond).correlate(Revision)


def place_columns() -> tuple[Column, ...]:
    """Return the columns that say of which run a row is."""
    return (
        col("pass", "text", "the monitoring pass", Pass.name),
        col("run", "integer", "run number", Run.number),
        col("run_name", "text", "what people call the run", Run.name, standard=False),
        col("revision", "integer", "which revision of the run", Revision.revision, standard=False),
    )


def plot_columns(plot_type_id: Any) -> tuple[Column, ...]:
    """Return the columns that say of which plot type a row is; the view joins `PlotTypeRow`."""
    return (
        col("plot_type", "text", "name of the plot type", PlotTypeRow.name),
        col("chunked", "truth", "whether it comes once a chunk", PlotTypeRow.chunked, standard=False),
        col(
            "detector",
            "text",
            "the group of the kind `detector` that it belongs to; none where it belongs to none",
            detector_of(plot_type_id),
        ),
    )


def counted(*more: Column, time: Any = None) -> tuple[Column, ...]:
    """Return the totals of a view: how many rows, `more`, and from when to when."""
    found = [col("count", "integer", "rows", sa.func.count()), *more]
    if time is not None:
        found.append(col("first_at", "time", "the earliest of them", sa.func.min(time)))
        found.append(col("last_at", "time", "the latest of them", sa.func.max(time)))
    return tuple(found)
