from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.report.charts import CELL_HEIGHT, CELL_WIDTH, HEIGHT, WIDTH, confidences, reliability
from hydra_core.report.pages import publish_library
from hydra_core.report.site_views import LibraryView


def page(folder: Path, view: LibraryView) -> str:
    publish_library(folder, view)
    return (folder / "library.html").read_text(encoding="utf-8")


counts = st.lists(st.lists(st.lists(st.integers(0, 10**6), min_size=5, max_size=5), min_size=2, max_size=2), max_size=3)


@given(cells=counts)
def test_every_bar_of_a_cell_lies_in_it_and_none_is_lost(cells: list[list[list[int]]]) -> None:
    for row, paths in zip(cells, confidences(cells), strict=True):
        for numbers, path in zip(row, paths, strict=True):
            bars = re.findall(r"M([\d.]+) (\d+)v-([\d.]+)h([\d.]+)v", path)
            assert len(bars) == sum(number > 0 for number in numbers)
            assert all(
                float(x) + float(wide) <= CELL_WIDTH and 0 < float(high) <= CELL_HEIGHT for x, _, high, wide in bars
            )


def test_bars_of_all_cells_share_a_logarithmic_scale() -> None:
    (paths,) = confidences([[[1, 10, 100], [10, 0, 0]]])
    heights = [[float(high) for high in re.findall(r"v-([\d.]+)", path)] for path in paths]
    one, ten, hundred = heights[0]
    assert ten - one == pytest.approx(hundred - ten, abs=0.15)
    assert heights[1] == [ten]


@given(bins=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10**6)), max_size=10))
def test_every_dot_lies_in_the_chart(bins: list[tuple[float, float, int]]) -> None:
    points = reliability(bins).points
    assert len(points) == len(bins)
    for (x, y, radius, images, sentence), (_, _, number) in zip(points, bins, strict=True):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
        assert 0 < radius <= 7
        assert images == number
        assert f"of {number} images" in sentence


def test_a_dot_lies_on_the_line_where_confidence_means_what_it_says() -> None:
    chart = reliability([(0.0, 0.0, 1), (1.0, 1.0, 5), (0.9, 0.6, 5)])
    ends = re.findall(r"[\d.]+", chart.honest)
    assert [float(end) for end in ends] == [*chart.points[0][:2], *chart.points[1][:2]]
    # Too sure is below the line: further down on the page.
    assert chart.points[2][1] > reliability([(0.9, 0.9, 5)]).points[0][1]


def test_a_model_is_told_in_words_of_an_expert(tmp_path, samples):
    text = page(tmp_path, samples.library_view())
    for wanted in (
        "How it fares with each class",
        "0.84 to 0.98",
        "What its confidence means",
        "temperature 1.62",
        "where it is 0.86 sure, 0.80 of 15 images are right",
        "Emulated faults in good test plots",
        "13 of 20",
        "A program drew these faults",
    ):
        assert wanted in text
    assert text.count('class="spread"') == sum(n > 0 for row in samples.library_view().models[0].confusion for n in row)


def test_a_model_of_an_earlier_version_has_a_page_without_what_it_lacks(tmp_path, samples):
    view = samples.library_view()
    older = replace(view.models[0], confidences=(), fares=(), reliability=(), calibration="", faults=())
    text = page(tmp_path, replace(view, models=(older,)))
    assert ">118<" in text
    assert "Emulated" not in text
    assert 'class="spread"' not in text
    assert "What its confidence means" not in text


def test_a_playground_is_linked_where_there_is_one(tmp_path, samples):
    view = samples.library_view()
    assert "Playground" not in page(tmp_path, view)
    beside = tmp_path / "playground" / view.models[0].plot_slug / "index.html"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert f'href="playground/{view.models[0].plot_slug}/index.html"' in page(tmp_path, view)


def test_class_names_from_outside_stay_text(tmp_path, samples):
    view = samples.library_view()
    hostile = '"><img src=x onerror=alert(1)>'
    model = view.models[0]
    odd = replace(
        model,
        classes=(hostile, *model.classes[1:]),
        fares=((hostile, *model.fares[0][1:]),),
        faults=((hostile, 1, 2, 0.1, 0.9),),
        calibration=hostile,
    )
    text = page(tmp_path, replace(view, models=(odd,)))
    assert "<img" not in text
    assert text.count("&lt;img") >= 4
