"""A home folder for Cylc, and one demo that is played in it for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.own_cylc import OwnCylc, own_cylc
from tests.played_demo import PlayedDemo, played_demo
from tests.small_pass import demo_files, everything_arrived


@pytest.fixture(scope="session")
def cylc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnCylc]:
    made = own_cylc(tmp_path_factory.getbasetemp())
    yield made
    made.end_everything()


@pytest.fixture(scope="session")
def played(cylc: OwnCylc, tmp_path_factory: pytest.TempPathFactory) -> PlayedDemo:
    """The demo as it ends when nothing disturbs it."""
    return played_demo(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's images, those that come late included."""
    return everything_arrived(demo_files(tmp_path_factory.getbasetemp()))
