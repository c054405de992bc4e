"""Data on its way into a file that a browser or a spreadsheet will interpret: one function for each kind of file."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from markupsafe import Markup, escape

_HTML_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Control characters and directional overrides: what could break a line or turn text around without being seen.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` with what nobody can see, or what turns text around, written as its code point."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def finalize(value: Any) -> Any:
    """Make every string that a template prints visible; markup made by the template itself passes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def breakable(text: str) -> Markup:
    """Return a name as HTML that may break after its underscores."""
    return Markup(str(escape(visible(text))).replace("_", "_<wbr>"))  # noqa: S704 (escaped just here)


def plain(value: Any) -> Any:
    """Return `value` ready for JSON: tuples as lists, numbers that are not finite as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return visible(value) if isinstance(value, str) else value


def shard(kind: str, value: Any) -> str:
    """Return a ``.js`` shard: one call that hands `value` to the page.

    The text is ASCII, and holds neither ``<``, ``>`` nor ``&``, so that it stays data wherever it is put.
    """
    text = json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, written in _HTML_IN_SCRIPT.items():
        text = text.replace(character, written)
    return f'hydra.take("{kind}",{text});\n'


def json_text(value: Any) -> str:
    """Return `value` as indented JSON with its keys in the order given."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _cell(value: Any) -> Any:
    """Return a value for a CSV file; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = visible(value)
        return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_START) else text
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a CSV file; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    stream = io.StringIO()
    write_cells(stream, header, rows)
    return stream.getvalue()


def write_cells(stream: TextIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV, as `csv_text` does, one at a time."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
