"""Nodes ``publish_run`` and ``publish_library``: the pages of a run, of its pass, of the models, of Hydra itself."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.report.index_page import publish_front, publish_index
from hydra_core.report.lock import site_lock
from hydra_core.report.run_page import publish_run as write_run_page
from hydra_core.report.site_pages import publish_help, publish_status
from hydra_core.report.site_pages import publish_library as write_library_page
from hydra_core.stages.context import Outcome, RunContext, block_file, current_revision
from hydra_core.stages.index_view import front_view, index_view
from hydra_core.stages.library_view import library_view
from hydra_core.stages.run_view import run_view
from hydra_core.stages.status_view import status_view
from hydra_core.store.ledger import PassRow, update_revision
from hydra_core.store.session import reading, writing


def publish_run(context: RunContext) -> Outcome:
    """Publish the newest revision of a run: its page first, then every list that names it."""
    site = context.site
    with reading(context.engine) as connection:
        revision = current_revision(connection, context, "archived")
        with Block.open(block_file(context, revision), revision.block_sha) as block:
            view = run_view(connection, context, revision, block)
            href = write_run_page(site.site_pages, view, full_images=site.settings.publish.full_images)
    if not revision.reached("published"):
        writing(
            context.engine,
            lambda connection: update_revision(connection, revision.id, state="published", published_at=now()),
        )
    publish_lists(site, context.engine, context.pass_row, context.run)
    return Outcome(f"{context.name} r{revision.revision}: {site.site_pages / href}", images=len(view.cards))


def publish_lists(site: Site, engine: Engine, row: PassRow, run: int) -> None:
    """Publish what names a run: the index of its pass, the front page, the status page."""
    pages = site.site_pages
    with site_lock(pages), reading(engine) as connection:
        publish_index(pages, index_view(connection, site, row, run))
        publish_front(pages, front_view(connection, site))
        publish_status(pages, status_view(connection, site))
        publish_help(pages)


def publish_library(context: RunContext) -> Outcome:
    """Publish the model library."""
    publish_models(context.site, context.engine)
    return Outcome(f"the model library is at {context.site.site_pages / 'library.html'}")


def publish_models(site: Site, engine: Engine) -> None:
    """Publish the model library of a site."""
    with site_lock(site.site_pages), reading(engine) as connection:
        write_library_page(site.site_pages, library_view(connection, site))
