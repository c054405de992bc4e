"""What all tables share: names of keys, character sets, types of columns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from hydra_core.store.columns import UtcTime

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
TABLE_OPTIONS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class Base(DeclarativeBase):
    """Common settings of all tables."""

    metadata = sa.MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: UtcTime(), dict[str, Any]: sa.JSON(), list[Any]: sa.JSON()}  # noqa: RUF012
    __table_args__: Any = TABLE_OPTIONS


def reference(column: str, *, cascade: bool = False) -> sa.ForeignKey:
    """Return a reference to a column; rows go with the row they refer to where `cascade` is set."""
    return sa.ForeignKey(column, ondelete="CASCADE" if cascade else None)
