"""Counts that are kept beside what they count: the runs of a pass, the labels of a plot type."""

from __future__ import annotations

import threading

import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.counts import WrongCount, recount, wrong_counts
from hydra_core.store.labelbook import label_count, save_request
from hydra_core.store.ledger import count_runs, free_numbers, update_revision, want_run
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.restore import restore_revision
from hydra_core.store.schema import LabelCount, Pass
from hydra_core.store.session import reading, writing
from hydra_core.store.upgrade import alembic_config, upgrade
from tests.store_samples import CDC, NOON, RICH, a_label, a_pass, a_request, a_revision, digest, opened


def right(engine: Engine) -> bool:
    with reading(engine) as connection:
        return wrong_counts(connection) == []


def counted(engine: Engine, pass_id: int) -> tuple[int, int]:
    with reading(engine) as connection:
        return count_runs(connection, pass_id)


def publish(engine: Engine, *revisions: int) -> None:
    for row in revisions:
        writing(engine, lambda connection, row=row: update_revision(connection, row, state="published"))


def fill(engine: Engine) -> tuple[int, dict[str, int]]:
    """Enter three runs, one of them published twice, and three labels; return the pass and the plot types."""
    pass_id = writing(engine, a_pass)
    rows = [
        writing(engine, lambda connection, r=run, v=revision: a_revision(connection, pass_id, r, v))
        for run, revision in ((7, 1), (7, 2), (8, 1))
    ]
    writing(engine, lambda connection: want_run(connection, pass_id, 9, "without a revision"))
    publish(engine, *rows[:2])
    kinds = writing(engine, lambda connection: plot_type_ids(connection, [CDC, RICH]))
    for name, labels in {"one": [(CDC, "a"), (RICH, "b")], "two": [(CDC, "a"), (CDC, "a")]}.items():
        brought = [a_label(kinds[kind], image, "Good") for kind, image in labels]
        writing(engine, lambda connection, n=name, some=brought: save_request(connection, a_request(n), some))
    return pass_id, {"cdc": kinds[CDC], "rich": kinds[RICH]}


def test_a_run_is_counted_once_however_often_it_is_wanted_and_published(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id, _ = fill(engine)
        other = writing(engine, lambda connection: a_pass(connection, "other"))
        assert counted(engine, pass_id) == (3, 1)
        assert counted(engine, other) == (0, 0)
        writing(engine, lambda connection: want_run(connection, pass_id, 7, "again"))
        row = writing(engine, lambda connection: a_revision(connection, pass_id, 7, 3))
        publish(engine, row, row)
        assert counted(engine, pass_id) == (3, 1)
        assert right(engine)


def test_a_run_that_comes_back_from_the_archive_is_counted(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id = writing(engine, a_pass)
        values = {"state": "archived", "conditions": {}, "notes": [], "wanted_at": NOON}

        def enter(connection: Connection) -> int:
            return restore_revision(connection, pass_id, run=5, name="5", folder="", revision=2, values=values)

        assert writing(engine, enter) == writing(engine, enter)
        publish(engine, writing(engine, enter))
        assert counted(engine, pass_id) == (1, 1)
        assert right(engine)


def test_runs_that_come_at_the_same_moment_are_all_counted(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id = writing(engine, a_pass)

        def enter() -> None:
            for number in range(1, 11):
                writing(engine, lambda connection, n=number: want_run(connection, pass_id, n, str(n)))

        workers = [threading.Thread(target=enter) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert counted(engine, pass_id) == (10, 0)


def test_labels_are_counted_with_corrections_and_those_of_a_file_once(database_url: str) -> None:
    with opened(database_url) as engine:
        _, kinds = fill(engine)
        again = [a_label(kinds["cdc"], "a", "Good")]
        writing(engine, lambda connection: save_request(connection, a_request("one"), again))
        with reading(engine) as connection:
            assert (label_count(connection, kinds["cdc"]), label_count(connection, kinds["rich"])) == (2, 1)
            assert label_count(connection, 999) == 0
        assert right(engine)


def test_labels_that_come_at_the_same_moment_are_all_counted(database_url: str) -> None:
    with opened(database_url) as engine:
        _, kinds = fill(engine)

        def enter() -> None:
            for number in range(6):
                brought = [a_label(kind, str(number), "Good") for kind in kinds.values()]
                writing(engine, lambda c, n=number, some=brought: save_request(c, a_request(f"n{n}"), some))

        workers = [threading.Thread(target=enter) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with reading(engine) as connection:
            assert label_count(connection, kinds["rich"]) == 7
        assert right(engine)


def test_a_count_that_is_wrong_is_named_and_taken_anew(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id, kinds = fill(engine)
        writing(engine, lambda c: c.execute(sa.update(Pass).values(run_count=9, published_count=0)))
        writing(engine, lambda c: c.execute(sa.delete(LabelCount).where(LabelCount.plot_type_id == kinds["cdc"])))
        with reading(engine) as connection:
            assert wrong_counts(connection) == [
                WrongCount("runs of the pass 2026-01/ver02", 9, 3),
                WrongCount("published runs of the pass 2026-01/ver02", 0, 1),
                WrongCount("labels of CDC_occupancy", 0, 2),
            ]
        writing(engine, recount)
        assert counted(engine, pass_id) == (3, 1)
        assert right(engine)


def test_an_upgrade_counts_what_is_there(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id, kinds = fill(engine)
        back = engine.execution_options(hydra_migrating=True)
        writing(back, lambda connection: command.downgrade(alembic_config(connection), "0003"))
        upgrade(engine)
        assert counted(engine, pass_id) == (3, 1)
        with reading(engine) as connection:
            assert label_count(connection, kinds["cdc"]) == 2
        assert right(engine)


def test_the_first_numbers_that_are_free_are_found_with_and_without_gaps(database_url: str) -> None:
    with opened(database_url) as engine:
        pass_id = writing(engine, a_pass)

        def free() -> list[int]:
            with reading(engine) as connection:
                return list(free_numbers(connection, pass_id)[:3])

        assert free() == [1, 2, 3]
        for number, left in ((1, [2, 3, 4]), (2, [3, 4, 5]), (5, [3, 4, 6]), (3, [4, 6, 7]), (4, [6, 7, 8])):
            writing(engine, lambda connection, n=number: want_run(connection, pass_id, n, digest(str(n))[:9]))
            assert free() == left
