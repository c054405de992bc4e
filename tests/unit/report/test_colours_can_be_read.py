"""Every state has a shape, a word, a colour and a place in Help; every colour can be read on every ground."""

from __future__ import annotations

import io
import re
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from hydra_core.report.marks import MARKS, RANK, shown
from hydra_core.report.pictures import heat_png
from hydra_core.report.rendering import template_folder
from hydra_core.report.views import ClassStyle, State

ASSETS = template_folder() / "assets"
GROUNDS = ("paper", "card", "tint")
TEXTS = (
    "ink", "soft", "link", "good", "acceptable", "unconfirmed", "bad", "novel", "no_data", "grey", "special_run",
)  # fmt: skip
CLASSES = (
    ClassStyle("Good", "#1b9e77", False),
    ClassStyle("Fine", "#1b9e77", False, normal=True),
    ClassStyle("Bad", "#d43d1a", True),
    ClassStyle("HotChannel", "#c9a400", True),
    ClassStyle("LED", "#6a5acd", False),
)


def properties(name: str) -> dict[str, str]:
    root = re.search(r":root\s*\{(.*?)\n\}", (ASSETS / name).read_text(encoding="utf-8"), re.DOTALL)
    assert root
    return dict(re.findall(r"--([a-z_]+):\s*(#[0-9a-f]{6});", root[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("sheet", ["hydra.css", "dark.css"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_stands_out_from_its_ground(sheet, ground, text):
    colours = properties(sheet)
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_the_scale_under_a_heat_map_has_the_colours_of_the_map():
    sheet = (ASSETS / "hydra.css").read_text(encoding="utf-8")
    scale = re.search(r"\.scale i::before \{.*?linear-gradient\(to right, (.*?)\); \}", sheet)
    assert scale
    stops = re.findall(r"rgb\((\d+) (\d+) (\d+)(?: / ([0-9.]+))?\)(?: ([0-9.]+)%)?", scale[1])
    assert len(stops) >= 4
    for place, (red, green, blue, alpha, percent) in enumerate(stops):
        value = float(percent or (0 if place == 0 else 100)) / 100
        with Image.open(io.BytesIO(heat_png(np.full((4, 4), value)))) as image:
            drawn = image.getpixel((1, 1))
        wanted = (int(red), int(green), int(blue), round(255 * float(alpha or 1)))
        assert drawn == pytest.approx(wanted, abs=2)


def test_both_schemes_define_the_same_colours():
    assert set(properties("dark.css")) == set(properties("hydra.css"))


def test_every_state_has_a_mark_with_a_shape_and_a_colour():
    symbols = set(re.findall(r'id="m-([a-z_]+)"', (template_folder() / "marks.svg").read_text(encoding="utf-8")))
    coloured = set(re.findall(r"\.([a-z_]+)(?=[ ,][^;]*--state:)", (ASSETS / "hydra.css").read_text(encoding="utf-8")))
    assert set(get_args(State)) - {"confirmed"} <= set(MARKS)
    assert symbols == set(MARKS) <= coloured
    assert all(mark.meaning and mark.action and mark.word for mark in MARKS.values())
    assert RANK["bad"] < RANK["novel"] < RANK["good"]


@pytest.mark.parametrize(
    ("class_name", "key", "colour"),
    [
        ("Good", "good", None), ("Fine", "good", None), ("Bad", "bad", None), ("HotChannel", "bad", "#c9a400"),
        ("LED", "other", "#6a5acd"), ("NoData", "no_data", None), ("Acceptable", "acceptable", None),
        ("unheard of", "other", None), (None, "undetermined", None),
    ],
)  # fmt: skip
def test_red_is_for_bad_alone(class_name, key, colour):
    mark = shown("confirmed", class_name, CLASSES)
    assert (mark.key, mark.colour) == (key, colour)


def test_an_unsure_verdict_never_looks_sure():
    assert {shown(state, "Good", CLASSES).key for state in ("unconfirmed", "novel", "missing")}.isdisjoint({"good"})
