"""A server that is killed, started again, full, locked or read-only, and set up as badly as servers come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError

from hydra_core.base.errors import DatabaseError
from hydra_core.store.items import load_items, replace_items, save_evidence, save_verdicts
from hydra_core.store.ledger import lock_pass
from hydra_core.store.registry import add_judging_set
from hydra_core.store.schema import Base, Pass, Run
from hydra_core.store.session import check_version, open_engine, reading, writing
from tests.own_mariadb import OwnMariaDB, own_mariadb
from tests.store_samples import RULES, a_pass, a_revision, a_verdict, an_item, digest, item_ids, opened, some_evidence

pytestmark = [pytest.mark.services, pytest.mark.faults]
#: A server as some distributions ship it: neither its character set, nor its mode, nor its packets are ours.
ODD = ("--character-set-server=latin1", "--sql-mode=", "--max-allowed-packet=1M", "--max-connections=10")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMariaDB]:
    with own_mariadb(tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("odd"), *ODD) as running:
        yield running


@pytest.fixture(scope="module")
def name(server: OwnMariaDB) -> str:
    made = server.new_database("latin1")
    with opened(server.url(made)):
        return made


@pytest.fixture
def engine(server: OwnMariaDB, name: str) -> Iterator[Engine]:
    engine = open_engine(server.url(name))
    yield engine
    # Making the tables anew for each test would take longer than all tests.
    writing(engine, empty)
    engine.dispose()


def empty(connection: Connection) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        connection.execute(sa.delete(table))


def plain_user(server: OwnMariaDB, name: str, rights: str = "ALL") -> Engine:
    """Return an engine of a user without the rights of an administrator."""
    server.ask(
        "CREATE OR REPLACE USER ada@'127.0.0.1' IDENTIFIED BY 'pw'",
        f"GRANT {rights} ON {name}.* TO ada@'127.0.0.1'",
    )
    return open_engine(server.url(name, user="ada", password="pw"))


def later(server: OwnMariaDB, seconds: float) -> threading.Thread:
    """Start the server again after a while."""

    def work() -> None:
        time.sleep(seconds)
        server.launch()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_whoever_begins_while_the_server_is_away_waits_for_it(server: OwnMariaDB, engine: Engine) -> None:
    number = writing(engine, a_pass)
    server.kill()
    starting = later(server, 1)
    told: list[str] = []
    check_version(engine, tell=told.append)
    starting.join()
    server.kill()
    starting = later(server, 1)
    with reading(engine, tell=told.append) as connection:
        assert connection.execute(sa.select(Pass.id)).scalar_one() == number
    starting.join()
    server.kill()
    starting = later(server, 1)
    writing(engine, lambda connection: a_revision(connection, number), tell=told.append)
    starting.join()
    assert len(told) >= 3
    assert {line.split("; trying again in ")[0] for line in told} == {
        f"the database {engine.url.render_as_string(hide_password=True)} does not answer"
    }


def test_a_server_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing(
    server: OwnMariaDB, engine: Engine
) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        a_revision(connection, a_pass(connection))
        if len(tries) == 1:
            server.kill()
            server.launch()
        a_revision(connection, a_pass(connection), run=8)

    writing(engine, work)
    assert len(tries) == 2
    with reading(engine) as connection:
        assert sorted(connection.execute(sa.select(Run.number)).scalars()) == [7, 8]


def test_a_reader_whose_server_goes_away_stops_with_a_sentence(server: OwnMariaDB, engine: Engine) -> None:
    def read() -> None:
        with reading(engine) as connection:
            connection.execute(sa.select(Pass.id)).all()
            server.kill()
            server.start()
            connection.execute(sa.select(Pass.id)).all()

    with pytest.raises(DatabaseError, match="was lost in the middle of reading") as caught:
        read()
    assert server.password not in f"{caught.value}{caught.value.__cause__}"
    with reading(engine) as connection:
        assert connection.execute(sa.select(Pass.id)).all() == []


def test_a_host_without_an_address_is_not_waited_for(server: OwnMariaDB, name: str) -> None:
    told: list[str] = []
    engine = open_engine(server.url(name).replace("127.0.0.1", "no-such-host.invalid"))
    with pytest.raises(DatabaseError, match="cannot be opened"):
        check_version(engine, tell=told.append)
    assert told == []


def test_a_server_that_is_full_is_waited_for(server: OwnMariaDB, name: str, engine: Engine) -> None:
    users, plain, told = plain_user(server, name), plain_user(server, name), list[str]()
    engine.dispose()
    with ExitStack() as others:
        for _ in range(10):
            others.enter_context(plain.connect())
        releasing = threading.Timer(0.5, others.close)
        releasing.start()
        check_version(users, tell=told.append)
        releasing.join()
    assert told
    for one in (users, plain):
        one.dispose()


def test_a_lock_that_takes_too_long_is_waited_for_again(server: OwnMariaDB, engine: Engine) -> None:
    number = writing(engine, a_pass)
    server.ask("SET GLOBAL innodb_lock_wait_timeout = 1")
    engine.dispose()
    holding, tries, told = threading.Event(), list[int](), list[str]()

    def hold(connection: Connection) -> None:
        lock_pass(connection, number)
        holding.set()
        time.sleep(1.8)

    def want(connection: Connection) -> None:
        tries.append(1)
        lock_pass(connection, number)

    holder = threading.Thread(target=writing, args=(engine, hold))
    holder.start()
    assert holding.wait(30)
    writing(engine, want, tell=told.append)
    holder.join()
    assert len(tries) > 1
    assert told == []


def test_a_server_that_takes_no_writes_stops_with_a_sentence(server: OwnMariaDB, name: str, engine: Engine) -> None:
    users = plain_user(server, name)
    server.ask("SET GLOBAL read_only = 1")
    try:
        with pytest.raises(DatabaseError, match=r"may not be written: .*read-only") as caught:
            writing(users, a_pass)
    finally:
        server.ask("SET GLOBAL read_only = 0")
    assert "as database.url" in caught.value.next_step
    users.dispose()
    reader = plain_user(server, name, "SELECT")
    with pytest.raises(DatabaseError, match=r"may not be written: .*denied"):
        writing(reader, a_pass)
    with reading(reader) as connection:
        assert connection.execute(sa.select(Pass.id)).all() == []
    reader.dispose()


def test_characters_and_modes_are_ours_whatever_the_server_has(server: OwnMariaDB, name: str, engine: Engine) -> None:
    assert server.ask("SELECT @@GLOBAL.sql_mode, @@GLOBAL.character_set_server") == [("", "latin1")]
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT @@time_zone").scalar() == "+00:00"
    with pytest.raises(DataError, match="too long"):
        writing(engine, too_long)
    writing(engine, lambda connection: a_pass(connection, "χ² 🙂"))
    with reading(engine) as connection:
        assert connection.execute(sa.select(Pass.name)).scalars().all() == ["χ² 🙂"]
    assert text_columns(server, name) == {"utf8mb4"}


def too_long(connection: Connection) -> None:
    number = a_pass(connection)
    connection.exec_driver_sql(f"UPDATE passes SET state = REPEAT('x', 300) WHERE id = {number}")


def text_columns(server: OwnMariaDB, name: str) -> set[object]:
    query = "SELECT DISTINCT character_set_name FROM information_schema.columns WHERE character_set_name IS NOT NULL"
    return {row[0] for row in server.ask(f"{query} AND table_schema = '{name}' AND table_name <> 'alembic_version'")}


def test_a_run_of_two_thousand_images_fits_through_small_packets(server: OwnMariaDB, engine: Engine) -> None:
    assert server.ask("SELECT @@GLOBAL.max_allowed_packet") == [(2**20,)]
    items = [an_item(chunk=number, index=number, sha256=digest(str(number))) for number in range(2000)]
    reasons = ("Looks Bad, and much is to be said of it. " * 20,)

    def work(connection: Connection) -> None:
        revision = a_revision(connection, a_pass(connection))
        replace_items(connection, revision, items)
        ids, rules = item_ids(connection, revision), add_judging_set(connection, "the first", RULES).id
        save_evidence(connection, some_evidence(ids))
        save_verdicts(connection, revision, [a_verdict(one, rules, reasons=reasons) for one in ids])
        assert len(load_items(connection, revision)) == 2000

    writing(engine, work)
