"""The rows of an answer, one after the other, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection

from hydra_core.store.query.statement import Query, chosen_columns, select

#: Column -> value; see `Kind` for what values are.
Row = dict[str, Any]
#: Rows that are held in memory at a time.
_BATCH = 1000
#: Both databases have numbers for what is true, and MariaDB adds up to decimal numbers.
_PLAIN: dict[str, type] = {"truth": bool, "integer": int, "number": float}


def rows(connection: Connection, query: Query) -> Iterator[Row]:
    """Yield the rows of a query.

    The database keeps what was not read yet, so memory stays the same for a million rows. Another statement on the same
    connection has to wait until all rows were read.

    Raises
    ------
    HydraError
        When there is no such view or column, or a condition does not fit its column.
    """
    columns = [(column.name, _PLAIN.get(column.kind)) for column in chosen_columns(query)]
    answer = connection.execute(select(query), execution_options={"yield_per": _BATCH})
    with answer:
        for row in answer:
            yield {
                name: value if plain is None or value is None else plain(value)
                for (name, plain), value in zip(columns, row, strict=True)
            }
