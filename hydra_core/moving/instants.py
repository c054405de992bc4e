"""Times without a zone, as the original keeps them, become instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hydra_core.base.errors import HydraError
from hydra_core.labels.request_kinds import EARLIEST, LATEST
from hydra_core.moving.outcome import Outcome


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name, as in ``America/New_York``.

    Raises
    ------
    HydraError
        When there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise HydraError(
            f"there is no time zone {name!r}", next_step="write it as in America/New_York or Europe/Berlin"
        ) from error


class Instants:
    """Turns times into instants and counts what had to be decided."""

    def __init__(self, zone: ZoneInfo, outcome: Outcome) -> None:
        self._zone = zone
        self._outcome = outcome

    def instant(self, value: object) -> datetime | None:
        """Return the instant of a time, in UTC; None where it is none that can be kept.

        Of the hour that clocks show twice the first is taken.
        """
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return None
        if not isinstance(value, datetime):
            return None
        found = value
        if found.tzinfo is None:
            found = found.replace(tzinfo=self._zone, fold=0)
            if found.utcoffset() != found.replace(fold=1).utcoffset():
                self._outcome.leave("times", "of an hour that clocks show twice or never; the first one was taken")
        try:
            found = found.astimezone(UTC)
        except OverflowError:
            return None
        return found if EARLIEST <= found < LATEST else None
