"""What all tables share: names of keys, character sets, and how a column is written down."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_Value = TypeVar("_Value")


class Base:
    """A table, written as a class; SQLAlchemy takes the class wherever it takes the table.

    SQLAlchemy's own mapping of classes is not used: every job would pay for its import, and none needs its objects.

    Attributes
    ----------
    metadata
        All tables.
    __tablename__
        Name of the table; its columns are the attributes made by `key`, `needed` and `optional`, in their order.
    __table_args__
        Its indexes and constraints of several columns.
    __table__
        The table itself, for an alias or all of its columns.
    """

    metadata: ClassVar[sa.MetaData] = sa.MetaData(naming_convention=_NAMES)
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[sa.Constraint | sa.Index, ...]] = ()
    __table__: ClassVar[sa.Table]

    def __init_subclass__(cls) -> None:
        columns = {name: value for name, value in vars(cls).items() if isinstance(value, sa.Column)}
        for name, column in columns.items():
            column.name = column.key = name
        cls.__table__ = sa.Table(
            cls.__tablename__,
            Base.metadata,
            *columns.values(),
            *cls.__table_args__,
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin",
        )

    @classmethod
    def __clause_element__(cls) -> sa.Table:
        return cls.__table__


def key(
    kind: TypeEngine[_Value] | type[TypeEngine[_Value]],
    refers_to: sa.ForeignKey | None = None,
    *,
    autoincrement: bool | Literal["auto"] = "auto",
) -> sa.ColumnClause[_Value]:
    """Return a column of the primary key.

    Parameters
    ----------
    refers_to
        The column of another table that it refers to, see `reference`.
    autoincrement
        Whether the database counts it up; ``"auto"``: where it is a whole number, the only key, and refers to nothing.
    """
    return _column(kind, refers_to, primary_key=True, nullable=False, autoincrement=autoincrement)


def needed(
    kind: TypeEngine[_Value] | type[TypeEngine[_Value]],
    refers_to: sa.ForeignKey | None = None,
    *,
    unique: bool = False,
    default: _Value | None = None,
) -> sa.ColumnClause[_Value]:
    """Return a column that has a value in every row.

    Parameters
    ----------
    refers_to
        The column of another table that it refers to, see `reference`.
    unique
        Whether no two rows may have the same value.
    default
        What a new row gets that is entered without a value; None: it has to bring one.
    """
    return _column(kind, refers_to, nullable=False, unique=unique or None, default=default)


def optional(
    kind: TypeEngine[_Value] | type[TypeEngine[_Value]], refers_to: sa.ForeignKey | None = None
) -> sa.ColumnClause[_Value | None]:
    """Return a column that may be empty.

    Parameters
    ----------
    refers_to
        The column of another table that it refers to, see `reference`.
    """
    return _column(kind, refers_to, nullable=True)


def reference(column: str, *, cascade: bool = False) -> sa.ForeignKey:
    """Return a reference to a column; rows go with the row they refer to where `cascade` is set."""
    return sa.ForeignKey(column, ondelete="CASCADE" if cascade else None)


# To type checkers, an `sa.Column` may not be read from a class.
def _column(kind: Any, refers_to: sa.ForeignKey | None, **settings: Any) -> sa.ColumnClause[Any]:
    return sa.Column(kind, *([] if refers_to is None else [refers_to]), **settings)
