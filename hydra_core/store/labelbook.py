"""Request files that were received, and the labels that they brought."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.schema import Item, Label, Request, Revision, Run, Verdict
from hydra_core.store.upsert import insert_new


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


def known_requests(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return which of these request files were received and accepted before."""
    query = sa.select(Request.sha256).where(Request.sha256.in_(list(hashes)), Request.status == "accepted")
    return set(connection.execute(query).scalars())


def save_request(connection: Connection, request: NewRequest, labels: Sequence[NewLabel]) -> None:
    """Enter a request with its labels; one that was accepted before changes nothing, one refused before is replaced."""
    refused = (Request.sha256 == request.sha256) & (Request.status == "quarantined")
    connection.execute(sa.delete(Request).where(refused))
    insert_new(connection, Request, [vars(request)])
    insert_new(connection, Label, [{**vars(label), "request_sha": request.sha256} for label in labels])


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
    query = (
        sa.select(Label.image_sha, Label.class_name)
        .where(Label.plot_type_id == plot_type_id, Label.image_sha.in_(list(hashes)))
        .order_by(Label.made_at, Label.request_sha)
    )
    return {row.image_sha: row.class_name for row in connection.execute(query)}


def labelled_hashes(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of some images that ever had a label, of whatever plot type."""
    found: set[str] = set()
    wanted = sorted(hashes)
    for start in range(0, len(wanted), 500):
        query = sa.select(Label.image_sha).where(Label.image_sha.in_(wanted[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return found


def labelled_plot_types(connection: Connection) -> list[int]:
    """Return the plot types that have labels."""
    return list(connection.execute(sa.select(Label.plot_type_id).distinct().order_by(Label.plot_type_id)).scalars())


def labelled_images(connection: Connection, plot_type_id: int) -> list[LabelledImage]:
    """Return the archived images of a plot type that have a label, by (run, chunk).

    An image that occurs more than once is counted where it was archived first.
    """
    labels = current_labels(connection, plot_type_id)
    query = (
        sa.select(
            Item.image_sha,
            Run.pass_id,
            Run.number,
            Revision.id.label("revision_id"),
            Revision.revision,
            Revision.block_generation,
            Item.block_index,
        )
        .join(Revision, Revision.id == Item.revision_id)
        .join(Run, Run.id == Revision.run_id)
        .where(
            Item.plot_type_id == plot_type_id,
            Item.image_sha.in_(sa.select(Label.image_sha).where(Label.plot_type_id == plot_type_id)),
            Revision.state.in_(("archived", "published")),
            Item.dropped_at.is_(None),
        )
        .order_by(Run.pass_id, Run.number, Revision.revision, Item.chunk)
    )
    found: dict[str, LabelledImage] = {}
    for row in connection.execute(query):
        if row.image_sha not in found:
            found[row.image_sha] = LabelledImage(
                image_sha=row.image_sha,
                class_name=labels[row.image_sha],
                pass_id=row.pass_id,
                run=row.number,
                revision_id=row.revision_id,
                revision=row.revision,
                generation=row.block_generation,
                block_index=row.block_index,
            )
    return list(found.values())


def archived_label_count(connection: Connection, plot_type_id: int) -> int:
    """Return how many labels, corrections included, a plot type has on archived images: it never shrinks."""
    archived = (
        sa.select(Item.id)
        .join(Revision, Revision.id == Item.revision_id)
        .where(
            Item.image_sha == Label.image_sha,
            Item.plot_type_id == plot_type_id,
            Revision.state.in_(("archived", "published")),
        )
        .exists()
    )
    query = sa.select(sa.func.count(Label.id)).where(Label.plot_type_id == plot_type_id, archived)
    return int(connection.execute(query).scalar_one())


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
        .where(Run.pass_id == pass_id, Run.number.in_(list(runs)), Verdict.confidence.is_not(None))
    )
    rows = connection.execute(query).all()
    labels = {kind: current_labels(connection, kind) for kind in {row.plot_type_id for row in rows}}
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
