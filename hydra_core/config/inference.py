"""``[inference]`` of a site: how networks judge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hydra_core.config.strict import Strict

#: What computes; ``auto`` is TensorFlow where the job has a GPU that TensorFlow can use.
EngineName = Literal["auto", "openvino", "tensorflow"]


class InferenceSection(Strict):
    """``[inference]``: how networks judge."""

    engine: EngineName = "auto"
    """``"auto"``: TensorFlow where the job has a GPU, else OpenVINO on its processor cores."""
    precision: Literal["f32", "bf16", "int8", "auto"] = "auto"
    """``"auto"``: bf16 where processor or GPU have it, else int8 where the processor has VNNI and the model has passed.

    What lies near a decision is judged again in f32.
    """
    memory_mb: Annotated[int, Field(ge=16)] = 1024
    """Models that one job keeps open, by the size of their files; the one used longest ago is closed first."""
