from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import RequestError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels import inbox
from hydra_core.labels.request import parse_request
from hydra_core.labels.request_kinds import AnyRequest
from hydra_core.store.plot_types import NewDecision, decide_types, known_types, plot_type_ids
from hydra_core.store.schema import PlotTypeRow, Request
from hydra_core.store.session import reading
from tests.request_samples import (
    FDC,
    LATER,
    LISTED,
    TOF,
    a_database,
    a_site,
    decision,
    decisions,
    of_types,
    statuses,
    take,
    types,
)
from tests.store_samples import CDC, NOON, RICH, a_judged_revision, sqlite_copy

RANGES = {"x": [0.0, 5.0], "log": True}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


def test_a_decision_is_kept_with_who_made_it_and_when(site: Site, engine: Engine) -> None:
    request = decisions(
        decision(FDC, "accept", drawing=RANGES), decision(TOF, "ignore"), decision(CDC, "rename", FDC), at=LATER
    )
    (found,) = take(site, engine, request)
    assert (found.refused, found.decisions, found.labels) == ("", 3, 0)
    assert found.said == "3 decisions about plot types taken"
    assert types(engine) == {
        FDC: ("active", None, RANGES, "Ada", LATER),
        TOF: ("ignored", None, None, "Ada", LATER),
        CDC: ("renamed", FDC, None, "Ada", LATER),
        RICH: ("active", None, None, "", None),
        LISTED: ("active", None, None, "", None),
    }
    with reading(engine) as connection:
        row = connection.execute(sa.select(Request.kind, Request.status, Request.claimed_by, Request.owner)).one()
    assert row == ("plot_type", "accepted", "Ada", getpass.getuser())
    assert (site.requests_kept / f"{sha256_bytes(request)}.json").read_bytes() == request


def test_the_newest_of_two_requests_counts_in_both_orders(site: Site, engine: Engine) -> None:
    older, newer = decisions(decision(FDC, "accept")), decisions(decision(FDC, "ignore"), at=LATER)
    take(site, engine, newer, older)
    assert types(engine)[FDC] == ("ignored", None, None, "Ada", LATER)
    take(site, engine, decisions(decision(TOF, "accept")), decisions(decision(TOF, "ignore"), at=LATER))
    assert types(engine)[TOF] == ("ignored", None, None, "Ada", LATER)


def test_ranges_outlive_a_decision_that_brings_none(site: Site, engine: Engine) -> None:
    first = decisions(decision(FDC, "accept", drawing=RANGES))
    take(site, engine, decisions(decision(FDC, "ignore"), at=LATER), first)
    assert types(engine)[FDC][:3] == ("ignored", None, RANGES)
    take(site, engine, decisions(decision(TOF, "accept", drawing=RANGES)), decisions(decision(TOF, "ignore"), at=LATER))
    assert types(engine)[TOF][:3] == ("ignored", None, RANGES)


def test_a_new_name_enters_as_active_and_a_known_one_stays_as_it_is(site: Site, engine: Engine) -> None:
    take(site, engine, decisions(decision(FDC, "rename", PlotKey("FDC", True)), decision(RICH, "rename", TOF)))
    assert statuses(engine) == {
        FDC: "renamed",
        PlotKey("FDC", True): "active",
        RICH: "renamed",
        TOF: "new",
        CDC: "active",
        LISTED: "active",
    }


def test_a_name_is_kept_as_files_are_read(site: Site, engine: Engine) -> None:
    take(site, engine, decisions(decision(TOF, "rename", PlotKey("cafe\u0301", False))))
    assert types(engine)[TOF][1] == PlotKey("caf\u00e9", False)


REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([decision(PlotKey("FDC hit", True), "accept")], "item 1: there is no plot type 'FDC hit:chunks'"),
    ([decision(TOF, "accept"), decision(PlotKey("TOF", True), "accept")], "item 2: there is no plot type"),
    ([decision(TOF, "rename", TOF)], "item 1 renames 'TOF' to itself"),
    ([decision(FDC, "rename", TOF)], "comes once a chunk, so it cannot become 'TOF', which comes once a run"),
    ([decision(TOF, "rename", FDC)], "comes once a run, so it cannot become 'FDC hits:chunks'"),
    (
        [decision(TOF, "rename", RICH), decision(RICH, "rename", TOF)],
        "its renames go in a circle: 'TOF' to 'RICH_hits'",
    ),
    ([decision(TOF, "rename", PlotKey(" ", False))], "cannot name a plot type"),
    ([decision(TOF, "rename", PlotKey("x" * 191, False))], "cannot name a plot type"),
    ([decision(TOF, "rename", PlotKey("a\nb", False))], "cannot name a plot type"),
    ([decision(FDC, "rename", PlotKey("a:chunks", True))], "cannot name a plot type"),
    ([decision(TOF, "accept"), decision(TOF, "ignore")], "item 2 decides otherwise about 'TOF'"),
    ([decision(PlotKey("Listed", False), "ignore")], "item 1: plots.toml lists 'Listed'"),
    ([decision(PlotKey("Listed", False), "rename", TOF)], "item 1: plots.toml lists 'Listed'"),
]


@pytest.mark.parametrize(("items", "reason"), REFUSED)
def test_a_refused_decision_changes_nothing_and_says_why(
    site: Site, engine: Engine, items: list[dict[str, Any]], reason: str
) -> None:
    before, request = types(engine), decisions(*items)
    (found,) = take(site, engine, request)
    assert reason in found.refused
    assert "\n  next: " in found.refused
    assert found.said == found.refused
    assert types(engine) == before
    assert [path.name for path in (site.root / "quarantine").iterdir()] == [f"{sha256_bytes(request)}.json"]
    assert not site.requests_kept.exists() or list(site.requests_kept.iterdir()) == []


@pytest.mark.parametrize(
    ("item", "named"),
    [
        (decision(TOF, "rename"), "items.0: a rename needs the new 'name'"),
        (decision(TOF, "accept", RICH), "items.0: a rename needs the new 'name'"),
        (decision(TOF, "forget"), "items.0.action"),
        (decision(TOF, "accept", drawing={"x": [1, 0]}), "items.0.drawing.x"),
        (decision(TOF, "accept", drawing={"depth": 1}), "items.0.drawing.depth"),
        (decision(TOF, "rename", PlotKey("x" * 201, False)), "items.0.name"),
    ],
)
def test_a_decision_of_another_form_is_refused_before_it_is_written(item: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError) as caught:
        decisions(item)
    assert named in caught.value.cause


def test_a_circle_over_two_requests_is_refused_until_one_name_is_accepted(site: Site, engine: Engine) -> None:
    there, back = decisions(decision(TOF, "rename", RICH)), decisions(decision(RICH, "rename", TOF), at=LATER)
    assert [bool(one.refused) for one in take(site, engine, there, back)] == [False, True]
    assert [one.refused for one in take(site, engine, decisions(decision(TOF, "accept"), at=LATER), back)] == ["", ""]
    assert types(engine)[RICH][:2] == ("renamed", TOF)


def test_two_tasks_cannot_close_a_circle_together(site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    there, back = decisions(decision(TOF, "rename", RICH)), decisions(decision(RICH, "rename", TOF))
    check, inside = inbox.check_request, []

    def meanwhile(*arguments: Any) -> Any:
        found = check(*arguments)
        if not inside:
            inside.append(1)
            (site.inbox / "back.json").write_bytes(back)
            inbox.receive_file(site, engine, site.inbox / "back.json")
        return found

    monkeypatch.setattr(inbox, "check_request", meanwhile)
    (found,) = take(site, engine, there)
    assert "its renames go in a circle" in found.refused
    assert (statuses(engine)[TOF], statuses(engine)[RICH]) == ("new", "renamed")
    assert [path.stem for path in site.requests_kept.iterdir()] == [sha256_bytes(back)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return a database whose changes are taken back after each example."""
    with sqlite_copy(tmp_path_factory.mktemp("scratch") / "hydra.sqlite") as engine:
        a_judged_revision(engine)
        yield engine


instants = st.integers(0, 3).map(lambda number: NOON + timedelta(milliseconds=number))
keys = st.sampled_from([CDC, FDC, PlotKey("new", True)])
ranges = st.none() | st.integers(1, 3).map(lambda high: {"x": [0, high]})


@st.composite
def a_decision(draw: st.DrawFn) -> NewDecision:
    status = draw(st.sampled_from(["active", "ignored", "renamed"]))
    other = draw(keys) if status == "renamed" else None
    return NewDecision(draw(keys), status, draw(st.sampled_from("ab")), draw(instants), other, draw(ranges))


@settings(max_examples=60)
@given(st.lists(a_decision(), max_size=5).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_any_order_of_decisions_gives_the_same_plot_types(
    scratch: Engine, orders: tuple[list[NewDecision], Sequence[NewDecision]]
) -> None:
    outcomes = []
    for order in orders:
        with scratch.connect().execution_options(hydra_writing=True) as connection, connection.begin() as change:
            for one in order:
                decide_types(connection, [one])
            outcomes.append(of_types(connection))
            change.rollback()
    assert outcomes[0] == outcomes[1]


anything = st.text(st.characters(), min_size=1, max_size=30) | st.sampled_from(
    ["TOF", "TOF:chunks", "x" * 195, "\u202e"]
)


@settings(max_examples=80)
@given(anything, anything, st.booleans())
def test_a_hostile_name_is_refused_in_a_sentence_or_becomes_a_plot_type(
    scratch: Engine, tmp_path_factory: pytest.TempPathFactory, old: str, new: str, exists: bool
) -> None:
    folder = a_site(tmp_path_factory.getbasetemp() / "hostile").folder
    item = decision(TOF if exists else PlotKey.parse(old), "rename", PlotKey.parse(new))
    whole = {"hydra_request": 1, "kind": "plot_type", "who": "Ada", "made_at": now().isoformat(), "items": [item]}
    with scratch.connect().execution_options(hydra_writing=True) as connection, connection.begin() as change:
        plot_type_ids(connection, [TOF])
        outcome = entered(load_site(folder), connection, json.dumps(whole).encode())
        if isinstance(outcome, RequestError):
            assert outcome.cause
            assert outcome.next_step
            assert outcome.cause.encode()
        else:
            found = known_types(connection)[TOF]
            assert found.renamed_to is not None
            assert found.renamed_to.name.isprintable()
            assert not found.renamed_to.chunked
            assert connection.execute(sa.select(sa.func.count(PlotTypeRow.id))).scalar_one() == 4
        change.rollback()


def entered(site: Site, connection: Connection, data: bytes) -> AnyRequest | RequestError:
    try:
        request = parse_request(data)
        decide_types(connection, inbox.check_request(site, connection, request, "root").decisions)
    except RequestError as error:
        return error
    return request
