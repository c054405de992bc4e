"""Numbers in sentences, and values as TOML writes them."""

from __future__ import annotations

import json


def counted(number: int, word: str) -> str:
    """Return ``1 run`` or ``2 runs``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def toml_value(value: object) -> str:
    """Return a text, number, truth value or list of them as TOML."""
    # JSON's text, number, truth value and list are TOML's, but for the escape of DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
