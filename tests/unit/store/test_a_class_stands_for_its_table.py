"""Tables are written as classes: a class goes wherever SQLAlchemy takes a table, its attributes are the columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from hydra_core.store.schema import Base, Image, PersonAccount, PersonRow, PlotTypeRow

SEEN = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as opened:
        Base.metadata.create_all(opened)
        yield opened
    engine.dispose()


@pytest.mark.parametrize("kind", Base.__subclasses__(), ids=lambda kind: kind.__tablename__)
def test_columns_are_called_as_their_attributes_and_keep_their_order(kind: type[Base]) -> None:
    written = [name for name, value in vars(kind).items() if isinstance(value, sa.Column)]
    assert written == [column.name for column in kind.__table__.columns] != []
    assert Base.metadata.tables[kind.__tablename__] is kind.__table__


def test_a_class_goes_wherever_a_table_goes(connection: Connection) -> None:
    people = [{"name": "alice", "any_plot_type": True}, {"name": "bob", "any_plot_type": False}]
    connection.execute(sa.insert(PersonRow), people)
    ids = {row.name: row.id for row in connection.execute(sa.select(PersonRow.name, PersonRow.id))}
    connection.execute(sa.insert(PersonAccount).values(person_id=ids["bob"], account="b"))
    this = PersonRow.name == sa.bindparam("this_name")
    changed = [{"this_name": name, "any_plot_type": True} for name in ids]
    connection.execute(sa.update(PersonRow).where(this), changed)
    connection.execute(sa.delete(PersonRow).where(PersonRow.name == "alice"))

    joined = sa.select(PersonRow, PersonAccount.account).join(PersonAccount, PersonAccount.person_id == PersonRow.id)
    assert connection.execute(joined).mappings().one() == {
        "id": ids["bob"],
        "name": "bob",
        "any_plot_type": True,
        "account": "b",
    }
    assert connection.execute(sa.select(sa.func.count()).select_from(PersonRow)).scalar() == 1


def test_a_needed_column_takes_no_row_without_a_value(connection: Connection) -> None:
    image = {"sha256": "0" * 64, "bytes": 1, "width": 2, "first_seen_at": SEEN}
    with pytest.raises(IntegrityError, match=r"images\.height"):
        connection.execute(sa.insert(Image), image)


def test_a_new_row_has_its_defaults_and_nothing_where_that_is_allowed(connection: Connection) -> None:
    connection.execute(sa.insert(PlotTypeRow), {"name": "CDC", "chunked": False, "first_seen_at": SEEN})
    row = connection.execute(sa.select(PlotTypeRow)).one()
    assert (row.status, row.decided_by, row.contact) == ("active", "", "")
    assert (row.renamed_to, row.drawing, row.decided_at) == (None, None, None)
    assert (row.chunked, row.first_seen_at) == (False, SEEN)
