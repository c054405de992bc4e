"""A site on disk, and Chromium to look at it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from hydra_core.report import pages
from hydra_core.report.paths import revision_href
from hydra_core.report.site_views import PassSummary

LONG_PASS = "2025-08/ver11"


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """Return ``tests/report_samples.py``."""
    if "report_samples" in sys.modules:
        return sys.modules["report_samples"]
    spec = importlib.util.spec_from_file_location("report_samples", Path(__file__).parents[1] / "report_samples.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_samples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def site(samples: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole site: a good run, a bad one with two revisions, an unkind one, a long pass, and the rest."""
    root = tmp_path_factory.mktemp("site")
    view = samples.fast(samples.run_view())
    for one in (view, replace(view, revision=2), samples.fast(samples.good_run()), samples.hostile_view()):
        pages.publish_run(root, one, full_images="all")
    pages.publish_run(root, replace(view, run=120444, run_name="120444"), full_images="flagged")
    index = samples.index_view()
    extra = tuple(
        replace(index.rows[-1], run=run, run_name=str(run), href=href_of(samples, run)) for run in (7, 120446)
    )
    rows = (*(row for row in index.rows if row.run in (120444, 120445)), *extra)
    incidents = tuple(replace(one, open=one.state != "novel") for one in index.incidents)
    pages.publish_index(root, replace(index, rows=rows, blocks=(0, 120), incidents=incidents))
    long = replace(samples.index_view(1000, 80, 119_999), pass_name=LONG_PASS)
    pages.publish_index(root, long)
    unkind = samples.hostile_index()
    pages.publish_index(root, unkind)
    front = samples.front_view()
    listed = (*front.passes[:1], PassSummary(LONG_PASS, "closed", 1000), PassSummary(unkind.pass_name, "running", 1))
    pages.publish_front(root, replace(front, passes=listed))
    pages.publish_status(root, samples.status_view())
    pages.publish_library(root, samples.library_view())
    pages.publish_help(root)
    pages.publish_news(root, [])
    return root


def href_of(samples: ModuleType, run: int) -> str:
    return f"{revision_href(samples.PASS, run, 1)}/index.html"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return Chromium without a sandbox (it opens files made here and nothing else)."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("HYDRA_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Watched:
    """A page with everything that it complained of, and every address that it asked for."""

    def __init__(self, page: Page, site: Path) -> None:
        self.page, self.site = page, site
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.asked.append(request.url))

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, href: str) -> Page:
        """Open a page of the site from disk."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.site.as_uri()}/{href}")
        self.page.wait_for_load_state("load")
        return self.page


@pytest.fixture
def browse(chromium: Browser, site: Path) -> Iterator[Callable[..., Watched]]:
    """Return a function that opens a fresh window; at the end no window may have complained or left the disk."""
    windows: list[Watched] = []

    def window(**options: object) -> Watched:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        windows.append(Watched(context.new_page(), site))
        return windows[-1]

    yield window
    for one in windows:
        one.page.context.close()
    assert [complaint for one in windows for complaint in one.complaints] == []
    assert [url for one in windows for url in one.asked if not url.startswith(("file://", "about:"))] == []
