"""Asking the data: documented views of the database, for notebooks and for ``hydra query``.

A view is a list of named columns; ``docs/asking.md`` lists them. A query names columns, conditions and an order; names
are looked up, values only ever bound. Where runs have revisions, the newest counts.

Examples
--------
>>> from hydra_core.config.load import load_site
>>> from hydra_core.store.query import Condition, Query, rows
>>> from hydra_core.store.session import reading, site_engine
>>> asked = Query("verdicts", ("run", "plot_type", "class"), (Condition("severity", ">=", (2,)),), limit=10)
>>> with reading(site_engine(load_site("demo"))) as connection:  # doctest: +SKIP
...     for row in rows(connection, asked):
...         print(row["run"], row["plot_type"], row["class"])
"""

from hydra_core.store.query.catalogue import find_column, find_view, nearest, views
from hydra_core.store.query.condition import Condition, Operator, read_condition
from hydra_core.store.query.filters import in_span, of_runs
from hydra_core.store.query.names import Names, load_names, plots_of
from hydra_core.store.query.shown import shown_sql
from hydra_core.store.query.statement import Query, chosen_columns, select
from hydra_core.store.query.stream import Row, rows
from hydra_core.store.query.view import Column, Kind, View

__all__ = [
    "Column",
    "Condition",
    "Kind",
    "Names",
    "Operator",
    "Query",
    "Row",
    "View",
    "chosen_columns",
    "find_column",
    "find_view",
    "in_span",
    "load_names",
    "nearest",
    "of_runs",
    "plots_of",
    "read_condition",
    "rows",
    "select",
    "shown_sql",
    "views",
]
