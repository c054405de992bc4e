"""An incident is open as long as no later plot of its plot type needs no look or shows another trouble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.stages.incidents_view import recent_incidents
from hydra_core.stages.renew_incidents import renew_incidents
from hydra_core.store.items import load_items, replace_items, save_verdicts
from hydra_core.store.ledger import newest_revisions, update_revision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import add_judging_set
from hydra_core.store.session import reading, writing
from tests.small_deployment import Deployment
from tests.store_samples import NOON, RULES, a_pass, a_revision, a_verdict, an_item, sqlite_copy


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    with sqlite_copy(tmp_path / "a.sqlite") as engine:
        writing(engine, a_pass)
        yield engine


def enter(engine: Engine, run: int, judged: dict[str, list[str]], state: str = "published") -> None:
    """Judge the chunks of a run: the class of each, by plot type."""

    def work(connection: Connection) -> None:
        row = a_revision(connection, 1, run)
        places = [(PlotKey(name, True), chunk) for name in sorted(judged) for chunk in range(len(judged[name]))]
        replace_items(connection, row, [an_item(plot, chunk, i) for i, (plot, chunk) in enumerate(places)])
        chosen = add_judging_set(connection, "a set", RULES).id
        verdicts = []
        for item in load_items(connection, row):
            says = judged[item.plot.name][item.chunk or 0]
            verdicts.append(a_verdict(item.id, chosen, class_name=says, severity=0 if says == "Good" else 3))
        save_verdicts(connection, row, verdicts)
        update_revision(connection, row, state=state, judged_at=NOON)
        renew_incidents(connection, 1, run, all_plot_types(connection).values())

    writing(engine, work)


def told(engine: Engine, site: Site) -> list[tuple[str, bool]]:
    with reading(engine) as connection:
        recent = newest_revisions(connection, 1, first_run=0, last_run=99, state="published")
        keys = {number: key for key, number in all_plot_types(connection).items()}
        found = recent_incidents(connection, site, 1, recent, keys)
    return [(one.sentence, one.open) for one in found]


def test_a_later_chunk_that_is_fine_ends_an_incident(database: Engine, deployment: Deployment) -> None:
    enter(database, 5, {"A": ["Bad", "Good"], "B": ["Good", "Bad"]})
    assert told(database, deployment.site) == [("B: Bad in run 5, chunk 1", True), ("A: Bad in run 5, chunk 0", False)]


def test_a_later_run_that_is_fine_ends_an_incident(database: Engine, deployment: Deployment) -> None:
    enter(database, 5, {"A": ["Bad"]})
    assert told(database, deployment.site) == [("A: Bad in run 5, chunk 0", True)]
    enter(database, 6, {"A": ["Good"]})
    assert told(database, deployment.site) == [("A: Bad in run 5, chunk 0", False)]


def test_another_trouble_ends_an_incident(database: Engine, deployment: Deployment) -> None:
    enter(database, 5, {"A": ["Bad", "HotChannel"]})
    assert told(database, deployment.site) == [
        ("A: HotChannel in run 5, chunk 1", True),
        ("A: Bad in run 5, chunk 0", False),
    ]


def test_a_run_that_lacks_the_plot_type_ends_nothing(database: Engine, deployment: Deployment) -> None:
    enter(database, 5, {"A": ["Bad"]})
    enter(database, 6, {"B": ["Good"]})
    assert told(database, deployment.site) == [("A: Bad in run 5, chunk 0", True)]


def test_an_incident_that_reaches_a_run_without_a_page_yet_is_open(database: Engine, deployment: Deployment) -> None:
    enter(database, 5, {"A": ["Good"]})
    enter(database, 6, {"A": ["Bad", "Good", "Bad"]}, state="judged")
    assert told(database, deployment.site) == [("A: Bad in run 6, chunk 2", True), ("A: Bad in run 6, chunk 0", False)]
    with reading(database) as connection:
        assert recent_incidents(connection, deployment.site, 1, [], {}) == ()
