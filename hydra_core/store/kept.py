"""Images that nothing may delete: pinned by a person, or part of a gold set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.store.schema import ONCE_A_RUN, Image, Item, KeptImage, Pass, PlotTypeRow, Revision, Run

KeptKind = Literal["pin", "gold"]
_KEPT: tuple[KeptKind, ...] = ("pin", "gold")
#: Of an image that is not kept any more: it remembers since when, so that an older request cannot keep it again.
_NO_MORE = {"pin": "unpin", "gold": "ungold"}
_PART = 500


@dataclass(frozen=True)
class Kept:
    """Why an image is kept."""

    kind: KeptKind
    who: str
    why: str
    kept_at: datetime


@dataclass(frozen=True)
class NewKept:
    """A person pins an image or adds it to the gold set, or takes that back."""

    kind: KeptKind
    image_sha: str
    kept: bool
    who: str
    why: str
    made_at: datetime


@dataclass(frozen=True)
class KeptPlace:
    """A kept image, where it came first, and at how many places it is."""

    image_sha: str
    kept: Kept
    pass_name: str
    run: int
    plot: PlotKey
    chunk: int | None
    places: int


def _parts(hashes: Collection[str]) -> Iterator[list[str]]:
    """Yield the hashes in parts that fit into one statement."""
    rest = iter(sorted(set(hashes)))
    while part := list(islice(rest, _PART)):
        yield part


def kept_images(connection: Connection, shas: Collection[str]) -> dict[str, list[Kept]]:
    """Return which of these images are kept, and why: SHA-256 -> reasons, gold before pin."""
    found: dict[str, list[Kept]] = {}
    columns = (KeptImage.image_sha, KeptImage.kind, KeptImage.who, KeptImage.why, KeptImage.kept_at)
    for part in _parts(shas):
        query = sa.select(*columns).where(KeptImage.image_sha.in_(part), KeptImage.kind.in_(_KEPT))
        for row in connection.execute(query.order_by(KeptImage.image_sha, KeptImage.kind)):
            found.setdefault(row.image_sha, []).append(Kept(row.kind, row.who, row.why, row.kept_at))
    return found


def known_images(connection: Connection, shas: Collection[str]) -> set[str]:
    """Return which of these images came in a run."""
    found: set[str] = set()
    for part in _parts(shas):
        found |= set(connection.execute(sa.select(Image.sha256).where(Image.sha256.in_(part))).scalars())
    return found


def gold_images(connection: Connection, shas: Collection[str]) -> set[str]:
    """Return which of these images are part of a gold set."""
    return {sha for sha, found in kept_images(connection, shas).items() if any(one.kind == "gold" for one in found)}


def save_kept(connection: Connection, asked: Sequence[NewKept]) -> None:
    """Enter pins and members of gold sets; the newest word about an image counts, whatever the order of entering.

    Of two from the same instant the one that keeps counts, then the greater name and reason. The caller holds the
    database (see `hold_database`): two that enter words about one image at once would meet.
    """
    for kind in _KEPT:
        _save(connection, kind, [one for one in asked if one.kind == kind])


def _save(connection: Connection, kind: KeptKind, asked: Sequence[NewKept]) -> None:
    wanted: dict[str, tuple[_Rank, NewKept]] = {}
    for one in asked:
        entry = (_rank(one), one)
        wanted[one.image_sha] = max(entry, wanted.get(one.image_sha, entry), key=lambda pair: pair[0])
    both = (kind, _NO_MORE[kind])
    columns = (KeptImage.image_sha, KeptImage.kind, KeptImage.who, KeptImage.why, KeptImage.kept_at)
    for part in _parts(wanted):
        of_these = KeptImage.image_sha.in_(part) & KeptImage.kind.in_(both)
        old = {
            row.image_sha: _rank(NewKept(kind, row.image_sha, row.kind == kind, row.who, row.why, row.kept_at))
            for row in connection.execute(sa.select(*columns).where(of_these))
        }
        newer = [wanted[sha][1] for sha in part if sha not in old or wanted[sha][0] > old[sha]]
        if not newer:
            continue
        gone = KeptImage.image_sha.in_([one.image_sha for one in newer]) & KeptImage.kind.in_(both)
        connection.execute(sa.delete(KeptImage).where(gone))
        rows = [
            {
                "image_sha": one.image_sha,
                "kind": kind if one.kept else _NO_MORE[kind],
                "who": one.who,
                "why": one.why,
                "kept_at": one.made_at,
            }
            for one in newer
        ]
        connection.execute(sa.insert(KeptImage), rows)


_Rank = tuple[datetime, bool, str, str]


def _rank(one: NewKept) -> _Rank:
    # The database keeps milliseconds.
    cut = one.made_at.microsecond // 1000 * 1000
    return one.made_at.replace(microsecond=cut), one.kept, one.who, one.why


def kept_places(connection: Connection) -> list[KeptPlace]:
    """Return every kept image that came in a run, with the place where it came first, by that place."""
    first = (
        sa.select(
            Item.image_sha.label("image_sha"),
            sa.func.min(Item.id).label("item_id"),
            sa.func.count(Item.id).label("places"),
        )
        .where(Item.image_sha.in_(sa.select(KeptImage.image_sha).where(KeptImage.kind.in_(_KEPT))))
        .group_by(Item.image_sha)
        .subquery()
    )
    query = (
        sa.select(
            KeptImage.image_sha,
            KeptImage.kind,
            KeptImage.who,
            KeptImage.why,
            KeptImage.kept_at,
            Pass.name.label("pass_name"),
            Run.number.label("run"),
            PlotTypeRow.name.label("plot"),
            PlotTypeRow.chunked,
            Item.chunk,
            first.c.places,
        )
        .join(first, first.c.image_sha == KeptImage.image_sha)
        .join(Item, Item.id == first.c.item_id)
        .join(PlotTypeRow, PlotTypeRow.id == Item.plot_type_id)
        .join(Revision, Revision.id == Item.revision_id)
        .join(Run, Run.id == Revision.run_id)
        .join(Pass, Pass.id == Run.pass_id)
        .where(KeptImage.kind.in_(_KEPT))
        .order_by(Pass.name, Run.number, PlotTypeRow.name, PlotTypeRow.chunked, Item.chunk, KeptImage.kind)
    )
    return [
        KeptPlace(
            image_sha=row.image_sha,
            kept=Kept(row.kind, row.who, row.why, row.kept_at),
            pass_name=row.pass_name,
            run=row.run,
            plot=PlotKey(row.plot, bool(row.chunked)),
            chunk=None if row.chunk == ONCE_A_RUN else row.chunk,
            places=row.places,
        )
        for row in connection.execute(query)
    ]
