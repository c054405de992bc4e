"""Labels that come over, as request files: accepted and kept like those that people send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from hydra_core.base.errors import RequestError
from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.labels.checks import check_request
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request import parse_request, write_request
from hydra_core.labels.request_kinds import EARLIEST
from hydra_core.store.labelbook import known_requests
from hydra_core.store.session import reading

_LONGEST_COMMENT = 4000
_ANY_HASH = "0" * 64


#: Why the second of two labels is left out; it stays left out when the command is called again.
SAME_IMAGE = "the very same image has another label of the same moment"


@dataclass(frozen=True)
class ImageLabel:
    """A label of an image; `number` is that of the row there, None for a label that was replaced later."""

    number: int | None
    plot: PlotKey
    image_sha: str
    class_name: str
    who: str
    at: datetime | None
    comment: str


class LabelFiles:
    """Enters labels, one request for each person, instant and comment."""

    def __init__(self, site: Site, engine: Engine, source: str) -> None:
        self._site = site
        self._engine = engine
        self._comment = f"taken over from {source}"
        self._reasons: dict[tuple[PlotKey, str], str] = {}

    def reason(self, plot: PlotKey, class_name: str) -> str:
        """Return why labels of a plot type may not name a class; nothing where they may."""
        if (plot, class_name) not in self._reasons:
            request = parse_request(write_request("nobody", EARLIEST, [(str(plot), _ANY_HASH, class_name)]))
            try:
                with reading(self._engine) as connection:
                    check_request(self._site, connection, request, None)
                reason = ""
            except RequestError as error:
                reason = error.cause.removeprefix("item 1: ")
            self._reasons[plot, class_name] = reason
        return self._reasons[plot, class_name]

    def enter(self, labels: Sequence[ImageLabel]) -> dict[int, str]:
        """Enter labels; return the numbers of those that could not be entered, with the reason.

        The same labels give the same files, so that what a stopped call has entered stays as it is. Labels whose time
        is not known get the first day of 2000, in the order of their numbers: whatever is said later counts more.
        """
        groups: dict[tuple[str, datetime | None, str], list[ImageLabel]] = {}
        for label in labels:
            groups.setdefault((label.who, label.at, label.comment[:_LONGEST_COMMENT]), []).append(label)
        refused: dict[int, str] = {}
        for (who, at, comment), group in groups.items():
            refused |= self._enter(who, at, comment, group)
        return refused

    def _enter(self, who: str, at: datetime | None, comment: str, group: Sequence[ImageLabel]) -> dict[int, str]:
        items: dict[tuple[str, str], ImageLabel] = {}
        refused: dict[int, str] = {}
        for label in group:
            first = items.setdefault((str(label.plot), label.image_sha), label)
            if first.class_name != label.class_name and label.number is not None:
                refused[label.number] = SAME_IMAGE
        when = at or EARLIEST + timedelta(milliseconds=max(label.number or 0 for label in group))
        text = f"{self._comment}: {comment}" if comment else self._comment
        entries = sorted((plot, sha, label.class_name) for (plot, sha), label in items.items())
        why = enter_kept(self._site, self._engine, write_request(who, when, entries, text))
        return {label.number: why for label in group if label.number is not None} if why else refused


def enter_kept(site: Site, engine: Engine, data: bytes) -> str:
    """Keep a request and enter it, as one that was accepted before; return why it was refused."""
    sha = sha256_bytes(data)
    path = site.requests_kept / f"{sha}.json"
    new = not path.exists()
    if not new:
        with reading(engine) as connection:
            if known_requests(connection, [sha]):
                return ""
    # As in the inbox: the kept copy comes first, then the rows.
    write_bytes(path, data)
    (received,) = receive_kept(site, engine, [path])
    if received.refused and new:
        path.unlink()
    return received.refused
