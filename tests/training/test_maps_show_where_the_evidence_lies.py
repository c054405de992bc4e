from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hydra_core.models.engine import load
from hydra_core.models.gradcam import grad_cam
from hydra_core.models.lazy import tensorflow
from hydra_core.models.maps import class_map, contrast_map
from hydra_core.models.networks import build

pytestmark = pytest.mark.training


def noise(n: int, side: int = 32) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, side, side, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def network(trained: Any) -> Any:
    _, keras = tensorflow()
    keras.utils.set_random_seed(4)
    return build("tiny", (32, 32), 3)


def test_the_class_maps_of_a_prediction_are_grad_cam_on_the_logit(network: Any) -> None:
    images = noise(8)
    cams = np.asarray(network(images.astype(np.float32), training=False)["cam"])
    area = cams.shape[1] * cams.shape[2]
    by_tape = area * grad_cam(network, images, 2)
    assert np.abs(by_tape - cams[..., 2]).max() <= 2e-6 * np.abs(cams[..., 2]).max()
    for cam, made in zip(cams, by_tape, strict=True):
        assert np.allclose(class_map(cam, 2), class_map(made[..., None], 0), atol=1e-4)
    rather = area * grad_cam(network, images, 1, against=0)
    assert np.abs(rather - (cams[..., 1] - cams[..., 0])).max() <= 2e-6 * np.abs(cams).max()


def test_grad_cam_looks_at_a_finer_stage(network: Any) -> None:
    images = noise(3)
    finer = next(layer.name for layer in network.get_layer("body").layers if layer.name.startswith("re_lu"))
    made = grad_cam(network, images, 1, layer=finer)
    assert made.shape == (3, 16, 16)
    assert np.abs(made - grad_cam(network, images, 1, layer=finer, each_place=True)).max() > 0
    with pytest.raises(ValueError, match="no layer"):
        grad_cam(network, images, 1, layer="mixed7")


def whole_network(shape: tuple[int, int, int], n_classes: int) -> Any:
    _, keras = tensorflow()
    image = keras.Input(shape)
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(6, 3, strides=4, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(image, keras.layers.Dense(n_classes, activation="softmax")(x))


def test_a_head_that_came_from_the_site_has_grad_cam_too(trained: Any) -> None:
    _, keras = tensorflow()
    keras.utils.set_random_seed(2)
    model = build("own", (32, 32), 2, module=f"{__name__}:whole_network")
    images = noise(2)
    made = grad_cam(model, images, 1, against=0)
    assert made.shape == (2, 8, 8)
    assert made.any()
    # Two classes: what speaks for one speaks against the other.
    assert np.allclose(made, -grad_cam(model, images, 0, against=1), atol=1e-6)
    with pytest.raises(ValueError, match="does not depend"):
        grad_cam(model, images, 1, layer="embed")


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


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    ranks = [values.ravel().argsort().argsort() for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def test_fresh_weights_destroy_the_map(trained: Any) -> None:
    """Adebayo et al. 2018: a map that survives this shows the picture and not what was learned."""
    card = trained.result.card
    dead, good = card.classes.index("Dead"), card.classes.index("Good")
    chosen = [i for i, name in enumerate(trained.class_names) if name == "Dead"][:20]
    images = trained.images[chosen].astype(np.float32)
    _, keras = tensorflow()
    keras.utils.set_random_seed(8)
    network = build("tiny", (32, 32), 3)
    features = keras.Model(network.input, network.get_layer("features").output)
    unlearned = np.asarray(features(images, training=False))
    network.load_weights(trained.result.folder / "model.weights.h5")
    learned = np.asarray(features(images, training=False))
    head = np.asarray(network.get_layer("cam").kernel)[0, 0]
    rng = np.random.default_rng(8)
    draws = [rng.normal(size=head.shape[0]) for _ in range(40)]

    def likeness(values: np.ndarray, weights: np.ndarray) -> float:
        """Compare maps of Dead rather than Good with the learned ones, over all images."""
        wanted = learned @ (head[:, dead] - head[:, good])
        return float(np.mean([rank_correlation(a, b) for a, b in zip(wanted, values @ weights, strict=True)]))

    assert likeness(learned, head[:, dead] - head[:, good]) == pytest.approx(1)
    # Two fresh heads may agree by chance, or be each other's negative: many are asked.
    assert abs(np.mean([likeness(learned, draw) for draw in draws])) < 0.4
    assert abs(np.mean([likeness(unlearned, draw) for draw in draws])) < 0.4


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
