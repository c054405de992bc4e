from __future__ import annotations

import re
from typing import Any

from hydra_core.ask.known_names import KnownNames
from hydra_core.ask.plan import plan_question
from hydra_core.ask.read import read_question
from hydra_core.base.names import PlotKey
from hydra_core.store.query import Names, views
from tests.query_samples import NOW
from tests.views_document import with_lists

#: What the questions of the page name.
NAMES = Names(
    plots={PlotKey("CDC_occupancy", chunked=True): 1, PlotKey("FDC_occupancy", chunked=False): 2},
    display={},
    groups={"CDC": frozenset({1}), "bad": frozenset({2})},
    detectors=frozenset({"CDC", "bad"}),
    classes=("Good", "Bad"),
    people=("Ada", "demo-expert"),
    models=("CDC-007",),
    passes=("2026-01/ver02",),
)


def test_the_lists_of_views_are_those_of_the_program(reference: Any) -> None:
    assert with_lists(reference.text) == reference.text, "run 'python -m tests.views_document'"
    told = re.findall(r"^### View `(\w+)`", reference.text, re.MULTILINE)
    assert told == [view.name for view in views()]


def test_every_question_of_the_page_is_understood(documents: dict[str, Any]) -> None:
    asked = [
        found
        for language, block in documents["docs/asking.md"].blocks
        if language == "sh"
        for found in re.findall(r'^hydra ask "([^"]+)"', block, re.MULTILINE)
    ]
    asked += re.findall(r"^\| \*(.+?)\* \|", documents["docs/asking.md"].text, re.MULTILINE)
    assert len(asked) > 20
    for text in asked:
        plan_question(read_question(text, KnownNames(NAMES), NOW))
