"""Node ``chunk_images``: read the files of a run once, into one verified block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import Connection

import hydra_core
from hydra_core.base.errors import DataError
from hydra_core.intake.block import PREPROCESSING, Block, BlockItem, write_block
from hydra_core.intake.chunking import collect_items
from hydra_core.intake.conditions import conditions_for
from hydra_core.intake.histograms.draw import STYLE_VERSION
from hydra_core.intake.provenance import Provenance
from hydra_core.intake.scan import SourceFile, fingerprint
from hydra_core.models.pixels import PREPROCESSING_HASH
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.judging import current_set
from hydra_core.stages.reading import decisions_of, reading_of
from hydra_core.stages.sources import RunSource, look_at_run
from hydra_core.store.directory import save_directory
from hydra_core.store.items import NewItem, replace_items
from hydra_core.store.ledger import RevisionRow, revisions_of, update_revision
from hydra_core.store.session import reading, writing


def chunk_images(context: RunContext) -> Outcome:
    """Read, check and keep the images of a run.

    A revision that has its block already keeps it: later files make a later revision.
    """
    with reading(context.engine) as connection:
        revision = current_revision(connection, context)
    block = block_file(context, revision)
    # The staging of a run that was under way is in no backup: without its block such a run is read anew.
    kept = revision.reached("archived") or block.is_file()
    if revision.reached("chunked") and revision.block_sha is not None and kept:
        with Block.open(block, revision.block_sha) as opened:
            return _outcome(opened.items, f"{context.name} r{revision.revision} has its block already")
    root = Path(context.pass_row.source)
    found = look_at_run(context.site, root, RunSource(revision.run, revision.run_name, revision.folder))
    files, waiting = found.files, found.waiting
    if not files and revision.block_sha is not None and revision.fingerprint != fingerprint(files):
        raise DataError(
            f"{context.name} r{revision.revision} was read before, and its block {block} and its files are both gone",
            next_step=f"put the files of the run back below {root}, or the block",
        )
    with reading(context.engine) as connection:
        decisions = decisions_of(connection, context.site)
        before = _before(connection, context, revision)
    mark = fingerprint(files)
    anew = before is not None and before.fingerprint == mark
    plan = reading_of(context.site, decisions, threads=context.threads)
    collected = collect_items(files, root, plan if files else replace(plan, expected=()))
    items = collected.items
    conditions = conditions_for(root, found.folder)
    notes = [*conditions.problems, *(() if files else ["The run arrived without any plot."])]
    notes += [*collected.notes, *_notes(items, revision, waiting, anew=anew)]
    values_found = {**_facts(files), **_conditions(conditions.values)}
    origin = Provenance(
        pass_name=context.pass_row.name,
        workflow=context.pass_row.workflow,
        first_run=context.pass_row.first_run,
        last_run=context.pass_row.last_run,
        source=str(root.relative_to(context.site.root) if root.is_relative_to(context.site.root) else root),
        run=context.run,
        run_name=revision.run_name,
        folder=revision.folder,
        revision=revision.revision,
        fingerprint=mark,
        code_version=hydra_core.__version__,
        style_version=STYLE_VERSION,
        conditions=values_found,
        notes=tuple(notes),
    )
    sha = write_block(block, items, {**origin.attributes(), PREPROCESSING: PREPROCESSING_HASH})
    values: dict[str, object] = {
        "state": "chunked",
        "fingerprint": origin.fingerprint,
        "conditions": values_found,
        "notes": notes,
        "block_sha": sha,
        "maps_sha": None,
        "item_count": len(items),
        "unreadable_count": sum(1 for item in items if item.status == "unreadable"),
    }
    writing(context.engine, lambda connection: _save(connection, context, revision, items, values))
    return _outcome(items, f"{context.name} r{revision.revision}: {len(items)} plots read into {block.name}")


def _before(connection: Connection, context: RunContext, revision: RevisionRow) -> RevisionRow | None:
    """Return the revision before this one."""
    found = [row for row in revisions_of(connection, context.pass_row.id, context.run) if row.id != revision.id]
    return found[-1] if found else None


def _notes(items: Sequence[BlockItem], revision: RevisionRow, waiting: int, *, anew: bool) -> Iterator[str]:
    if waiting:
        yield f"{waiting} files were still being written and are left for the next revision."
    if anew:
        yield f"Revision {revision.revision}: judged anew; the files are those of revision {revision.revision - 1}."
    elif revision.revision > 1:
        yield f"Revision {revision.revision}: files came or changed after revision {revision.revision - 1}."
    copies = sum(1 for item in items if item.duplicate_of)
    if copies:
        yield f"{copies} {'image is a copy' if copies == 1 else 'images are copies'} of another chunk's."
    held = len({item.plot for item in items if item.held})
    if held:
        waits = "plot type is new and waits" if held == 1 else "plot types are new and wait"
        yield f"{held} {waits} for a decision: see the status page."


def _facts(files: Sequence[SourceFile]) -> dict[str, object]:
    """Return what the names of all files say alike: campaign, geometry and the like."""
    if not files:
        return {}
    first = files[0].parsed.facts
    return {key: value for key, value in first.items() if all(file.parsed.facts.get(key) == value for file in files)}


def _conditions(values: Mapping[str, object]) -> dict[str, object]:
    inner = values.get("conditions")
    return dict(inner if isinstance(inner, dict) else values)


def _save(
    connection: Connection,
    context: RunContext,
    revision: RevisionRow,
    items: Sequence[BlockItem],
    values: dict[str, object],
) -> None:
    replace_items(connection, revision.id, [item_row(number, item) for number, item in enumerate(items)])
    # Only now: the run may have brought plot types that a group or a person's list names by a pattern.
    save_directory(connection, context.site)
    # A run keeps the judging set that was in force when it was first read, until somebody has it judged anew.
    before = _before(connection, context, revision)
    anew = before is not None and before.fingerprint == values["fingerprint"]
    chosen = before.judging_set_id if before is not None and not anew else None
    if chosen is None:
        chosen = current_set(connection, context.site).id
    update_revision(connection, revision.id, judging_set_id=chosen, **values)


def item_row(number: int, item: BlockItem) -> NewItem:
    """Return what the database keeps of item `number` of a block; the item carries its image."""
    return NewItem(
        plot=item.plot,
        chunk=item.chunk,
        block_index=number,
        status=item.status,
        reason=item.reason,
        sha256=item.sha256 or None,
        duplicate_of=item.duplicate_of,
        source=item.source,
        bytes=len(item.data) or item.source_size,
        width=item.width,
        height=item.height,
        member=item.member,
        held=item.held,
        tombstone=item.tombstone,
    )


def _outcome(items: Sequence[BlockItem], line: str) -> Outcome:
    readable = sum(1 for item in items if item.status == "ok")
    return Outcome(line, ("images" if readable else "empty",), readable)
