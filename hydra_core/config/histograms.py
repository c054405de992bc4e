"""``[intake.histograms]``: which histograms of a file are taken, and within which limits files are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hydra_core.config.plots import Strict

Side = Annotated[int, Field(ge=64, le=4096)]


class HistogramsSection(Strict):
    """``[intake.histograms]``: files of histograms, which are read in a limited process and drawn by Hydra."""

    take: tuple[str, ...] = ("*",)
    """Which histograms are taken: patterns over their path inside the file; ``*`` stands for any characters."""
    leave: tuple[str, ...] = ()
    """Which of those are left all the same."""
    only_listed: bool = False
    """Take nothing but plot types that plots.toml lists or a coordinator accepted."""
    cumulative: bool = False
    """Successive files of a run hold everything since it began: each chunk is what the newer one holds more."""
    size: tuple[Side, Side] = (600, 400)
    """Width and height of the pictures, in pixels."""
    seconds: Annotated[float, Field(gt=0)] = 120.0
    """Longest time that one file may take."""
    memory_mb: Annotated[int, Field(ge=256)] = 2048
    """Most memory that reading may take."""
