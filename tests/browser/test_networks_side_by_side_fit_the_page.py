"""The table of the playground page in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hydra_core.models.comparison import HeldOut, Result, rows
from hydra_core.models.spec import Epoch, TrainSpec
from hydra_core.report.playground_page import PlaygroundView, publish_playground

pytestmark = pytest.mark.browser
CLASSES = ("Bad", "Good")
RUNS = 12


@pytest.fixture(scope="module")
def playground(site):
    """Write a page that compares five networks of many sizes and seeds; return its path in the site."""
    rng = np.random.default_rng(3)
    truth = [CLASSES[number % 2] for number in range(10 * RUNS)]
    test = HeldOut(tuple(truth), tuple(number // 10 for number in range(len(truth))), frozenset({"Bad"}))
    point = Epoch(epoch=1, images=384, loss=0.5, validation_loss=0.5, validation_accuracy=0.5, validation_macro_f1=0.5)
    results = [
        Result(
            identity="same",
            number=number,
            spec=TrainSpec(network=network, size=size, seed=number),
            classes=CLASSES,
            parameters=23_456_789,
            images_seen=384,
            seconds=12_345.0,
            milliseconds=123.45,
            best_epoch=1,
            curve=(point,),
            called=tuple(int(wrong) ^ place % 2 for place, wrong in enumerate(rng.random(len(truth)) < 0.1 * number)),
            confidence=(0.9,) * len(truth),
        )
        for number, (network, size) in enumerate(
            [("compact", (128, 128)), ("inceptionv3", (299, 299)), ("inceptionv3", (192, 256)), ("vgg16", (224, 224))],
            start=1,
        )
    ]
    view = PlaygroundView(
        experiment="Hall D",
        title="CDC_occupancy",
        updated_at=datetime(2026, 11, 21, tzinfo=UTC),
        rows=rows(results, test),
        refused=(),
        test=test,
        names=tuple(f"{number}.png" for number in range(len(truth))),
        sides={"train": 900, "validation": 120, "test": len(truth)},
        left_out={},
        copies=0,
        waiting=0,
    )
    return publish_playground(site, "playground/CDC_occupancy", view, lambda _: np.full((40, 60, 3), 200, np.uint8))


@pytest.mark.parametrize("width", [1300, 1440])
def test_the_whole_table_is_seen_at_once_on_a_desk(browse, playground, width):
    page = browse(viewport={"width": width, "height": 900}).open(playground)
    assert page.locator("table.compared th:last-child").first.inner_text() == "One image"
    box = page.locator(".scroll:has(table.compared)")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize("width", [320, 420])
def test_on_a_phone_the_table_scrolls_in_its_own_box(browse, playground, width):
    page = browse(viewport={"width": width, "height": 900}).open(playground)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.locator(".scroll:has(table.compared)")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => { box.scrollLeft = 9999; return box.scrollLeft > 0 }")


#: On how many lines the name of the figure stands in an element.
LINES = """
element => { const text = element.firstChild, at = text.data.search(/macro.F1/i), range = document.createRange();
             range.setStart(text, at); range.setEnd(text, at + 8); return range.getClientRects().length; }
"""


@pytest.mark.parametrize("place", ["h1 span", "table.compared th:nth-child(3)"])
def test_the_name_of_a_figure_is_never_broken(browse, playground, place):
    element = browse(viewport={"width": 1300, "height": 900}).open(playground).locator(place)
    for wide in range(6, 30):
        element.evaluate("(element, wide) => { element.style.cssText = `display: block; width: ${wide}em` }", wide)
        assert element.evaluate(LINES) == 1
