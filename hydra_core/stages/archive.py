"""Node ``archive``: put the block of a run, verified, where it stays, and see whether labels wait."""

from __future__ import annotations

import shutil
from pathlib import Path

from hydra_core.base.errors import DataError
from hydra_core.base.files import atomic_path, sha256_file
from hydra_core.labels.inbox import waiting_files
from hydra_core.stages.context import Outcome, RunContext, current_revision
from hydra_core.stages.retrain import due_types
from hydra_core.store.ledger import update_revision
from hydra_core.store.session import reading, writing


def archive(context: RunContext) -> Outcome:
    """Copy, compare, enter, and only then remove the files of staging."""
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "judged")
    site, name = context.site, context.pass_row.name
    staging = site.staging(name, revision.run, revision.revision)
    kept = site.archive_file(name, revision.run, revision.revision)
    if revision.block_sha is None:
        raise DataError(f"{context.name} has no block", next_step="run chunk_images again")
    pairs = [(staging / "block.h5", kept, revision.block_sha)]
    if revision.maps_sha is not None:
        pairs.append((staging / "block.maps.h5", kept.with_name(kept.stem + ".maps.h5"), revision.maps_sha))
    for source, target, sha in pairs:
        _keep(source, target, sha)
    if not revision.reached("archived"):
        writing(context.engine, lambda connection: update_revision(connection, revision.id, state="archived"))
    shutil.rmtree(staging, ignore_errors=True)
    _remove_if_empty(staging.parent)
    with reading(context.engine) as connection:
        due = bool(waiting_files(site.inbox)) or bool(due_types(connection, site))
    line = f"{context.name} r{revision.revision} archived in {kept.relative_to(site.root)}"
    return Outcome(line + (", labels wait for a training" if due else ""), ("retrain_due",) if due else (), 0)


def _keep(source: Path, target: Path, sha: str) -> None:
    if target.exists() and sha256_file(target) == sha:
        return
    if not source.exists():
        raise DataError(f"{target} is missing or damaged and {source} is gone", next_step="run 'hydra fsck'")
    with atomic_path(target) as temp:
        shutil.copyfile(source, temp)
        if sha256_file(temp) != sha:
            raise DataError(f"{source} is not what chunk_images wrote", next_step="run chunk_images again")


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
