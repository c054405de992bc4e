"""Column types that mean the same on SQLite and MariaDB."""
# ruff: noqa: ARG002 - the signatures are SQLAlchemy's

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator, TypeEngine

from hydra_core.base.errors import DatabaseError

#: Objects and lists as JSON writes them, and numbers of double precision, with the types that they have in Python.
JSON_TABLE: TypeEngine[dict[str, Any]] = sa.JSON()
JSON_LIST: TypeEngine[list[Any]] = sa.JSON()
REAL: TypeEngine[float] = sa.Double()


class TooLongError(DatabaseError, DontWrapMixin):
    """A name has more characters than its column; SQLite would take it, MariaDB would not."""


class UtcTime(TypeDecorator[datetime]):
    """An instant with zone in Python, UTC without zone in the database, milliseconds on both."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """MySQL's DATETIME drops fractions of a second unless asked to keep them."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without zone, which means another hour elsewhere; cut what only one database keeps."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without time zone")
        instant = value.astimezone(UTC).replace(tzinfo=None)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


class Sha256(TypeDecorator[str]):
    """64 hexadecimal digits in Python, 32 bytes in the database (half the size of every index)."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """MySQL can index a fixed-length binary, not a blob."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.BINARY(32))
        return dialect.type_descriptor(sa.LargeBinary(32))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Hexadecimal to bytes."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Bytes to hexadecimal."""
        return None if value is None else bytes(value).hex()


class Name(TypeDecorator[str]):
    """Text that is compared byte by byte, its last blank included, of at most `length` characters."""

    impl = sa.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """``utf8mb4_bin`` pads with blanks; what does not is called otherwise on MariaDB and on MySQL."""
        if dialect.name not in ("mysql", "mariadb"):
            return dialect.type_descriptor(sa.String(self.length))
        collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", True) else "utf8mb4_0900_bin"
        return dialect.type_descriptor(mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Refuse what does not fit, with the same words on every database."""
        if value is not None and len(value) > (self.length):
            raise TooLongError(
                f"the name {value[:40]!r}... has {len(value)} characters, {self.length} fit",
                next_step="use a shorter name",
            )
        return value


def name_type(length: int) -> Name:
    """Return the type of a name: ``RICH`` and ``Rich`` are two of them on every database."""
    return Name(length)


def long_text() -> sa.Text:
    """Return text without a length limit that anybody would meet."""
    return sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
