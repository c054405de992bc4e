"""Every stage of a pass, with a network and labels: the same tables, archive and pages on both databases."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydra_core.passes.learn import hand_in, learning_is_due
from hydra_core.stages.publish import publish_library
from hydra_core.stages.retrain import retrain
from hydra_core.store.session import reading
from tests.final_state import assert_same, final_state
from tests.small_pass import RUNS, SmallPass, demo_files, everything_arrived, small_pass
from tests.staged_run import go_live
from tests.store_samples import table_rows

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

PLAYED = RUNS[:4]
#: A training is due after the few labels of the demo.
SOON = {"min_labels": 4, "min_new": 1}


def play(made: SmallPass, files: Path) -> None:
    """Take runs through every stage, with a live network; take labels in, and one more run."""
    made.enter()
    go_live(made)
    *first, last = PLAYED
    made.bring(files, PLAYED)
    made.by_hand(first)
    hand_in(made.site, made.engine, (files / "labels.json").read_bytes(), "labels.json")
    assert learning_is_due(made.site, made.engine)
    retrain(made.context(first[0]))
    publish_library(made.context(first[0]))
    made.by_hand([last])


def rows(made: SmallPass) -> dict[str, Any]:
    """How many rows each table has: what `final_state` does not look at is there too."""
    with reading(made.engine) as connection:
        return {name: len(rows) for name, rows in table_rows(connection).items()}


def test_tables_archive_and_pages_come_out_the_same(mariadb_url: str, tmp_path: Path) -> None:
    files = everything_arrived(demo_files(tmp_path))
    secret = str(sa.make_url(mariadb_url).password)
    password = tmp_path / "password"
    password.write_text(secret, encoding="utf-8")
    password.chmod(0o600)
    bare = mariadb_url.replace(f":{secret}@", "@")
    database = {"url": bare, "password_file": str(password)}
    on_sqlite = small_pass(tmp_path / "sqlite", "same", training=SOON)
    on_mariadb = small_pass(tmp_path / "mariadb", "same", training=SOON, database=database)
    assert [made.engine.dialect.name for made in (on_sqlite, on_mariadb)] == ["sqlite", "mysql"]
    for made in (on_sqlite, on_mariadb):
        play(made, files)
        if made is on_sqlite:
            # The same network: two trainings need not come to the same weights.
            shutil.copytree(made.site.models, on_mariadb.site.models)
    found = final_state(on_mariadb.root, on_mariadb.engine)
    assert len(found["verdicts"]) > 20
    for part in ("labels", "claims", "models", "incidents", "judging sets"):
        assert found[part], part
    assert_same(found, final_state(on_sqlite.root))
    assert rows(on_mariadb) == rows(on_sqlite)
    on_mariadb.engine.dispose()
    assert not (on_mariadb.root / "hydra.sqlite").exists()
