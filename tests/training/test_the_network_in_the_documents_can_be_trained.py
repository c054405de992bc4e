from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from hydra_core.models.devices import prepare
from hydra_core.models.networks import build
from tests.unit.docs.conftest import ROOT, Document

pytestmark = pytest.mark.training


@pytest.fixture
def example() -> str:
    """Return the code of the network of one's own."""
    blocks = [text for language, text in Document(ROOT / "docs" / "models.md").blocks if language == "python"]
    assert len(blocks) == 1
    found: str = blocks[0]
    return found


def test_the_example_of_a_network_of_ones_own_is_ten_lines_and_works(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = example.partition("def ")[2].strip().splitlines()
    assert len(body) <= 11
    module = types.ModuleType("our_networks")
    exec(compile(example, "docs/models.md", "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "our_networks", module)
    # Trainings of other tests in this process want TensorFlow to have one core.
    prepare(threads=1, seed=0)
    model = build("own", (64, 96), 3, module="our_networks:stripes")
    out = model(np.zeros((1, 64, 96, 3), np.float32), training=False)
    assert tuple(out["cam"].shape) == (1, 8, 12, 3)
    assert float(np.sum(out["probs"])) == pytest.approx(1)
