"""Several jobs at once on one SQLite file: each waits for the others, and none hears that it is locked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.store.items import load_items, replace_items
from hydra_core.store.ledger import newest_revisions
from hydra_core.store.schema import Image, Item, Run
from hydra_core.store.session import open_engine, reading, writing
from tests.staged_run import in_process
from tests.store_samples import a_pass, a_revision, an_item, digest, opened

pytestmark = pytest.mark.faults
PROCESSES, SECONDS = 8, 3.0


def write_and_read(url: str, number: int, seconds: float) -> None:
    """Write runs and read them again, in a process of its own; anything that is refused ends it with an error."""
    engine = open_engine(url)
    told: list[str] = []
    items = [an_item(chunk=chunk, index=chunk, sha256=digest(f"{chunk}")) for chunk in range(20)]
    began, rounds = time.monotonic(), 0
    while time.monotonic() - began < seconds or rounds < 3:
        run = number * 1000 + rounds

        def work(connection: sa.Connection, run: int = run) -> None:
            # Reads first, as every stage does: this is where SQLite refuses to wait unless it is asked well.
            revision = a_revision(connection, a_pass(connection), run=run)
            replace_items(connection, revision, items)

        writing(engine, work, tell=told.append)
        with reading(engine, tell=told.append) as connection:
            (row,) = newest_revisions(connection, a_pass_id(connection), first_run=run, last_run=run)
            assert len(load_items(connection, row.id)) == 20
        rounds += 1
    assert told == []
    Path(engine.url.database or "").with_name(f"rounds-{number}").write_text(str(rounds), encoding="utf-8")


def a_pass_id(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT id FROM passes").scalar_one())


def test_eight_processes_write_and_read_for_some_seconds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hydra.sqlite'}"
    with opened(url) as engine:
        writing(engine, a_pass)
        processes = [in_process(write_and_read, url, number, SECONDS) for number in range(1, PROCESSES + 1)]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * PROCESSES
        rounds = sum(int(path.read_text(encoding="utf-8")) for path in tmp_path.glob("rounds-*"))
        with reading(engine) as connection:
            counts = [
                connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (Run, Item)
            ]
            assert counts == [rounds, 20 * rounds]
            assert connection.execute(sa.select(sa.func.count(Image.sha256))).scalar_one() == 20
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
