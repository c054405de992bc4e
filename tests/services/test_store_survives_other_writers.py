from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DatabaseError
from hydra_core.base.names import PlotKey
from hydra_core.store import registry
from hydra_core.store.items import load_items, replace_items
from hydra_core.store.ledger import lock_pass, newest_revisions, want_revision, want_run
from hydra_core.store.plot_types import all_plot_types, plot_type_ids
from hydra_core.store.registry import JudgingSetRow, add_judging_set, claim_training
from hydra_core.store.schema import Image, JudgingSet, Pass, Run
from hydra_core.store.session import check_version, open_engine, reading, shown_url, writing
from hydra_core.store.upgrade import upgrade
from tests.store_samples import CDC, RULES, a_pass, a_revision, an_item, digest, opened

WRITERS = 8


def at_once(url: str, work: Callable[[Engine, int], object]) -> None:
    """Run `work` in threads that start together, each with an engine of its own."""
    start = threading.Barrier(WRITERS)

    def one(number: int) -> None:
        engine = open_engine(url)
        try:
            start.wait()
            work(engine, number)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(WRITERS)))


def test_many_writers_lose_no_row_and_meet_no_lock(database_url: str) -> None:
    runs = 6
    with opened(database_url) as engine:
        number = writing(engine, a_pass)

        def work(mine: Engine, writer: int) -> None:
            for run in range(runs):

                def enter(connection: Connection, run: int = run) -> None:
                    plot_type_ids(connection, [PlotKey(f"plot {name}", True) for name in range(5)])
                    want_revision(connection, want_run(connection, number, 10 * writer + run + 1, "x"), 1, digest("x"))

                writing(mine, enter)

        at_once(database_url, work)
        with reading(engine) as connection:
            assert len(newest_revisions(connection, number, first_run=1, last_run=9999)) == WRITERS * runs
            assert len(all_plot_types(connection)) == 5


def test_many_writers_of_the_same_run_make_one_run_one_image_and_one_claim(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        cdc = writing(engine, lambda connection: plot_type_ids(connection, [CDC]))[CDC]
        items = [an_item(chunk=chunk, index=chunk, sha256=digest(f"image {chunk}")) for chunk in range(4)]
        claimed: list[int] = []

        def work(mine: Engine, writer: int) -> None:
            writing(mine, lambda connection: replace_items(connection, a_revision(connection, number), items))
            if writing(mine, lambda connection: claim_training(connection, cdc, 24, f"pass/{writer}")):
                claimed.append(writer)

        at_once(database_url, work)
        with reading(engine) as connection:
            assert connection.execute(sa.select(sa.func.count(Run.id))).scalar_one() == 1
            assert connection.execute(sa.select(sa.func.count(Image.sha256))).scalar_one() == 4
            revision = newest_revisions(connection, number, first_run=1, last_run=9999)[0].id
            assert len(load_items(connection, revision)) == 4
        assert len(claimed) == 1


def test_many_writers_of_the_first_judging_set_make_one(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    look = registry.newest_judging_set

    def slowly(connection: Connection) -> JudgingSetRow | None:
        found = look(connection)
        time.sleep(0.1)
        return found

    monkeypatch.setattr(registry, "newest_judging_set", slowly)
    with opened(database_url) as engine:
        found: list[int] = []
        at_once(
            database_url,
            lambda mine, _: found.append(writing(mine, lambda c: add_judging_set(c, "the first", RULES)).number),
        )
        with reading(engine) as connection:
            assert connection.execute(sa.select(sa.func.count(JudgingSet.id))).scalar_one() == 1
        assert found == [1] * WRITERS


def test_a_held_pass_makes_others_wait_and_no_count_is_lost(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)

        def count_up(connection: Connection) -> None:
            lock_pass(connection, number)
            seen = connection.execute(sa.select(Pass.last_run).where(Pass.id == number)).scalar_one()
            connection.execute(sa.update(Pass).where(Pass.id == number).values(last_run=seen + 1))

        at_once(database_url, lambda mine, _: [writing(mine, count_up) for _ in range(4)])
        with reading(engine) as connection:
            assert connection.execute(sa.select(Pass.last_run)).scalar_one() == 9999 + 4 * WRITERS


def test_a_reader_sees_one_state_while_somebody_writes(database_url: str) -> None:
    with opened(database_url) as engine:
        number = writing(engine, a_pass)
        count = sa.select(sa.func.count(Run.id))
        with reading(engine) as connection:
            before = connection.execute(count).scalar_one()
            thread = threading.Thread(target=writing, args=(engine, lambda c: want_run(c, number, 1, "1")))
            thread.start()
            thread.join()
            assert connection.execute(count).scalar_one() == before == 0
        with reading(engine) as connection:
            assert connection.execute(count).scalar_one() == 1


def test_work_that_fails_leaves_nothing_and_is_not_tried_again(database_url: str) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        a_pass(connection)
        raise LookupError("a mistake in the program")

    with opened(database_url) as engine:
        with pytest.raises(LookupError):
            writing(engine, work)
        with reading(engine) as connection:
            assert connection.execute(sa.select(sa.func.count(Pass.id))).scalar_one() == 0
    assert tries == [1]


WRITER = """
import sys, time
from hydra_core.store.session import open_engine, writing
from hydra_core.store.ledger import add_pass

def work(connection):
    for number in range(50):
        add_pass(connection, f"pass {number}", f"workflow {number}", (1, 2), "in")
    print("in the middle", flush=True)
    time.sleep(60)

writing(open_engine(sys.argv[1]), work)
"""


def test_a_writer_that_is_killed_leaves_nothing_and_blocks_nobody(database_url: str) -> None:
    with opened(database_url) as engine:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, database_url], stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        assert writer.stdout.readline() == "in the middle\n"
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()
        writing(engine, a_pass)
        with reading(engine) as connection:
            assert connection.execute(sa.select(Pass.name)).scalars().all() == ["2026-01/ver02"]


@pytest.fixture
def engine(mariadb_url: str) -> Iterator[Engine]:
    with opened(mariadb_url) as engine:
        yield engine


def kill(engine: Engine, connection: Connection) -> None:
    number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
    with engine.connect() as other:
        other.exec_driver_sql(f"KILL {number}")


@pytest.mark.services
def test_a_lost_connection_starts_the_work_again(engine: Engine) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> int:
        tries.append(1)
        number = a_pass(connection)
        if len(tries) < 3:
            kill(engine, connection)
        return want_run(connection, number, 5, "5")

    assert writing(engine, work) > 0
    assert len(tries) == 3
    with reading(engine) as connection:
        assert connection.execute(sa.select(Run.number)).scalars().all() == [5]


@pytest.mark.services
def test_a_connection_that_is_lost_at_the_commit_starts_the_work_again(engine: Engine) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        want_run(connection, a_pass(connection), 5, "5")
        if len(tries) == 1:
            kill(engine, connection)

    writing(engine, work)
    assert len(tries) == 2
    with reading(engine) as connection:
        assert connection.execute(sa.select(Run.number)).scalars().all() == [5]


@pytest.mark.services
def test_a_connection_that_is_always_lost_ends_with_an_error(engine: Engine) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        kill(engine, connection)
        a_pass(connection)

    with pytest.raises(DatabaseError, match=r"does not answer, for \d+ s now"):
        writing(engine, work, patience_s=0.5)
    assert len(tries) > 1


@pytest.mark.services
def test_the_loser_of_a_dead_lock_starts_again(engine: Engine) -> None:
    numbers = [writing(engine, lambda connection, n=name: a_pass(connection, n)) for name in ("a", "b")]
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    def work(connection: Connection, order: list[int], first: list[bool]) -> None:
        tries.append(1)
        lock_pass(connection, order[0])
        if first.pop() if first else False:
            both_hold_one.wait()
        lock_pass(connection, order[1])
        connection.execute(sa.update(Pass).values(last_run=Pass.last_run + 1))

    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(writing, engine, lambda c, o=order, f=[True]: work(c, o, f))
            for order in (numbers, numbers[::-1])
        ]
        for one in waiting:
            one.result()
    assert len(tries) == 3
    with reading(engine) as connection:
        assert connection.execute(sa.select(Pass.last_run)).scalars().all() == [10001, 10001]


@pytest.mark.services
def test_a_password_comes_from_its_file_and_stands_in_no_message(
    mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = str(sa.make_url(mariadb_url).password)
    url = mariadb_url.replace(f":{right}@", "@")
    file = tmp_path / "password"
    monkeypatch.setenv("HYDRA_DB_PASSWORD_FILE", str(file))
    file.write_text(f"{right}\n", encoding="utf-8")
    with opened(url) as engine:
        check_version(engine)
        assert right not in f"{engine!r} {engine.url} {shown_url(engine)}"
    wrong = "s3cret/with:odd@letters"
    file.write_text(wrong, encoding="utf-8")
    refused = open_engine(url)
    for attempt in (check_version, upgrade):
        with pytest.raises(DatabaseError, match="Access denied") as caught:
            attempt(refused)
        assert wrong not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {refused!r}"
        assert "hydra:***@127.0.0.1" in str(caught.value)
