"""What a row must be like: a column, an operator from a fixed list, and values that are only ever bound."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from hydra_core.base.errors import HydraError
from hydra_core.base.times import read_instant
from hydra_core.store.query.view import Column

#: ``~`` is for texts: the value is part of them, letter by letter.
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "~"]

_COMPARE: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_WRITTEN = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|<|>|~|\bin\b)\s*(.*)", re.DOTALL)
_LARGEST = 2**63 - 1
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Condition:
    """A column compared with one value, or with several for ``in``; None is compared with ``=`` and ``!=``."""

    column: str
    operator: Operator
    values: tuple[Any, ...]


def clause(column: Column, condition: Condition) -> sa.ColumnElement[bool]:
    """Return a condition for the database, its values bound.

    Raises
    ------
    HydraError
        When the operator does not fit the column.
    """
    value = column.value
    if condition.operator == "in":
        return value.in_(condition.values)
    if condition.operator == "~":
        if column.kind != "text":
            raise HydraError(
                f"'~' is for text, and {column.name} is not", next_step="compare it with =, !=, <, <=, > or >="
            )
        # LIKE takes capitals for small letters on one database and not on the other.
        return sa.func.instr(value, sa.bindparam(None, condition.values[0], sa.String())) > 0
    (wanted,) = condition.values
    if wanted is None:
        return value.is_not(None) if condition.operator == "!=" else value.is_(None)
    return _COMPARE[condition.operator](value, wanted)


def read_condition(text: str, columns: dict[str, Column], now: datetime) -> Condition:
    """Read a condition as people write it: ``run>=50010``, ``state in novel,missing``, ``class=`` (has none).

    Parameters
    ----------
    columns
        The columns that there are, by name.
    now
        What ``24h`` counts back from.

    Raises
    ------
    HydraError
        When it cannot be read, names another column, or a value does not fit the column.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise HydraError(
            f"{text!r} is not a condition", next_step="write COLUMN, then =, !=, <, <=, >, >=, in or ~, then a value"
        )
    name, operator, written = found[1], found[2], found[3].strip()
    if name not in columns:
        raise HydraError(f"there is no column {name!r} here", next_step=f"there are: {', '.join(columns)}")
    column = columns[name]
    if column.kind == "json":
        raise HydraError(
            f"rows cannot be chosen by {name}, which is a list or a table", next_step="choose another column"
        )
    if operator == "in":
        parts = next(csv.reader([written], skipinitialspace=True), [])
        return Condition(name, "in", tuple(read_value(part, column, now) for part in parts))
    empty = not written and operator in ("=", "!=")
    value = None if empty else written if operator == "~" else read_value(written, column, now)
    return Condition(name, operator, (value,))  # type: ignore[arg-type] # the pattern has no other operators


def read_value(text: str, column: Column, now: datetime) -> Any:
    """Return what a text means as a value of a column.

    Raises
    ------
    HydraError
        When it means none.
    """
    try:
        text.encode("utf-8")
        if column.kind == "integer":
            number = int(text)
            if abs(number) > _LARGEST:
                raise ValueError("too large")
            return number
        if column.kind == "number":
            real = float(text)
            if not math.isfinite(real):
                raise ValueError("not finite")
            return real
        if column.kind == "truth":
            return _TRUTH[text.lower()]
        if column.kind == "sha256":
            if len(bytes.fromhex(text)) != 32:
                raise ValueError("another length")
            return text.lower()
    except (ValueError, KeyError) as error:
        fitting = {"integer": "a whole number", "number": "a number", "truth": "true or false"}
        raise HydraError(
            f"{text!r} does not fit the column {column.name}",
            next_step=f"give {fitting.get(column.kind, '64 hexadecimal digits')}",
        ) from error
    return read_instant(text, now) if column.kind == "time" else text
