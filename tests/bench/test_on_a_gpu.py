"""What a GPU gives is measured by the one command, and its code is tried wherever the command runs.

The figures are on the page of trainings: ``make bench PYTEST="-k 'training or gpu'"``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import on_a_gpu
from tests.bench.training_kept import Kept

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]

FEW = on_a_gpu.Asked("tiny", (32, 32), good=64, bad=16, test_good=16, test_bad=8, steps=6, every=2, timed=2)


def test_a_gpu_is_measured_the_same_way_on_any_device(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert on_a_gpu.NOT_MEASURED in "\n".join(on_a_gpu.section(kept))
    found = kept.result(on_a_gpu.NAME, lambda: on_a_gpu.measure(FEW, kept))
    assert [len(found[key]) for key in ("training", "judging", "evaluations")] == [2, 2, 3]
    assert all(speed > 0 for speed in (*found["training"].values(), *found["judging"].values()))
    page = "\n".join(on_a_gpu.section(kept))
    assert on_a_gpu.NOT_MEASURED not in page
    assert "| training, batches of 16 |" in page
