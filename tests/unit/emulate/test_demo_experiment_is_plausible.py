from __future__ import annotations

import numpy as np
import pytest

from hydra_core.base.errors import HydraError
from hydra_core.emulate.catalogue import MAX_PLOT_TYPES, demo_names, demo_plot
from hydra_core.emulate.plots import FIRST_RUN, make_item
from hydra_core.emulate.trackers import STRAWS_IN_RING

EVERY = pytest.mark.parametrize("name", demo_names(MAX_PLOT_TYPES))


def chunk_of(name: str, chunk: int) -> int | None:
    return chunk if demo_plot(name).chunked else None


@EVERY
def test_an_item_is_the_same_each_time_and_differs_between_runs_and_seeds(name: str) -> None:
    plot = demo_plot(name)
    item = make_item(plot, 3, FIRST_RUN + 2, chunk_of(name, 1)).values
    assert np.array_equal(item, make_item(plot, 3, FIRST_RUN + 2, chunk_of(name, 1)).values)
    assert not np.array_equal(item, make_item(plot, 4, FIRST_RUN + 2, chunk_of(name, 1)).values)
    assert not np.array_equal(item, make_item(plot, 3, FIRST_RUN + 3, chunk_of(name, 1)).values)


@EVERY
def test_counts_scatter_as_poisson_about_what_is_expected(name: str) -> None:
    plot = demo_plot(name)
    mean = plot.expected(0.0)
    total = 0.0
    for run in range(20):
        item = make_item(plot, 9, FIRST_RUN + run, chunk_of(name, 1))
        wide = (plot.expected(run / 60) > 20) & plot.live()
        level = item.values[wide].sum() / plot.expected(run / 60)[wide].sum()
        assert 0.85 < level < 1.15
        pull = (item.values[wide] - level * plot.expected(run / 60)[wide]) / np.sqrt(mean[wide])
        total += float((pull**2).mean()) / 20
    assert 0.75 < total < 1.3


@EVERY
def test_the_apparatus_drifts_slowly(name: str) -> None:
    plot = demo_plot(name)
    now, soon, later = (plot.expected(age / 60) for age in (0, 1, 120))
    some = now > 0.05 * now.max()
    step = np.abs(soon[some] / now[some] - 1).mean()
    assert step < 0.01
    assert np.abs(later[some] / now[some] - 1).mean() > step


@EVERY
def test_a_healthy_item_fits_the_range_it_is_drawn_in(name: str) -> None:
    plot = demo_plot(name)
    limits = plot.scale.colour if plot.frame.y is not None or plot.frame.geometry is not None else plot.scale.y
    assert limits is not None
    item = make_item(plot, 2, FIRST_RUN + 30, chunk_of(name, 2)).values
    assert np.quantile(item, 0.998) < limits[1]
    assert item.max() > 0.2 * limits[1] or plot.scale.log


def test_the_straw_chamber_has_its_straws_boards_and_dead_channels() -> None:
    plot = demo_plot("CDC_occupancy")
    assert plot.frame.values.size == sum(STRAWS_IN_RING) == 3522
    assert len(STRAWS_IN_RING) == 28
    boards = plot.parts["board"]
    assert plot.part_count("board") == 45
    assert np.bincount(boards).min() > 40
    dead = plot.expected(0.0) == 0
    assert dead.sum() == 7
    assert np.array_equal(dead, plot.expected(5.0) == 0)
    ring = np.repeat(np.arange(28), STRAWS_IN_RING)
    means = [plot.expected(0.0)[ring == number].mean() for number in (0, 8, 16, 27)]
    assert means == sorted(means, reverse=True)


@EVERY
def test_parts_cover_their_plot(name: str) -> None:
    plot = demo_plot(name)
    for kind, parts in plot.parts.items():
        assert parts.shape == plot.frame.values.shape
        for number in range(plot.part_count(kind)):
            assert plot.cells(kind, number).any()
        assert np.array_equal(plot.cells(kind, 1), plot.cells(kind, 1 + plot.part_count(kind)))


def test_once_a_run_comes_in_addition_and_names_are_unique() -> None:
    assert demo_names(2) == ("CDC_occupancy", "RF_timing", "Kinematics")
    assert len(set(demo_names(MAX_PLOT_TYPES))) == MAX_PLOT_TYPES + 1 == 25
    assert not demo_plot("Kinematics").chunked
    for count in (0, MAX_PLOT_TYPES + 1):
        with pytest.raises(HydraError, match="plot types"):
            demo_names(count)
