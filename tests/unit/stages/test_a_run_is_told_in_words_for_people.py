"""Conditions and incidents as the page of a run tells them."""

from __future__ import annotations

import pytest

from hydra_core.base.names import PlotKey
from hydra_core.stages.run_view import condition_words
from hydra_core.stages.wording import incident_view
from hydra_core.store.items import IncidentRow
from hydra_core.store.schema import ONCE_A_RUN
from tests.small_deployment import Deployment


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("beam_current_nA", 157.4, ("beam current", "157.4 nA")),
        ("chunk_s", 300, ("chunk", "300 s")),
        ("run_type", "production", ("run type", "production")),
        ("trigger_s", "wide", ("trigger s", "wide")),
        ("ready_s", True, ("ready s", "True")),
        ("s", 3, ("s", "3")),
        ("_s", 3, (" s", "3")),
        ("plane_A", 3, ("plane A", "3")),
    ],
)
def test_a_unit_stands_behind_its_number(key: str, value: object, said: tuple[str, str]) -> None:
    assert condition_words({key: value}) == (said,)


@pytest.mark.parametrize(
    ("chunks", "on_its_page", "elsewhere"),
    [
        ((1, 2), "in chunks 1 and 2", "in run 7, chunks 1 and 2"),
        ((1, 4), "in chunks 1 to 4", "in run 7, chunks 1 to 4"),
        ((3, 3), "in chunk 3", "in run 7, chunk 3"),
        ((ONCE_A_RUN, ONCE_A_RUN), "in this run", "in run 7"),
    ],
)
def test_the_page_of_a_run_does_not_name_that_run(
    deployment: Deployment, chunks: tuple[int, int], on_its_page: str, elsewhere: str
) -> None:
    key = PlotKey("CDC", True)
    first, last = chunks
    row = IncidentRow(1, "Bad", "confirmed", 3, 7, first, 7, last, 1)
    assert incident_view(deployment.site, key, row, page_of=7).sentence == f"CDC: Bad {on_its_page}"
    assert incident_view(deployment.site, key, row, page_of=8).sentence == f"CDC: Bad {elsewhere}"
    assert incident_view(deployment.site, key, row).sentence == f"CDC: Bad {elsewhere}"
