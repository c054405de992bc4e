"""A home folder for Cylc, one demo that nothing disturbs, and a run as it stands before each of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.own_cylc import OwnCylc, own_cylc
from tests.played_demo import PlayedDemo, played_demo
from tests.small_pass import demo_files, everything_arrived
from tests.staged_run import StagedRun, staged_run


@pytest.fixture(scope="session")
def cylc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnCylc]:
    made = own_cylc(tmp_path_factory.getbasetemp())
    yield made
    made.end_everything()


@pytest.fixture(scope="session")
def played(cylc: OwnCylc, tmp_path_factory: pytest.TempPathFactory) -> PlayedDemo:
    return played_demo(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return everything_arrived(demo_files(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> StagedRun:
    return staged_run(tmp_path_factory.mktemp("staged"))
