"""What was decided about plot types, and which images are kept: the same on every database, in any order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.kept import Kept, NewKept, kept_images, kept_places, save_kept
from hydra_core.store.plot_types import (
    NewDecision,
    decide_types,
    image_counts,
    known_types,
    newest_place,
    plot_type_ids,
)
from hydra_core.store.schema import KeptImage
from hydra_core.store.session import hold_database, reading, writing
from tests.request_samples import FDC, IMAGES, TOF, of_types
from tests.store_samples import CDC, NOON, RICH, a_judged_revision, opened

SECOND = timedelta(seconds=1)
FIRST, MIDDLE, LAST = (NOON + number * SECOND for number in range(3))


def held(engine: Engine, work: Callable[[Connection], None]) -> None:
    def alone(connection: Connection) -> None:
        hold_database(connection)
        work(connection)

    writing(engine, alone)


def test_the_newest_decision_counts_in_whatever_order_they_come(database_url: str) -> None:
    said = [
        NewDecision(FDC, "active", "Ada", FIRST, drawing={"x": [0, 1]}),
        NewDecision(FDC, "renamed", "Eve", MIDDLE, renamed_to=TOF),
        NewDecision(FDC, "ignored", "Eve", LAST),
        NewDecision(FDC, "active", "Ada", LAST),
    ]
    found = []
    with opened(database_url) as engine:
        for order in itertools.islice(itertools.permutations(said), 0, None, 5):
            for one in order:
                held(engine, lambda connection, one=one: decide_types(connection, [one]))
            with reading(engine) as connection:
                found.append(of_types(connection))
            writing(
                engine,
                lambda connection: connection.execute(sa.text("DELETE FROM plot_types WHERE renamed_to IS NOT NULL")),
            )
            writing(engine, lambda connection: connection.execute(sa.text("DELETE FROM plot_types")))
    assert found == [{FDC: ("ignored", None, {"x": [0, 1]}, "Eve", LAST), TOF: ("active", None, None, "", None)}] * 5


def test_the_newest_word_about_a_pin_counts_in_whatever_order_they_come(database_url: str) -> None:
    sha = IMAGES[0]
    said = [
        NewKept("pin", sha, True, "Ada", "χ² 🙂", FIRST),
        NewKept("pin", sha, False, "Eve", "", MIDDLE),
        NewKept("pin", sha, True, "Eve", "again", LAST),
        NewKept("pin", sha, False, "Ada", "", LAST),
    ]
    found = []
    with opened(database_url) as engine:
        a_judged_revision(engine)
        for order in itertools.islice(itertools.permutations(said), 0, None, 5):
            for one in order:
                held(engine, lambda connection, one=one: save_kept(connection, [one]))
            with reading(engine) as connection:
                found.append(kept_images(connection, IMAGES))
                assert [one.places for one in kept_places(connection)] == [1]
            writing(engine, lambda connection: connection.execute(sa.delete(KeptImage)))
    assert found == [{sha: [Kept("pin", "Eve", "again", LAST)]}] * 5


def test_two_who_decide_at_once_wait_for_each_other(database_url: str) -> None:
    with opened(database_url) as engine:
        inside: list[str] = []

        def work(name: str) -> None:
            def decide(connection: Connection) -> None:
                inside.append(f"{name} in")
                decide_types(connection, [NewDecision(FDC, "active", name, FIRST)])
                save_kept(connection, [NewKept("pin", IMAGES[0], True, name, "x", FIRST)])
                inside.append(f"{name} out")

            held(engine, decide)

        workers = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [first[0] for first in inside[::2]] == [second[0] for second in inside[1::2]]
        with reading(engine) as connection:
            assert known_types(connection)[FDC].decided_by == "d"
            assert [one.who for one in kept_images(connection, IMAGES)[IMAGES[0]]] == ["d"]


def test_images_are_counted_and_the_newest_place_is_found(database_url: str) -> None:
    with opened(database_url) as engine:
        a_judged_revision(engine)
        with reading(engine) as connection:
            ids = {key: one.id for key, one in known_types(connection).items()}
            assert image_counts(connection, ids.values()) == {ids[CDC]: 2}
            assert image_counts(connection, []) == {}
            place = newest_place(connection, ids[CDC])
            assert place is not None
            assert place[1:] == (7, 1)
            assert newest_place(connection, ids[RICH]) is None
        new = writing(engine, lambda connection: plot_type_ids(connection, [TOF], new=[TOF]))
        with reading(engine) as connection:
            assert known_types(connection)[TOF].status == "new"
            assert image_counts(connection, new.values()) == {}
