"""``[inference]`` of a site: how networks judge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hydra_core.config.strict import Strict


class InferenceSection(Strict):
    """``[inference]``: how networks judge."""

    precision: Literal["f32", "bf16", "auto"] = "auto"
    """``"auto"``: bf16 where the processor has it; what lies near a decision is judged again in f32."""
    memory_mb: Annotated[int, Field(ge=16)] = 1024
    """Models that one job keeps open, by the size of their files; the one used longest ago is closed first."""
