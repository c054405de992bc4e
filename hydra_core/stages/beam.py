"""Whether there was beam, as the conditions of a run tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def had_beam(conditions: Mapping[str, Any], rules: Mapping[str, Any]) -> bool | None:
    """Return whether there was beam in a run, by the rules of a judging set; None where nothing tells."""
    value = conditions.get(str(rules["beam_key"]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return bool(value >= float(rules["beam_min"]))
