"""Nodes ``publish_run`` and ``publish_library``: the pages of a run, of its pass, of the models, of Hydra itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.clock import now
from hydra_core.base.errors import DataError
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.report.index_page import publish_front, publish_index
from hydra_core.report.lock import site_lock
from hydra_core.report.news import publish_news as write_news
from hydra_core.report.run_page import publish_run as write_run_page
from hydra_core.report.site_pages import publish_help, publish_status
from hydra_core.report.site_pages import publish_library as write_library_page
from hydra_core.report.site_views import NewsView
from hydra_core.stages.archive import remove_staging
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.index_view import front_view, index_view
from hydra_core.stages.library_view import library_view
from hydra_core.stages.run_view import run_view
from hydra_core.stages.status_view import status_view
from hydra_core.stages.training_report import publish_reports
from hydra_core.store.ledger import PassRow, RevisionRow, update_revision
from hydra_core.store.news import news_in_force
from hydra_core.store.replica import reading_for_pages
from hydra_core.store.session import writing


def publish_run(context: RunContext) -> Outcome:
    """Publish the newest revision of a run: its page first, then every list that names it.

    It counts as published only when the lists name it: whoever asks for what is unfinished finds it until then.
    """
    site = context.site
    with reading_for_pages(site, context.engine) as connection:
        revision = current_revision(connection, context, "archived")
        staging = site.staging(context.pass_row.name, revision.run, revision.revision)
        path, sha = _block_to_show(context, revision, staging / "block.h5")
        with Block.open(path, sha) as block:
            view = run_view(connection, context, revision, block)
            href = write_run_page(site.site_pages, view, full_images=site.settings.publish.full_images)
    remove_staging(staging)

    def enter(connection: Connection) -> None:
        if not revision.reached("published"):
            update_revision(connection, revision.id, state="published", published_at=now())
        _write_lists(connection, site, context.pass_row, context.run)

    with site_lock(site.site_pages):
        writing(context.engine, enter)
    return Outcome(f"{context.name} r{revision.revision}: {site.site_pages / href}", images=len(view.cards))


def _block_to_show(context: RunContext, revision: RevisionRow, staged: Path) -> tuple[Path, str | None]:
    """Return the block from which a page is made: the one in staging, where it holds images that the archive lacks."""
    if staged.exists():
        with suppress(DataError), Block.open(staged) as block:
            if len(block.items) == revision.item_count:
                return staged, None
    return block_file(context, revision), revision.block_sha


def publish_lists(site: Site, engine: Engine, row: PassRow, run: int) -> None:
    """Publish what names a run: the index of its pass, the front page, the status page."""
    with site_lock(site.site_pages), reading_for_pages(site, engine) as connection:
        _write_lists(connection, site, row, run)


def _write_lists(connection: Connection, site: Site, row: PassRow, run: int) -> None:
    pages = site.site_pages
    publish_index(pages, index_view(connection, site, row, run))
    publish_front(pages, front_view(connection, site))
    publish_status(pages, status_view(connection, site))
    publish_help(pages)
    # Every page links to it, and the first training may be weeks away.
    if not (pages / "library.html").exists():
        write_library_page(pages, library_view(connection, site))
    _write_news(connection, site)


def publish_library(context: RunContext) -> Outcome:
    """Publish the model library."""
    publish_models(context.site, context.engine)
    return Outcome(f"the model library is at {context.site.site_pages / 'library.html'}")


def publish_news(site: Site, engine: Engine) -> None:
    """Publish the line at the top of every page, where pages have been made."""
    if site.site_pages.is_dir():
        with site_lock(site.site_pages), reading_for_pages(site, engine) as connection:
            _write_news(connection, site)


def _write_news(connection: Connection, site: Site) -> None:
    news = news_in_force(connection, now())
    write_news(site.site_pages, [NewsView(one.text, one.who, one.begins_at, one.ends_at) for one in news])


def publish_models(site: Site, engine: Engine) -> None:
    """Publish the model library of a site."""
    with site_lock(site.site_pages), reading_for_pages(site, engine) as connection:
        publish_reports(connection, site)
        write_library_page(site.site_pages, library_view(connection, site))
        _write_news(connection, site)
