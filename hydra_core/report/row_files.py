"""Rows of an answer as a file for people, spreadsheets and notebooks: written row by row, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from hydra_core.base.clock import iso_exact
from hydra_core.base.errors import HydraError
from hydra_core.report.encode import visible, write_cells

Row = Mapping[str, Any]
_BATCH = 10_000
_SHORT_HASH = 12


def write_csv(stream: TextIO, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    write_cells(stream, names, ([_flat(row[name]) for name in names] for row in rows))


def write_json_lines(stream: TextIO, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as JSON, one object a line."""
    for row in rows:
        stream.write(_json({name: row[name] for name in names}) + "\n")


def write_json(stream: TextIO, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as one JSON list of objects."""
    stream.write("[")
    for number, row in enumerate(rows):
        stream.write(("," if number else "") + "\n" + _json({name: row[name] for name in names}))
    stream.write("\n]\n")


def write_parquet(path: Path, kinds: Mapping[str, str], rows: Iterable[Row]) -> None:
    """Write rows as a Parquet file.

    Parameters
    ----------
    kinds
        Column -> ``text``, ``integer``, ``number``, ``truth``, ``time``, ``sha256`` or ``json`` (written as its text).

    Raises
    ------
    HydraError
        When the package pyarrow is not installed.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise HydraError(
            "Parquet files need the package pyarrow, which is not installed",
            next_step="install pyarrow beside Hydra, or take --format csv",
        ) from error
    types = {"integer": arrow.int64(), "number": arrow.float64(), "truth": arrow.bool_()}
    types["time"] = arrow.timestamp("ms", tz="UTC")
    schema = arrow.schema([(name, types.get(kind, arrow.string())) for name, kind in kinds.items()])
    given = iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(given, _BATCH)):
            columns = {
                name: [_json(row[name]) if kind == "json" else row[name] for row in batch]
                for name, kind in kinds.items()
            }
            writer.write_table(arrow.table(columns, schema=schema))


def shown_rows(names: Sequence[str], kinds: Mapping[str, str], rows: Iterable[Row]) -> Iterator[list[str]]:
    """Yield rows as cells of a table for a terminal; a hash is cut to its first digits."""
    for row in rows:
        yield [_shown(row[name], kinds[name]) for name in names]


def _shown(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.4g}"
    text = visible(str(_flat(value)).replace("\n", " "))
    return text[:_SHORT_HASH] if kind == "sha256" else text


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso_exact(value)
    return _json(value) if isinstance(value, list | dict) else value


def _json(value: Any) -> str:
    # What nobody sees is written as JSON itself may write it, so that nothing is lost.
    return visible(json.dumps(value, default=_told, ensure_ascii=False, allow_nan=False))


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return iso_exact(value)
    raise TypeError(f"{type(value)} in a row")
