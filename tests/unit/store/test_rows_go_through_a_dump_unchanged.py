from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.dump import TableShape, dump_rows, parsed_rows, table_shapes
from hydra_core.store.schema import Base
from hydra_core.store.session import reading, writing
from tests.store_samples import NOON, a_judged_revision, digest, sqlite_copy

SHAPES = {shape.name: shape for shape in table_shapes()}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NUMBERS = st.dictionaries(TEXTS, st.floats(allow_nan=False) | st.integers() | TEXTS | st.none(), max_size=4)
INSTANTS = st.integers(0, 4 * 10**12).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))


def test_every_table_comes_after_those_that_its_rows_refer_to() -> None:
    order = list(SHAPES)
    assert set(order) == set(Base.metadata.tables)
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            other = key.column.table.name
            assert other == table.name or order.index(other) < order.index(table.name)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Yield two databases with an item in each."""
    folder = tmp_path_factory.mktemp("dump")
    with sqlite_copy(folder / "from.sqlite") as source, sqlite_copy(folder / "to.sqlite") as target:
        for engine in (source, target):
            a_judged_revision(engine)
        yield source, target


def replace_rows(engine: Engine, table: sa.TableClause, rows: Sequence[Mapping[str, Any]]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table), list(rows))

    writing(engine, work)


def dumped(engine: Engine, shape: TableShape) -> list[bytes]:
    with reading(engine) as connection:
        return [line for batch in dump_rows(connection, shape) for line in batch]


def there_and_back(pair: tuple[Engine, Engine], name: str, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Enter a row, dump it, enter the dump into another database, and return what is there."""
    table, shape = Base.metadata.tables[name], SHAPES[name]
    source, target = pair
    replace_rows(source, table, [row])
    lines = dumped(source, shape)
    assert [line.count(b"\n") for line in lines] == [1]
    for rows in parsed_rows(shape, lines):
        replace_rows(target, shape.table, rows)
    with reading(target) as connection:
        return [dict(found) for found in connection.execute(sa.select(table)).mappings()]


@given(sentence=TEXTS, numbers=NUMBERS)
def test_text_and_json_come_back(pair: tuple[Engine, Engine], sentence: str, numbers: Any) -> None:
    row = {"item_id": 1, "judge": "content", "status": "ok", "sentence": sentence, "numbers": numbers, "model_id": None}
    assert there_and_back(pair, "evidence", row) == [row]


@given(made_at=st.none() | INSTANTS, received_at=INSTANTS)
def test_instants_and_hashes_come_back(
    pair: tuple[Engine, Engine], made_at: datetime | None, received_at: datetime
) -> None:
    row = {"sha256": digest("x"), "kind": "labels", "file_name": "a", "claimed_by": "", "owner": "", "made_at": made_at}
    row |= {"received_at": received_at, "status": "accepted", "reason": ""}
    assert there_and_back(pair, "requests", row) == [row]


def test_the_same_rows_are_the_same_lines_in_whatever_order_they_came(tmp_path: Path) -> None:
    one = {"bytes": 1, "width": 1, "height": 1, "first_seen_at": NOON}
    rows = [{"sha256": digest(str(number)), **one} for number in range(9)]
    found = []
    for name, order in (("forth", rows), ("back", rows[::-1])):
        with sqlite_copy(tmp_path / f"{name}.sqlite") as engine:
            replace_rows(engine, Base.metadata.tables["images"], order)
            found.append(dumped(engine, SHAPES["images"]))
    assert len(found[0]) == 9
    assert found[0] == found[1]


@pytest.mark.parametrize("line", [b"[1]\n", b"{}\n", b"nothing\n", b'[1,"content","ok","{}","",null,7]\n'])
def test_a_line_that_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        list(parsed_rows(SHAPES["evidence"], [line]))
