"""A statement as people read it: its text with the values at their places, never for sending."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect


def shown_sql(statement: sa.Select[Any], dialect: Dialect) -> tuple[str, dict[str, str]]:
    """Return the text that a database gets, with named places, and what is bound to each of them."""
    # The places of the databases' own drivers have no names.
    kind: type[DefaultDialect] = type(dialect)  # type: ignore[assignment] # all of them are
    compiled = statement.compile(dialect=kind(paramstyle="named"), compile_kwargs={"render_postcompile": True})
    values = {name: _shown(value) for name, value in compiled.params.items()}
    return str(compiled), {name: text for name, text in values.items() if f":{name}" in str(compiled)}


def _shown(value: Any) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else repr(value)
