"""Instants and spans of time as people write them; without a zone they are UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hydra_core.base.errors import HydraError

_BACK = re.compile(r"(\d{1,6})\s*([mhdw])", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: Nothing that Hydra knows of is older, and every database can hold it.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def back(now: datetime, **span: float) -> datetime:
    """Return the instant that lies so long before `now`; one before 1970 is 1970."""
    try:
        return max(now - timedelta(**span), EARLIEST)
    except OverflowError:
        return EARLIEST


def read_instant(text: str, now: datetime) -> datetime:
    """Read ``24h``, ``7d``, ``2026-01-17``, ``2026-01-17T12:00`` or ``2026-01-17 12:00:30Z``.

    Parameters
    ----------
    now
        What ``24h`` counts back from.

    Raises
    ------
    HydraError
        When it cannot be read.
    """
    span = _BACK.fullmatch(text.strip())
    if span:
        return back(now, **{_UNITS[span[2].lower()]: int(span[1])})
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HydraError(
            f"{text!r} is not a time", next_step="write 24h, 7d, 2026-01-17 or 2026-01-17T12:00 (UTC)"
        ) from error
    return max(found, EARLIEST)
