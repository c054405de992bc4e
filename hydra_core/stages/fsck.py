"""The invariants: what the database says is on disk, what is on disk is in the database, and every hash holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
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
from hydra_core.stages.strangers import Strangers
from hydra_core.store.counts import wrong_counts
from hydra_core.store.items import ItemRow, load_items, load_verdicts
from hydra_core.store.ledger import PassRow, RevisionRow, all_passes, newest_revisions, revisions_of
from hydra_core.store.registry import ModelRow, all_models
from hydra_core.store.session import reading

#: A temporary file younger than this may belong to a task that is at work.
TEMP_AGE_S = 3600.0
FULL_SPAN = (1, 2_147_483_647)


Problem = Callable[[str], None]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Looked:
    """What was looked at."""

    revisions: int
    images: int
    models: int


@dataclass(frozen=True)
class Check(Looked):
    """What was looked at, and every invariant that does not hold, in words."""

    problems: tuple[str, ...]


def _silent(_line: str) -> None:
    """Say nothing."""


def fsck(site: Site, engine: Engine) -> Check:
    """Check a whole deployment; nothing is changed."""
    problems: list[str] = []
    looked = look_through(site, engine, problems.append)
    return Check(looked.revisions, looked.images, looked.models, tuple(problems))


def look_through(site: Site, engine: Engine, problem: Problem, progress: Progress = _silent) -> Looked:
    """Check a whole deployment as `fsck` does; what is remembered is that of one pass at a time.

    Parameters
    ----------
    problem
        Receives each invariant that does not hold as soon as it is found.
    progress
        Receives a line for each pass.
    """
    revisions = images = 0
    strangers = Strangers(site)
    with reading(engine) as connection:
        passes = all_passes(connection)
        models = all_models(connection)
        counts = wrong_counts(connection)
    for one in counts:
        problem(f"{one.kept} {one.what} are counted, {one.right} are there: 'hydra db upgrade' counts them anew")
    for row in passes:
        progress(f"checking {row.name}")
        known: set[Path] = set()
        for context, revision, items, verdicts in _revisions(site, engine, row):
            revisions += 1
            images += sum(1 for item in items if item.has_image)
            _tell(problem, _revision(context, revision, items, verdicts))
            known |= _files_of(context, revision)
        _tell(problem, strangers.of_pass(row.name, known))
    for model in models:
        _tell(problem, _model(site, model))
    _tell(problem, strangers.elsewhere())
    _tell(problem, (f"{path}: left over from an unfinished write" for path in _old_temporaries(site)))
    return Looked(revisions, images, len(models))


def _tell(problem: Problem, found: Iterable[str]) -> None:
    for sentence in found:
        problem(sentence)


def _revisions(
    site: Site, engine: Engine, row: PassRow
) -> Iterator[tuple[RunContext, RevisionRow, list[ItemRow], int]]:
    """Yield every revision of a pass with its items and how many verdicts it has, by run and age."""
    with reading(engine) as connection:
        newest = newest_revisions(connection, row.id, first_run=FULL_SPAN[0], last_run=FULL_SPAN[1])
    for run in newest:
        with reading(engine) as connection:
            found = [
                (revision, load_items(connection, revision.id), len(load_verdicts(connection, revision.id)))
                for revision in revisions_of(connection, row.id, run.run)
            ]
        for revision, items, verdicts in found:
            yield RunContext(site, engine, row, revision.run), revision, items, verdicts


def _files_of(context: RunContext, revision: RevisionRow) -> set[Path]:
    """Return the archive files of a revision, and the folder of its page."""
    site, name = context.site, context.pass_row.name
    known = {block_file(context, revision), _page_folder(context, revision)}
    if revision.state == "judged":
        # An archive task that was stopped before its last step has copied these already.
        known |= {site.archive_file(name, revision.run, revision.revision)}
        known |= {site.maps_file(name, revision.run, revision.revision)}
    if revision.maps_sha is not None:
        known.add(maps_file(context, revision))
    return known


def _model(site: Site, model: ModelRow) -> Iterator[str]:
    try:
        _, identity = read_card(site.model_folder(model.plot, model.name))
    except DataError as error:
        yield f"model {model.name}: {error.cause}"
        return
    if identity != model.card_sha:
        yield f"model {model.name}: its card is not the one that the database knows"


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


def _old_temporaries(site: Site) -> Iterator[Path]:
    limit = time.time() - TEMP_AGE_S
    for name in ("archive", "models", "staging", "site", "requests", "passes"):
        folder = site.root / name
        for path in folder.rglob(f"{TEMP_PREFIX}*") if folder.is_dir() else []:
            if path.lstat().st_mtime < limit:
                yield path
