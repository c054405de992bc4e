from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from hydra_core.base.errors import DatabaseError
from hydra_core.store.schema import SCHEMA_REVISION, Base
from hydra_core.store.session import check_version, open_engine, writing
from hydra_core.store.upgrade import alembic_config, upgrade
from tests.store_samples import a_pass, opened, table_rows


def tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_an_empty_database_gets_exactly_the_tables_of_the_program(database_url: str) -> None:
    with opened(database_url) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        assert tables(engine) == set(Base.metadata.tables) | {"alembic_version"}
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [SCHEMA_REVISION]
        assert context.get_current_revision() == SCHEMA_REVISION
        check_version(engine)


def test_every_name_is_kept_byte_by_byte_on_mariadb_and_every_table_holds_transactions(database_url: str) -> None:
    with opened(database_url) as engine, engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            return
        query = "SELECT collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
        found = {row[0] for row in connection.exec_driver_sql(query + " AND table_name <> 'alembic_version'")}
        assert found == {None, "utf8mb4_bin", "utf8mb4_nopad_bin"}
        engines = "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        assert connection.exec_driver_sql(engines).scalars().all() == ["InnoDB"]


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(engine, a_pass)
        with engine.connect() as connection:
            before = table_rows(connection)
        upgrade(engine)
        with engine.connect() as connection:
            assert table_rows(connection) == before
        assert len(before["passes"]) == 1


def test_two_upgrades_at_the_same_time_do_not_meet_halfway(database_url: str) -> None:
    engine = open_engine(database_url)
    failures: list[Exception] = []

    def work() -> None:
        try:
            upgrade(engine)
        except DatabaseError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check_version(engine)
    engine.dispose()


def test_the_way_back_leaves_nothing_behind(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(engine, lambda connection: command.downgrade(alembic_config(connection), "base"))
        assert tables(engine) == {"alembic_version"}
        with pytest.raises(DatabaseError, match="has no tables yet"):
            check_version(engine)


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_a_database_of_another_version_stops_with_a_sentence(database_url: str, version: str) -> None:
    with opened(database_url) as engine:
        writing(
            engine,
            lambda connection: connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'"),
        )
        with pytest.raises(
            DatabaseError, match=f"has schema {version}, this program needs {SCHEMA_REVISION}"
        ) as caught:
            check_version(engine)
        assert "hydra db upgrade" in caught.value.next_step
        with pytest.raises(DatabaseError, match="another version of this program"):
            upgrade(engine)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == version


def test_an_empty_database_stops_with_a_sentence_and_stays_empty(database_url: str) -> None:
    engine = open_engine(database_url)
    with pytest.raises(DatabaseError, match=r"has no tables yet|there is no database") as caught:
        check_version(engine)
    assert "hydra db upgrade" in str(caught.value)
    if engine.dialect.name == "sqlite":
        assert not Path(str(engine.url.database)).exists()
    else:
        assert tables(engine) == set()
    engine.dispose()


def test_an_upgrade_that_fails_halfway_names_the_database_and_the_next_step(database_url: str) -> None:
    engine = open_engine(database_url)
    # Somebody else's table stands where one of ours must be.
    writing(engine, lambda connection: connection.exec_driver_sql("CREATE TABLE verdicts (number INTEGER)"))
    with pytest.raises(DatabaseError, match="could not be upgraded") as caught:
        upgrade(engine)
    assert "run 'hydra db upgrade' again" in caught.value.next_step
    if engine.dialect.name == "sqlite":
        assert tables(engine) == {"verdicts"}
    engine.dispose()


def test_rows_of_an_older_schema_are_all_there_after_the_upgrade(database_url: str) -> None:
    engine = open_engine(database_url)
    writing(engine, lambda connection: command.upgrade(alembic_config(connection), "0001"))
    moment = "2026-01-17 03:00:00"
    statements = (
        "INSERT INTO passes (id, name, workflow, first_run, last_run, state, source, created_at)"
        f" VALUES (1, '2026-01/ver01', 'hydra/x', 1, 99, 'open', '/data', '{moment}')",
        f"INSERT INTO runs (id, pass_id, number, name, arrived_at) VALUES (1, 1, 7, '7', '{moment}')",
        "INSERT INTO revisions (id, run_id, revision, state, conditions, notes, item_count, flagged_count,"
        f" unreadable_count, severity, wanted_at) VALUES (1, 1, 1, 'judged', '{{}}', '[]', 1, 0, 0, 0, '{moment}')",
        f"INSERT INTO plot_types (id, name, chunked, first_seen_at) VALUES (1, 'CDC', 1, '{moment}')",
        "INSERT INTO items (id, revision_id, plot_type_id, chunk, block_index, status, reason, duplicate_of, source)"
        " VALUES (1, 1, 1, 3, 0, 'missing', 'why', '', 'a.png')",
        "INSERT INTO evidence (item_id, judge, status, numbers, sentence) VALUES (1, 'content', 'filled', '{}', 's')",
    )
    for statement in statements:
        writing(engine, lambda connection, statement=statement: connection.execute(sa.text(statement)))
    upgrade(engine)
    check_version(engine)
    with engine.connect() as connection:
        rows = table_rows(connection)
        kind = connection.exec_driver_sql("SELECT status, decided_by, renamed_to FROM plot_types").one()
        item = connection.exec_driver_sql("SELECT reason, member, tombstone FROM items").one()
    assert [len(rows[name]) for name in ("passes", "runs", "revisions", "plot_types", "items", "evidence")] == [1] * 6
    assert tuple(kind) == ("active", "", None)
    assert tuple(item) == ("why", "", "")
    engine.dispose()
