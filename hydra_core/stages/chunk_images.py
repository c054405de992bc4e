"""Node ``chunk_images``: read the files of a run once, into one verified block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import Connection

from hydra_core.intake.block import Block, BlockItem, write_block
from hydra_core.intake.chunking import collect_items
from hydra_core.intake.conditions import conditions_for
from hydra_core.intake.images import ImageLimits
from hydra_core.intake.scan import fingerprint
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.judging import current_set
from hydra_core.stages.sources import files_of_run
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
    if revision.reached("chunked") and revision.block_sha is not None:
        with Block.open(block, revision.block_sha) as opened:
            return _outcome(opened.items, f"{context.name} r{revision.revision} has its block already")
    root = Path(context.pass_row.source)
    files, waiting = files_of_run(context.site, root, context.run)
    intake = context.site.settings.intake
    limits = ImageLimits(max_bytes=intake.max_bytes, max_pixels=intake.max_pixels)
    expected = [plot.key for plot in context.site.plots.plots if plot.expected] if files else []
    items = collect_items(files, root, limits, expected, threads=context.threads)
    conditions = conditions_for(root, files[0].relative.parent) if files else None
    notes = list(conditions.problems) if conditions else ["The run arrived without any image."]
    if waiting:
        notes.append(f"{waiting} files were still being written and are left for the next revision.")
    if revision.revision > 1:
        notes.append(f"Revision {revision.revision}: files came or changed after revision {revision.revision - 1}.")
    copies = sum(1 for item in items if item.duplicate_of)
    if copies:
        notes.append(f"{copies} {'image is a copy' if copies == 1 else 'images are copies'} of another chunk's.")
    print_of_files = fingerprint(files)
    sha = write_block(
        block,
        items,
        {"pass": context.pass_row.name, "run": str(context.run), "fingerprint": print_of_files},
    )
    values = {
        "state": "chunked",
        "fingerprint": print_of_files,
        "conditions": _conditions(conditions.values) if conditions else {},
        "notes": notes,
        "block_sha": sha,
        "item_count": len(items),
        "unreadable_count": sum(1 for item in items if item.status == "unreadable"),
    }
    writing(context.engine, lambda connection: _save(connection, context, revision, items, values))
    return _outcome(items, f"{context.name} r{revision.revision}: {len(items)} plots read into {block.name}")


def _conditions(values: Mapping[str, object]) -> dict[str, object]:
    inner = values.get("conditions")
    return dict(inner if isinstance(inner, dict) else values)


def _save(
    connection: Connection,
    context: RunContext,
    revision: RevisionRow,
    items: list[BlockItem],
    values: dict[str, object],
) -> None:
    replace_items(connection, revision.id, [_row(number, item) for number, item in enumerate(items)])
    # A run keeps the judging set that was in force when it was first read, also in later revisions.
    earlier = [row.judging_set_id for row in revisions_of(connection, context.pass_row.id, context.run)]
    chosen = next((found for found in earlier if found is not None), None)
    if chosen is None:
        chosen = current_set(connection, context.site).id
    update_revision(connection, revision.id, judging_set_id=chosen, **values)


def _row(number: int, item: BlockItem) -> NewItem:
    return NewItem(
        plot=item.plot,
        chunk=item.chunk,
        block_index=number,
        status=item.status,
        reason=item.reason,
        sha256=item.sha256 or None,
        duplicate_of=item.duplicate_of,
        source=item.source,
        bytes=item.source_size,
        width=item.width,
        height=item.height,
    )


def _outcome(items: tuple[BlockItem, ...] | list[BlockItem], line: str) -> Outcome:
    readable = sum(1 for item in items if item.status == "ok")
    return Outcome(line, ("images" if readable else "empty",), readable)
