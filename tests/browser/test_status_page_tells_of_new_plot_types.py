"""What waits for a decision, on the status page in a real browser."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1440, 390])
def test_new_plot_types_come_first_and_fit_the_window(browse, width):
    page = browse(viewport={"width": width, "height": 900}).open("status.html#new-types")
    assert page.locator("h2").first.inner_text() == "New plot types"
    assert page.locator("#new-types li").count() == 4
    for command in page.locator(".command").all():
        box = command.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_click_selects_a_whole_command(browse):
    page = browse().open("status.html")
    page.locator("#new-types .command").first.click()
    assert page.evaluate("window.getSelection().toString()") == "hydra plots accept CDC_occupancy_v2:chunks"
