"""The explanation of a heat map says how far it is to be trusted, by how its model fared in its test."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hydra_core.report.map_words import MAP_SAYS, map_says
from hydra_core.report.pages import publish_run
from hydra_core.report.views import HeatMap

VALUES = np.eye(4, dtype=np.float32)


@pytest.mark.parametrize(
    ("tested", "worth"),
    [
        ((197, 204), "learned"),
        ((104, 122), "weak"),
        ((12, 12), "few"),
        ((1, 2), "weak"),
        ((0, 0), "untested"),
        (None, "untested"),
    ],
)
@pytest.mark.parametrize("kind", ["contrast", "cam"])
def test_a_map_of_the_model_is_worth_what_its_test_says(samples, tested, worth, kind):
    assert map_says(HeatMap("Bad", kind, VALUES), tested, samples.CLASSES) == f"{kind}-{worth}"


@pytest.mark.parametrize(("kind", "says"), [("residual", "residual"), ("active", "active"), ("cam", "fine")])
def test_a_map_that_does_not_speak_for_a_fault_is_told_without_the_test(samples, kind, says):
    assert map_says(HeatMap("Good", kind, VALUES), (12, 12), samples.CLASSES) == says


def test_a_model_that_learned_well_is_not_distrusted_and_the_others_are():
    for key, words in MAP_SAYS.items():
        assert ("Do not rely on it" in words) == key.endswith("-weak"), key
        assert ("Take it with care" in words) == key.endswith(("-few", "-untested")), key


def test_the_page_says_in_how_many_test_images_the_model_was_right(tmp_path, samples):
    maps = (HeatMap("Good", "residual", VALUES), HeatMap("Bad", "contrast", VALUES))
    card = samples.card("Plot", class_name="Bad", severity=3, image=samples.drawn("spectrum", 1), maps=maps)
    view = replace(samples.good_run(), cards=(replace(card, tested=(11, 12)),))
    html = (tmp_path / publish_run(tmp_path, view, full_images="flagged")).read_text(encoding="utf-8")
    assert "Trust this map first" in html
    assert "too few to tell how well it learned" in html
    assert re.findall(r'data-says="contrast-few" data-tested="([^"]*)"', html)[0] == "right in 11 of 12 test images"
    assert re.findall(r'data-says="residual" data-tested', html) == []
    assert "Plot-ver3</bdi>, right in 11 of 12 test images" in html


def test_evidence_is_told_as_questions_and_sentences_without_names_of_variables(tmp_path, samples):
    view = samples.fast(samples.run_view())
    html = (tmp_path / publish_run(tmp_path, view, full_images="all")).read_text(encoding="utf-8")
    assert "<b>Is it empty?</b> 84 % of its frame differs from the background.</li>" in html
    assert "<b>Which class?</b> CDC_occupancy-ver3 says Bad.</li>" in html
    read = re.sub(r"<[^>]*>", " ", html)
    assert re.findall(r"\b(ink|filled|novelty|softmax|logit|macro-F1)\b", read) == []
