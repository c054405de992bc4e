"""What every part of a configuration is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen, and an unknown key is an error: a misspelt setting must not pass silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
