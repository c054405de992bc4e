from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hydra_core.models.engine import load
from hydra_core.models.lazy import tensorflow
from hydra_core.models.maps import class_map, contrast_map
from hydra_core.models.networks import build


def test_the_class_map_is_grad_cam_on_the_logit() -> None:
    tf, keras = tensorflow()
    keras.utils.set_random_seed(4)
    model = build("tiny", (32, 32), 3)
    images = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    inner = keras.Model(model.input, [model.get_layer("cam").input, model.get_layer("logits").output])
    cams = np.asarray(model(images, training=False)["cam"])
    for c in range(3):
        with tf.GradientTape() as tape:
            features, _ = inner(images, training=False)
            tape.watch(features)
            logit = tf.reduce_mean(model.get_layer("cam")(features), axis=(1, 2))[:, c]
        weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2), keepdims=True)
        by_tape = np.maximum(tf.reduce_sum(weights * features, axis=-1).numpy(), 0)
        for image in range(2):
            low, high = by_tape[image].min(), by_tape[image].max()
            scaled = (by_tape[image] - low) / (high - low) if high > low else np.zeros_like(by_tape[image])
            assert np.allclose(class_map(cams[image], c), scaled, atol=1e-4)


def test_the_contrast_map_points_at_the_dark_square(trained: Any) -> None:
    card = trained.result.card
    dead, good = card.classes.index("Dead"), card.classes.index("Good")
    chosen = [i for i, name in enumerate(trained.class_names) if name == "Dead"][:20]
    cams = load(trained.result.folder, threads=1).predict(trained.images[chosen]).cam
    hits = 0
    for i, cam in zip(chosen, cams, strict=True):
        y, x = np.unravel_index(contrast_map(cam, dead, good).argmax(), (8, 8))
        around = trained.images[i, max(0, 4 * y - 2) : 4 * y + 6, max(0, 4 * x - 2) : 4 * x + 6]
        hits += int(around.min() < 40)
    assert hits >= 15


@given(
    cam=arrays.arrays(
        np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)), elements=st.floats(-1e6, 1e6, width=32)
    )
)
def test_any_map_lies_between_nought_and_one(cam: np.ndarray) -> None:
    for made in (class_map(cam, 1), contrast_map(cam, 1, 0)):
        assert made.shape == cam.shape[:2]
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        assert made.min() >= 0
        assert made.max() in (0.0, pytest.approx(1.0))


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0, np.nan])
def test_a_flat_map_shows_nothing(value: float) -> None:
    assert not class_map(np.full((4, 5, 2), value, np.float32), 1).any()
    assert not contrast_map(np.full((4, 5, 2), value, np.float32), 1, 0).any()
