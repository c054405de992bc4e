from __future__ import annotations

import numpy as np
import pytest

from hydra_core.base.errors import ConfigError
from hydra_core.models.devices import prepare
from hydra_core.models.networks import build

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def _cores() -> None:
    """Trainings of other tests in this process want TensorFlow to have one core."""
    prepare(threads=1, seed=0)


@pytest.mark.parametrize(
    ("network", "size", "map_size"), [("compact", (128, 128), (16, 16)), ("tiny", (32, 48), (8, 12))]
)
def test_the_mean_of_a_map_is_the_logit(network: str, size: tuple[int, int], map_size: tuple[int, int]) -> None:
    model = build(network, size, 4)
    image = np.random.default_rng(0).uniform(0, 255, (2, *size, 3)).astype(np.float32)
    out = {name: np.asarray(value) for name, value in model(image, training=False).items()}
    assert out["cam"].shape == (2, *map_size, 4)
    logits = out["cam"].mean(axis=(1, 2))
    assert np.allclose(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), out["probs"], atol=1e-6)
    assert np.allclose(out["embed"] @ np.asarray(model.get_layer("cam").kernel)[0, 0], logits, atol=1e-5)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ConfigError, match="no network 'vgg'") as caught:
        build("vgg", (128, 128), 2)
    assert "compact" in str(caught.value)
    with pytest.raises(ConfigError, match="at least 75 x 75"):
        build("inceptionv3", (64, 64), 2)
