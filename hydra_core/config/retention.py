"""``[retention]``: what leaves the archive when it is old."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hydra_core.config.plots import Strict


class RetentionRule(Strict):
    """One ``[[retention.rule]]``: of images this old, which share stays in the archive."""

    older_than_days: Annotated[float, Field(ge=0, le=36_500)]
    plots: str = "*"
    """Pattern over the names of plot types."""
    passes: str = "*"
    """Pattern over the names of passes."""
    keep: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the ordinary images that stays; what needs a look, is labelled, pinned or gold always stays."""


class RetentionSection(Strict):
    """``[retention]``: without a rule everything stays."""

    rules: tuple[RetentionRule, ...] = Field(default=(), alias="rule")
