from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.labels.request_kinds import EARLIEST, LATEST
from hydra_core.moving.instants import Instants, find_zone
from hydra_core.moving.outcome import MOST_LINES, Outcome


def instants(zone: str = "America/New_York") -> tuple[Instants, Outcome]:
    outcome = Outcome()
    return Instants(find_zone(zone), outcome), outcome


@pytest.mark.parametrize(
    ("told", "utc", "doubtful"),
    [
        ("2025-01-20 09:30:00", "2025-01-20T14:30:00", 0),
        ("2025-07-20 09:30:00", "2025-07-20T13:30:00", 0),
        ("2025-11-02 01:30:00", "2025-11-02T05:30:00", 1),
        ("2025-11-02 02:30:00", "2025-11-02T07:30:00", 0),
        ("2025-03-09 02:30:00", "2025-03-09T07:30:00", 1),
        ("2025-01-20 09:30:00+00:00", "2025-01-20T09:30:00", 0),
    ],
)
def test_summer_winter_and_the_hours_between_them(told: str, utc: str, doubtful: int) -> None:
    there, outcome = instants()
    assert there.instant(told) == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert sum(outcome.left.values()) == doubtful


@pytest.mark.parametrize(
    "value", [None, "", "0000-00-00 00:00:00", "yesterday", 5, "1970-01-01 00:00:00", "2300-01-01"]
)
def test_what_is_no_time_that_can_be_kept_is_none(value: Any) -> None:
    assert instants()[0].instant(value) is None


@given(st.datetimes(), st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"]))
def test_every_time_is_an_instant_within_the_span_or_none(value: datetime, zone: str) -> None:
    found = instants(zone)[0].instant(value)
    assert found is None or (found.tzinfo is UTC and EARLIEST <= found < LATEST)


def test_a_database_full_of_strange_names_does_not_fill_the_page() -> None:
    outcome = Outcome()
    for number in range(3 * MOST_LINES):
        outcome.leave(f"plot type {number}", "it has no name")
    assert len(outcome.lines()) == MOST_LINES + 1
    assert sum(outcome.left.values()) == 3 * MOST_LINES
