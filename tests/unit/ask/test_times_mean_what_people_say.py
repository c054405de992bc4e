from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.ask.moments import find_span
from hydra_core.base.errors import HydraError
from hydra_core.base.times import EARLIEST, read_instant

#: A Saturday.
NOW = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)


def at(text: str) -> datetime | None:
    return None if text == "open" else datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("in the last 24 hours", "2026-11-20T18:40", "2026-11-21T18:40"),
        ("last 24h", "2026-11-20T18:40", "2026-11-21T18:40"),
        ("past week", "2026-11-14T18:40", "2026-11-21T18:40"),
        ("over the last two days", "2026-11-19T18:40", "2026-11-21T18:40"),
        ("today", "2026-11-21", "2026-11-22"),
        ("Yesterday", "2026-11-20", "2026-11-21"),
        ("this week", "2026-11-16", "2026-11-21T18:40"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("since Monday", "2026-11-16", "open"),
        ("since yesterday", "2026-11-20", "open"),
        ("since 3 hours ago", "2026-11-21T15:40", "open"),
        ("2 days ago", "2026-11-19", "2026-11-20"),
        ("on Saturday", "2026-11-21", "2026-11-22"),
        ("last Saturday", "2026-11-14", "2026-11-15"),
        ("on 2026-01-17", "2026-01-17", "2026-01-18"),
        ("17 January", "2026-01-17", "2026-01-18"),
        ("on December 24th", "2025-12-24", "2025-12-25"),
        ("after 2026-01-17", "2026-01-18", "open"),
        ("before 2026-01-17 12:30", "open", "2026-01-17T12:30"),
        ("until yesterday", "open", "2026-11-21"),
        ("between 2026-01-17 and 2026-01-19", "2026-01-17", "2026-01-20"),
        ("from Monday to Wednesday", "2026-11-16", "2026-11-19"),
        ("since 2026-01-17T12:00Z", "2026-01-17T12:00", "open"),
    ],
)
def test_a_time_is_a_span_that_ends_before_its_end(text: str, since: str, until: str) -> None:
    found = find_span(text, 0, NOW)
    assert found is not None
    assert found[0] == len(text)
    assert (found[1].since, found[1].until) == (at(since), at(until))


@pytest.mark.parametrize("text", ["2026-13-45", "30 February", "Mondays", "last 5 runs", "since run 5", "marching"])
def test_what_is_in_no_calendar_is_no_time(text: str) -> None:
    assert find_span(text, 0, NOW) is None


@given(st.integers(0, 10**6 - 1), st.sampled_from("mhdw"))
def test_however_far_back_an_instant_lies_every_database_can_hold_it(count: int, unit: str) -> None:
    assert EARLIEST <= read_instant(f"{count}{unit}", NOW) <= NOW


@pytest.mark.parametrize("text", ["", "soon", "24", "2026-02-30", "12:00"])
def test_a_time_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(HydraError, match="is not a time"):
        read_instant(text, NOW)


def test_an_instant_without_a_zone_is_in_utc_and_one_with_is_moved() -> None:
    assert read_instant("2026-01-17T12:00", NOW) == datetime(2026, 1, 17, 12, tzinfo=UTC)
    assert read_instant("2026-01-17T12:00+02:00", NOW) == datetime(2026, 1, 17, 10, tzinfo=UTC)
