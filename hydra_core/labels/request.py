"""The request file: the one way in which a page, or a person's tool, changes anything.

A file is versioned JSON. It carries no proof of who wrote it: identity is the owner of the file, the name is a claim.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from hydra_core.base.errors import RequestError
from hydra_core.labels.request_kinds import KINDS, AnyRequest, LabelRequest

MAX_BYTES = 64 * 2**20

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
