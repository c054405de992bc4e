"""The request file: the one way in which a page, or a person's tool, changes anything.

A file is versioned JSON. It carries no proof of who wrote it: identity is the owner of the file, the name is a claim.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from hydra_core.base.errors import RequestError
from hydra_core.config.plots import DrawSettings

MAX_BYTES = 64 * 2**20
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
_READER: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="kind")])


def parse_request(data: bytes) -> AnyRequest:
    """Read a request file.

    Raises
    ------
    RequestError
        Naming the first rule that the file breaks.
    """
    try:
        raw = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"not a JSON file: {error}", next_step="write it again") from error
    if not isinstance(raw, dict) or "hydra_request" not in raw:
        raise RequestError("not a request file: 'hydra_request' is missing", next_step="see docs/reference.md")
    if raw.get("kind") not in KINDS:
        raise RequestError(
            f"requests of kind {str(raw.get('kind'))[:40]!r} are not known to this version",
            next_step=f"send one of the kinds {', '.join(KINDS)}, or upgrade Hydra",
        )
    return _validated(raw)


def _validated(raw: dict[str, Any]) -> AnyRequest:
    try:
        return _READER.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        # The first part of the place is the kind.
        where = ".".join(str(part) for part in first["loc"][1:])
        said = first["msg"].removeprefix("Value error, ")
        raise RequestError(f"{where}: {said}", next_step="mend that entry and send it again") from error


def _written(kind: str, who: str, made_at: datetime, comment: str, items: Sequence[dict[str, Any]]) -> bytes:
    request = _validated(
        {"hydra_request": 1, "kind": kind, "who": who, "made_at": made_at, "comment": comment, "items": items}
    )
    return _text_of(request)


def _text_of(request: AnyRequest) -> bytes:
    # All that every label request has is written, as it always was: equal requests are equal files.
    lean = request.kind != "label"
    without = {"report"} if isinstance(request, LabelRequest) and request.report is None else None
    text = request.model_dump_json(by_alias=True, indent=1, exclude=without, exclude_none=lean, exclude_unset=lean)
    return (text + "\n").encode()


def write_request(
    who: str, made_at: datetime, items: list[tuple[str, str, str]], comment: str = "", report: str | None = None
) -> bytes:
    """Return a label request; `items` are (plot type, SHA-256 of the image, class).

    Parameters
    ----------
    report
        Name of the model whose training report the labels answer.

    Raises
    ------
    RequestError
        When they break a rule of the request file.
    """
    head = {"hydra_request": 1, "kind": "label", "who": who, "made_at": made_at, "comment": comment, "report": report}
    entries = [{"plot_type": plot, "image": image, "class": known} for plot, image, known in items]
    return _text_of(_validated({**head, "items": entries}))


def write_news(who: str, made_at: datetime, text: str, until: datetime | None = None) -> bytes:
    """Return a request that puts a line on top of every page; an empty `text` takes it away.

    Raises
    ------
    RequestError
        As above.
    """
    head = {"hydra_request": 1, "kind": "news", "who": who, "made_at": made_at}
    return _text_of(_validated({**head, "text": text, "until": until}))


def write_decisions(who: str, made_at: datetime, items: Sequence[dict[str, Any]], comment: str = "") -> bytes:
    """Return a request about plot types; `items` have the keys of `PlotTypeItem`.

    Raises
    ------
    RequestError
        As above.
    """
    return _written("plot_type", who, made_at, comment, items)


def write_pins(who: str, made_at: datetime, images: Sequence[str], *, pinned: bool, why: str) -> bytes:
    """Return a request that pins images (SHA-256), or takes their pins back.

    Raises
    ------
    RequestError
        As above.
    """
    action = "pin" if pinned else "unpin"
    return _written("pin", who, made_at, "", [{"image": image, "action": action, "why": why} for image in images])


def write_gold(who: str, made_at: datetime, items: Sequence[tuple[str, str]], *, action: str, why: str) -> bytes:
    """Return a request that adds images to gold sets (action ``add``) or takes them out (``remove``).

    Parameters
    ----------
    items
        (plot type, SHA-256 of the image).

    Raises
    ------
    RequestError
        As above.
    """
    entries = [{"plot_type": plot, "image": image, "action": action, "why": why} for plot, image in items]
    return _written("gold", who, made_at, "", entries)


def write_promotion(
    who: str, made_at: datetime, model: str, *, why: str, action: str = "promote", despite_gate: bool = False
) -> bytes:
    """Return a request that lets a model go live, or back (action ``rollback``).

    Raises
    ------
    RequestError
        As above.
    """
    item = {"model": model, "action": action, "despite_gate": despite_gate, "why": why}
    return _written("promote", who, made_at, "", [item])


def write_threshold(who: str, made_at: datetime, model: str, class_name: str, value: float, *, why: str) -> bytes:
    """Return a request that sets from which confidence on a class of a model is confirmed.

    Raises
    ------
    RequestError
        As above.
    """
    return _written("threshold", who, made_at, "", [{"model": model, "class": class_name, "value": value, "why": why}])
