"""Where the results of long measurements are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.training_kept import KEEP, Kept, small


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Return the folder that the environment names, or one of this test run's own."""
    given = os.environ.get(KEEP, "")
    folder = Path(given) if given else tmp_path_factory.mktemp("kept")
    folder = folder / ("small" if small() else "full")
    folder.mkdir(parents=True, exist_ok=True)
    return Kept(folder)
