"""The line at the top of every page, and a training report, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hydra_core.report import pages
from hydra_core.report.site_views import NewsView, ReportCase, ReportView

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror=alert(1)> \"'&\u202eabc " + "long" * 40


@pytest.fixture(scope="module")
def told(samples, tmp_path_factory):
    """Return a site whose pages were written before the news were."""
    root = tmp_path_factory.mktemp("told")
    pages.publish_run(root, samples.fast(samples.good_run()), full_images="flagged")
    pages.publish_help(root)
    cases = [
        ReportCase(f"{number}" * 64, f"run {number}, chunk 3", None, "test", "Good", HOSTILE, 0.99, "Ada: kept Good")
        for number in range(1, 4)
    ]
    view = ReportView(
        "CDC", "CDC~chunks", "CDC; rm -rf '*'", "cdc-1", "live", samples.NOW, 40, tuple(cases), 2, ("Good", HOSTILE)
    )
    picture = samples.simple(1)
    pages.publish_report(root, view, lambda case: picture if case is cases[0] else None)
    return root


def say(samples, root, *news):
    pages.publish_news(root, [NewsView(text, HOSTILE, samples.NOW, ends) for text, ends in news])


@pytest.mark.parametrize("width", [1440, 390])
def test_a_page_that_was_written_before_shows_the_news_as_text(browse, samples, told, width):
    say(samples, told, (HOSTILE, None))
    window = browse(viewport={"width": width, "height": 900})
    for href in ("help.html", "library/CDC~chunks/cdc-1/index.html"):
        window.page.goto(f"{told.as_uri()}/{href}")
        line = window.page.locator("#news")
        line.wait_for(state="visible")
        assert line.locator("bdi").first.inner_text() == HOSTILE.replace("\u202e", "\\u202e")
        assert line.locator("img, script").count() == 0
        assert window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_has_ended_gives_way_to_what_stands_behind_it(browse, samples, told):
    page = browse().page
    for news, shown in (
        ([("over", samples.NOW - timedelta(days=9000)), ("for good", None)], "for good"),
        ([("", None)], None),
        ([("over", samples.NOW - timedelta(days=9000))], None),
        ([], None),
    ):
        say(samples, told, *news)
        page.goto(f"{told.as_uri()}/help.html")
        page.wait_for_load_state("networkidle")
        line = page.locator("#news")
        assert line.is_visible() == (shown is not None)
        if shown:
            assert line.locator("bdi").first.inner_text() == shown


def test_without_scripts_a_page_lacks_the_news_and_nothing_else(browse, samples, told):
    say(samples, told, ("a", None))
    page = browse(java_script_enabled=False).page
    page.goto(f"{told.as_uri()}/help.html")
    assert not page.locator("#news").is_visible()
    assert page.locator("h1").first.is_visible()


def test_a_report_shows_each_case_and_a_command_that_a_click_selects(browse, samples, told):
    say(samples, told)
    page = browse().page
    page.goto(f"{told.as_uri()}/library/CDC~chunks/cdc-1/index.html")
    assert page.locator("h1").inner_text() == "The model and the labels disagree on 5 of 40 images; 3 answered so far."
    assert page.locator("article").count() == 3
    assert page.locator("article img").count() == 1
    first = page.locator("article").first
    first.locator("summary").click()
    first.locator(".command").first.click()
    assert page.evaluate("window.getSelection().toString()").strip() == (
        f"hydra label --report=cdc-1 -- 'CDC; rm -rf '\"'\"'*'\"'\"'' {'1' * 64} Good"
    )
