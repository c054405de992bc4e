"""What a network says must be what it has learned, however fast or slowly running statistics follow the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hydra_core.models.asked import TrainSpec
from hydra_core.models.fit import COUNTED
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build
from hydra_core.models.steps import Steps
from hydra_core.models.train_on import Fitted, Labelled, train_on
from tests.training.conftest import dark_patches

pytestmark = pytest.mark.training

SPEC = TrainSpec(network="tiny", size=(16, 16), epochs=3, batch=8, min_steps=4, arithmetic="float32", near=0)


@pytest.fixture(scope="module")
def given() -> Labelled:
    return dark_patches(5)


def trained(given: Labelled, momentum: float, keep: str) -> Fitted:
    return train_on(
        SPEC.model_copy(update={"bn_momentum": momentum, "keep": keep}), given, tell=lambda _line: None, threads=1
    )


@pytest.mark.parametrize("keep", ["best", "averaged"])
def test_it_says_the_same_whether_its_running_statistics_follow_fast_or_slowly(given: Labelled, keep: str) -> None:
    slow, fast = trained(given, 0.999, keep), trained(given, 0.2, keep)
    for side in ("validation", "test"):
        assert np.allclose(slow.answers[side].probs, fast.answers[side].probs, atol=1e-5), side
    assert [point.validation_loss for point in slow.curve] == pytest.approx(
        [point.validation_loss for point in fast.curve], abs=1e-5
    )


def batches(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(7)
    return (rng.integers(0, 256, (8, 16, 16, 3)).astype(np.uint8) for _ in range(count))


def first_normalising(model: Any) -> tuple[Any, Any]:
    """Return the first convolution with its rescaling before it, as a function, and the normalisation behind it."""
    _, keras = tensorflow()
    body = model.get_layer("body")
    layer = next(one for one in body.layers if isinstance(one, keras.layers.BatchNormalization))
    return keras.Model(body.inputs[0], layer.input), layer


def test_statistics_are_the_mean_over_the_batches_and_training_goes_on_as_before() -> None:
    model = build("tiny", (16, 16), 2)
    before, layer = first_normalising(model)
    momentum = layer.momentum
    Steps(model, SPEC, np.ones(2, np.float32)).count_anew(batches(COUNTED))
    seen = [np.asarray(before(one.astype(np.float32))) for one in batches(COUNTED)]
    assert np.allclose(layer.moving_mean, np.mean([one.mean(axis=(0, 1, 2)) for one in seen], axis=0), atol=1e-5)
    assert np.allclose(layer.moving_variance, np.mean([one.var(axis=(0, 1, 2)) for one in seen], axis=0), atol=1e-5)
    assert layer.momentum == momentum


def test_normalisation_inside_a_model_within_the_model_is_counted_too() -> None:
    _, keras = tensorflow()
    inner = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.BatchNormalization()])
    image = keras.Input((16, 16, 3), name="image")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.Model(inner.inputs[0], inner.outputs[0])(image))
    model = keras.Model(image, {"probs": keras.layers.Dense(2, activation="softmax")(pooled)})
    Steps(model, SPEC, np.ones(2, np.float32)).count_anew(batches(2))
    seen = np.mean([one.mean(axis=(0, 1, 2)) for one in batches(2)], axis=0)
    assert np.allclose(inner.layers[0].moving_mean, seen, rtol=1e-4)


def test_a_network_without_normalisation_is_left_as_it_is() -> None:
    model = build("vit_tiny", (32, 32), 2)
    steps = Steps(model, SPEC.model_copy(update={"size": (32, 32)}), np.ones(2, np.float32))
    weights = model.get_weights()
    steps.count_anew(iter([np.zeros((2, 32, 32, 3), np.uint8)]))
    assert all(np.array_equal(one, other) for one, other in zip(weights, model.get_weights(), strict=True))
