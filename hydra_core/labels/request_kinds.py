"""What each kind of request may say, and who may send it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hydra_core.config.plots import DrawSettings

MAX_ITEMS = 1_000_000
#: Every database here keeps an instant of this span, whatever its zone.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PlotName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


Why = Annotated[
    str, StringConstraints(min_length=1, max_length=10_000, strip_whitespace=True), AfterValidator(_one_line)
]
# What the database keeps of how a threshold came about is short.
LONGEST_SHORT_WHY = 91
ShortWhy = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_SHORT_WHY, strip_whitespace=True),
    AfterValidator(_one_line),
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelItem(_Frozen):
    """One label: this image of this plot type is of this class."""

    plot_type: PlotName
    image: Hash
    class_name: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(alias="class")


class PlotTypeItem(_Frozen):
    """One decision: this plot type counts, is left out of later runs, or goes by another name."""

    plot_type: PlotName
    action: Literal["accept", "ignore", "rename"]
    name: PlotName | None = None
    drawing: DrawSettings | None = None
    """The fixed ranges that its histograms are drawn in from now on; where not given, they stay as they are."""

    @model_validator(mode="after")
    def _a_name_goes_with_a_rename(self) -> Self:
        if (self.name is not None) != (self.action == "rename"):
            raise ValueError("a rename needs the new 'name', and nothing else takes one")
        return self


class PinItem(_Frozen):
    """One image that nothing may delete, or that need not be kept any more."""

    image: Hash
    action: Literal["pin", "unpin"]
    why: Annotated[str, StringConstraints(max_length=10_000)] = ""

    @model_validator(mode="after")
    def _a_pin_says_why(self) -> Self:
        if self.action == "pin" and not self.why.strip():
            raise ValueError("a pin says 'why' the image is to be kept")
        return self


class GoldItem(_Frozen):
    """One image that becomes part of the gold set of its plot type, or leaves it."""

    plot_type: PlotName
    image: Hash
    action: Literal["add", "remove"]
    why: Why


class PromoteItem(_Frozen):
    """One model that is to be live for its plot type: by its figures, or because it was live before."""

    model: Name
    action: Literal["promote", "rollback"] = "promote"
    despite_gate: bool = False
    """Go live even where the gate refuses; a rollback never asks it."""
    why: Why


class ThresholdItem(_Frozen):
    """From which confidence on a class of a model is confirmed."""

    model: Name
    class_name: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(alias="class")
    value: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    why: ShortWhy


class _Request(_Frozen):
    """What every kind of request has."""

    asks_to: ClassVar[str]
    """What its sender wants to do, in words."""
    roles: ClassVar[frozenset[str]]
    """Who may send it: any of these roles of ``people.toml``."""

    hydra_request: Literal[1]
    kind: str
    who: Name
    made_at: Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
    comment: Annotated[str, StringConstraints(max_length=10_000)] = ""


class LabelRequest(_Request):
    """A request of kind ``label``."""

    asks_to = "label"
    roles = frozenset({"Labeler"})

    kind: Literal["label"]
    items: Annotated[tuple[LabelItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]
    report: Name | None = None
    """The model whose training report the labels answer."""


class PlotTypeRequest(_Request):
    """A request of kind ``plot_type``."""

    asks_to = "decide about plot types"
    roles = frozenset({"Admin", "Detector Expert"})

    kind: Literal["plot_type"]
    items: Annotated[tuple[PlotTypeItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class PinRequest(_Request):
    """A request of kind ``pin``."""

    asks_to = "pin images"
    roles = frozenset({"Admin", "Detector Expert", "Labeler"})

    kind: Literal["pin"]
    items: Annotated[tuple[PinItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class GoldRequest(_Request):
    """A request of kind ``gold``."""

    asks_to = "change a gold set"
    roles = frozenset({"Admin", "Detector Expert"})

    kind: Literal["gold"]
    items: Annotated[tuple[GoldItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class PromoteRequest(_Request):
    """A request of kind ``promote``: one model each, so that what became of it is one sentence."""

    asks_to = "decide which model is live"
    roles = frozenset({"Admin", "Detector Expert"})

    kind: Literal["promote"]
    items: Annotated[tuple[PromoteItem, ...], Field(min_length=1, max_length=1)]


class ThresholdRequest(_Request):
    """A request of kind ``threshold``."""

    asks_to = "set thresholds"
    roles = frozenset({"Admin", "Detector Expert"})

    kind: Literal["threshold"]
    items: Annotated[tuple[ThresholdItem, ...], Field(min_length=1, max_length=1000)]


class NewsRequest(_Request):
    """A request of kind ``news``: the line at the top of every page."""

    asks_to = "write news"
    roles = frozenset({"Admin", "Detector Expert", "Developer"})

    kind: Literal["news"]
    text: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)]
    """One line; an empty one takes the line away."""
    until: Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)] | None = None
    """When the line goes; where not given, it stays until the next one."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until <= self.made_at:
            raise ValueError("'until' is not after 'made_at'")
        return self


AnyRequest = LabelRequest | PlotTypeRequest | PinRequest | GoldRequest | PromoteRequest | ThresholdRequest | NewsRequest
ModelRequest = PromoteRequest | ThresholdRequest
KINDS = ("label", "plot_type", "pin", "gold", "promote", "threshold", "news")
