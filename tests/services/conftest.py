"""A database of its own for every test, on SQLite and on MariaDB."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    """Yield ``mysql+pymysql://…/hydra_test_…`` of an empty database that is dropped afterwards."""
    name = f"hydra_test_{secrets.token_hex(6)}"
    server = create_engine(server_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        server.dispose()


@pytest.fixture
def mariadb_url(mariadb_server_url: str) -> Iterator[str]:
    """Yield the URL of an empty database on MariaDB."""
    with empty_database(mariadb_server_url) as url:
        yield url


@pytest.fixture
def another_mariadb_url(mariadb_server_url: str) -> Iterator[str]:
    """Yield the URL of a second empty database, to compare with."""
    with empty_database(mariadb_server_url) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.services)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once of each kind; what runs on one must run on the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hydra.sqlite'}"
    url: str = request.getfixturevalue("mariadb_url")
    return url
