from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hydra_core.judge.incidents import Incident, Moment, merge, window


def moments(runs: dict[int, list[int]]) -> list[Moment]:
    return [
        Moment(run, chunk, f"class {severity // 4}", "confirmed", severity % 4)
        for run in sorted(runs)
        for chunk, severity in enumerate(runs[run])
    ]


def spans(runs: dict[int, list[int]]) -> list[tuple[int, int, int, int, int, int]]:
    return [
        (one.first_run, one.first_chunk, one.last_run, one.last_chunk, one.count, one.severity)
        for one in merge(moments(runs))
    ]


def test_consecutive_flagged_chunks_are_one_incident_over_the_ends_of_runs() -> None:
    assert spans({1: [0, 2, 2], 2: [3, 0, 2]}) == [(1, 1, 2, 0, 3, 3), (2, 2, 2, 2, 1, 2)]


def test_a_chunk_that_asks_for_nobody_ends_an_incident() -> None:
    assert spans({1: [2, 1, 2]}) == [(1, 0, 1, 0, 1, 2), (1, 2, 1, 2, 1, 2)]
    assert spans({1: [0, 1], 2: []}) == []


def test_a_run_without_the_plot_interrupts_nothing() -> None:
    assert spans({1: [3], 2: [], 7: [3]}) == [(1, 0, 7, 0, 2, 3)]


def test_sure_and_unsure_of_the_same_class_are_one_incident_in_the_state_of_the_worst() -> None:
    series = [
        Moment(1, 0, "Bad", "unconfirmed", 2),
        Moment(1, 1, "Bad", "confirmed", 3),
        Moment(1, 2, "Bad", "unconfirmed", 2),
    ]
    assert merge(series) == [Incident("Bad", "confirmed", 3, 1, 0, 1, 2, 3)]


def test_chunks_that_lean_to_good_are_no_part_of_an_incident_called_bad() -> None:
    unsure = [Moment(1, chunk, "Good", "unconfirmed", 2) for chunk in (1, 2)]
    bad = [Moment(1, chunk, "Bad", "confirmed", 3) for chunk in (3, 4)]
    after = [Moment(2, chunk, "Good", "unconfirmed", 2) for chunk in (1, 2, 3)]
    again = [Moment(3, 1, "Bad", "unconfirmed", 2)]
    assert merge([*unsure, *bad, *after, *again]) == [
        Incident("Good", "unconfirmed", 2, 1, 1, 1, 2, 2),
        Incident("Bad", "confirmed", 3, 1, 3, 1, 4, 2),
        Incident("Good", "unconfirmed", 2, 2, 1, 2, 3, 3),
        Incident("Bad", "unconfirmed", 2, 3, 1, 3, 1, 1),
    ]


def test_troubles_without_a_class_are_kept_apart_by_their_state() -> None:
    states = ["missing", "missing", "unreadable"]
    series = [Moment(1, chunk, None, state, 2) for chunk, state in enumerate(states)]
    assert [(one.state, one.count) for one in merge(series)] == [("missing", 2), ("unreadable", 1)]


#: A severity, or 4 more than it for another class.
severities = st.lists(st.sampled_from([0, 1, 2, 3, 6, 7]), max_size=4)
arrivals = st.lists(st.tuples(st.integers(1, 7), severities), max_size=14)


def arrive(kept: list[Incident], runs: dict[int, list[int]], run: int) -> list[Incident]:
    """Renew the incidents that `run` can touch, as the node ``judge`` does."""
    judged = sorted(number for number in runs if runs[number])

    def neighbour(here: int, later: bool) -> int | None:
        beyond = [number for number in judged if (number > here if later else number < here)]
        return None if not beyond else beyond[0] if later else beyond[-1]

    touched = window(run, lambda number: (runs[number][0] % 4 >= 2, runs[number][-1] % 4 >= 2), neighbour)
    others = [one for one in kept if one.last_run < touched[0] or one.first_run > touched[-1]]
    return others + merge(moments({number: runs[number] for number in touched}))


@given(arrivals)
def test_runs_that_arrive_or_change_in_any_order_leave_the_incidents_of_all(story: list[tuple[int, list[int]]]) -> None:
    runs: dict[int, list[int]] = {}
    kept: list[Incident] = []
    for run, judged in story:
        runs[run] = judged
        kept = arrive(kept, runs, run)
        assert sorted(kept, key=lambda one: (one.first_run, one.first_chunk)) == merge(moments(runs))


@given(arrivals)
def test_no_incident_of_a_window_leaves_it(story: list[tuple[int, list[int]]]) -> None:
    runs = dict(story)
    for run in runs:
        others = [number for number in runs if number != run]
        kept = arrive([], runs, run)
        whole = merge(moments(runs))
        assert all(one in whole for one in kept)
        assert others or kept == whole
