from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.pool import NullPool

pytestmark = pytest.mark.services


@pytest.fixture
def connection(mariadb_url: str) -> Iterator[Connection]:
    engine = create_engine(mariadb_url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_every_character_comes_back(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE words (word VARCHAR(40))"))
    connection.execute(text("INSERT INTO words VALUES (:word)"), {"word": "χ²/ndf → 𝒳 🙂"})
    assert connection.execute(text("SELECT word FROM words")).scalar_one() == "χ²/ndf → 𝒳 🙂"


def test_a_value_too_long_is_refused_not_cut(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE words (word VARCHAR(3))"))
    with pytest.raises(DataError):
        connection.execute(text("INSERT INTO words VALUES ('four')"))


def test_each_test_starts_empty(connection: Connection) -> None:
    assert connection.execute(text("SHOW TABLES")).all() == []


def test_the_account_reaches_test_databases_alone(mariadb_url: str) -> None:
    engine = create_engine(make_url(mariadb_url).set(database="mysql"), poolclass=NullPool)
    with pytest.raises(OperationalError, match="denied"):
        engine.connect()
    engine.dispose()
