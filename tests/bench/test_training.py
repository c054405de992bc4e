"""What trainings are worth and cost; writes ``docs/results/training.md``.

Takes about two hours of one core. With ``HYDRA_BENCH_KEEP=FOLDER`` results are kept there part by part, and a
measurement that was stopped goes on; delete the folder to measure anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import on_a_gpu
from tests.bench import training_boards as boards
from tests.bench import training_networks as networks
from tests.bench import training_run_series as run_series
from tests.bench import training_sampling as sampling
from tests.bench import training_spectrograms as spectrograms
from tests.bench import training_wafers as wafers
from tests.bench import training_weights as weights
from tests.bench.training_kept import Kept, small
from tests.bench.training_words import page

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "training.md"

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]


@pytest.mark.parametrize("network", networks.FEW)
def test_every_network_takes_a_few_steps(network: str, kept: Kept) -> None:
    result = kept.result(f"few-{network}", lambda: networks.few_steps(network, kept))
    assert result["finite"]
    assert result["gradient_difference"] < 1e-4


@pytest.mark.parametrize("one", networks.TRAINED, ids=lambda one: one.name)
def test_networks_trained_to_the_end(one: networks.Trained, kept: Kept) -> None:
    fit = kept.result(f"fit-{one.name}", lambda: networks.train(one, kept))
    assert kept.result(f"trained-{one.name}", lambda: networks.examine(one, fit, kept))["maps"]


def test_the_map_of_what_differs(kept: Kept) -> None:
    assert kept.result("trained-residual", lambda: networks.residual_maps(kept))["maps"]


def test_a_gpu_where_there_is_one(kept: Kept) -> None:
    found = on_a_gpu.measured(kept)
    if found is None:
        pytest.skip(on_a_gpu.NOT_MEASURED)
    assert found["training"]


@pytest.mark.real_data
@pytest.mark.parametrize("case", wafers.CASES, ids=lambda case: case.name)
def test_maps_of_wafers(case: wafers.Case, kept: Kept) -> None:
    assert kept.result(case.name, lambda: wafers.train_case(case, kept))["truth"]


@pytest.mark.real_data
@pytest.mark.parametrize("case", spectrograms.CASES, ids=lambda case: case.name)
def test_titles_of_spectrograms(case: spectrograms.Case, kept: Kept) -> None:
    assert kept.result(case.name, lambda: spectrograms.train_case(case))["truth"]


@pytest.mark.real_data
@pytest.mark.parametrize("case", run_series.CASES, ids=lambda case: case.name)
def test_a_series_of_runs(case: run_series.Case, kept: Kept) -> None:
    assert kept.result(case.name, lambda: run_series.train_case(case))["runs"]


@pytest.mark.parametrize(
    ("case", "seed"),
    [pytest.param(case, seed, id=f"{case.name}-seed{seed}") for case in boards.CASES for seed in case.seeds],
)
def test_outages_of_boards(case: boards.Case, seed: int, kept: Kept) -> None:
    result = kept.result(f"{case.name}-seed{seed}", lambda: boards.train_case(case, seed, kept))
    assert len(result["positions"]) == case.positions


@pytest.mark.parametrize("case", weights.CASES, ids=lambda case: case.name)
def test_which_weights_to_keep(case: weights.Case, kept: Kept) -> None:
    assert kept.result(case.name, lambda: weights.train_case(case, kept))["ways"]


@pytest.mark.parametrize(
    ("case", "seed"),
    [pytest.param(case, seed, id=f"{case.name}-seed{seed}") for case in sampling.CASES for seed in case.seeds],
)
def test_sampling_schemes(case: sampling.Case, seed: int, kept: Kept) -> None:
    result = kept.result(f"{case.name}-seed{seed}", lambda: sampling.train_case(case, seed, kept)[1])
    assert result["images"] > 0


def test_the_page_is_written(kept: Kept) -> None:
    """Last: it tells of all parts that are kept, and says of the others that they were not measured."""
    written = page(kept)
    (kept.folder / "training.md" if small() else RESULTS).write_text(written, encoding="utf-8")
    print(written)
