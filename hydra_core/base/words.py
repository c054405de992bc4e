"""Numbers in sentences, and values as TOML writes them."""

from __future__ import annotations

import json
import math


def counted(number: int, word: str) -> str:
    """Return ``1 run`` or ``2 runs``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def sentence_of(text: str) -> str:
    """Return a statement as a sentence: with a capital letter and a full stop.

    Examples
    --------
    >>> sentence_of("none of its 12 bins holds anything")
    'None of its 12 bins holds anything.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def percent(value: float) -> str:
    """Return a probability as a person reads it: never ``100%`` for what is not certain.

    Examples
    --------
    >>> percent(0.9996), percent(0.5), percent(1.0)
    ('99.9%', '50.0%', '100%')
    """
    return "100%" if value >= 1 else f"{math.floor(value * 1000) / 10:.1f}%"


def time_left(seconds: float) -> str:
    """Return how long something may still take, no finer than an estimate is.

    Examples
    --------
    >>> time_left(12.3), time_left(400), time_left(9000)
    ('about 12 s left', 'about 7 min left', 'about 2.5 h left')
    """
    if seconds < 90:
        return f"about {round(seconds)} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


def toml_value(value: object) -> str:
    """Return a text, number, truth value or list of them as TOML."""
    # JSON's text, number, truth value and list are TOML's, but for the escape of DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
