from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import FAULTS
from hydra_core.emulate.plots import make_item
from hydra_core.intake.block import BlockItem, write_block
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.histograms.reader import read_histograms
from hydra_core.models.answers import Answers, image_ids
from hydra_core.models.asked import InputSpec
from hydra_core.models.intervals import share_interval
from hydra_core.models.planted import NO_FAULT, Planted, recall_by_kind
from hydra_core.stages.fault_cells import BOARDS_1D, BOARDS_2D, boards, struck
from hydra_core.stages.library_view import CONFIDENCE_BINS, confidence_counts
from hydra_core.stages.planted_faults import MAP_KINDS, MOST_EACH, SPECTRUM_KINDS, planted, planted_faults
from hydra_core.store.labelbook import LabelledImage
from hydra_core.store.session import reading
from tests.request_samples import a_database, a_site

FTOF = PlotKey("FTOF_tdcOccupancy", True)
RUNS = (121001, 121002, 121003)


def blank(_: Histogram) -> np.ndarray:
    return np.zeros((4, 4, 3), np.uint8)


def flat(*shape: int, content: float = 400.0) -> Histogram:
    x, y = Axis.regular(shape[0], 0, 1), Axis.regular(shape[1], 0, 1) if len(shape) == 2 else None
    return Histogram("h", "", x, y, np.full(shape, content), content)


def seen_in(hist: Histogram) -> dict[str, list[np.ndarray]]:
    """Return by kind the contents of what is drawn."""
    drawn: list[np.ndarray] = []

    def draw(changed: Histogram) -> np.ndarray:
        drawn.append(changed.values)
        return blank(changed)

    found = planted([hist], draw, {"Good"}, seed=2)
    assert found is not None
    kinds = dict.fromkeys(found.kinds)
    return {kind: [one for one, of in zip(drawn, found.kinds, strict=True) if of == kind] for kind in kinds}


def tried(*good: Histogram) -> Planted:
    found = planted(good, blank, {"Good"}, seed=2)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "absent"),
    [("FTOF_tdcOccupancy", SPECTRUM_KINDS), ("CDC_occupancy", SPECTRUM_KINDS), ("TOF_time", MAP_KINDS)],
)
def test_each_kind_that_suits_a_plot_is_planted_a_few_times(name: str, absent: frozenset[str]) -> None:
    good = [make_item(demo_plot(name), 1, 121000 + number, 0) for number in range(8)]
    found = Counter(tried(*good).kinds)
    wanted = {kind.name for kind in FAULTS.values() if kind.expected_class == "Bad"} - absent
    assert set(found) == {NO_FAULT, *wanted}
    assert found[NO_FAULT] == 8
    assert max(found.values()) <= MOST_EACH
    assert found["dead_board"] == MOST_EACH


def test_the_same_histogram_gives_the_same_trial() -> None:
    hist = make_item(demo_plot("FTOF_tdcOccupancy"), 1, 121000, 0)
    first, again = seen_in(hist), seen_in(hist)
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[kind], again[kind]) for kind in first)


def test_faults_strike_many_places() -> None:
    found = seen_in(flat(24, 24))
    dead = {np.flatnonzero(values == 0).tobytes() for values in found["dead_board"]}
    assert len(dead) == len(found["dead_board"]) == MOST_EACH


def test_what_nobody_could_see_is_not_planted() -> None:
    # Both boards of a cable count alike.
    assert "swapped_cable" not in seen_in(flat(24, 24))
    contents = np.full((24, 24), 400.0)
    contents[:12] = 1
    found = seen_in(flat(24, 24).with_values(contents))
    assert "swapped_cable" in found
    # A dead board where hardly anything counts changes nothing for the eye.
    assert all(values[:12].sum() == 12 * 24 for values in found["dead_board"])


def test_without_histograms_of_counts_there_is_no_trial() -> None:
    assert planted([], blank, {"Good"}, seed=1) is None
    for content in (0.0, -3.0, float("nan"), 1e30):
        assert planted([flat(24, 24, content=content)], blank, {"Good"}, seed=1) is None


@pytest.mark.real_data
@pytest.mark.parametrize(
    "file",
    [
        "csc_1d_runs/root/run_297100.root",
        "hallb_calorimeter_histograms/run23899/CalibResult_iter1.root",
        "halld_hallc_eic_histograms/hallc_replay/cer_ped.root",
    ],
)
def test_real_histograms_of_every_form_can_be_struck(file: str) -> None:
    found = read_histograms(Path(os.environ["HYDRA_REAL_DATA"]), PurePosixPath(file)).histograms[:20]
    assert found
    trials = [planted([one.hist], blank, {"Good"}, seed=1) for one in found]
    assert any(trial is not None and len(set(trial.kinds)) >= 5 for trial in trials)


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), part=st.integers(0, 200))
def test_boards_share_no_bin_and_cover_the_map(rows: int, columns: int, part: int) -> None:
    hist = flat(rows, columns)
    covered = sum(struck(hist, "board", number).astype(int) for number in range(boards(hist)))
    assert (covered == 1).all()
    board, sector = struck(hist, "board", part), struck(hist, "sector", part)
    assert (board <= sector).all()
    assert (board <= struck(hist, "pair", part)).all()
    assert struck(hist, "all", part).all()


@given(bins=st.integers(1, 100), part=st.integers(0, 100))
def test_boards_of_a_spectrum_are_stretches_of_its_axis(bins: int, part: int) -> None:
    hist = flat(bins)
    assert boards(hist) == BOARDS_1D
    assert (sum(struck(hist, "board", number).astype(int) for number in range(BOARDS_1D)) == 1).all()
    assert (struck(hist, "board", part) <= struck(hist, "sector", part)).all()
    assert BOARDS_2D[0] * BOARDS_2D[1] == boards(flat(3, 3))


def test_a_kind_is_noticed_where_the_plot_is_not_called_normal() -> None:
    kinds = (NO_FAULT, NO_FAULT, "dead_board", "dead_board", "noise")
    probs = np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.6, 0.4, 0], [0.1, 0.1, 0.8]])
    found = recall_by_kind(
        Planted(np.zeros((5, 4, 4, 3), np.uint8), kinds, {"Good", "Acceptable"}), ("Good", "Acceptable", "Bad"), probs
    )
    assert [(one.kind, one.found, one.images) for one in found] == [
        (NO_FAULT, 0, 2),
        ("dead_board", 1, 2),
        ("noise", 1, 1),
    ]


@given(n=st.integers(1, 60), data=st.data())
def test_the_interval_of_a_share_holds_it_and_narrows_with_more_images(n: int, data: Any) -> None:
    hits = data.draw(st.integers(0, n))
    found, more = share_interval(hits, n), share_interval(hits * 10, n * 10)
    assert 0 <= found.low <= hits / n <= found.high <= 1
    assert found.high - found.low > 0
    assert more.high - more.low < found.high - found.low


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    found = share_interval(18, 20)
    assert (found.low, found.high) == (pytest.approx(0.6990, abs=1e-4), pytest.approx(0.9721, abs=1e-4))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        for run in RUNS:
            bins = encode_histogram(make_item(demo_plot(FTOF.name), 1, run, 0))
            drawn = BlockItem(FTOF, 0, "ok", sha256=sha256_bytes(b"picture"), data=b"picture", bins=bins)
            picture = BlockItem(FTOF, 1, "ok", sha256=sha256_bytes(b"only"), data=b"only")
            write_block(site.archive_file("p", run, 1), (drawn, picture), {})
        yield engine


def trial(site: Site, engine: Engine, classes: tuple[str, ...], tested: list[int], block: int = 0) -> Planted | None:
    images = [LabelledImage(str(run), name, 1, run, 1, 1, 0, block) for run, name in zip(RUNS, classes, strict=True)]
    with reading(engine) as connection:
        made = planted_faults(site, connection, FTOF, images, {1: "p"}, InputSpec(size=(32, 32)), seed=1)
    return made(np.array(tested))


def test_faults_are_planted_into_good_test_histograms_alone(site: Site, engine: Engine) -> None:
    found = trial(site, engine, ("Good", "Bad", "Acceptable"), [1, 2])
    assert found is not None
    assert Counter(found.kinds)[NO_FAULT] == 1
    assert found.images.shape[1:] == (32, 32, 3)
    assert set(found.normal) == {"Good", "Acceptable"}
    assert trial(site, engine, ("Good", "Bad", "Good"), [1]) is None
    assert trial(site, engine, ("Good", "Bad", "Good"), [0, 2], block=1) is None


def test_cells_count_test_images_by_what_they_are_and_by_confidence() -> None:
    probs = np.array([[0.97, 0.03], [0.97, 0.03], [0.4, 0.6], [1, 0], [0.2, 0.8]], np.float32)
    truth = np.array([0, 0, 0, 1, 1], np.int16)
    sides = np.array([1, 1, 1, 1, 0], np.uint8)
    answers = Answers(("Bad", "Good"), image_ids(list("abcde")), np.zeros(5, np.int64), truth, sides, probs)
    counts = np.array(confidence_counts(answers))
    assert counts.shape == (2, 2, CONFIDENCE_BINS)
    assert counts.sum(axis=2).tolist() == [[2, 1], [1, 0]]
    assert counts[0, 0, 19] == 2
    assert counts[0, 1, 12] == 1
    assert counts[1, 0, 19] == 1
    none = Answers(("Bad", "Good"), image_ids([]), truth[:0], truth[:0], sides[:0], probs[:0])
    assert np.array(confidence_counts(none)).sum() == 0
