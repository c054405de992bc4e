from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.intake.images import Unreadable
from hydra_core.models.comparison import HeldOut, Result, rows
from hydra_core.models.spec import Epoch, TrainSpec
from hydra_core.report.playground_page import MOST_SHOWN, PlaygroundView, headline, publish_playground

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=y>\u202e'
CLASSES = ("Bad", HOSTILE)


def result(called: list[int], seed: int, epochs: int = 2) -> Result:
    curve = tuple(
        Epoch(
            epoch=number,
            images=16,
            loss=1 / number,
            validation_loss=0.5,
            validation_accuracy=0.5,
            validation_macro_f1=0.4,
        )
        for number in range(1, epochs + 1)
    )
    return Result(
        identity="same",
        number=seed,
        spec=TrainSpec(network="tiny", seed=seed),
        classes=CLASSES,
        parameters=1234567,
        images_seen=16 * epochs,
        seconds=1.0,
        milliseconds=0.1,
        best_epoch=1,
        curve=curve,
        called=tuple(called),
        confidence=(0.9,) * len(called),
    )


def view(*called: list[int], waiting: int = 0) -> PlaygroundView:
    truth = [number % 2 for number in range(8)]
    test = HeldOut(tuple(CLASSES[one] for one in truth), tuple(range(8)), frozenset({"Bad"}))
    return PlaygroundView(
        experiment=HOSTILE,
        title=HOSTILE,
        updated_at=datetime(2026, 11, 21, tzinfo=UTC),
        rows=rows([result(one, seed, seed + 1) for seed, one in enumerate(called, start=1)], test),
        refused=((HOSTILE, HOSTILE),),
        test=test,
        names=tuple(f"{HOSTILE}{number}.png" for number in range(8)),
        sides={"train": 20, "validation": 4, "test": 8},
        left_out={HOSTILE: HOSTILE},
        copies=1,
        waiting=waiting,
    )


def picture(number: int) -> npt.NDArray[np.uint8]:
    return np.full((40, 60, 3), number * 20, np.uint8)


RIGHT = [0, 1, 0, 1, 0, 1, 0, 1]
ALL_BAD = [0] * 8


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    publish_playground(tmp_path, "playground/x", view(RIGHT, ALL_BAD), picture)
    html = (tmp_path / "playground/x/index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_pictures_of_what_they_disagree_on_lie_beside_the_page_and_no_others(tmp_path: Path) -> None:
    publish_playground(tmp_path, "p", view(RIGHT, ALL_BAD), picture)
    html = (tmp_path / "p/index.html").read_text(encoding="utf-8")
    kept = {path.name for path in (tmp_path / "p/pictures").iterdir()}
    assert len(kept) == 4 <= MOST_SHOWN
    assert all(f'src="pictures/{name}"' in html for name in kept)
    publish_playground(tmp_path, "p", view(RIGHT, RIGHT), picture)
    assert list((tmp_path / "p/pictures").iterdir()) == []
    assert "They say the same of every test image." in (tmp_path / "p/index.html").read_text(encoding="utf-8")


def test_the_page_reaches_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    publish_playground(tmp_path, "", view(RIGHT, ALL_BAD), picture)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "http:" not in html
    assert "https:" not in html
    assert "status.html" not in html
    assert (tmp_path / html.split('rel="stylesheet" href="')[1].split('"')[0]).is_file()


def test_below_a_site_the_page_leads_back_to_it(tmp_path: Path) -> None:
    publish_playground(tmp_path, "playground/x", view(RIGHT), picture)
    html = (tmp_path / "playground/x/index.html").read_text(encoding="utf-8")
    assert 'href="../../library.html"' in html


def test_every_network_has_its_row_its_curve_and_its_confusion(tmp_path: Path) -> None:
    publish_playground(tmp_path, "p", view(RIGHT, ALL_BAD, waiting=3), picture)
    html = (tmp_path / "p/index.html").read_text(encoding="utf-8")
    assert html.count('<table class="confusion"') == 2
    assert html.count('<path class="s0"') == html.count('<path class="s1"') == 2
    assert "1\u202f234\u202f567" in html
    assert "3 networks are not trained yet" in html
    assert "only 8 test runs" in html.lower()
    assert '<a href="#network-2">' in html
    assert 'id="network-2"' in html


def test_an_image_that_cannot_be_read_costs_its_picture_alone(tmp_path: Path) -> None:
    def broken(number: int) -> npt.NDArray[np.uint8]:
        raise Unreadable("gone")

    publish_playground(tmp_path, "p", view(RIGHT, ALL_BAD), broken)
    assert "The image cannot be read." in (tmp_path / "p/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("called", "said"),
    [
        ((), "No network could be trained."),
        ((RIGHT,), "One network: macro-F1 1.000."),
        ((ALL_BAD, RIGHT), "Of 2 networks tiny, seed 2 has the highest macro-F1, 1.000."),
        ((RIGHT, RIGHT), "Of 2 networks tiny, seed 1 has the highest macro-F1, 1.000; another one may be as good."),
    ],
)
def test_the_headline_says_which_is_best_and_whether_another_may_be_as_good(
    called: tuple[list[int], ...], said: str
) -> None:
    assert headline(view(*called)) == said


@settings(max_examples=25)
@given(st.text(max_size=40))
def test_any_file_name_can_be_shown(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-name"
    publish_playground(folder, "", replace(view(RIGHT, ALL_BAD), names=(name,) * 8, title=name), picture)
    assert "What they disagree on" in (folder / "index.html").read_text(encoding="utf-8")
