"""Real ROOT files, cut at each per cent and with wrong bytes: histograms or a reason, never an end of the reader."""

from __future__ import annotations

import os
import random
from pathlib import Path, PurePosixPath

import pytest

from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.reader import read_many
from tests.histogram_files import count_useful

LIMITS = ReadLimits(seconds_per_file=60, seconds_per_object=30, memory_mb=200)
WRONG = 40


@pytest.mark.faults
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["uproot-issue64.root", "uproot-issue213.root", "uproot-from-geant4.root"])
def test_a_damaged_real_file_gives_histograms_or_a_reason(tmp_path: Path, name: str) -> None:
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "root_corner_cases" / "scikit-hep-testdata"
    data = (folder / name).read_bytes()
    chance = random.Random(name)
    changed = [data[: len(data) * part // 100] for part in range(100)]
    for number in range(WRONG):
        wrong = bytearray(data)
        for _ in range(10 ** (number % 4)):
            wrong[chance.randrange(len(wrong))] = chance.randrange(256)
        changed.append(bytes(wrong))
    for number, content in enumerate(changed):
        (tmp_path / str(number)).write_bytes(content)
    files = [(PurePosixPath(str(number)), None) for number in range(len(changed))]
    assert 0 < count_useful(read_many(tmp_path, files, LIMITS), len(changed)) < len(changed)
