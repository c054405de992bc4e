"""``docs/histogram-files.md`` says what the program does: its example is read, its classes and limits are the real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hydra_core.intake.histograms import hdf5_file, objects, reader
from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.reader import FileContent
from hydra_core.intake.histograms.root_histogram import DRAWN

TEXT = (Path(__file__).parents[4] / "docs" / "histogram-files.md").read_text(encoding="utf-8")


def test_the_example_is_run_and_read_back(tmp_path: Path, read: Callable[..., FileContent]) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, env={**os.environ})
    content = read("histograms.h5")
    (found,) = content.histograms
    assert (found.path, found.hist.title, found.hist.x.title) == ("CDC/drift_time", "Drift time", "Time [ns]")
    assert found.hist.values.tolist() == [0, 1, 0, 2, 0, 0, 0, 1, 0, 0]
    assert found.hist.entries == 4


def test_every_class_that_is_read_is_named(tmp_path: Path) -> None:
    told = set(re.findall(r"`(T\w+)`", TEXT.split("Not drawn")[0]))
    told |= {name.replace("TH1", "TH2") for name in told if name.startswith("TH1")}
    assert set(DRAWN) <= told
    assert not set(DRAWN) & set(re.findall(r"`(T\w+)`", TEXT.split("Not drawn")[1]))


def test_the_limits_are_those_of_the_program() -> None:
    limits = ReadLimits()
    for told in (
        f"{limits.seconds_per_file:g} s, {limits.memory_mb} MB of memory, {limits.max_file_bytes >> 30} GB on disk",
        f"| one object | {limits.seconds_per_object:g} s |",
        f"{limits.max_bins:,} bins",
        f"{limits.max_histograms:,}, and {limits.max_content_mb} MB of contents",
        f"| folders inside folders | {objects.MAX_DEPTH} |",
    ):
        assert told in TEXT
    assert reader.RESTARTS == 3
    assert "three times a file" in TEXT


@pytest.mark.parametrize("name", [hdf5_file.MARK, *hdf5_file._KINDS])
def test_the_words_of_the_convention_are_explained(name: str) -> None:
    assert f"`{name}`" in TEXT
