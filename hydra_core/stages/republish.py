"""All pages of a site made anew from database and archive: those of published runs that are lost, and every list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from hydra_core.base.errors import DataError
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.report.index_page import publish_index
from hydra_core.report.lock import site_lock
from hydra_core.report.paths import BLOCK_SIZE, revision_href
from hydra_core.report.run_page import publish_run
from hydra_core.stages.context import RunContext, block_file
from hydra_core.stages.index_view import index_view
from hydra_core.stages.publish import publish_lists, publish_models
from hydra_core.stages.run_view import run_view
from hydra_core.store.ledger import PassRow, RevisionRow, all_passes, archived_before
from hydra_core.store.replica import reading_for_pages

Progress = Callable[[str], None]
#: Run pages after which a line of progress is due.
_EVERY = 100


@dataclass(frozen=True)
class Republished:
    """How many pages of run revisions were made, how many were there, and what could not be made."""

    made: int
    there: int
    problems: tuple[str, ...]


def republish(site: Site, engine: Engine, progress: Progress = lambda _line: None) -> Republished:
    """Make every page that is lost, and all lists anew; where it was stopped, the next call goes on.

    A page of a run that is there stays as it is. A new one tells what the database says now: labels and incidents that
    came after the old one are on it.
    """
    made = there = 0
    problems: list[str] = []
    with reading_for_pages(site, engine) as connection:
        passes = all_passes(connection)
    for row in reversed(passes):
        with reading_for_pages(site, engine) as connection:
            revisions = [one for one in archived_before(connection, row.id, None) if one.reached("published")]
        for revision in revisions:
            if (site.site_pages / revision_href(row.name, revision.run, revision.revision) / "index.html").is_file():
                there += 1
                continue
            try:
                _publish(site, engine, row, revision)
            except DataError as error:
                problems.append(f"{row.name} run {revision.run} r{revision.revision}: {error.cause}")
                continue
            made += 1
            if made % _EVERY == 0:
                progress(f"{made} pages of runs")
        blocks = list(_blocks(revisions))
        with site_lock(site.site_pages), reading_for_pages(site, engine) as connection:
            for run in blocks:
                publish_index(site.site_pages, index_view(connection, site, row, run))
        if blocks:
            publish_lists(site, engine, row, blocks[-1])
        progress(f"{row.name}: {len(revisions)} run revisions")
    publish_models(site, engine)
    return Republished(made, there, tuple(problems))


def _publish(site: Site, engine: Engine, row: PassRow, revision: RevisionRow) -> None:
    context = RunContext(site, engine, row, revision.run)
    with (
        reading_for_pages(site, engine) as connection,
        Block.open(block_file(context, revision), revision.block_sha) as block,
    ):
        view = run_view(connection, context, revision, block)
        publish_run(site.site_pages, view, full_images=site.settings.publish.full_images)


def _blocks(revisions: list[RevisionRow]) -> Iterator[int]:
    """Yield a run of each block of the index."""
    yield from {revision.run // BLOCK_SIZE: revision.run for revision in revisions}.values()
