"""Node ``archive``: put the block of a run, verified, where it stays, and see whether labels wait."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import Connection

from hydra_core.base.errors import DataError
from hydra_core.base.files import atomic_path, sha256_file
from hydra_core.intake.block import Block, write_block
from hydra_core.labels.inbox import waiting_files
from hydra_core.stages.context import Outcome, RunContext, current_revision
from hydra_core.stages.keeping import is_kept, needed_of, without
from hydra_core.stages.retrain import due_types
from hydra_core.store.items import ItemRow, bury_items, load_items, load_verdicts
from hydra_core.store.ledger import RevisionRow, update_revision
from hydra_core.store.session import reading, writing


def archive(context: RunContext) -> Outcome:
    """Copy what is to be kept, compare, enter, and only then remove the files of staging.

    Where not every image is collected, staging stays until the page of the run has been written from it.
    """
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "judged")
        tombstones = _not_collected(connection, context, revision)
    site, name = context.site, context.pass_row.name
    staging = site.staging(name, revision.run, revision.revision)
    kept = site.archive_file(name, revision.run, revision.revision, revision.block_generation)
    if revision.block_sha is None:
        raise DataError(f"{context.name} has no block", next_step="run chunk_images again")
    sha = revision.block_sha
    if tombstones and not revision.reached("archived"):
        sha = _write_thinned(staging / "block.h5", sha, kept, {item.block_index: why for item, why in tombstones})
    else:
        _keep(staging / "block.h5", kept, sha)
    if revision.maps_sha is not None:
        _keep(staging / "block.maps.h5", site.maps_file(name, revision.run, revision.revision), revision.maps_sha)
    if not revision.reached("archived"):
        writing(context.engine, lambda connection: _enter(connection, revision, sha, tombstones))
    if not tombstones:
        remove_staging(staging)
    with reading(context.engine) as connection:
        due = bool(waiting_files(site.inbox)) or bool(due_types(connection, site))
    line = f"{context.name} r{revision.revision} archived in {kept.relative_to(site.root)}"
    line += f", {len(tombstones)} ordinary images not collected" if tombstones else ""
    return Outcome(line + (", labels wait for a training" if due else ""), ("retrain_due",) if due else (), 0)


def remove_staging(staging: Path) -> None:
    """Remove the staging folder of a run revision, and that of its run where it is the last."""
    shutil.rmtree(staging, ignore_errors=True)
    with contextlib.suppress(OSError):
        staging.parent.rmdir()


def _not_collected(connection: Connection, context: RunContext, revision: RevisionRow) -> list[tuple[ItemRow, str]]:
    """Return the items whose image is not kept, with the words for its place."""
    items = [item for item in load_items(connection, revision.id) if item.status == "ok"]
    if revision.reached("archived"):
        return [(item, item.tombstone) for item in items if item.tombstone]
    shares = {item.plot: context.site.plot_type(item.plot).collect for item in items}
    if all(share >= 1 for share in shares.values()):
        return []
    verdicts = load_verdicts(connection, revision.id)
    needed = needed_of(connection, context.site, items)
    return [
        (item, f"not collected: {shares[item.plot] * 100:g} % of the ordinary images of this plot type are kept")
        for item in items
        if not is_kept(item, verdicts.get(item.id), needed, shares[item.plot])
    ]


def _write_thinned(source: Path, sha: str, target: Path, tombstones: Mapping[int, str]) -> str:
    with Block.open(source, sha) as block:
        return write_block(target, without(block, tombstones), block.attributes)


def _enter(connection: Connection, revision: RevisionRow, sha: str, tombstones: Sequence[tuple[ItemRow, str]]) -> None:
    bury_items(connection, {item.id: why for item, why in tombstones})
    update_revision(connection, revision.id, state="archived", block_sha=sha)


def _keep(source: Path, target: Path, sha: str) -> None:
    if target.exists() and sha256_file(target) == sha:
        return
    if not source.exists():
        raise DataError(f"{target} is missing or damaged and {source} is gone", next_step="run 'hydra fsck'")
    with atomic_path(target) as temp:
        shutil.copyfile(source, temp)
        if sha256_file(temp) != sha:
            raise DataError(f"{source} is not what chunk_images wrote", next_step="run chunk_images again")
