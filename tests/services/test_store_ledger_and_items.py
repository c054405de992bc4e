from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from hydra_core.base.errors import DatabaseError
from hydra_core.base.names import PlotKey
from hydra_core.store.items import (
    IncidentRow,
    load_evidence,
    load_incidents,
    load_items,
    load_verdicts,
    neighbour_run,
    replace_incidents,
    replace_items,
    run_incidents,
    save_evidence,
    save_verdicts,
    verdict_series,
)
from hydra_core.store.ledger import (
    add_pass,
    all_passes,
    count_runs,
    get_pass,
    handed_over,
    newest_revision,
    newest_revisions,
    revisions_of,
    set_pass_state,
    unfinished,
    update_revision,
    want_revision,
    want_run,
)
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import add_judging_set
from hydra_core.store.schema import Evidence, Item, Run, Verdict
from hydra_core.store.session import reading, writing
from hydra_core.store.summary import newest_runs, pass_counts, run_blocks, state_counts, totals
from hydra_core.store.timings import (
    Timing,
    images_per_day,
    load_unmatched,
    save_timing,
    save_unmatched,
    timing_summaries,
)
from tests.store_samples import (
    CDC,
    NOON,
    RICH,
    RULES,
    a_judged_revision,
    a_pass,
    a_revision,
    a_verdict,
    an_item,
    item_ids,
    opened,
    some_evidence,
    some_items,
    table_rows,
)


def test_a_run_that_is_wanted_twice_is_in_the_ledger_once(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        first = writing(engine, lambda connection: want_run(connection, number, 7, "007"))
        assert writing(engine, lambda connection: want_run(connection, number, 7, "another name")) == first
        for mark in ("aa" * 32, "bb" * 32):
            writing(engine, lambda connection, mark=mark: want_revision(connection, first, 1, mark))
        with reading(engine) as connection:
            found = revisions_of(connection, number, 7)
            assert count_runs(connection, number) == (1, 0)
    assert [(row.run_name, row.revision, row.fingerprint, row.state) for row in found] == [
        ("007", 1, "aa" * 32, "wanted")
    ]
    assert (found[0].item_count, found[0].severity, found[0].notes, found[0].conditions) == (0, 0, (), {})


def test_the_newest_revision_counts_and_what_is_not_published_is_unfinished(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        other = writing(engine, lambda connection: a_pass(connection, "other"))
        for run, revisions in ((30, 1), (9, 2), (100, 3), (5, 1)):
            for revision in range(1, revisions + 1):
                writing(engine, lambda connection, r=run, v=revision: a_revision(connection, number, r, v))
        writing(engine, lambda connection: a_revision(connection, other, 9, 1))
        with reading(engine) as connection:
            rows = {run: revisions_of(connection, number, run) for run in (5, 9, 30, 100)}
        for row in (rows[5][0], rows[9][0], rows[100][0], rows[100][1]):
            writing(engine, lambda connection, i=row.id: update_revision(connection, i, state="published"))
        with reading(engine) as connection:
            newest = newest_revisions(connection, number, first_run=6, last_run=100)
            published = newest_revisions(connection, number, first_run=1, last_run=9999, state="published")
            open_ones = unfinished(connection, number)
            assert newest_revision(connection, number, 6) is None
            assert count_runs(connection, number) == (4, 3)
            assert newest_runs(connection, number, 2) == [100, 9]
            assert newest_runs(connection, number, 9) == [100, 9, 5]
            assert run_blocks(connection, number, 10) == [0, 10]
            assert run_blocks(connection, number, 4) == [1, 2, 25]
            assert run_blocks(connection, other, 10) == newest_runs(connection, other, 1) == []
            assert [(one.name, one.wanted, one.published) for one in pass_counts(connection)] == [
                ("other", 1, 0),
                ("2026-01/ver02", 4, 3),
            ]
    assert [(row.run, row.revision) for row in newest] == [(9, 2), (30, 1), (100, 3)]
    assert [(row.run, row.revision) for row in published] == [(5, 1), (9, 1), (100, 2)]
    assert [(row.run, row.revision) for row in open_ones] == [(9, 2), (30, 1), (100, 3)]
    assert rows[100][2].reached("wanted")
    assert not rows[100][2].reached("chunked")


def test_a_pass_is_opened_closed_and_named_when_it_is_missing(database_url: str) -> None:
    with opened(database_url) as engine:
        with reading(engine) as connection, pytest.raises(DatabaseError, match="there is no pass 'x'") as none:
            get_pass(connection, "x")
        number = writing(engine, a_pass)
        writing(engine, lambda connection: add_pass(connection, "b", "hydra/b", (1, 2), "in"))
        with reading(engine) as connection, pytest.raises(DatabaseError) as some:
            get_pass(connection, "2026-01/ver02 ")
        writing(engine, lambda connection: set_pass_state(connection, number, "closed"))
        writing(engine, lambda connection: handed_over(connection, number, [1]))
        with reading(engine) as connection:
            assert [(row.name, row.state) for row in all_passes(connection)] == [
                ("b", "open"),
                ("2026-01/ver02", "closed"),
            ]
    assert "hydra pass create" in none.value.next_step
    assert some.value.next_step == "known passes: 2026-01/ver02, b"


def test_items_are_replaced_whole_and_take_what_was_said_of_them_along(database_url: str) -> None:
    with opened(database_url) as engine:
        revision, chosen = a_judged_revision(engine)
        with reading(engine) as connection:
            ids = item_ids(connection, revision)
            first = [replace(row, id=0) for row in load_items(connection, revision)]
        writing(engine, lambda connection: save_evidence(connection, some_evidence(ids)))
        writing(engine, lambda connection: save_verdicts(connection, revision, [a_verdict(one, chosen) for one in ids]))
        writing(engine, lambda connection: replace_items(connection, revision, some_items()))
        with reading(engine) as connection:
            assert [replace(row, id=0) for row in load_items(connection, revision)] == first
            for table, left in ((Item, 4), (Evidence, 0), (Verdict, 0)):
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == left
            before = table_rows(connection)
        writing(engine, lambda connection: replace_items(connection, revision, some_items()))
        with reading(engine) as connection:
            assert table_rows(connection) == before
    shown = [(row.plot, row.chunk, row.status, row.width, row.sha256 is None) for row in first]
    assert shown == [
        (CDC, 0, "ok", 640, False),
        (CDC, 1, "ok", 640, False),
        (CDC, 2, "unreadable", None, True),
        (RICH, None, "missing", None, True),
    ]


def test_two_items_in_one_place_are_refused_and_nothing_of_them_is_kept(database_url: str) -> None:
    for twins in ([an_item(chunk=3), an_item(chunk=3, index=1)], [an_item(RICH, None), an_item(RICH, None, index=1)]):
        with opened(database_url) as engine:
            revision = writing(engine, lambda connection: a_revision(connection, a_pass(connection)))
            with pytest.raises(IntegrityError):
                writing(engine, lambda connection, r=revision, items=twins: replace_items(connection, r, items))
            with reading(engine) as connection:
                assert load_items(connection, revision) == []
                assert all_plot_types(connection) == {}


def test_evidence_of_one_judge_is_replaced_and_that_of_others_stays(database_url: str) -> None:
    with opened(database_url) as engine:
        revision, _ = a_judged_revision(engine)
        with reading(engine) as connection:
            ids = item_ids(connection, revision)
        rows = some_evidence(ids)
        writing(engine, lambda connection: save_evidence(connection, rows))
        again = [replace(row, status="empty", numbers={"ink": 0.0}) for row in rows if row.judge == "content"]
        for _ in range(2):
            writing(engine, lambda connection: save_evidence(connection, again[:1]))
        with reading(engine) as connection:
            found = load_evidence(connection, revision)
    assert list(found) == ids
    assert [(row.judge, row.status) for row in found[ids[0]]] == [("classifier", "no_model"), ("content", "empty")]
    assert found[ids[1]] == sorted(rows[2:4], key=lambda row: row.judge)


def test_more_evidence_than_one_statement_can_name_is_replaced(database_url: str) -> None:
    with opened(database_url) as engine:
        revision = writing(engine, lambda connection: a_revision(connection, a_pass(connection)))
        items = [an_item(chunk=number, index=number, sha256=None, status="missing") for number in range(1203)]
        writing(engine, lambda connection: replace_items(connection, revision, items))
        with reading(engine) as connection:
            ids = item_ids(connection, revision)
        for _ in range(2):
            writing(engine, lambda connection: save_evidence(connection, some_evidence(ids)))
        with reading(engine) as connection:
            assert sum(len(rows) for rows in load_evidence(connection, revision).values()) == 2 * 1203


def test_verdicts_come_back_to_the_last_digit(database_url: str) -> None:
    with opened(database_url) as engine:
        revision, chosen = a_judged_revision(engine)
        with reading(engine) as connection:
            ids = item_ids(connection, revision)
        rows = [
            a_verdict(ids[0], chosen, confidence=0.1 + 0.2, threshold=1 / 3),
            a_verdict(ids[1], chosen, class_name=None, state="missing", severity=2, confidence=None, threshold=None),
        ]
        for _ in range(2):
            writing(engine, lambda connection: save_verdicts(connection, revision, rows))
        with reading(engine) as connection:
            assert load_verdicts(connection, revision) == {row.item_id: row for row in rows}
            counts = state_counts(connection, [revision])
        writing(engine, lambda connection: save_verdicts(connection, revision, []))
        with reading(engine) as connection:
            assert load_verdicts(connection, revision) == {}
    assert [(one.state, one.class_name, one.severity, one.count) for one in counts] == [
        ("confirmed", "Bad", 3, 1),
        ("missing", None, 2, 1),
    ]


def an_incident(plot_type_id: int, first: int, last: int, **values: object) -> IncidentRow:
    return replace(IncidentRow(plot_type_id, "Bad", "confirmed", 3, first, 0, last, 5, 9), **values)


def test_incidents_of_a_span_are_replaced_and_others_stay(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        revision = writing(engine, lambda connection: a_revision(connection, number))
        writing(engine, lambda connection: replace_items(connection, revision, some_items()))
        with reading(engine) as connection:
            types = all_plot_types(connection)
        cdc, rich = types[CDC], types[RICH]
        old = [an_incident(cdc, 1, 3), an_incident(cdc, 5, 6), an_incident(cdc, 9, 9)]
        writing(engine, lambda connection: replace_incidents(connection, number, {cdc: (1, 9)}, old))
        writing(
            engine, lambda connection: replace_incidents(connection, number, {rich: (1, 9)}, [an_incident(rich, 5, 5)])
        )
        new = [an_incident(cdc, 3, 5, class_name=None, state="missing", severity=2)]
        for _ in range(2):
            writing(engine, lambda connection: replace_incidents(connection, number, {cdc: (3, 6)}, new))
        with reading(engine) as connection:
            found = load_incidents(connection, number)
            assert load_incidents(connection, number, since_run=6) == [old[2]]
            assert load_incidents(connection, number, limit=1) == [old[2]]
            assert load_incidents(connection, number + 1) == []
    assert found == [old[2], an_incident(rich, 5, 5), new[0]]


def test_a_run_has_its_own_incidents_however_many_came_later(database_url: str) -> None:
    with opened(database_url) as engine:
        number, other = writing(engine, a_pass), writing(engine, lambda connection: a_pass(connection, "other"))
        revision = writing(engine, lambda connection: a_revision(connection, number))
        writing(engine, lambda connection: replace_items(connection, revision, some_items()))
        with reading(engine) as connection:
            types = all_plot_types(connection)
        cdc, rich = types[CDC], types[RICH]
        over, reaching = an_incident(cdc, 1, 2), an_incident(cdc, 3, 5)
        inside = an_incident(cdc, 5, 5, first_chunk=7, severity=2)
        long, later = an_incident(rich, 2, 9), [an_incident(cdc, run, run) for run in range(6, 200)]
        for kind, rows in ((cdc, [over, reaching, inside, *later]), (rich, [long])):
            writing(engine, lambda c, k=kind, r=rows: replace_incidents(c, number, {k: (1, 300)}, r))
        writing(engine, lambda c: replace_incidents(c, other, {cdc: (1, 300)}, [an_incident(cdc, 5, 5)]))
        with reading(engine) as connection:
            assert run_incidents(connection, number, 5) == [long, reaching, inside]
            assert run_incidents(connection, number, 1) == [over]
            assert run_incidents(connection, number, 250) == []


def judged(engine: sa.Engine, number: int, run: int, revision: int, plots: dict[PlotKey, int]) -> None:
    """Enter a judged revision with one item of each plot type and its severity."""

    def work(connection: sa.Connection) -> None:
        row = a_revision(connection, number, run, revision)
        items = [an_item(plot, 0 if plot.chunked else None, index) for index, plot in enumerate(sorted(plots))]
        replace_items(connection, row, items)
        chosen = add_judging_set(connection, "the first", RULES).id
        verdicts = [a_verdict(item.id, chosen, severity=plots[item.plot]) for item in load_items(connection, row)]
        save_verdicts(connection, row, verdicts)
        update_revision(connection, row, state="judged", judged_at=NOON)

    writing(engine, work)


def test_the_series_of_a_plot_type_follows_the_newest_judged_revision(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        for run in (2, 4, 6, 8):
            judged(engine, number, run, 1, {CDC: 3, RICH: 0})
        judged(engine, number, 4, 2, {CDC: 0, RICH: 0})
        judged(engine, number, 6, 2, {RICH: 0})  # its CDC plot was taken away
        writing(engine, lambda connection: a_revision(connection, number, 8, 2))  # wanted, not judged yet
        with reading(engine) as connection:
            cdc = all_plot_types(connection)[CDC]
            series = verdict_series(connection, number, cdc, [2, 4, 6, 8])
            later = [neighbour_run(connection, number, cdc, run, later=True) for run in (1, 2, 4, 6, 8)]
            earlier = [neighbour_run(connection, number, cdc, run, later=False) for run in (2, 4, 6, 8, 9)]
    assert [(one.run, one.chunk, one.severity) for one in series] == [(2, 0, 3), (4, 0, 0), (8, 0, 3)]
    assert later == [2, 4, 8, 8, None]
    assert earlier == [None, 2, 4, 4, 8]


def test_totals_count_the_newest_published_revision_of_each_run(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        for run, revision, state, items in ((1, 1, "published", 5), (1, 2, "published", 7), (2, 1, "judged", 100)):
            row = writing(engine, lambda connection, r=run, v=revision: a_revision(connection, number, r, v))
            values = {"state": state, "item_count": items, "flagged_count": 2, "unreadable_count": 1, "judged_at": NOON}
            writing(engine, lambda connection, row=row, values=values: update_revision(connection, row, **values))
        with reading(engine) as connection:
            assert vars(totals(connection, number)) == {"runs": 1, "images": 7, "flagged": 2, "unreadable": 1}
            assert vars(totals(connection, number + 1)) == {"runs": 0, "images": 0, "flagged": 0, "unreadable": 0}
            assert images_per_day(connection, NOON) == [("2026-11-21", 112)]
            assert images_per_day(connection, NOON.replace(microsecond=124000)) == []


def test_the_newest_attempt_of_a_task_counts_and_files_nobody_knows_are_kept_once(database_url: str) -> None:
    names = ["a.txt", "Ä/🙂.txt", "bad\udcff.txt", "x" * 1000]
    with opened(database_url) as engine:
        revision, _ = a_judged_revision(engine)
        with reading(engine) as connection:
            number = connection.execute(sa.select(Run.pass_id)).scalar_one()
        for submit, wall in ((1, 100.0), (2, 4.0)):
            timing = Timing("classify", submit, wall, 2.0, 90.5, 20)
            writing(engine, lambda connection, one=timing: save_timing(connection, revision, one))
        for _ in range(2):
            writing(
                engine, lambda connection: save_unmatched(connection, number, [(name, "no rule") for name in names])
            )
        with reading(engine) as connection:
            summaries = timing_summaries(connection)
            unmatched = load_unmatched(connection)
    assert [(one.task, one.jobs, one.wall_s, one.images_per_s) for one in summaries] == [("classify", 1, 4.0, 5.0)]
    assert {name for name, _ in unmatched} == {"a.txt", "Ä/🙂.txt", "bad\ufffd.txt", "x" * 1000}
    assert len(unmatched) == 4
