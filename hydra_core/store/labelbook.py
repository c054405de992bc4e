"""Request files that were received, and the labels that they brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.schema import ONCE_A_RUN, Item, Label, LabelCount, PlotTypeRow, Request, Revision, Run, Verdict
from hydra_core.store.upsert import insert_new

#: Hashes in one statement.
_PART = 500


@dataclass(frozen=True)
class NewRequest:
    """A request file as it was received."""

    sha256: str
    kind: str
    file_name: str
    claimed_by: str
    owner: str
    made_at: datetime | None
    received_at: datetime
    status: str
    reason: str


@dataclass(frozen=True)
class NewLabel:
    """One label of a request file."""

    plot_type_id: int
    image_sha: str
    class_name: str
    who: str
    made_at: datetime


@dataclass(frozen=True)
class LabelledImage:
    """An archived image with the label that counts, and where its bytes are."""

    image_sha: str
    class_name: str
    pass_id: int
    run: int
    revision_id: int
    revision: int
    generation: int
    block_index: int
    chunk: int = ONCE_A_RUN


def known_requests(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return which of these request files were received and accepted before."""
    found: set[str] = set()
    wanted = sorted(hashes)
    for start in range(0, len(wanted), 500):
        these = Request.sha256.in_(wanted[start : start + 500])
        found.update(connection.execute(sa.select(Request.sha256).where(these, Request.status == "accepted")).scalars())
    return found


def accepted_since(connection: Connection, kind: str, at: datetime) -> list[tuple[str, datetime]]:
    """Return the accepted requests of a kind that were made at `at` or later: (SHA-256 of the file, made at)."""
    query = sa.select(Request.sha256, Request.made_at).where(
        Request.kind == kind, Request.status == "accepted", Request.made_at >= at
    )
    return [(row.sha256, row.made_at) for row in connection.execute(query.order_by(Request.made_at))]


def save_request(connection: Connection, request: NewRequest, labels: Sequence[NewLabel]) -> None:
    """Enter a request with its labels; one that was accepted before changes nothing, one refused before is replaced."""
    refused = (Request.sha256 == request.sha256) & (Request.status == "quarantined")
    connection.execute(sa.delete(Request).where(refused))
    # Another who enters the same request waits here until the labels of the first are there and counted.
    insert_new(connection, Request, [vars(request)])
    before = _labels_of(connection, request.sha256)
    insert_new(connection, Label, [{**vars(label), "request_sha": request.sha256} for label in labels])
    after = _labels_of(connection, request.sha256)
    _count_labels(connection, {kind: more for kind in after if (more := after[kind] - before[kind])})


def _labels_of(connection: Connection, request_sha: str) -> Counter[int]:
    query = sa.select(Label.plot_type_id).where(Label.request_sha == request_sha)
    return Counter(connection.execute(query).scalars())


def _count_labels(connection: Connection, more: Mapping[int, int]) -> None:
    insert_new(connection, LabelCount, [{"plot_type_id": kind, "count": 0} for kind in sorted(more)])
    for kind, count in sorted(more.items()):
        this = sa.update(LabelCount).where(LabelCount.plot_type_id == kind)
        connection.execute(this.values(count=LabelCount.count + count))


def _parts(hashes: Collection[str]) -> Iterator[list[str]]:
    """Yield hashes in parts that fit into one statement."""
    wanted = sorted(hashes)
    for start in range(0, len(wanted), _PART):
        yield wanted[start : start + _PART]


def current_labels(connection: Connection, plot_type_id: int) -> dict[str, str]:
    """Return the label that counts of each image of a plot type: SHA-256 -> class.

    The newest `made_at` wins, then the greater hash of the request, so the order of receiving does not matter.
    """
    query = (
        sa.select(Label.image_sha, Label.class_name)
        .where(Label.plot_type_id == plot_type_id)
        .order_by(Label.made_at, Label.request_sha)
    )
    return {row.image_sha: row.class_name for row in connection.execute(query)}


def labels_for_images(connection: Connection, plot_type_id: int, hashes: Collection[str]) -> dict[str, str]:
    """Return the label that counts of some images of a plot type."""
    found: dict[str, str] = {}
    for part in _parts(hashes):
        # An empty plot is the same image in thousands of runs and may have thousands of labels: an index alone tells
        # which of them is the newest.
        newest = (
            sa.select(Label.plot_type_id, Label.image_sha, sa.func.max(Label.made_at).label("made_at"))
            .where(Label.plot_type_id == plot_type_id, Label.image_sha.in_(part))
            .group_by(Label.plot_type_id, Label.image_sha)
            .subquery()
        )
        # The plot type is told by the inner query alone, or SQLite would read all labels of it.
        same = [Label.__table__.c[column.name] == column for column in newest.c]
        query = sa.select(Label.image_sha, Label.class_name).join(newest, sa.and_(*same)).order_by(Label.request_sha)
        found.update({row.image_sha: row.class_name for row in connection.execute(query)})
    return found


def images_of_type(connection: Connection, plot_type_id: int, digits: str) -> list[str]:
    """Return the SHA-256 of the images of a plot type that begin with these digits."""
    # Not as LIKE: SQLite would not look into the index for it.
    between = Item.image_sha.between(digits.ljust(64, "0"), digits.ljust(64, "f"))
    # The sum keeps SQLite from taking the index by plot type, which holds all images of the type.
    query = sa.select(Item.image_sha).where(between, Item.plot_type_id + 0 == plot_type_id).distinct()
    return sorted(sha for sha in connection.execute(query).scalars() if sha is not None)


def labelled_hashes(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of some images that ever had a label, of whatever plot type."""
    found: set[str] = set()
    for part in _parts(hashes):
        query = sa.select(Label.image_sha).where(Label.image_sha.in_(part)).distinct()
        found.update(connection.execute(query).scalars())
    return found


def labelled_plot_types(connection: Connection) -> list[int]:
    """Return the plot types that have labels."""
    # As a value, not as EXISTS: MariaDB would gather all labels first.
    label = sa.select(Label.id).where(Label.plot_type_id == PlotTypeRow.id).limit(1).scalar_subquery()
    query = sa.select(PlotTypeRow.id).where(label.is_not(None)).order_by(PlotTypeRow.id)
    return list(connection.execute(query).scalars())


def labelled_images(connection: Connection, plot_type_id: int) -> list[LabelledImage]:
    """Return the archived images of a plot type that have a label, by (run, chunk).

    An image that occurs more than once is counted where it was archived first.
    """
    labels = current_labels(connection, plot_type_id)
    found: dict[str, LabelledImage] = {}
    rows: list[sa.Row[*tuple[Any, ...]]] = []
    for part in _parts(labels):
        items = sa.select(Item.image_sha, Item.revision_id, Item.chunk, Item.block_index).where(
            Item.plot_type_id == plot_type_id, Item.image_sha.in_(part), Item.dropped_at.is_(None)
        )
        rows += connection.execute(items).all()
    # Not joined with the items: by the states of revisions SQLite would come to every item of the plot type.
    places = _archived_places(connection, {row.revision_id for row in rows})
    archived = [(places[row.revision_id], row) for row in rows if row.revision_id in places]
    for place, row in sorted(archived, key=lambda pair: (*pair[0][:3], pair[1].chunk)):
        if row.image_sha not in found:
            pass_id, run, revision, generation = place
            found[row.image_sha] = LabelledImage(
                image_sha=row.image_sha,
                class_name=labels[row.image_sha],
                pass_id=pass_id,
                run=run,
                revision_id=row.revision_id,
                revision=revision,
                generation=generation,
                block_index=row.block_index,
                chunk=row.chunk,
            )
    return list(found.values())


def _archived_places(connection: Connection, revision_ids: Collection[int]) -> dict[int, tuple[int, int, int, int]]:
    """Return (pass row, run number, revision, generation) of those revisions whose images are in the archive."""
    columns = (Revision.id, Run.pass_id, Run.number, Revision.revision, Revision.block_generation, Revision.state)
    ids, found = sorted(revision_ids), {}
    for start in range(0, len(ids), _PART):
        query = sa.select(*columns).join(Run, Run.id == Revision.run_id)
        for row_id, *place, state in connection.execute(query.where(Revision.id.in_(ids[start : start + _PART]))):
            if state in ("archived", "published"):
                found[row_id] = (place[0], place[1], place[2], place[3])
    return found


def label_count(connection: Connection, plot_type_id: int) -> int:
    """Return how many labels, corrections included, a plot type has, whether their images are archived or not."""
    query = sa.select(LabelCount.count).where(LabelCount.plot_type_id == plot_type_id)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def archived_label_count(connection: Connection, plot_type_id: int, *, at_most: int | None = None) -> int:
    """Return how many labels, corrections included, a plot type has on archived images: it never shrinks.

    Parameters
    ----------
    at_most
        Do not count further than this: each label costs a look at where its image is.
    """
    archived = (
        sa.select(Item.id)
        .join(Revision, Revision.id == Item.revision_id)
        .where(
            Item.image_sha == Label.image_sha,
            Item.plot_type_id == plot_type_id,
            Revision.state.in_(("archived", "published")),
        )
        .limit(1)
        .correlate(Label)
        .scalar_subquery()
    )
    counted = sa.select(Label.id).where(Label.plot_type_id == plot_type_id, archived.is_not(None))
    found = counted.limit(at_most).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


@dataclass(frozen=True)
class Agreement:
    """Verdicts compared with labels: how many there are, and how many say the same class."""

    judged: int
    same: int
    confirmed: int
    confirmed_same: int


def agreement(connection: Connection, pass_id: int, runs: Collection[int]) -> Agreement:
    """Compare the verdicts of some runs with the labels that count; images without either are left out."""
    query = (
        sa.select(Item.plot_type_id, Item.image_sha, Verdict.class_name, Verdict.state)
        .join(Verdict, Verdict.item_id == Item.id)
        .join(Revision, Revision.id == Item.revision_id)
        .join(Run, Run.id == Revision.run_id)
        .where(Run.pass_id == pass_id, Run.number.in_(list(runs)))
        .where(Verdict.confidence.is_not(None), Item.image_sha.is_not(None))
    )
    rows = connection.execute(query).all()
    images: dict[int, set[str]] = {}
    for row in rows:
        images.setdefault(row.plot_type_id, set()).add(row.image_sha)
    labels = {kind: labels_for_images(connection, kind, hashes) for kind, hashes in images.items()}
    pairs = [
        (row.class_name == labels[row.plot_type_id][row.image_sha], row.state == "confirmed")
        for row in rows
        if row.image_sha in labels[row.plot_type_id]
    ]
    return Agreement(
        judged=len(pairs),
        same=sum(same for same, _ in pairs),
        confirmed=sum(sure for _, sure in pairs),
        confirmed_same=sum(same and sure for same, sure in pairs),
    )
