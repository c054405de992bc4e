from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from hydra_core.store.session import open_engine
from tests.bench.fabricated_history import fabricate
from tests.bench.history_shape import SMALL, Size
from tests.scale_databases import analyse, empty_mariadb, scans_of, statements_of, work_of
from tests.store_calls import CALLS, LEFT_OUT, Call, Middle, store_functions

LONGER = Size(40_000, 40_000, 2_964)
#: What may come on top in a history four times as long: steps down a higher tree, not steps for every run. MariaDB
#: reads tables of a few hundred rows from end to end where that is quicker.
MORE_AT_MOST, FEW = 1.5, {"sqlite": 60, "mysql": 250}


@dataclass(frozen=True)
class Histories:
    """The same questions can be asked of a short history and of one four times as long."""

    short: Engine
    long: Engine


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("mariadb", marks=pytest.mark.services)],
)
def histories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Histories]:
    folder: Path = tmp_path_factory.mktemp("histories")
    with ExitStack() as stack:
        engines = []
        for size in (SMALL, LONGER):
            if request.param == "mariadb":
                url = stack.enter_context(empty_mariadb(request.getfixturevalue("mariadb_server_url")))
            else:
                url = f"sqlite:///{folder / f'{size.images}.sqlite'}"
            fabricate(url, size)
            engines.append(open_engine(url))
            stack.callback(engines[-1].dispose)
            # SQLite goes by its rules of thumb, for nothing ever counts its tables.
            if request.param == "mariadb":
                analyse(engines[-1])
        yield Histories(*engines)


def test_every_function_of_the_store_is_asked_or_left_out_for_a_reason() -> None:
    named = {name.split(",")[0] for name in CALLS if "." in name}
    left_out = {name for name in store_functions() if name in LEFT_OUT or name.split(".")[0] in LEFT_OUT}
    assert store_functions() - named - left_out == set()
    assert named - store_functions() == set()
    assert named & left_out == set()


def test_no_question_reads_a_large_table_from_end_to_end(histories: Histories) -> None:
    found = {}
    with histories.long.connect() as connection:
        for name, call in CALLS.items():
            for statement in statements_of(connection, call, Middle(LONGER)):
                scans = scans_of(connection, statement)
                if scans and not call.scans:
                    found[name] = (scans, statement.text)
    assert found == {}


def test_no_nightly_question_is_more_work_in_a_longer_history(histories: Histories) -> None:
    found = {}
    for name, call in CALLS.items():
        if call.grows:
            continue
        with histories.short.connect() as short, histories.long.connect() as long:
            before, after = work_of(short, call, Middle(SMALL)), work_of(long, call, Middle(LONGER))
        if after > before * MORE_AT_MOST + FEW[histories.long.dialect.name]:
            found[name] = (before, after)
    assert found == {}


def test_a_walk_over_all_images_would_be_found(histories: Histories) -> None:
    walk = Call(lambda c, _: c.exec_driver_sql("SELECT count(source) FROM items WHERE reason <> ''").all())
    with histories.short.connect() as short, histories.long.connect() as long:
        statements = statements_of(long, walk, Middle(LONGER))
        assert any(scans_of(long, statement) for statement in statements)
        assert work_of(long, walk, Middle(LONGER)) > work_of(short, walk, Middle(SMALL)) * 3
