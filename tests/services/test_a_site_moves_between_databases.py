"""Backup and restore on both databases, and from one to the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hydra_core.base.errors import DatabaseError
from hydra_core.config.load import load_site
from hydra_core.stages.backup import backup
from hydra_core.stages.backup_form import read_manifest
from hydra_core.stages.fsck import fsck
from hydra_core.stages.republish import republish
from hydra_core.stages.restoring import restore
from hydra_core.stages.verify import verify
from hydra_core.store.dump import TableShape, dump_rows, table_shapes
from hydra_core.store.ledger import want_run
from hydra_core.store.refill import begin_refill, fill_table, finish_refill, loaded, make_tables
from hydra_core.store.session import check_version, open_engine, reading, site_engine, writing
from tests.final_state import assert_same, final_state
from tests.small_pass import RUNS, SmallPass, demo_files, everything_arrived, small_pass
from tests.store_samples import a_pass, opened

PLAYED = RUNS[:2]


def with_database(made: SmallPass, url: str, password: Path) -> SmallPass:
    """Return the same site on another database; an empty URL is SQLite."""
    path = made.folder / "site.toml"
    plain = path.read_text(encoding="utf-8").partition("\n[database]")[0]
    if url:
        secret = str(sa.make_url(url).password)
        password.write_text(secret, encoding="utf-8")
        password.chmod(0o600)
        bare = url.replace(f":{secret}@", "@")
        plain += f"\n[database]\nurl = {json.dumps(bare)}\npassword_file = {json.dumps(str(password))}\n"
    path.write_text(plain, encoding="utf-8")
    site = load_site(made.folder)
    return SmallPass(site, site_engine(site))


def secret_of(engine: Engine) -> str:
    """Return the password of a database, or what is in no file."""
    return engine.url.password or "no password at all"


@pytest.mark.services
def test_a_site_moves_to_mariadb_and_back_with_nothing_changed(
    mariadb_url: str, another_mariadb_url: str, tmp_path: Path
) -> None:
    made = small_pass(tmp_path / "site", "moving")
    made.enter()
    made.bring(everything_arrived(demo_files(tmp_path)), PLAYED)
    made.by_hand(PLAYED)
    # Once, so that all lists are there.
    republish(made.site, made.engine)
    wanted, checked = final_state(made.root, made.engine), [verify(made.context(run)) for run in PLAYED]
    assert len(wanted["verdicts"]) > 10
    tables = None
    for number, url in enumerate((mariadb_url, another_mariadb_url, "")):
        done = backup(made.site, made.engine, tmp_path / f"backups-{number}")
        manifest, _ = read_manifest(done.folder)
        # The same rows are the same bytes, whatever the database.
        assert tables in (None, manifest.tables)
        tables = manifest.tables
        secret = secret_of(made.engine).encode()
        assert [path for path in done.folder.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
        made.engine.dispose()
        for path in made.root.glob("hydra.sqlite*"):
            path.unlink()
        shutil.rmtree(made.site.site_pages)
        made = with_database(made, url, tmp_path / f"password-{number}")
        restore(made.site, made.engine, done.folder)
        republish(made.site, made.engine)
        assert_same(final_state(made.root, made.engine), wanted)
        assert [verify(made.context(run)) for run in PLAYED] == checked
        assert fsck(made.site, made.engine).problems == ()
    made.engine.dispose()


MOMENT = "2026-01-17T03:00:00.000Z"
#: Two tables as a program of the first schema would have dumped them.
PASS_KINDS = {"id": "integer", "name": "text", "workflow": "text", "first_run": "integer", "last_run": "integer"}
PASS_KINDS |= {"state": "text", "source": "text", "created_at": "instant"}
RUN_KINDS = {"id": "integer", "pass_id": "integer", "number": "integer", "name": "text", "arrived_at": "instant"}
OLD = (TableShape("passes", tuple(PASS_KINDS.items())), TableShape("runs", tuple(RUN_KINDS.items())))
LINES = {
    "passes": [f'[1,"2026-01/ver01","hydra/x",1,99,"open","/data","{MOMENT}"]\n'.encode()],
    "runs": [f'[{number},1,{number},"{number}","{MOMENT}"]\n'.encode() for number in range(1, 9)],
}


def fill_old(engine: Engine) -> None:
    mark = begin_refill(engine, "a" * 64, OLD)
    if mark.phase == "tables":
        mark = make_tables(engine, mark, "0001", OLD)
    if mark.phase == "rows":
        for shape in OLD[1 if mark.table_name == "runs" else 0 :]:
            mark = fill_table(engine, mark, shape, LINES[shape.name], lambda _rows: None)
        loaded(engine, mark)
    finish_refill(engine)


def ledger(engine: Engine) -> list[tuple[Any, ...]]:
    query = "SELECT passes.name, runs.number, folder FROM runs JOIN passes ON passes.id = pass_id ORDER BY number"
    with reading(engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


WANTED = [("2026-01/ver01", number, "") for number in range(1, 9)]


def test_a_backup_of_an_older_schema_is_brought_up(database_url: str) -> None:
    with opened(database_url) as engine:
        # Tables of today are there already, and nothing in them.
        fill_old(engine)
        check_version(engine)
        assert ledger(engine) == WANTED


class CutOffError(Exception):
    """What a test stops a restore with."""


def cut_off(engine: Engine, work: Callable[[Engine], None], after: int) -> bool:
    """Do work, and raise at one of its changes of tables or rows; say whether it was stopped."""
    seen = 0

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal seen
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            seen += 1
            if seen > after:
                raise CutOffError

    sa.event.listen(engine, "before_cursor_execute", before)
    try:
        work(engine)
    except CutOffError:
        return True
    finally:
        sa.event.remove(engine, "before_cursor_execute", before)
    return False


def test_a_restore_that_is_cut_off_at_any_change_goes_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hydra_core.store.dump.BATCH", 3)
    engine = open_engine(database_url)
    stops = 0
    # A little further each time, so that it is cut off in the middle of what was begun anew as well.
    for after in range(0, 2000, 17):
        if not cut_off(engine, fill_old, after):
            break
        stops += 1
        with pytest.raises(DatabaseError, match=r"half restored|no tables|no database"):
            check_version(engine, patience_s=0)
    assert stops > 4
    check_version(engine)
    assert ledger(engine) == WANTED
    engine.dispose()


def test_a_dump_sees_one_state_and_keeps_nobody_from_writing(database_url: str) -> None:
    shapes = {shape.name: shape for shape in table_shapes()}
    with opened(database_url) as engine:
        pass_id = writing(engine, a_pass)
        with reading(engine) as connection:
            passes = list(dump_rows(connection, shapes["passes"]))
            writing(engine, lambda other: want_run(other, pass_id, 7, "7"))
            runs = list(dump_rows(connection, shapes["runs"]))
        assert [len(batch) for batch in passes] == [1]
        assert runs == []
        with reading(engine) as connection:
            assert [len(batch) for batch in dump_rows(connection, shapes["runs"])] == [1]


def test_rows_that_come_later_get_numbers_of_their_own(database_url: str) -> None:
    engine = open_engine(database_url)
    fill_old(engine)
    assert writing(engine, a_pass) == 2
    engine.dispose()


def test_a_full_database_is_refused(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(engine, a_pass)
        with pytest.raises(DatabaseError, match="is not empty: it holds 1 passes"):
            fill_old(engine)
        check_version(engine)


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(
            engine, lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        )
        with pytest.raises(DatabaseError, match="has schema 9999, which this program does not know"):
            fill_old(engine)
