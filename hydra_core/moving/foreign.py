"""Values of a foreign database: numbers, names and dictionaries written as text; none of them is trusted."""

from __future__ import annotations

import ast
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

#: No dictionary of classes is longer.
LONGEST_TEXT = 20_000
MOST_CLASSES = 200
LONGEST_CLASS = 40
_BIGGEST = 2**31 - 1
_DEEPEST = 8
_WHOLE = re.compile(r"\s*[-+]?\d{1,18}\s*")
_VARIABLE = re.compile(r"\$(?=\{[A-Z][A-Z0-9_]*\})")
_NUMPY = re.compile(r"\bnp\.(?:float|int)\d+\(([^()]*)\)")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(
    rf"""\s*(?:(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|{_NUMBER}|True|False|None)"""
    r"""|(?P<open>[{\[(])|(?P<close>[}\])])|(?P<mark>[,:]))""",
    re.DOTALL,
)


def number_of(value: object) -> int | None:
    """Return a whole number that every database here can keep (32 bits), or None."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, Decimal | float) and value == int(value if math.isfinite(value) else 0):
        value = int(value)
    return value if isinstance(value, int) and -_BIGGEST <= value <= _BIGGEST else None


def fraction_of(value: object) -> float | None:
    """Return a number that is neither infinite nor none at all."""
    if isinstance(value, str) and len(value) > 60:
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def truth_of(value: object) -> bool | None:
    """Return a truth value, which a database may also keep as a bit; None where it says nothing."""
    if value is None or value == "":
        return None
    return value not in (0, "0", "\0", "false", "False")


def words_of(value: object, longest: int = 4000) -> str:
    """Return a text for a configuration file, at most so long; what would be replaced there is pulled apart."""
    return _VARIABLE.sub("$ ", unicodedata.normalize("NFC", "" if value is None else str(value)))[:longest]


def name_of(value: object, longest: int) -> tuple[str, str]:
    """Return a name as it is written here, and why it cannot be one, empty where it can."""
    name = unicodedata.normalize("NFC", "" if value is None else str(value))
    if not name.strip():
        return name, "it has no name"
    if len(name) > longest:
        return name, f"its name has {len(name)} characters, {longest} fit"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return name, "its name holds control characters"
    if _VARIABLE.search(name):
        return name, "its name holds ${…}, which a configuration file replaces"
    return name, ""


def plain_value(text: object) -> Any:
    """Return what a text says in JSON, or as Python writes numbers, texts, lists and dictionaries; else None.

    Nothing is computed and nothing is called, however the text is made.
    """
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return None
    # Where nothing else can be a quotation mark, Python's are JSON's, which is read ten times as fast.
    quoted = text.replace("'", '"') if '"' not in text and "\\" not in text else text
    try:
        return json.loads(quoted)
    except (ValueError, RecursionError):
        pass
    bare = _NUMPY.sub(r"\1", text)
    if not _only_values(bare):
        return None
    try:
        return ast.literal_eval(bare.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _only_values(text: str) -> bool:
    """Whether a text holds values, brackets and commas alone, few levels deep; the parser must not be led deeper."""
    place, depth, after_value = 0, 0, False
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            return False
        if found["value"] is not None and after_value:
            return False
        depth += (found["open"] is not None) - (found["close"] is not None)
        if not 0 <= depth <= _DEEPEST:
            return False
        after_value = found["value"] is not None
        place = found.end()
    return depth == 0


def class_numbers(text: object) -> Mapping[str, float] | None:
    """Return a dictionary of classes and numbers that is written as text; None where it is anything else."""
    return _class_numbers(text) if isinstance(text, str) else None


# The same thresholds stand in row after row.
@lru_cache(maxsize=64)
def _class_numbers(text: str) -> Mapping[str, float] | None:
    value = plain_value(text)
    if not isinstance(value, Mapping) or not 0 < len(value) <= MOST_CLASSES:
        return None
    found: dict[str, float] = {}
    for name, one in value.items():
        number = None if isinstance(one, bool) else fraction_of(one)
        if number is None or not isinstance(name, str | int) or len(str(name)) > LONGEST_CLASS:
            return None
        found[str(name)] = number
    return found
