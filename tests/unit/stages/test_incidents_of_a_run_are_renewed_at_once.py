"""Incidents of all plot types of a run are renewed in a few statements, and are those of the whole pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.judge.incidents import Moment, merge
from hydra_core.stages.renew_incidents import renew_incidents
from hydra_core.store.items import (
    IncidentRow,
    load_incidents,
    load_items,
    replace_items,
    save_verdicts,
)
from hydra_core.store.ledger import update_revision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import add_judging_set
from hydra_core.store.session import reading, writing
from tests.store_samples import NOON, RULES, a_pass, a_revision, a_verdict, an_item, sqlite_copy

#: Severities of the chunks of one run, by plot type.
Judged = dict[str, list[int]]

NAMES = ("A", "B", "C")
severities = st.lists(st.sampled_from((0, 3)), min_size=1, max_size=3)
stories = st.lists(
    st.tuples(st.integers(1, 5), st.dictionaries(st.sampled_from(NAMES), severities)), min_size=1, max_size=8
)


def enter(engine: Engine, number: int, run: int, revision: int, judged: Judged) -> None:
    """Judge a run as the stage does: its verdicts, then the incidents of all plot types that it ever had."""

    def work(connection: Connection) -> None:
        row = a_revision(connection, number, run, revision)
        places = [(PlotKey(name, True), chunk) for name in sorted(judged) for chunk in range(len(judged[name]))]
        replace_items(connection, row, [an_item(plot, chunk, i) for i, (plot, chunk) in enumerate(places)])
        chosen = add_judging_set(connection, "a set", RULES).id
        verdicts = [
            a_verdict(item.id, chosen, severity=judged[item.plot.name][item.chunk or 0])
            for item in load_items(connection, row)
        ]
        save_verdicts(connection, row, verdicts)
        update_revision(connection, row, state="judged", judged_at=NOON)
        renew_incidents(connection, number, run, all_plot_types(connection).values())

    writing(engine, work)


def of_whole_pass(runs: dict[int, Judged], types: dict[str, int]) -> set[IncidentRow]:
    found = set()
    for name, plot_type_id in types.items():
        moments = [
            Moment(run, chunk, "Bad", "confirmed", severity)
            for run in sorted(runs)
            for chunk, severity in enumerate(runs[run].get(name, []))
        ]
        found |= {IncidentRow(plot_type_id=plot_type_id, **vars(one)) for one in merge(moments)}
    return found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database for all stories: each has a pass of its own."""
    with sqlite_copy(tmp_path_factory.mktemp("incidents") / "a.sqlite") as engine:
        yield engine


@settings(max_examples=15)
@given(story=stories)
def test_runs_in_any_order_and_again_leave_the_incidents_of_the_whole_pass(
    database: Engine, story: list[tuple[int, Judged]]
) -> None:
    runs: dict[int, Judged] = {}
    revisions: dict[int, int] = {}
    number = writing(database, lambda connection: a_pass(connection, uuid4().hex))
    for run, judged in story:
        runs[run], revisions[run] = judged, revisions.get(run, 0) + 1
        enter(database, number, run, revisions[run], judged)
        with reading(database) as connection:
            types = {key.name: row for key, row in all_plot_types(connection).items()}
            kept = load_incidents(connection, number)
        assert len(kept) == len(set(kept))
        assert set(kept) == of_whole_pass(runs, types)


@pytest.mark.parametrize("severity", [0, 3])
def test_the_number_of_statements_does_not_grow_with_the_plot_types(tmp_path: Path, severity: int) -> None:
    counts = {}
    for many in (2, 40):
        with sqlite_copy(tmp_path / f"{many}.sqlite") as engine:
            number = writing(engine, a_pass)
            names = [f"P{one}" for one in range(many)]
            for run, bad in ((1, 0), (2, severity), (3, 0)):
                enter(engine, number, run, 1, {name: [bad] for name in names})
            with reading(engine) as connection:
                types = list(all_plot_types(connection).values())
            said: list[str] = []
            with engine.connect() as connection:
                sa.event.listen(connection, "before_cursor_execute", lambda *given, said=said: said.append(given[2]))
                renew_incidents(connection, number, 2, types)
            counts[many] = len(said)
    assert counts[40] == counts[2]
