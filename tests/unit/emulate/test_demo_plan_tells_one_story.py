from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import FAULTS, FILE_FAULTS
from hydra_core.emulate.items import TruthItem, fault_cells, faults_of, item_histogram, item_truth
from hydra_core.emulate.plan import DemoPlan, demo_plot_types, plan_demo
from hydra_core.intake.naming import ParsedName, parse_path

PLAN = plan_demo()
LABELLED = ("CDC_occupancy", "RF_timing")


def bad_runs(plan: DemoPlan, plot: str, phase: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for run in plan.runs:
        if run.phase != phase or not run.has_beam:
            continue
        for fault in run.planted:
            if fault.plot == plot and fault.fault not in FILE_FAULTS:
                found.setdefault(run.number, set()).update(fault.chunks)
    return found


def test_a_plan_is_the_same_each_time_and_another_for_each_seed() -> None:
    assert plan_demo() == PLAN
    assert plan_demo().digest == PLAN.digest
    assert plan_demo(seed=1).digest != PLAN.digest
    assert plan_demo(chunks=5).digest != PLAN.digest


def test_the_default_demo_has_the_size_that_was_promised() -> None:
    images = [file for file in PLAN.files() if file.plot is not None]
    assert len(PLAN.runs) == 14
    assert 600 <= len(images) <= 650
    assert len({file.path for file in PLAN.files()}) == len(images) + 14


def test_run_numbers_start_where_the_experiment_does_and_have_gaps() -> None:
    numbers = [run.number for run in PLAN.runs]
    gaps = [after - before for before, after in pairwise(numbers)]
    assert numbers[0] == 121264
    assert min(gaps) >= 1
    assert len(set(gaps)) > 2
    starts = [run.start for run in PLAN.runs]
    assert starts == sorted(starts)


def test_a_larger_demo_begins_with_the_same_runs_and_contents() -> None:
    large = plan_demo(runs=40, plot_types=20, chunks=9)
    for small, big in zip(PLAN.runs, large.runs, strict=False):
        assert (small.number, small.conditions()) == (big.number, big.conditions())
        for plot in ("CDC_occupancy", "TOF_time", "DC_occupancy"):
            for chunk in (1, 5):
                assert [f.fault for f in faults_of(small, plot, chunk)] == [
                    f.fault for f in faults_of(big, plot, chunk)
                ]
    run, same = PLAN.runs[1], large.runs[1]
    for chunk in (2, 5):
        hist, _ = item_histogram(PLAN, run, "CDC_occupancy", chunk)
        other, _ = item_histogram(large, same, "CDC_occupancy", chunk)
        assert (hist.values == other.values).all()


def test_phases_hold_a_late_run_a_late_chunk_and_fresh_runs() -> None:
    assert len(PLAN.in_phase("fresh")) == 3
    (late,) = PLAN.in_phase("late_run")
    history = PLAN.in_phase("history")
    assert history[0].number < late.number < history[-1].number < PLAN.in_phase("fresh")[0].number
    assert len(PLAN.withheld("late_chunk")) == 8
    assert len(PLAN.withheld("late_run")) == 1 + 8 * 6 + 1
    assert PLAN.withheld("late_run")[0].endswith("metadata.json")
    assert PLAN.withheld("history") == ()
    assert [run.has_images for run in PLAN.runs].count(False) == 1
    assert [run.has_beam for run in PLAN.runs].count(False) == 2


@pytest.mark.parametrize("plot", LABELLED)
def test_history_has_bad_chunks_in_enough_runs_to_split_by_run(plot: str) -> None:
    bad = bad_runs(PLAN, plot, "history")
    images = sum(6 - len(run.late_chunks) for run in PLAN.in_phase("history") if run.has_images)
    assert len(bad) >= 5
    assert 0.25 <= sum(map(len, bad.values())) / images <= 0.6
    assert len(bad_runs(PLAN, plot, "fresh")) == 3


def test_fresh_runs_fail_in_parts_that_never_failed_before() -> None:
    def parts(phase: str) -> set[int]:
        plot = demo_plot("CDC_occupancy")
        return {
            fault.part % plot.part_count("board")
            for run in PLAN.in_phase(phase)
            for fault in run.planted
            if fault.plot == "CDC_occupancy" and FAULTS[fault.fault].scope in ("board", "pair")
        }

    def shifts(phase: str) -> set[tuple[str, float | None]]:
        runs = PLAN.in_phase(phase)
        return {(f.fault, f.amount) for run in runs for f in run.planted if f.plot == "RF_timing" and run.has_beam}

    assert len(parts("fresh")) >= 3
    assert not parts("fresh") & parts("history")
    assert not shifts("fresh") & shifts("history")


def test_the_default_demo_plants_every_kind_of_file_fault_and_most_faults_of_detectors() -> None:
    names = {fault.fault for run in PLAN.runs for fault in run.planted}
    assert set(FILE_FAULTS) <= names
    assert set(FAULTS) - names == {"low_gain_spectrum"}
    large = {fault.fault for run in plan_demo(runs=20, plot_types=24).runs for fault in run.planted}
    assert set(FAULTS) <= large


def test_the_naming_rules_read_every_path_of_the_demo() -> None:
    for file in PLAN.files():
        if file.plot is None:
            assert file.path.endswith(f"Run{file.run.number:06d}/metadata.json")
            continue
        parsed = parse_path(PurePosixPath(file.path))
        assert isinstance(parsed, ParsedName)
        assert (parsed.run, parsed.plot, parsed.chunk) == (file.run.number, demo_plot(file.plot).key, file.chunk)


def test_the_truth_says_where_a_fault_is() -> None:
    found: list[TruthItem] = [truth for file in PLAN.files() for truth in item_truth(PLAN, file)]
    assert Counter(item.fault for item in found)["late_run"] == 1
    for item in found:
        if item.plot_type is None:
            assert (item.expected, item.state, item.box) == (None, None, None)
        elif item.fault in FILE_FAULTS:
            assert item.state in ("unreadable", "stuck")
            assert item.box is None
        else:
            assert item.expected == FAULTS[item.fault].expected_class
            assert item.box is not None
            left, top, right, bottom = item.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
    boards = [item for item in found if item.fault == "dead_board" and item.plot_type == "CDC_occupancy:chunks"]
    assert all((item.box[2] - item.box[0]) * (item.box[3] - item.box[1]) < 0.08 for item in boards if item.box)


def test_faults_strike_within_their_plots_parts() -> None:
    for run in PLAN.runs:
        for fault in run.planted:
            if fault.plot is not None and fault.fault not in FILE_FAULTS:
                assert fault_cells(demo_plot(fault.plot), fault.fault, fault.part).any()


def test_plot_types_are_ready_for_the_configuration() -> None:
    types = demo_plot_types(PLAN)
    assert [plot.name for plot in types] == list(PLAN.names)
    assert len(types) == 9
    for plot in types:
        assert plot.expected
        assert all((plot.display, plot.group, plot.contact, plot.description))


def test_the_round_chamber_alone_trains_turned_and_mirrored_too() -> None:
    found = {plot.name: plot.training.augment for plot in demo_plot_types(PLAN) if plot.training is not None}
    assert found == {"CDC_occupancy": ("shift", "flip_x", "flip_y", "rotate90")}


def test_each_kind_of_fault_that_fresh_runs_bring_to_the_cdc_was_seen_in_several_history_runs() -> None:
    def kinds(phase: str) -> Counter[str]:
        runs = (run for run in PLAN.in_phase(phase) if run.has_beam)
        return Counter(name for run in runs for name in {f.fault for f in run.planted if f.plot == "CDC_occupancy"})

    assert all(kinds("history")[name] >= 5 for name in kinds("fresh"))


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 24), st.integers(1, 14), st.integers(0, 2**40))
def test_a_plan_of_any_size_holds_together(runs: int, plot_types: int, chunks: int, seed: int) -> None:
    plan = plan_demo(runs, plot_types, chunks, seed)
    assert len({run.number for run in plan.runs}) == runs
    if runs >= 4:
        assert plan.in_phase("fresh")
        assert plan.in_phase("history")
    assert len(plan.in_phase("late_run")) == (1 if runs >= 4 else 0)
    for run in plan.runs:
        assert all(set(fault.chunks) <= set(range(1, chunks + 1)) for fault in run.planted)
        assert all(fault.plot is None or fault.plot in plan.names for fault in run.planted)


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"chunks": 0}, {"seed": -1}, {"runs": 10**6}, {"plot_types": 25}])
def test_an_impossible_size_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(HydraError):
        plan_demo(**wrong)
