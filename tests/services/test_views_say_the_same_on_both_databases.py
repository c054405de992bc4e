from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.errors import HydraError
from hydra_core.cli.ask import answer
from hydra_core.store.query import Condition, Query, Row, View, chosen_columns, load_names, rows, views
from hydra_core.store.session import reading
from tests.bench.history_shape import SMALL
from tests.query_samples import DETECTORS, NOW, PASS, PLOTS, fill
from tests.scale_databases import empty_mariadb, scans_of, statements_of
from tests.store_calls import Call, Middle
from tests.store_samples import digest, opened, sqlite_copy

QUESTIONS = (
    "which detectors had problems in the last 24 hours",
    "how many bad plots by day",
    "since when is CDC_occupancy bad",
    "who labelled most this week",
    "show images of detector bad in the last 2 runs",
    "which models are live",
    "how many labels by class",
    "which runs had problems since Monday",
)
#: Questions whose answer is made of counts of verdicts.
COUNTING = (
    "which detectors had problems",
    "which plots had problems",
    "which runs had problems",
    "how many images by state",
    "how many images by class",
    "how many good plots",
    "how many problems by day",
    "worst 2 detectors",
    "passes with problems",
    "when was CDC_occupancy last bad",
    "plots that are missing in the last 24 hours",
)
_SUMMED = ("run", "severity", "judged_at")
KINDS = {"text": str, "sha256": str, "integer": int, "number": float, "truth": bool, "json": (dict, list)}


@pytest.fixture(scope="module")
def of_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sqlite_copy(tmp_path_factory.mktemp("views") / "hydra.sqlite") as engine:
        fill(engine)
        yield engine


@pytest.fixture(scope="module")
def of_mariadb(mariadb_server_url: str) -> Iterator[Engine]:
    with empty_mariadb(mariadb_server_url) as url, opened(url) as engine:
        fill(engine)
        yield engine


@pytest.fixture(scope="module", params=["of_sqlite", pytest.param("of_mariadb", marks=pytest.mark.services)])
def history(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(request.param)
    return engine


def _all(engine: Engine, query: Query) -> list[Row]:
    with reading(engine) as connection:
        return list(rows(connection, query))


def _every_column(view: View) -> Query:
    return Query(view.name, tuple(column.name for column in view.columns))


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_every_column_of_a_view_has_values_of_its_kind(history: Engine, view: View) -> None:
    query = _every_column(view)
    found = _all(history, query)
    assert found
    for column in chosen_columns(query):
        values = [row[column.name] for row in found if row[column.name] is not None]
        if column.kind == "time":
            assert all(value.utcoffset() == timedelta(0) for value in values)
        else:
            assert {type(value) for value in values} <= set(
                kind if isinstance(kind := KINDS[column.kind], tuple) else (kind,)
            )


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_rows_of_a_view_can_be_counted_by_every_column(history: Engine, view: View) -> None:
    number = len(_all(history, Query(view.name)))
    assert _all(history, Query(view.name, count_all=True))[0]["count"] == number
    for column in view.columns:
        if column.kind != "json":
            found = _all(history, Query(view.name, by=(column.name,)))
            assert sum(row["count"] for row in found) == number


@pytest.mark.services
def test_every_view_and_every_answer_is_the_same_on_both(of_sqlite: Engine, of_mariadb: Engine) -> None:
    for view in views():
        assert _all(of_sqlite, _every_column(view)) == _all(of_mariadb, _every_column(view))
        for one in view.columns:
            if one.kind != "json":
                query = Query(view.name, by=(one.name,))
                assert _all(of_sqlite, query) == _all(of_mariadb, query)
    with reading(of_sqlite) as here, reading(of_mariadb) as there:
        assert load_names(here) == load_names(there)
        for question in QUESTIONS:
            assert answer(here, question, NOW) == answer(there, question, NOW)


def test_only_the_newest_judged_revision_of_a_run_counts_unless_all_are_asked_for(history: Engine) -> None:
    of_run = (Condition("run", "=", (104,)),)
    newest = _all(history, Query("verdicts", ("revision",), of_run))
    everything = _all(history, Query("verdicts", ("revision",), of_run, all_revisions=True))
    assert {row["revision"] for row in newest} == {2}
    assert {row["revision"] for row in everything} == {1, 2}
    assert len(everything) == 2 * len(newest)


@pytest.mark.parametrize("view", ["verdicts", "evidence"])
@pytest.mark.parametrize(
    "asked",
    [
        Query("", where=(Condition("pass", "=", (PASS,)), Condition("run", "=", (103,)))),
        Query("", where=(Condition("pass", "=", (PASS,)), Condition("run", ">=", (103,))), plots=frozenset({1})),
        Query("", where=(Condition("judged_at", ">=", (NOW - timedelta(hours=24),)),)),
        Query("", where=(Condition("judged_at", ">=", (NOW - timedelta(hours=24),)),), limit=5),
        Query("", where=(Condition("judged_at", ">=", (NOW - timedelta(hours=24),)),), by=("detector",)),
        Query("", plots=frozenset({1, 2}), limit=5),
    ],
)
def test_runs_plot_types_and_times_are_found_by_an_index(of_sqlite: Engine, view: str, asked: Query) -> None:
    # SQLite's plan is that of a large database too, for nothing ever counts its tables.
    call = Call(lambda connection, _: list(rows(connection, replace(asked, view=view))))
    with of_sqlite.connect() as connection:
        (statement,) = (one for one in statements_of(connection, call, Middle(SMALL)) if one.text.startswith("SELECT"))
        assert scans_of(connection, statement) == []


@pytest.mark.parametrize("by", ["state", "class", "severity", "plot_type", "detector", "pass", "run", "day"])
@pytest.mark.parametrize(
    "asked",
    [
        Query("verdicts"),
        Query("verdicts", all_revisions=True),
        Query("verdicts", where=(Condition("severity", ">=", (2,)), Condition("class", "!=", ("Hot channel",)))),
        Query("verdicts", where=(Condition("judged_at", ">=", (NOW - timedelta(hours=4),)),), plots=frozenset({1, 4})),
    ],
)
def test_counts_are_those_of_the_rows(history: Engine, asked: Query, by: str) -> None:
    said = _all(history, replace(asked, columns=(*(() if by in _SUMMED else (by,)), *_SUMMED)))
    expected = {}
    for value in {row[by] for row in said}:
        rows_of = [row for row in said if row[by] == value]
        times = [row["judged_at"] for row in rows_of]
        runs, worst = {row["run"] for row in rows_of}, max(row["severity"] for row in rows_of)
        expected[value] = (len(rows_of), len(runs), worst, max(runs), min(times), max(times))
    assert expected
    totals = ("count", "runs", "worst", "last_run", "first_at", "last_at")
    found = _all(history, replace(asked, by=(by,), columns=totals))
    assert {row[by]: tuple(row[name] for name in totals) for row in found} == expected
    (everything,) = _all(history, replace(asked, count_all=True, columns=("count",)))
    assert everything["count"] == len(said)


@pytest.mark.parametrize("text", COUNTING)
def test_a_question_that_only_counts_reads_no_verdict(history: Engine, text: str) -> None:
    with history.connect() as connection:
        sent = statements_of(connection, Call(lambda c, _: answer(c, text, NOW)), Middle(SMALL))
    assert any("FROM revisions" in one.text and "verdict_counts" in one.text for one in sent)
    assert [one.text for one in sent if re.search(r"\b(verdicts|items|evidence)\b", one.text)] == []


def test_rows_come_newest_first(history: Engine) -> None:
    found = [row["run"] for row in _all(history, Query("verdicts", ("run",)))]
    assert found == sorted(found, reverse=True)


def test_conditions_and_order_are_those_asked_for(history: Engine) -> None:
    where = (Condition("severity", ">=", (2,)), Condition("judged_at", ">=", (NOW - timedelta(hours=24),)))
    found = _all(history, Query("verdicts", ("severity", "run"), where, order=("-severity", "run")))
    assert [(row["severity"], row["run"]) for row in found] == [
        (3, 102),
        (3, 102),
        (3, 103),
        (3, 103),
        (2, 103),
        (2, 104),
    ]


@pytest.mark.parametrize(
    ("condition", "number"),
    [
        (Condition("class", "=", (None,)), 2),
        (Condition("class", "!=", (None,)), 22),
        (Condition("state", "in", ("missing", "unreadable")), 2),
        (Condition("state", "in", ()), 0),
        (Condition("plot_type", "~", ("cdc",)), 0),
        (Condition("plot_type", "~", ("CDC",)), 12),
        (Condition("plot_type", "~", ("%",)), 0),
        (Condition("chunk", "=", (None,)), 16),
        (Condition("chunked", "=", (True,)), 8),
        (Condition("confidence", "<", (0.5,)), 0),
        (Condition("image", "=", (digest("1011-1-0"),)), 1),
        (Condition("incident_since", "=", (102,)), 4),
        (Condition("detector", "=", (DETECTORS[2],)), 4),
        (Condition("day", "=", ("2026-11-21",)), 12),
        (Condition("pass", "!=", (PASS,)), 0),
    ],
)
def test_a_condition_keeps_the_rows_that_fit(history: Engine, condition: Condition, number: int) -> None:
    assert len(_all(history, Query("verdicts", ("run",), (condition,)))) == number


def test_detectors_are_counted_by_their_problems(history: Engine) -> None:
    query = Query("verdicts", ("count", "runs", "worst"), (Condition("severity", ">=", (2,)),), by=("detector",))
    assert [tuple(row.values()) for row in _all(history, query)] == [
        ("CDC", 5, 2, 3),
        ("Forward calorimeter", 1, 1, 2),
        ("bad", 1, 1, 2),
    ]


def test_a_corrected_label_counts_no_more_but_is_in_the_history(history: Engine) -> None:
    found = _all(history, Query("label_history", ("class", "counts")))
    assert [row["class"] for row in found if not row["counts"]] == ["Good"]
    assert [row["class"] for row in _all(history, Query("labels", ("class",)))] == [
        row["class"] for row in found if row["counts"]
    ]


def test_the_newest_threshold_of_a_class_stands(history: Engine) -> None:
    assert {row["threshold"] for row in _all(history, Query("thresholds"))} == {0.75}


def test_a_model_is_shown_with_what_it_got_right(history: Engine) -> None:
    found = _all(history, Query("models", ("tested", "right"), (Condition("status", "=", ("live",)),)))
    assert found == [{"tested": 3, "right": 2}]


def test_names_hold_groups_of_groups(history: Engine) -> None:
    with reading(history) as connection:
        names = load_names(connection)
    assert names.groups["central"] == names.groups["CDC"] == frozenset({1, 2})
    assert names.detectors == frozenset(DETECTORS.values())
    assert {plot.name for plot in names.plots} == {name for name, _, _ in PLOTS.values()}


def test_a_number_that_no_column_can_hold_is_no_row(history: Engine) -> None:
    assert _all(history, Query("verdicts", where=(Condition("run", "=", (2**63 - 1,)),))) == []


def test_nothing_but_columns_of_the_view_is_taken(history: Engine) -> None:
    for query in (
        Query("verdicts", ("severity; DROP TABLE runs",)),
        Query("verdicts", order=("1 DESC",)),
        Query("verdicts", by=("reasons",)),
        Query("verdicts", where=(Condition("password", "=", ("x",)),)),
        Query("runs; DROP TABLE runs"),
    ):
        with pytest.raises(HydraError):
            _all(history, query)
