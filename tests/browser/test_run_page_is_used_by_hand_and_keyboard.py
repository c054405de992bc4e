"""The page of a run in a real browser, opened from disk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

RUN = "passes/2026-01/ver02/runs/120445/r2/index.html"
OLD = "passes/2026-01/ver02/runs/120445/r1/index.html"
UNKIND = "passes/2026-01/ver02/runs/7/r1/index.html"


INJECT = """() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = 1";
  document.body.append(script);
}"""


def until(check: Callable[[], bool]) -> None:
    """Wait up to ten seconds; the pages forbid what Playwright's own waiting for a function would need."""
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


def shown_cards(page):
    return page.locator("article.card:visible").count()


def test_every_card_is_there_and_every_picture_loads(browse, samples):
    page = browse().open(RUN)
    total = len(samples.run_view().cards)
    assert page.locator("article.card").count() == shown_cards(page) == total
    assert page.locator("#shown").inner_text() == f"{total} plots"
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    until(lambda: page.evaluate("[...document.images].every((image) => image.complete)"))
    assert page.evaluate("[...document.images].filter((image) => !image.naturalWidth).length") == 0


def test_boxes_keep_their_size_while_images_load(browse):
    page = browse().open(RUN)
    ratios = page.evaluate(
        "[...document.querySelectorAll('.large img:not(.heat)')].map((i) => i.clientWidth / i.clientHeight"
        " - i.getAttribute('width') / i.getAttribute('height'))"
    )
    assert ratios
    assert all(abs(difference) < 0.02 for difference in ratios)


def test_text_and_states_filter_and_live_in_the_address(browse):
    window = browse()
    page = window.open(RUN)
    page.keyboard.press("/")
    page.keyboard.type("cdc chunk 4")
    assert shown_cards(page) == 1
    assert page.locator("#shown").inner_text() == "1 of 68 shown"
    page.keyboard.press("Escape")
    page.locator("#find").fill("")
    page.locator(".chip[data-mark=novel]").click()
    assert shown_cards(page) == 1
    page.locator(".chip[data-mark=bad]").click()
    assert shown_cards(page) == 8
    page.reload()
    assert shown_cards(page) == 8
    assert page.locator(".chip[data-mark=bad]").get_attribute("aria-pressed") == "true"
    page.locator("#find").fill("no such plot")
    assert page.locator("#none").is_visible()
    page.locator("#reset").click()
    assert shown_cards(page) == 68


def test_keys_walk_open_step_and_close(browse):
    page = browse().open(RUN)
    focus = "document.activeElement.id"
    page.keyboard.press("j")
    assert page.evaluate(focus) == "c-CDC_occupancy~chunks~3"
    page.keyboard.press("j")
    assert page.evaluate(focus) == "c-CDC_occupancy~chunks~4"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.locator("#viewer .title").inner_text() == "CDC_occupancy chunk 3"
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer .title").inner_text() == "CDC_occupancy chunk 4"
    page.keyboard.press("Escape")
    assert not page.locator("#viewer").is_visible()
    assert page.evaluate(focus) == "c-CDC_occupancy~chunks~4"
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_a_picture_opens_in_large_and_back_closes_it(browse):
    page = browse().open(RUN)
    page.locator("[id='c-CDC_gain'] .pic").click()
    image = page.locator("#viewer .frame img").first
    assert image.get_attribute("alt") == "CDC_gain, run 120445: Good 96.0%"
    assert "open=CDC_gain" in page.url
    page.go_back()
    page.wait_for_selector("#viewer", state="hidden")
    page.go_forward()
    page.wait_for_selector("#viewer", state="visible")


def test_a_link_to_an_open_plot_opens_it(browse):
    page = browse().open(f"{RUN}#open=RF_timing")
    assert page.locator("#viewer .title").inner_text() == "RF_timing"


def test_a_plot_without_image_opens_and_says_why(browse):
    page = browse().open(RUN)
    page.locator("[id='c-Tagger_rate'] .nothing").click()
    assert "no file came" in page.locator("#viewer .stage").inner_text()


def test_the_slider_changes_how_strong_the_heat_map_is(browse):
    page = browse().open(RUN)
    overlay = page.locator("[id='c-RF_timing'] img.heat")
    opacity = "(image) => Number(getComputedStyle(image).opacity)"
    assert not overlay.is_visible()
    page.keyboard.press("h")
    assert overlay.is_visible()
    assert overlay.evaluate(opacity) == pytest.approx(0.6)
    page.locator(".bandhead .heat-opacity").fill("0.25")
    assert overlay.evaluate(opacity) == pytest.approx(0.25)
    page.keyboard.press("h")
    assert not overlay.is_visible()


def test_another_heat_map_can_be_chosen(browse):
    page = browse().open(RUN)
    card = page.locator("[id='c-CDC_occupancy~chunks~3']")
    before = card.locator("img.heat").get_attribute("src")
    card.locator("select").select_option(label="why the model says Bad rather than Good")
    assert card.locator("img.heat").get_attribute("src") != before
    card.locator(".pic").click()
    page.locator("#viewer select").select_option(label="why the model says Bad rather than Good")
    assert page.locator("#viewer img.heat").is_visible()


def test_a_shown_heat_map_is_explained_and_can_be_hidden(browse):
    page = browse().open(RUN)
    card = page.locator("[id='c-CDC_occupancy~chunks~3']")
    button = page.locator(".bandhead .heat-toggle")
    assert not card.locator(".heatsays").is_visible()
    button.click()
    assert button.inner_text().startswith("Hide heat map")
    told = card.locator(".heatsays").inner_text()
    assert told.startswith("Why the model says Bad. Coloured places speak for this class")
    assert told.split()[-2:] == ["little", "much"]
    card.locator("select").select_option(label="why the model says Bad rather than Good")
    assert "rather than for Good" in card.locator(".heatsays").inner_text()
    card.locator(".pic").click()
    assert page.locator("#viewer .heatsays").inner_text().startswith("Why the model says Bad. ")
    page.keyboard.press("h")
    assert not page.locator("#viewer .heatsays").is_visible()
    assert page.locator("#viewer .heat-toggle").inner_text().startswith("Show heat map")


def test_density_changes_and_is_kept_in_the_address(browse):
    page = browse().open(RUN)
    widths = {}
    for key, name in (("1", "comfortable"), ("2", "compact"), ("3", "wall")):
        page.keyboard.press(key)
        widths[name] = page.locator("[id='c-CDC_gain']").bounding_box()["width"]
    assert "view=wall" in page.url
    assert widths["compact"] < widths["comfortable"]
    font = "Number.parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)"
    assert page.evaluate(font) >= 36
    page.reload()
    assert page.evaluate("document.documentElement.dataset.view") == "wall"


def test_the_wall_hides_its_controls_after_a_while(browse):
    page = browse().open(f"{RUN}#view=wall")
    assert page.locator(".tools").is_visible()
    expect(page.locator(".tools")).to_be_hidden(timeout=15000)
    page.keyboard.press("Shift")
    assert page.locator(".tools").is_visible()


def test_light_and_dark_follow_the_system_and_the_switch(browse):
    window = browse(color_scheme="dark")
    page = window.open(RUN)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme-button").click()
    light = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == light
    page.keyboard.press("t")
    assert page.evaluate(ground) == dark
    paper = page.evaluate("getComputedStyle(document.querySelector('.pic')).backgroundColor")
    assert min(map(int, re.findall(r"\d+", paper)[:3])) > 220


def test_an_older_revision_points_to_the_newest_and_neighbours_are_named(browse):
    page = browse().open(OLD)
    assert page.locator("#newer").inner_text() == "This is an older look at the run. Revision 2 is the newest."
    assert page.locator("#neighbours").inner_text().split() == ["←", "120444", "120446", "→"]
    page.locator("#newer a").click()
    page.wait_for_url("**/r2/index.html")
    assert not page.locator("#newer").is_visible()
    page.keyboard.press("[")
    page.wait_for_url("**/120444/r1/index.html")
    assert page.locator("#neighbours").inner_text().split()[-2:] == ["120445", "→"]


def test_the_address_of_a_run_leads_to_its_newest_revision_and_keeps_the_plot(browse):
    page = browse().open("passes/2026-01/ver02/runs/120445/index.html#p-RF_timing")
    page.wait_for_url("**/r2/index.html#p-RF_timing")
    expect(page.locator("[id='c-RF_timing']")).to_be_focused()


def test_unkind_names_are_shown_as_they_are(browse, samples):
    page = browse().open(UNKIND)
    assert page.locator("article.card").count() == len(samples.HOSTILE)
    names = page.locator("article.card").evaluate_all("(cards) => cards.map((card) => card.dataset.plot)")
    assert set(names) >= {samples.HOSTILE[0], samples.HOSTILE[1], samples.HOSTILE[2], samples.HOSTILE[6]}
    assert page.locator("img[src=x], script:not([src])").count() == 0
    for card in page.locator("article.card .pic").all()[:4]:
        card.click()
        page.keyboard.press("Escape")
    page.locator("#find").fill("<img src=x")
    assert shown_cards(page) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_injected_script_would_not_run(browse):
    window = browse()
    page = window.open(RUN)
    page.evaluate(INJECT)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in window.complaints)
    window.complaints.clear()


def test_all_verdicts_can_be_read_without_scripts(browse, samples):
    page = browse(java_script_enabled=False).open(RUN)
    view = samples.run_view()
    assert page.locator("article.card").count() == len(view.cards)
    text = page.locator("main").inner_text()
    for said in ("6 of 52 plot types need a look", "The peak is six times wider", "no file came", "Needs a look"):
        assert said in text
    assert page.locator("article.card .verdict:visible").count() == len(view.cards)
    assert not page.locator(".tools").is_visible()


@pytest.mark.parametrize("href", [RUN, UNKIND])
def test_nothing_sticks_out_of_a_telephone(browse, href):
    page = browse(viewport={"width": 400, "height": 800}).open(href)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator("article.card .pic").first.click()
    close = page.locator("#viewer .close").bounding_box()
    assert 0 <= close["x"] <= 400 - close["width"]


def test_headings_landmarks_and_names_are_there_for_those_who_listen(browse):
    page = browse().open(RUN)
    assert page.locator("h1").count() == 1
    headings = page.locator("main :is(h1, h2, h3, h4, h5):visible")
    levels = headings.evaluate_all("(all) => all.map((one) => Number(one.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for landmark in ("main", "header", "footer", "nav[aria-label]"):
        assert page.locator(landmark).first.is_visible()
    nameless = page.locator("button, a, input, select").evaluate_all(
        "(all) => all.filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label')"
        " || one.querySelector('[aria-label], img[alt]') || one.closest('label'))).map((one) => one.outerHTML)"
    )
    assert nameless == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").is_visible()


def test_print_shows_plots_and_leaves_controls_out(browse):
    page = browse().open(RUN)
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()
    assert page.locator("article.card:visible").count() == 68
