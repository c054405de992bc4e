"""Time: always UTC, ISO 8601 where it is written."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, with zone, cut to milliseconds (what every database here keeps)."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def iso(instant: datetime) -> str:
    """Return `instant` as ``2026-11-21T12:00:00Z`` (seconds)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_exact(instant: datetime) -> str:
    """Return `instant` as ``2026-11-21T12:00:00.123Z`` (milliseconds)."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
