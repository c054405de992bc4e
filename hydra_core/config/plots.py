"""Plot types and classes as a person writes them in ``plots.toml``."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from hydra_core.base.names import PlotKey
from hydra_core.config.groups import OwnGroup, PlotGroup, circle_among, merged_groups
from hydra_core.config.strict import Strict as Strict
from hydra_core.config.training import PlotInput, PlotTraining

ClassName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]

#: Characters of the longest name of a plot type; MariaDB has an index over names that are no longer.
LONGEST_NAME = 190

#: A label that says: leave this image out of training and of every figure.
IGNORE = "Ignore"


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


def _is_a_range(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    if not low < high:
        raise ValueError(f"a range is [low, high] with low below high, not [{low:g}, {high:g}]")
    widest = max(abs(low), abs(high))
    if widest > _FARTHEST or high - low < max(1 / _FARTHEST, _NARROWEST * widest):
        raise ValueError(f"the range [{low:g}, {high:g}] is too far out or too narrow to be drawn")
    return value


_FARTHEST, _NARROWEST = 1e100, 1e-9
Limits = Annotated[
    tuple[Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]],
    AfterValidator(_is_a_range),
]
Bins = Annotated[int, Field(ge=1, le=10_000)]
Rebin = Annotated[tuple[Bins, Bins], BeforeValidator(lambda value: (value, value) if isinstance(value, int) else value)]


class DrawSettings(Strict):
    """``[plot.draw]``: the fixed ranges in which histograms of a plot type are drawn.

    What is not given is taken from the histogram itself, so that the picture also changes with the statistics.

    Attributes
    ----------
    x, y
        Ranges (low, high) of the axes; for a histogram of one dimension `y` is the range of contents.
    colour
        Range of contents of a map.
    log
        Contents on a logarithmic scale.
    equal
        A unit of x is as long as a unit of y.
    normalise
        ``"entries"``: contents are divided by the number of entries, so that a fixed range of contents holds for runs
        of any length. Means and efficiencies stay as they are.
    rebin
        How many neighbouring bins along x and along y are drawn as one; a single number holds for both.
    """

    x: Limits | None = None
    y: Limits | None = None
    colour: Limits | None = None
    log: bool = False
    equal: bool = False
    normalise: Literal["none", "entries"] = "none"
    rebin: Rebin = (1, 1)

    @model_validator(mode="after")
    def _log_starts_above_zero(self) -> Self:
        if self.log and self.colour is not None and self.colour[0] <= 0:
            raise ValueError(f"a logarithmic colour range starts above zero, not at {self.colour[0]:g}")
        return self


class PlotType(Strict):
    """One plot type: what it is called, who answers for it, how it is drawn, judged and kept."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    chunked: bool = True
    display: Annotated[str, StringConstraints(max_length=LONGEST_NAME)] = ""
    group: OwnGroup = ""
    contact: str = ""
    description: str = ""
    classes: tuple[ClassName, ...] = ()
    """The classes that a label of it may name; where not given, all."""
    expected: bool = False
    """A run without it gets a card that says so."""
    network: str | None = None
    """Network to train for this type; the site's default where not given."""
    input: PlotInput | None = None
    """What a network sees of it; where not given, all of it in the site's size."""
    training: PlotTraining | None = None
    """How its networks are trained, where that differs from the site."""
    draw: DrawSettings | None = None
    """How its histograms are drawn; where not given, in ranges taken from the first one that was seen."""
    collect: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the ordinary images that is kept; what needs a look is always kept."""
    cumulative: bool | None = None
    """Whether histograms go on filling from chunk to chunk of a run; the site's setting where not given."""

    @model_validator(mode="wrap")
    @classmethod
    def _errors_name_the_plot_type(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        try:
            checked: Self = handler(value)
        except ValidationError as error:
            name = value.get("name") if isinstance(value, Mapping) else None
            if not isinstance(name, str):
                raise
            raise ValidationError.from_exception_data(
                error.title, [_naming(name, one) for one in error.errors(include_url=False)]
            ) from None
        return checked

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


def _naming(plot: str, error: Any) -> InitErrorDetails:
    """Return an error of a setting that says in whose entry of ``plots.toml`` it is."""
    why = str(error["msg"]).removeprefix("Value error, ")
    return InitErrorDetails(
        type=PydanticCustomError("plot_type", "plot type {plot}: {why}", {"plot": repr(plot), "why": why}),
        loc=error["loc"],
        input=error["input"],
    )


class PlotsFile(Strict):
    """The whole of ``plots.toml``."""

    classes: tuple[PlotClass, ...] = Field(default=DEFAULT_CLASSES, alias="class")
    plots: tuple[PlotType, ...] = Field(default=(), alias="plot")
    groups: tuple[PlotGroup, ...] = Field(default=(), alias="group")

    @model_validator(mode="after")
    def _what_is_named_exists(self) -> Self:
        classes = {known.name for known in self.classes}
        for plot in self.plots:
            for name in plot.classes:
                if name not in classes:
                    raise _refused(f"plot type {plot.name!r}: there is no class {name!r}", sorted(classes))
        groups = {group.name for group in self.all_groups}
        for group in self.groups:
            for name in group.groups:
                if name not in groups:
                    raise _refused(f"group {group.name!r}: there is no group {name!r}", sorted(groups))
        if circle := circle_among(self.groups):
            raise _refused(f"groups are part of each other in a circle: {' holds '.join(map(repr, circle))}")
        return self

    @property
    def all_groups(self) -> tuple[PlotGroup, ...]:
        """The groups of ``[[group]]``, and those that a plot type names as its `group`."""
        detectors: dict[str, list[str]] = {}
        for plot in self.plots:
            if plot.group:
                form = "chunks" if plot.chunked else "run"
                detectors.setdefault(plot.group, []).append(f"{plot.name}:{form}")
        return merged_groups(detectors, self.groups)


def _refused(what: str, known: Sequence[str] = ()) -> PydanticCustomError:
    """Return an error that is told word for word."""
    return PydanticCustomError("plots", "{what}", {"what": what + (f"; known are {', '.join(known)}" if known else "")})
