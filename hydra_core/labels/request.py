"""The request file: the one way in which a page, or a person's tool, changes anything.

A file is versioned JSON. It carries no proof of who wrote it: identity is the owner of the file, the name is a claim.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hydra_core.base.errors import RequestError

MAX_BYTES = 64 * 2**20
MAX_ITEMS = 1_000_000
#: Every database here keeps an instant of this span, whatever its zone.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelItem(_Frozen):
    """One label: this image of this plot type is of this class."""

    plot_type: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    image: Hash
    class_name: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(alias="class")


class LabelRequest(_Frozen):
    """A request of kind ``label``."""

    hydra_request: Literal[1]
    kind: Literal["label"]
    who: Name
    made_at: Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
    comment: Annotated[str, StringConstraints(max_length=10_000)] = ""
    items: Annotated[tuple[LabelItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


def parse_request(data: bytes) -> LabelRequest:
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
    if raw.get("kind") != "label":
        raise RequestError(
            f"requests of kind {str(raw.get('kind'))[:40]!r} are not known to this version",
            next_step="send labels (kind 'label'), or upgrade Hydra",
        )
    try:
        return LabelRequest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"{where}: {first['msg']}", next_step="mend that entry and send it again") from error


def write_request(who: str, made_at: datetime, items: list[tuple[str, str, str]], comment: str = "") -> bytes:
    """Return a label request; `items` are (plot type, SHA-256 of the image, class)."""
    request = LabelRequest.model_validate(
        {
            "hydra_request": 1,
            "kind": "label",
            "who": who,
            "made_at": made_at,
            "comment": comment,
            "items": [{"plot_type": plot, "image": image, "class": known} for plot, image, known in items],
        }
    )
    return (request.model_dump_json(by_alias=True, indent=1) + "\n").encode()
