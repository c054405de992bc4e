from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.base.errors import DatabaseError
from hydra_core.store import sqlite_file
from hydra_core.store.session import check_version, open_engine, writing
from hydra_core.store.sqlite_file import file_system_of, journal_mode
from hydra_core.store.upgrade import upgrade
from tests.store_samples import a_pass, opened


def pragma(engine: sa.Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_local_database_waits_for_others_and_checks_its_references(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'hydra.sqlite'}") as engine:
        assert pragma(engine, "journal_mode") == journal_mode(tmp_path).lower()
        assert pragma(engine, "busy_timeout") == 60_000
        assert pragma(engine, "foreign_keys") == 1
        assert pragma(engine, "synchronous") == 2
        assert pragma(engine, "integrity_check") == "ok"


@pytest.mark.parametrize(
    ("kind", "mode"), [("ext4", "WAL"), ("xfs", "WAL"), ("nfs4", "DELETE"), ("lustre", "DELETE"), ("unknown", "DELETE")]
)
def test_a_network_file_system_gets_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mode: str
) -> None:
    monkeypatch.setattr(sqlite_file, "file_system_of", lambda _: kind)
    assert journal_mode(tmp_path) == mode
    with opened(f"sqlite:///{tmp_path / 'hydra.sqlite'}") as engine:
        assert pragma(engine, "journal_mode") == mode.lower()
        writing(engine, a_pass)
        check_version(engine)


def test_a_database_that_is_moved_to_a_network_file_system_loses_its_write_ahead_log_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.setattr(sqlite_file, "file_system_of", lambda _: "ext4")
    with opened(f"sqlite:///{here / 'hydra.sqlite'}") as engine, engine.connect() as holding:
        holding.execute(sa.select(sa.literal(1)))
        writing(engine, a_pass)
        # As after a power cut: what was committed last stands in the log alone.
        for name in ("hydra.sqlite", "hydra.sqlite-wal"):
            (there / name).write_bytes((here / name).read_bytes())
    monkeypatch.setattr(sqlite_file, "file_system_of", lambda _: "nfs4")
    moved = open_engine(f"sqlite:///{there / 'hydra.sqlite'}")
    with moved.connect() as connection, open_engine(str(moved.url)).connect() as other:
        for one in (connection, other):
            assert one.exec_driver_sql("SELECT name FROM passes").scalar_one() == "2026-01/ver02"
            assert one.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    writing(moved, lambda connection: a_pass(connection, "another"))
    assert [path.name for path in there.iterdir()] == ["hydra.sqlite"]


def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    assert file_system_of(Path("/proc/self")) == "proc"
    assert file_system_of(tmp_path) == file_system_of(tmp_path / "not there yet")


def test_looking_at_a_database_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'hydra.sqlite'}")
    with pytest.raises(DatabaseError, match=r"there is no database .*hydra\.sqlite"):
        check_version(engine)
    assert list(tmp_path.iterdir()) == []
    upgrade(engine)
    check_version(engine)


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "hydra.sqlite"
    file.write_bytes(b"these are my notes" * 100)
    engine = open_engine(f"sqlite:///{file}")
    for attempt in (check_version, upgrade):
        with pytest.raises(DatabaseError, match="not a database"):
            attempt(engine)
    assert file.read_bytes() == b"these are my notes" * 100


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(DatabaseError, match="could not be upgraded"):
        upgrade(open_engine(f"sqlite:///{tmp_path / 'data' / 'hydra.sqlite'}"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3cret", "is not a database URL"),
        ("mysql+pymysql://ada:s3cret@host:port/x", "is not a database URL"),
        ("postgresql://ada:s3cret@host/x", "'postgresql', which Hydra does not support"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words) as caught:
        open_engine(url)
    assert "s3cret" not in str(caught.value)


def test_a_server_out_of_reach_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRA_DB_PASSWORD_FILE", raising=False)
    engine = open_engine("mysql+pymysql://ada:s3cret@127.0.0.1:1/hydra")
    told: list[str] = []
    with pytest.raises(DatabaseError, match=r"does not answer, for \d+ s now: .*Connection refused") as caught:
        check_version(engine, patience_s=1.5, tell=told.append)
    assert "trying again in 0." in told[0]
    assert "s3cret" not in "".join(told)
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1:1/hydra" in str(caught.value)


def test_a_password_file_is_read_only_where_a_password_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_DB_PASSWORD_FILE", str(tmp_path / "password"))
    open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    assert open_engine("mysql+pymysql://ada:own@host/x").url.password == "own"
    with pytest.raises(DatabaseError, match=r"password file .*No such file"):
        open_engine("mysql+pymysql://ada@host/x")
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    with pytest.raises(DatabaseError, match="it is not text"):
        open_engine("mysql+pymysql://ada@host/x")
    (tmp_path / "password").write_text(" a b \n", encoding="utf-8")
    assert open_engine("mysql+pymysql://ada@host/x").url.password == "a b"
