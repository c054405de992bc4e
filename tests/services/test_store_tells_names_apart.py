from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, StatementError

from hydra_core.base.errors import DatabaseError
from hydra_core.base.names import PlotKey
from hydra_core.store.labelbook import current_labels, save_request
from hydra_core.store.ledger import add_pass, find_pass, newest_revision, update_revision
from hydra_core.store.plot_types import all_plot_types, plot_type_ids
from hydra_core.store.schema import Pass, PlotTypeRow, Run
from hydra_core.store.session import reading, writing
from hydra_core.store.upsert import insert_new
from tests.store_samples import NOON, a_label, a_pass, a_request, a_revision, opened

ACUTE = unicodedata.normalize("NFC", "é")
ALIKE = [
    "RICH", "Rich", "rich", "rich ", " rich", "RICH\t", "straße", "strasse", "STRASSE", ACUTE,
    unicodedata.normalize("NFD", ACUTE), "e", "χ²", "χ2", "🙂", "🙃", "ﬁt", "fit", "a\u200bb", "ab",
    "10", "1e1", "0x0A",
]  # fmt: skip


def test_names_that_differ_in_one_byte_are_two_plot_types(database_url: str) -> None:
    keys = {PlotKey(name, chunked) for name in ALIKE for chunked in (False, True)}
    with opened(database_url) as engine:
        first = writing(engine, lambda connection: plot_type_ids(connection, keys))
        again = writing(engine, lambda connection: plot_type_ids(connection, keys))
        with reading(engine) as connection:
            kept = all_plot_types(connection)
            for key in keys:
                query = sa.select(PlotTypeRow.id).where(
                    PlotTypeRow.name == key.name, PlotTypeRow.chunked == key.chunked
                )
                assert connection.execute(query).scalar_one() == first[key]
    assert len(set(first.values())) == len(keys)
    assert again == first == kept
    assert list(kept) == sorted(keys)


@pytest.mark.parametrize("letter", ["x", "é", "🙂"])
def test_a_name_of_190_characters_is_kept_whole_and_a_longer_one_refused(database_url: str, letter: str) -> None:
    longest = PlotKey(letter * 190, True)
    with opened(database_url) as engine:
        writing(engine, lambda connection: plot_type_ids(connection, [longest, PlotKey(letter * 189, True)]))
        with pytest.raises(DatabaseError, match="has 191 characters, 190 fit"):
            writing(engine, lambda connection: plot_type_ids(connection, [PlotKey(letter * 191, True)]))
        with reading(engine) as connection:
            assert set(all_plot_types(connection)) == {longest, PlotKey(letter * 189, True)}


def test_what_is_there_already_stays_as_it_is(database_url: str) -> None:
    def enter(connection: Connection, workflow: str, source: str) -> None:
        add_pass(connection, "2026-01/ver02", workflow, (1, 50), source)

    with opened(database_url) as engine:
        writing(engine, lambda connection: enter(connection, "one", "first"))
        writing(engine, lambda connection: enter(connection, "two", "second"))
        writing(engine, lambda connection: add_pass(connection, "another", "one", (1, 2), "third"))
        with reading(engine) as connection:
            rows = connection.execute(sa.select(Pass.name, Pass.workflow, Pass.source)).all()
    assert rows == [("2026-01/ver02", "one", "first")]


BROKEN: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"name": "n" * 191}, DatabaseError),
    ({"name": None}, StatementError),
    ({"pass_id": 4711}, IntegrityError),
]


@pytest.mark.parametrize(("wrong", "error"), BROKEN)
def test_entering_what_is_new_hides_no_broken_row(
    database_url: str, wrong: dict[str, Any], error: type[Exception]
) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        good = {"pass_id": number, "number": 1, "name": "1", "arrived_at": NOON}
        with pytest.raises(error):
            writing(engine, lambda connection: insert_new(connection, Run, [good, {**good, "number": 2, **wrong}]))
        with reading(engine) as connection:
            assert connection.execute(sa.select(sa.func.count(Run.id))).scalar_one() == 0


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC), datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC)),
        (datetime(2026, 11, 21, 12, 0, 0, 999999, tzinfo=UTC), datetime(2026, 11, 21, 12, 0, 0, 999000, tzinfo=UTC)),
        (datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        (datetime(2026, 12, 31, 20, 0, tzinfo=timezone(timedelta(hours=-5))), datetime(2027, 1, 1, 1, 0, tzinfo=UTC)),
    ],
)
def test_an_instant_comes_back_as_utc_with_milliseconds(database_url: str, written: datetime, kept: datetime) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        revision = writing(engine, lambda connection: a_revision(connection, number))
        writing(engine, lambda connection: update_revision(connection, revision, judged_at=written))
        with reading(engine) as connection:
            found = newest_revision(connection, number, 7)
    assert found is not None
    assert found.judged_at == kept
    assert found.judged_at.tzinfo is UTC
    assert found.published_at is None


def test_an_instant_without_zone_is_refused(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        revision = writing(engine, lambda connection: a_revision(connection, number))
        with pytest.raises(StatementError, match="without time zone"):
            writing(
                engine,
                lambda connection: update_revision(connection, revision, judged_at=datetime(2026, 1, 1)),  # noqa: DTZ001
            )


def test_text_and_numbers_come_back_as_they_were(database_url: str) -> None:
    conditions = {
        "beam_current_nA": 0.1 + 0.2,
        "runs": 2**53,
        "words": 'a"\\\n\u0000☃🙂',
        "none": None,
        "list": [1, {"a": []}],
    }
    notes = ["", "χ²/ndf → 𝒳 🙂", "n" * 100_000]
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        revision = writing(engine, lambda connection: a_revision(connection, number))
        writing(engine, lambda connection: update_revision(connection, revision, conditions=conditions, notes=notes))
        with reading(engine) as connection:
            found = newest_revision(connection, number, 7)
            assert find_pass(connection, "2026-01/VER02") is None
    assert found is not None
    assert found.conditions == conditions
    assert found.notes == tuple(notes)


def test_labels_made_in_one_millisecond_are_ordered_by_their_request_on_every_database(database_url: str) -> None:
    early, late = (NOON.replace(microsecond=micro) for micro in (123100, 123900))
    with opened(database_url) as engine:
        kind = writing(engine, lambda connection: plot_type_ids(connection, [PlotKey("a", True)]))[PlotKey("a", True)]
        rows = [
            (a_request("one"), a_label(kind, "x", "Good", late)),
            (a_request("two"), a_label(kind, "x", "Bad", early)),
        ]
        for request, label in rows:
            writing(engine, lambda connection, r=request, one=label: save_request(connection, r, [one]))
        with reading(engine) as connection:
            found = current_labels(connection, kind)
    last = max(rows, key=lambda pair: pair[0].sha256)
    assert list(found.values()) == [last[1].class_name]
