"""The invariants: what the database says is on disk, what is on disk is in the database, and every hash holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from hydra_core.base.errors import DataError
from hydra_core.base.files import TEMP_PREFIX
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.maps import read_maps
from hydra_core.models.engine import read_card
from hydra_core.report.paths import revision_href
from hydra_core.stages.context import RunContext, block_file, maps_file
from hydra_core.store.items import ItemRow, load_items, load_verdicts
from hydra_core.store.ledger import PassRow, RevisionRow, all_passes, newest_revisions, revisions_of
from hydra_core.store.registry import all_models
from hydra_core.store.session import reading

#: A temporary file younger than this may belong to a task that is at work.
TEMP_AGE_S = 3600.0
FULL_SPAN = (1, 2_147_483_647)


@dataclass(frozen=True)
class Check:
    """What was looked at, and every invariant that does not hold, in words."""

    revisions: int
    images: int
    models: int
    problems: tuple[str, ...]


def fsck(site: Site, engine: Engine, *, progress: Callable[[str], None] = lambda _line: None) -> Check:
    """Check a whole deployment; nothing is changed.

    Parameters
    ----------
    progress
        Receives a line for each pass.
    """
    problems: list[str] = []
    revisions = images = 0
    known: set[Path] = set()
    with reading(engine) as connection:
        passes = all_passes(connection)
        models = all_models(connection)
        for row in passes:
            progress(f"checking {row.name}")
            newest = newest_revisions(connection, row.id, first_run=FULL_SPAN[0], last_run=FULL_SPAN[1])
            for run in newest:
                for revision in revisions_of(connection, row.id, run.run):
                    context = RunContext(site, engine, row, revision.run)
                    items = load_items(connection, revision.id)
                    verdicts = load_verdicts(connection, revision.id)
                    revisions += 1
                    images += sum(1 for item in items if item.has_image)
                    problems += _revision(context, revision, items, len(verdicts))
                    known |= {block_file(context, revision), _page_folder(context, revision)}
                    # An archive task that was stopped before its last step has copied these already.
                    kept = site.archive_file(row.name, revision.run, revision.revision)
                    maps = site.maps_file(row.name, revision.run, revision.revision)
                    known |= {kept, maps} if revision.state == "judged" else set()
                    if revision.maps_sha is not None:
                        known.add(maps_file(context, revision))
    for model in models:
        try:
            _, identity = read_card(site.model_folder(model.plot, model.name))
            if identity != model.card_sha:
                problems.append(f"model {model.name}: its card is not the one that the database knows")
        except DataError as error:
            problems.append(f"model {model.name}: {error.cause}")
    problems += _strangers(site, known, passes)
    problems += [f"{path}: left over from an unfinished write" for path in _old_temporaries(site)]
    return Check(revisions, images, len(models), tuple(problems))


def _revision(context: RunContext, revision: RevisionRow, items: list[ItemRow], verdicts: int) -> Iterator[str]:
    name = f"{context.pass_row.name} run {revision.run} r{revision.revision}"
    if revision.state == "wanted":
        return
    path = block_file(context, revision)
    if not revision.reached("archived") and not path.exists():
        again = f"'hydra pass resume {context.pass_row.name}'"
        yield f"{name}: it was under way, and its block {path} is gone (no backup has it): {again} reads its files anew"
        return
    try:
        with Block.open(path, revision.block_sha) as block:
            if len(block.items) != len(items):
                yield f"{name}: {len(block.items)} items in its block, {len(items)} in the database"
            for item in items:
                block.histogram(item.block_index)
                if not item.has_image:
                    if block.has_image(item.block_index):
                        yield f"{name}: item {item.block_index} should have no image, and its block holds one"
                else:
                    block.data(item.block_index)
                    block.packed(item.block_index)
                    if block.items[item.block_index].sha256 != item.sha256:
                        yield f"{name}: item {item.block_index} has another image in its block"
    except (DataError, IndexError) as error:
        yield f"{name}: {getattr(error, 'cause', error)}"
    if revision.maps_sha is not None:
        try:
            read_maps(maps_file(context, revision), revision.maps_sha)
        except DataError as error:
            yield f"{name}: {error.cause}"
    if revision.reached("judged") and verdicts != len(items):
        yield f"{name}: {len(items)} items, {verdicts} verdicts"
    if revision.reached("published"):
        yield from _page(context, revision, len(items), name)


def _page(context: RunContext, revision: RevisionRow, items: int, name: str) -> Iterator[str]:
    folder = _page_folder(context, revision)
    try:
        cards = json.loads((folder / "run.json").read_text(encoding="utf-8"))["cards"]
        images = [card["image"] for card in cards if card["image"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{name}: {folder / 'run.json'} of its page cannot be read: {error}"
        return
    if not (folder / "index.html").is_file():
        yield f"{name}: its page {folder / 'index.html'} is missing"
    if len(cards) != items:
        yield f"{name}: {items} items, {len(cards)} cards on its page"
    for image in images:
        if not (folder / image).is_file():
            yield f"{name}: its page shows {image}, which is missing"


def _page_folder(context: RunContext, revision: RevisionRow) -> Path:
    return context.site.site_pages / revision_href(context.pass_row.name, revision.run, revision.revision)


def _strangers(site: Site, known: set[Path], passes: list[PassRow]) -> Iterator[str]:
    archive, pages = site.root / "archive", site.site_pages / "passes"
    found = [path for path in archive.rglob("*") if path.is_file()] if archive.is_dir() else []
    found += [path.parent for path in pages.rglob("run.json")] if pages.is_dir() else []
    for path in sorted(found):
        if path not in known and not path.name.startswith(TEMP_PREFIX):
            yield f"{path}: no revision of {len(passes)} passes knows it"


def _old_temporaries(site: Site) -> Iterator[Path]:
    limit = time.time() - TEMP_AGE_S
    for name in ("archive", "models", "staging", "site", "requests", "passes"):
        folder = site.root / name
        for path in folder.rglob(f"{TEMP_PREFIX}*") if folder.is_dir() else []:
            if path.lstat().st_mtime < limit:
                yield path
