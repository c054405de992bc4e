"""The files that the database knows: blocks, heat maps, models, accepted requests; each with its SHA-256."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_file
from hydra_core.config.site import Site
from hydra_core.models.engine import read_card
from hydra_core.stages.backup_form import KnownFile
from hydra_core.store.ledger import all_passes, archived_before
from hydra_core.store.registry import all_models
from hydra_core.store.schema import Request


def known_files(connection: Connection, site: Site) -> Iterator[KnownFile]:
    """Yield every file that the database knows; none is read but the cards of models.

    Images that are not archived yet are left out: their run is taken up again where it was.
    """
    for row in all_passes(connection):
        for revision in archived_before(connection, row.id, None):
            place = row.name, revision.run, revision.revision
            if revision.block_sha is not None:
                yield _known(site, site.archive_file(*place, revision.block_generation), revision.block_sha)
            if revision.maps_sha is not None:
                yield _known(site, site.maps_file(*place), revision.maps_sha)
    for model in all_models(connection):
        folder = site.model_folder(model.plot, model.name)
        yield _known(site, folder / "model.json", model.card_sha)
        try:
            card, identity = read_card(folder)
        except DataError:
            continue
        # A card that is another one says nothing of the files of this model.
        for name, sha in sorted(card.files.items()) if identity == model.card_sha else ():
            yield _known(site, folder / name, sha)
    query = sa.select(Request.sha256).where(Request.status == "accepted").order_by(Request.sha256)
    for sha in connection.execute(query).scalars():
        yield _known(site, site.requests_kept / f"{sha}.json", sha)


def _known(site: Site, path: Path, sha: str) -> KnownFile:
    size = path.stat().st_size if path.is_file() else None
    return KnownFile(path.relative_to(site.root).as_posix(), size, sha)


def what_is_wrong(path: Path, known: KnownFile, *, read: bool) -> str:
    """Return what a file has against being the known one, in words; empty where nothing.

    Parameters
    ----------
    read
        Compare its content too; else no more than its size.
    """
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if known.bytes is not None and size != known.bytes:
        return f"has {size} bytes, and {known.bytes} when the backup was made"
    return "has another content" if read and sha256_file(path) != known.sha256 else ""
