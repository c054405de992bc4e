from __future__ import annotations

import numpy as np
import pytest

from hydra_core.emulate.catalogue import MAX_PLOT_TYPES, demo_names, demo_plot
from hydra_core.emulate.faults import FAULTS, apply_fault
from hydra_core.emulate.items import fault_cells
from hydra_core.emulate.plots import FIRST_RUN, make_item, rng_for
from hydra_core.emulate.story import suited_faults
from hydra_core.intake.histograms.histogram import Axis, Histogram

CDC, RF = "CDC_occupancy", "RF_timing"


def healthy(name: str, chunk: int = 3) -> Histogram:
    plot = demo_plot(name)
    return make_item(plot, 5, FIRST_RUN + 9, chunk if plot.chunked else None)


def spoilt(
    name: str, fault: str, part: int = 4, amount: float | None = None
) -> tuple[Histogram, Histogram, np.ndarray]:
    cells = fault_cells(demo_plot(name), fault, part)
    before = healthy(name)
    return before, apply_fault(fault, before, cells, rng_for(1, fault), amount), cells


def mean_place(values: np.ndarray) -> float:
    return float((values * np.arange(values.size)).sum() / values.sum())


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("name", [CDC, RF, "FCAL_occupancy", "HEL_scalers", "FTOF_tdcOccupancy", "ECAL_energy"])
def test_nothing_changes_but_the_bins_of_the_failing_part(name: str, fault: str) -> None:
    before, after, cells = spoilt(name, fault)
    assert (after.values != before.values).any()
    assert np.array_equal(after.values[~cells], before.values[~cells])
    assert (after.values >= 0).all()
    assert np.array_equal(after.values, np.floor(after.values))
    if before.mask is not None:
        assert not after.values[before.mask].any()
    assert after.entries == after.values.sum()


def test_faults_are_pure() -> None:
    plot = demo_plot(CDC)
    for fault in FAULTS:
        hist = healthy(CDC)
        kept = hist.values.copy()
        cells = fault_cells(plot, fault, 11)
        first = apply_fault(fault, hist, cells, rng_for(1, "x"))
        assert np.array_equal(first.values, apply_fault(fault, hist, cells, rng_for(1, "x")).values)
        assert np.array_equal(hist.values, kept)


def test_a_dead_board_counts_nothing() -> None:
    _, after, cells = spoilt(CDC, "dead_board")
    assert 40 < cells.sum() < 130
    assert not after.values[cells].any()


def test_a_board_at_30_percent_keeps_30_percent() -> None:
    before, after, cells = spoilt(CDC, "board_at_30_percent")
    assert after.values[cells].sum() / before.values[cells].sum() == pytest.approx(0.3, abs=0.02)


def test_a_dead_sector_is_larger_than_a_board() -> None:
    _, after, cells = spoilt(CDC, "dead_sector")
    assert cells.mean() == pytest.approx(1 / 6, abs=0.02)
    assert not after.values[cells].any()


def test_a_hot_channel_is_one_channel() -> None:
    before, after, _ = spoilt(CDC, "hot_channel")
    changed = np.flatnonzero(after.values != before.values)
    assert changed.size == 1
    assert after.values[changed[0]] > 2 * before.values.max()


@pytest.mark.parametrize("amount", [0.15, -0.2])
def test_a_shifted_peak_keeps_its_shape_elsewhere(amount: float) -> None:
    before, after, _ = spoilt(RF, "shifted_peak", amount=amount)
    moved = int(np.argmax(after.values)) - int(np.argmax(before.values))
    assert moved == round(amount * before.values.size)
    assert after.values.max() == before.values.max()


def test_a_doubled_peak_keeps_about_all_counts_in_two_places() -> None:
    before, after, _ = spoilt(RF, "doubled_peak", amount=0.25)
    assert after.values.sum() == pytest.approx(before.values.sum(), rel=0.05)
    step = 50
    top = int(np.argmax(before.values))
    between = after.values[top + step // 2 - 3 : top + step // 2 + 3].mean()
    assert after.values[top - 3 : top + 3].mean() > 3 * between
    assert after.values[top + step - 3 : top + step + 3].mean() > 3 * between


def test_noise_only_adds() -> None:
    before, after, _ = spoilt(RF, "noise")
    assert (after.values >= before.values).all()
    added = after.values - before.values
    assert added.mean() == pytest.approx(0.25 * before.values.max(), rel=0.05)


def test_a_swapped_cable_moves_counts_between_two_boards_that_differ() -> None:
    before, after, cells = spoilt(CDC, "swapped_cable", part=34)
    assert np.array_equal(np.sort(after.values), np.sort(before.values))
    boards = demo_plot(CDC).parts["board"]
    swapped = np.unique(boards[cells])
    assert swapped.size == 2
    for board in swapped:
        own = cells & (boards == board)
        assert abs(after.values[own].mean() / before.values[own].mean() - 1) > 0.25


def test_a_low_gain_lowers_counts_of_occupancies_and_places_of_spectra() -> None:
    before, after, _ = spoilt("ECAL_occupancy", "low_gain")
    assert after.values.sum() / before.values.sum() == pytest.approx(0.45, abs=0.05)
    before, after, _ = spoilt("ECAL_energy", "low_gain_spectrum")
    assert after.values.sum() == before.values.sum()
    assert mean_place(after.values) / mean_place(before.values) == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("name", demo_names(MAX_PLOT_TYPES))
def test_with_beam_an_empty_plot_is_empty_and_without_beam_nearly(name: str) -> None:
    before, empty, cells = spoilt(name, "empty_with_beam")
    assert empty.values.sum() == 0
    before, dark, cells = spoilt(name, "empty_without_beam")
    assert dark.values[cells].sum() < 0.01 * before.values[cells].sum()
    assert np.array_equal(dark.values[~cells], before.values[~cells])
    assert FAULTS["empty_without_beam"].expected_class == "NoData"


def test_clocks_count_without_beam() -> None:
    before, dark, _ = spoilt("HEL_scalers", "empty_without_beam")
    assert before.x.labels is not None
    clock = before.x.labels.index("Clock +")
    assert dark.values[clock] == before.values[clock] > 0


@pytest.mark.parametrize("name", demo_names(MAX_PLOT_TYPES))
def test_faults_suited_to_a_type_exist_and_show(name: str) -> None:
    for fault in suited_faults(name):
        before, after, _ = spoilt(name, fault)
        assert np.abs(after.values - before.values).sum() > 100


def test_a_part_without_bins_and_an_unknown_fault() -> None:
    hist = Histogram("h", "h", Axis.regular(4, 0, 1), None, np.ones(4), 4.0)
    assert apply_fault("dead_board", hist, np.zeros(4, dtype=np.bool_), rng_for(1)) is hist
    with pytest.raises(KeyError):
        apply_fault("gremlin", hist, np.ones(4, dtype=np.bool_), rng_for(1))
    ones = np.ones(4, dtype=np.bool_)
    assert np.array_equal(apply_fault("shifted_peak", hist, ones, rng_for(1), 0.0).values, hist.values)
