"""The pages of passes, status, models and help in a real browser, opened from disk."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

INDEX = "passes/2026-01/ver02/index.html"
LONG = "passes/2025-08/ver11/index.html"
EVERY = ["index.html", "status.html", "library.html", "help.html", INDEX, LONG]


def open_index(window, href=INDEX):
    page = window.open(href)
    page.wait_for_selector(".matrix tbody tr")
    return page


def unkind(samples):
    from hydra_core.report.paths import pass_href

    return f"{pass_href(samples.hostile_index().pass_name)}/index.html"


def test_a_pass_says_first_what_is_wrong(browse):
    page = open_index(browse())
    said = "2 plot types need a look now: CDC_occupancy and RF_timing."
    assert page.locator("h1").inner_text() == said
    assert "2 incidents open, 1 over" in page.locator("#under").inner_text()
    assert page.locator("#open li:visible").count() == 2
    assert page.locator("#shown").inner_text() == "4 of 4 runs shown"
    assert page.locator(".matrix tbody th a").first.inner_text() == "120446"


def test_a_pass_says_what_closes_an_incident_and_folds_away_those_that_are_over(browse):
    page = open_index(browse())
    assert "It closes by itself when a later plot" in page.locator("#open-part").inner_text()
    over = page.locator("#over-part")
    assert over.inner_text() == "1 incident is over"
    assert page.locator("#over li:visible").count() == 0
    over.locator("summary").click()
    assert "needed no look or showed another trouble" in over.inner_text()
    assert page.locator("#over li:visible .name").all_inner_texts() == ["FDC_strip_pulls"]


def test_a_thousand_runs_of_eighty_plots_open_quickly(browse):
    window = browse()
    start = time.monotonic()
    page = open_index(window, LONG)
    assert time.monotonic() - start < 15
    assert page.locator("#shown").inner_text() == "100 of 1000 runs shown"
    assert page.locator(".matrix tbody tr").count() == 100
    assert page.locator(".matrix tbody tr").first.locator("td").count() == 80
    page.locator("#more").click()
    assert page.locator("#shown").inner_text() == "200 of 1000 runs shown"
    start = time.monotonic()
    page.locator("#order").select_option("worst")
    assert page.locator(".matrix tbody tr").count() == 100
    assert time.monotonic() - start < 8


def test_filters_leave_what_was_asked_and_live_in_the_address(browse):
    page = open_index(browse(), LONG)
    page.keyboard.press("/")
    page.keyboard.type("119950 CDC")
    expect(page.locator(".matrix tbody tr")).to_have_count(1)
    names = page.locator(".matrix thead .turn").all_inner_texts()
    assert names
    assert all("CDC" in name for name in names)
    page.reload()
    expect(page.locator(".matrix tbody tr")).to_have_count(1)
    page.locator("#find").fill("")
    expect(page.locator(".matrix tbody tr")).to_have_count(100)
    page.locator(".chip[data-mark=no_beam]").click()
    runs = page.locator(".matrix tbody th a").all_inner_texts()
    assert runs
    assert all(int(run) % 41 == 0 for run in runs)


def test_cells_have_names_and_are_walked_with_arrows(browse):
    page = open_index(browse())
    first = page.locator(".matrix td a[tabindex='0']")
    assert first.count() == 1
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Run 120445, BCAL_adc_pedestal: ")
    assert page.locator("#readout").inner_text() == label
    assert page.locator(".matrix td a[tabindex='0']").count() == 1


def test_a_cell_leads_to_its_plot_on_the_run_page(browse):
    page = open_index(browse())
    page.locator("a[aria-label^='Run 120445, FDC_strip_pulls']").click()
    page.wait_for_url("**/120445/r1/index.html#p-FDC_strip_pulls")
    expect(page.locator("[id='c-FDC_strip_pulls']")).to_be_focused()


def test_an_incident_leads_to_its_first_and_its_last_run(browse):
    page = open_index(browse())
    incident = page.locator("#open li", has_text="CDC_occupancy")
    assert incident.locator("a").all_inner_texts() == ["first: run 120443", "last: run 120445"]
    pages = [link.get_attribute("href") or "" for link in incident.locator("a").all()]
    assert [page.split("/runs/")[1].split("#p-CDC_occupancy")[0] for page in pages] == [
        "120443/index.html",
        "120445/index.html",
    ]


def test_an_incident_leads_to_the_newest_look_at_its_run(browse):
    page = open_index(browse())
    page.locator("#open li", has_text="RF_timing").locator("a").click()
    page.wait_for_url("**/120445/r2/index.html#p-RF_timing")


def test_headers_stay_while_the_table_scrolls(browse):
    page = open_index(browse(), LONG)
    page.locator("#matrix").evaluate("(box) => { box.scrollTop = 900; box.scrollLeft = 400; }")
    box = page.locator("#matrix").bounding_box()
    corner = page.locator(".corner").bounding_box()
    assert corner["x"] == pytest.approx(box["x"], abs=2)
    assert corner["y"] == pytest.approx(box["y"], abs=2)


def test_old_data_turn_amber_and_fresh_data_do_not(browse):
    window = browse()
    window.page.clock.install(time="2026-11-21T20:07:49Z")
    page = open_index(window)
    assert page.locator("#under .age").inner_text().strip() == "(3 min ago)"
    assert page.locator("#under .age.late").count() == 0
    later = browse()
    later.page.clock.install(time="2026-11-22T08:07:49Z")
    page = open_index(later)
    assert "12 h ago, later than expected" in page.locator("#under .age.late").inner_text()


def test_the_front_page_shows_the_headline_of_each_pass(browse):
    page = browse().open("index.html")
    expect(page.locator("#passes .says .mark")).to_have_count(3)
    assert "2 plot types need a look now" in page.locator("#passes li").first.inner_text()
    page.locator("#passes a").first.click()
    page.wait_for_url("**/passes/2026-01/ver02/index.html")


def test_unkind_names_are_shown_as_they_are(browse, samples):
    window = browse()
    page = open_index(window, unkind(samples))
    for part in ("h1", "#open", ".matrix thead", ".matrix tbody th .named"):
        assert samples.HOSTILE[0] in page.locator(part).text_content().replace("\u200b", "")
    assert page.locator("img, script:not([src])").count() == 0
    page.locator(".matrix td a").first.focus()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    front = window.open("index.html")
    expect(front.locator("#passes .says .mark")).to_have_count(3)
    assert "unkind <img" in front.locator("#passes").inner_text()
    assert front.locator("img").count() == 0


@pytest.mark.parametrize("href", EVERY)
@pytest.mark.parametrize("width", [400, 1440])
def test_no_page_scrolls_sideways(browse, href, width):
    page = browse(viewport={"width": width, "height": 900}).open(href)
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("href", EVERY)
def test_every_page_says_something_without_scripts(browse, href):
    page = browse(java_script_enabled=False).open(href)
    assert page.locator("h1").inner_text().strip()
    words = page.locator("main").inner_text()
    assert len(words) > 60
    if href in ("index.html", INDEX, LONG):
        assert "needs JavaScript" in words


@pytest.mark.parametrize("href", ["status.html", "library.html", "help.html"])
def test_menus_lead_everywhere_from_everywhere(browse, href):
    window = browse()
    page = window.open(href)
    for name in ("Status", "Models", "Help"):
        page.locator(".menu a", has_text=name).click()
        page.wait_for_load_state("load")
        assert page.locator(".menu [aria-current=page]").inner_text() == name


def test_a_state_leads_to_its_place_in_help(browse):
    page = browse().open("passes/2026-01/ver02/runs/120445/r2/index.html")
    page.locator("[id='c-FDC_strip_pulls'] .word").click()
    page.wait_for_url("**/help.html#novel")
    assert "unlike everything seen before" in page.locator(":target").inner_text()
