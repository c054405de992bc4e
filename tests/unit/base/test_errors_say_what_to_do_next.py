from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hydra_core.base import errors
from hydra_core.base.clock import iso, now
from hydra_core.base.errors import HydraError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HydraError)]


def test_an_error_is_its_cause_and_its_next_step() -> None:
    error = HydraError("run 7 has no block", next_step="run chunk_images again")
    assert str(error) == "run 7 has no block\n  next: run chunk_images again"
    assert str(HydraError("run 7 has no block")) == "run 7 has no block"


def test_every_kind_of_error_ends_with_a_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes) == 6
    # 2 is what the command line itself says of wrong arguments.
    assert not {0, 2} & set(codes)


def test_now_is_what_every_database_keeps() -> None:
    instant = now()
    assert instant.tzinfo is UTC
    assert instant.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - instant) < timedelta(minutes=1)


@pytest.mark.parametrize("hours", [-5, 0, 2])
def test_an_instant_is_written_as_utc(hours: int) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert iso(noon.astimezone(timezone(timedelta(hours=hours)))) == "2026-11-21T12:00:00Z"
