"""What the tests of histogram files share: a reading process, and the folder of real data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hydra_core.intake.histograms.reader import FileContent, Worker, read_histograms
from tests.histogram_files import RootMaker


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder that HYDRA_REAL_DATA names; only for tests marked ``real_data``."""
    return Path(os.environ["HYDRA_REAL_DATA"])


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """Return a reading process for all tests: starting one takes half a second."""
    with Worker() as started:
        yield started


@pytest.fixture
def read(tmp_path: Path, worker: Worker) -> Callable[..., FileContent]:
    """Return a function that reads a file of `tmp_path`."""

    def reading(name: str = "file.root", **options: Any) -> FileContent:
        return read_histograms(tmp_path, PurePosixPath(name), worker=worker, **options)

    return reading


@pytest.fixture
def root(tmp_path: Path) -> RootMaker:
    """Return the maker of ROOT files in `tmp_path`."""
    return RootMaker(tmp_path)
