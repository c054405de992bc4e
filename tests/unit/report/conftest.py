"""The samples that unit and browser tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """Return ``tests/report_samples.py``."""
    if "report_samples" in sys.modules:
        return sys.modules["report_samples"]
    spec = importlib.util.spec_from_file_location("report_samples", Path(__file__).parents[2] / "report_samples.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_samples"] = module
    spec.loader.exec_module(module)
    return module
