from __future__ import annotations

import importlib.metadata
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.errors import ConfigError
from hydra_core.models.devices import prepare
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import NETWORKS, OWN_HEAD, build, learning_rate_of, network_names
from hydra_core.models.networks.parts import attention

pytestmark = pytest.mark.training

SHAPE = (16, 20, 3)


@pytest.fixture(autouse=True)
def _cores() -> None:
    """Trainings of other tests in this process want TensorFlow to have one core."""
    prepare(threads=1, seed=0)


def _image(shape: tuple[int, int, int]) -> tuple[Any, Any, Any]:
    _, keras = tensorflow()
    image = keras.Input(shape)
    return keras, image, keras.layers.Conv2D(5, 3, strides=2, activation="relu")(image)


def body(shape: tuple[int, int, int], _classes: int) -> Any:
    keras, image, features = _image(shape)
    return keras.Model(image, features)


def whole(shape: tuple[int, int, int], classes: int) -> Any:
    keras, image, features = _image(shape)
    hidden = keras.layers.Dense(7, activation="relu")(keras.layers.Flatten()(features))
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(hidden))


def logits(shape: tuple[int, int, int], classes: int) -> Any:
    keras, image, features = _image(shape)
    return keras.Model(image, keras.layers.Dense(classes, use_bias=False)(keras.layers.Flatten()(features)))


def few(shape: tuple[int, int, int], _classes: int) -> Any:
    return whole(shape, 1)


def flat(shape: tuple[int, int, int], classes: int) -> Any:
    keras, image, _ = _image(shape)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(keras.layers.Flatten()(image)))


def larger(_shape: tuple[int, int, int], classes: int) -> Any:
    return whole((32, 32, 3), classes)


def broken(_shape: tuple[int, int, int], _classes: int) -> Any:
    raise ValueError("it was late")


def nothing(_shape: tuple[int, int, int], _classes: int) -> None:
    return None


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    module = types.ModuleType("site_networks")
    for made in (body, whole, logits, few, flat, larger, broken, nothing):
        setattr(module, made.__name__, made)
    monkeypatch.setitem(sys.modules, "site_networks", module)
    return "site_networks"


def answers(model: Any) -> dict[str, np.ndarray]:
    image = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype(np.float32)
    return {name: np.asarray(value) for name, value in model(image, training=False).items()}


def test_a_body_of_a_site_gets_the_head_whose_maps_are_the_decision(site: str) -> None:
    out = answers(build("own", SHAPE[:2], 3, module=f"{site}:body"))
    mean = out["cam"].mean(axis=(1, 2))
    mean -= mean.max(axis=1, keepdims=True)
    assert out["cam"].shape == (2, 7, 9, 3)
    assert np.allclose(np.exp(mean) / np.exp(mean).sum(1, keepdims=True), out["probs"], atol=1e-6)


def test_a_whole_network_of_a_site_keeps_its_probabilities_and_has_one_map_for_all_classes(site: str) -> None:
    model = build("own", SHAPE[:2], 3, module=f"{site}:whole")
    out = answers(model)
    assert out["probs"].sum(1) == pytest.approx(1)
    assert out["cam"].shape == (2, 7, 9, 3)
    assert np.array_equal(out["cam"][..., 0], out["cam"][..., 2])
    assert out["embed"].shape == (2, 5)
    assert any(layer.name == OWN_HEAD for layer in model.layers)


def test_an_entry_point_is_a_network_by_its_name(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("strip", f"{site}:body", "hydra.networks")
    points = importlib.metadata.EntryPoints([point])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **wanted: points.select(**wanted))
    assert set(network_names()) == {*NETWORKS, "own", "strip"}
    assert answers(build("strip", SHAPE[:2], 2))["probs"].shape == (2, 2)
    assert learning_rate_of("strip") > 0


@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("", "the network own needs network_module"),
        ("no_such_module:f", "cannot be imported"),
        ("site_networks:none", "cannot be imported"),
        ("site_networks", "cannot be imported"),
        ("site_networks:broken", "cannot be built: ValueError: it was late"),
        ("site_networks:nothing", "is no Keras model"),
        ("site_networks:larger", "takes images of"),
        ("site_networks:few", "neither features"),
        ("site_networks:flat", "has no feature map"),
        ("site_networks:logits", "no probabilities"),
    ],
)
def test_what_is_no_network_is_refused_with_what_is_wrong(site: str, module: str, cause: str) -> None:
    with pytest.raises(ConfigError, match=cause):
        build("own", SHAPE[:2], 3, module=module)


def test_weights_of_a_body_are_taken_over(tmp_path: Path) -> None:
    first = build("tiny", (16, 16), 2)
    path = tmp_path / "start.weights.h5"
    first.get_layer("body").save_weights(path)
    other = build("tiny", (32, 24), 4, weights=path)
    pairs = zip(first.get_layer("body").get_weights(), other.get_layer("body").get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert other.get_layer("cam").kernel.shape[-1] == 4


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "start.weights.h5"
    build("tiny", (16, 16), 2).save_weights(path)
    with pytest.raises(ConfigError, match="arrays of weights"):
        build("tiny", (16, 16), 2, weights=path)
    with pytest.raises(ConfigError, match="arrays of weights"):
        build("compact", (32, 32), 2, weights=path)
    path.write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="cannot be read as weights"):
        build("tiny", (16, 16), 2, weights=path)
    with pytest.raises(ConfigError, match="whole model"):
        build("tiny", (16, 16), 2, weights=tmp_path / "model.keras")


def test_weights_of_other_shapes_are_refused(tmp_path: Path) -> None:
    _, keras = tensorflow()
    image = keras.Input((16, 16, 3))
    x = image
    for filters in (8, 16, 25):
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(filters, 3, use_bias=False)(x)))
    path = tmp_path / "other.weights.h5"
    keras.Model(image, x).save_weights(path)
    with pytest.raises(ConfigError, match="does not fit the body"):
        build("tiny", (16, 16), 2, weights=path)


def test_attention_weighs_channels_and_places_between_nothing_and_all() -> None:
    _, keras = tensorflow()
    image = keras.Input((6, 5, 32))
    model = keras.Model(image, attention(keras, image, "cbam_x"))
    value = np.random.default_rng(0).uniform(0.1, 1, (2, 6, 5, 32)).astype(np.float32)
    gate = np.asarray(model(value)) / value
    assert gate.min() > 0
    assert gate.max() < 1
    # One factor for each channel and one for each place make up the gate.
    assert np.allclose(gate, gate[:, :, :, :1] * gate[:, :1, :1] / gate[:, :1, :1, :1], rtol=1e-4)
    assert model.count_params() == 32 * 2 + 2 + 2 * 32 + 32 + 7 * 7 * 2


def test_the_transformer_keeps_its_tokens_in_their_places() -> None:
    model = build("vit_tiny", (32, 40), 2)
    assert model.output["cam"].shape == (None, 4, 5, 2)
    assert 2.5e6 < model.count_params() < 3e6
