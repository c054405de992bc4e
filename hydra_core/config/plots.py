"""Plot types and classes as a person writes them in ``plots.toml``."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from hydra_core.base.names import PlotKey

ClassName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]

#: A label that says: leave this image out of training and of every figure.
IGNORE = "Ignore"


class Strict(BaseModel):
    """Frozen, and an unknown key is an error: a misspelt setting must not pass silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlotClass(Strict):
    """A category that a plot can have.

    Attributes
    ----------
    problem
        A confident verdict of this class asks for a person at once.
    normal
        A confident verdict of this class asks for nobody.
    """

    name: ClassName
    colour: Colour
    problem: bool = False
    normal: bool = False

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, value: str) -> str:
        if value == IGNORE:
            raise ValueError(f"{IGNORE!r} is kept for labels that leave an image out")
        return value


#: The vocabulary of the original; a site may replace it. Red is for Bad alone.
DEFAULT_CLASSES: tuple[PlotClass, ...] = (
    PlotClass(name="Good", colour="#1b9e77", normal=True),
    PlotClass(name="Acceptable", colour="#66a61e", normal=True),
    PlotClass(name="Bad", colour="#d43d1a", problem=True),
    PlotClass(name="NoData", colour="#8c7b6b"),
    PlotClass(name="HotChannel", colour="#c9a400", problem=True),
    PlotClass(name="Cosmic", colour="#3f9c93"),
    PlotClass(name="LED", colour="#6a5acd"),
    PlotClass(name="Source", colour="#1f4e9c"),
    PlotClass(name="Amorphous", colour="#5d7896"),
)


class PlotType(Strict):
    """One plot type: what it is called, who answers for it, and how it is judged."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=190)]
    chunked: bool = True
    display: str = ""
    group: str = ""
    contact: str = ""
    description: str = ""
    expected: bool = False
    """A run without it gets a card that says so."""
    network: str | None = None
    """Network to train for this type; the site's default where not given."""

    @field_validator("name")
    @classmethod
    def _name_as_intake_reads_it(cls, value: str) -> str:
        if value.endswith(":chunks"):
            raise ValueError("':chunks' is no part of the name: write chunked = true")
        return unicodedata.normalize("NFC", value)

    @property
    def key(self) -> PlotKey:
        """Name and chunking: what identifies the type."""
        return PlotKey(self.name, self.chunked)


class PlotsFile(Strict):
    """The whole of ``plots.toml``."""

    classes: tuple[PlotClass, ...] = Field(default=DEFAULT_CLASSES, alias="class")
    plots: tuple[PlotType, ...] = Field(default=(), alias="plot")
