from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bench.looking_at_maps import largest_group, on_defect, share_inside
from tests.bench.training_figures import auroc, figure
from tests.bench.training_kept import Kept
from tests.bench.training_sampling import crossing
from tests.bench.training_sampling_words import sampling_section
from tests.bench.training_words import page, table


def test_a_level_counts_only_when_it_still_holds_at_the_next_look() -> None:
    looks = [[400, 1.0, 0.96], [800, 2.0, 0.5], [1200, 3.0, 0.97], [1600, 4.0, 0.98], [2000, 5.0, 0.99]]
    assert crossing(looks, 0.95) == (1200, 3.0)
    assert crossing(looks, 0.99) is None


def test_the_defect_is_the_largest_group_of_failed_dies() -> None:
    failed = np.zeros((12, 12), np.bool_)
    failed[2, [2, 3, 5]] = True
    failed[9, [8, 9]] = True
    failed[11, 0] = True
    assert np.argwhere(largest_group(failed)).tolist() == [[2, 2], [2, 3], [2, 5]]
    assert not largest_group(np.zeros((3, 3), np.bool_)).any()


@pytest.mark.parametrize("dies", [(5, 7), (16, 16), (50, 33)])
def test_a_map_that_is_the_defect_itself_lies_on_it_wholly(dies: tuple[int, int]) -> None:
    failed = np.zeros(dies, np.bool_)
    failed[:2, :2] = True
    fine = np.kron(failed, np.ones((4, 4)))
    peak, chance, other, share, area, _, n = on_defect([fine, 1 - fine], [failed, ~failed])
    assert (peak, other, n) == (1, 0, 2)
    assert share == pytest.approx(1)
    assert chance == area == 0.5


def test_a_flat_map_has_as_much_on_the_defect_as_the_defect_covers() -> None:
    assert share_inside(np.ones((7, 9)), (0.1, 0.2, 0.6, 0.4)) == pytest.approx(0.1)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert auroc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True])) == pytest.approx(0.875)
    assert np.isnan(auroc(np.ones(3), np.zeros(3, np.bool_)))


def test_a_figure_without_meaning_is_a_dash() -> None:
    counts = np.array([[[3, 0], [0, 0]], [[2, 1], [0, 0]]])
    assert figure([counts], "recall 1") == "-"
    assert figure([counts], "recall 0").startswith("0.833 (")


def test_a_kept_result_is_not_made_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.result("part", lambda: {"value": 1})["value"] == 1
    assert kept.result("part", lambda: {"value": 2})["value"] == 1
    assert kept.arrays("set", lambda: {"one": np.arange(3)})["one"].tolist() == [0, 1, 2]
    assert kept.arrays("set", lambda: {"one": np.arange(4)})["one"].tolist() == [0, 1, 2]


def test_the_page_says_of_what_is_missing_that_it_was_not_measured(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.result("few-tiny-of-another-version", lambda: {"value": 1})
    assert sampling_section(kept, table) == []
    written = page(kept)
    assert written.count("Not measured") == 7
    assert "time to 0.99: not measured: no GPU was at hand" in written
