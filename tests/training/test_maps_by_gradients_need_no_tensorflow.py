from __future__ import annotations

import sys
import types
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.errors import DataError
from hydra_core.models import export as export_module
from hydra_core.models.derivatives import NoDerivativeError
from hydra_core.models.devices import prepare
from hydra_core.models.engine import load, start
from hydra_core.models.evidence import class_weights, open_evidence
from hydra_core.models.export import Exported, export
from hydra_core.models.gradcam import grad_cam
from hydra_core.models.lazy import tensorflow
from hydra_core.models.maps import contrast_map, shown
from hydra_core.models.networks import build, fine_stage
from hydra_core.models.pixels import PREPROCESSING_HASH
from hydra_core.models.spec import ModelCard
from hydra_core.models.trusted import read_folder
from tests.colours import CLASSES, card
from tests.forged_models import edit_card, rehash
from tests.maps_of_images import MapsOfImages, maps_of_images

SIZE = (28, 30)
ALIKE = 1e-4


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """Trainings of other tests in this process want TensorFlow to have one core."""
    prepare(threads=1, seed=5)


def noise(n: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, *size, 3)).astype(np.uint8)


def opened(folder: Path) -> MapsOfImages | None:
    """Return the maps of a model folder as jobs open them."""
    trusted = read_folder(folder)
    engine = start(trusted, threads=1, golden=2)
    maps = open_evidence(trusted, lambda: engine, threads=1)
    return None if maps is None else MapsOfImages(engine, maps)


def apart(got: np.ndarray, want: np.ndarray) -> float:
    """Return the largest relative difference of the image that differs as most do.

    Where a value is nearly 0, rounding decides whether it is let through: one image of several may differ by more.
    """
    return float(np.median(np.abs(got - want).max(axis=(1, 2)) / np.abs(want).max(axis=(1, 2))))


@pytest.mark.parametrize(("network", "size"), [("tiny", (32, 32)), ("compact", (64, 64)), ("compact", (128, 96))])
def test_the_engine_gives_the_maps_of_the_training_framework(
    network: str, size: tuple[int, int], tmp_path: Path
) -> None:
    model = build(network, size, 3)
    stage, images = fine_stage(model), noise(5, size)
    maps = maps_of_images(model, stage, tmp_path)
    for which, against in ((2, 0), (1, None)):
        want = grad_cam(model, images, which, against=against, layer=stage.name, each_place=True)
        got = maps.maps(images, np.tile(class_weights(3, which, against), (5, 1)))
        assert got.shape == (5, *stage.output.shape[1:3])
        assert apart(got, want) < ALIKE


def test_images_of_one_call_may_ask_for_different_classes(tmp_path: Path) -> None:
    model = build("tiny", (32, 32), 3)
    maps, images = maps_of_images(model, fine_stage(model), tmp_path), noise(19, (32, 32))
    weights = np.stack([class_weights(3, number % 3, (number + 1) % 3) for number in range(19)])
    one_by_one = [maps.maps(images[k : k + 1], weights[k : k + 1])[0] for k in range(19)]
    assert apart(maps.maps(images, weights), np.stack(one_by_one)) < ALIKE


def _residual_block(layers: Any, x: Any) -> Any:
    y = layers.BatchNormalization(beta_initializer="random_normal")(layers.Conv2D(6, 3, padding="same")(x))
    return layers.ReLU()(layers.Add()([x, layers.Multiply()([y, layers.Activation("sigmoid")(x)])]))


def _branches(layers: Any, x: Any) -> Any:
    parts = [layers.Conv2D(4, 1)(x), layers.AveragePooling2D(3, 1, padding="same")(x), layers.Conv2D(3, 1)(x)]
    return layers.Conv2D(5, 3, activation="relu")(layers.Concatenate()(parts))


def _dense_gate(layers: Any, x: Any) -> Any:
    gate = layers.Dense(6, activation="tanh")(layers.Dense(3, activation="relu")(layers.GlobalMaxPooling2D()(x)))
    return layers.Multiply()([x, layers.Reshape((1, 1, 6))(gate)])


def _attention(layers: Any, x: Any) -> Any:
    tokens = layers.LayerNormalization()(layers.Reshape((-1, 6))(layers.AveragePooling2D(2)(x)))
    return layers.Add()([tokens, layers.MultiHeadAttention(2, 3)(tokens, tokens)])


LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    "residual block": _residual_block,
    "branches": _branches,
    "gate": _dense_gate,
    "strides": lambda layers, x: layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(x),
    "strides that leave a rest": lambda layers, x: layers.Conv2D(5, 4, strides=3, activation="relu")(x),
    "dilation": lambda layers, x: layers.Conv2D(5, 3, dilation_rate=2, padding="same", activation="relu")(x),
    "depthwise": lambda layers, x: layers.DepthwiseConv2D(3, strides=2, padding="same", activation="elu")(x),
    "separable": lambda layers, x: layers.SeparableConv2D(5, 3, activation="softplus")(x),
    "padding": lambda layers, x: layers.Conv2D(5, 3, activation="tanh")(layers.ZeroPadding2D(((1, 0), (2, 1)))(x)),
    "largest of overlapping": lambda layers, x: layers.MaxPooling2D(3, 2)(x),
    "largest with padding": lambda layers, x: layers.MaxPooling2D(3, 2, padding="same")(x),
    "largest side by side": lambda layers, x: layers.MaxPooling2D(2)(x),
    "mean with padding": lambda layers, x: layers.AveragePooling2D(3, 2, padding="same")(x),
    "mean with a rest": lambda layers, x: layers.AveragePooling2D((4, 3))(x),
    "leaky": lambda layers, x: layers.LeakyReLU(0.2)(layers.Conv2D(5, 3)(x)),
    "capped": lambda layers, x: layers.ReLU(max_value=0.3)(layers.Conv2D(5, 3)(x)),
    "silu": lambda layers, x: layers.Conv2D(5, 3, activation="silu")(x),
    "gelu": lambda layers, x: layers.Conv2D(5, 3, activation="gelu")(x),
    "norm of layers": lambda layers, x: layers.LayerNormalization()(layers.Conv2D(5, 3)(x)),
    "norm of batches": lambda layers, x: layers.BatchNormalization(moving_mean_initializer="random_normal")(x),
    "turned": lambda layers, x: layers.Permute((2, 1, 3))(layers.Conv2D(5, 3, activation="exponential")(x)),
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("site_networks")
    monkeypatch.setitem(sys.modules, "site_networks", module)
    return module


def built(site: types.ModuleType, make: Callable[[Any, Any], Any], *, head: bool = False) -> Any:
    """Return a network of a site: one convolution that is the stage, and what `make` puts behind it."""
    _, keras = tensorflow()

    def network(shape: tuple[int, int, int], classes: int) -> Any:
        image = keras.Input(shape)
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="here")(x)
        made = make(keras.layers, x)
        if head:
            made = keras.layers.Dense(classes, activation="softmax")(keras.layers.Flatten()(made))
        return keras.Model(image, made)

    site.network = network  # type: ignore[attr-defined]
    return build("own", SIZE, 2, module="site_networks:network")


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer_has_the_derivative_of_the_training_framework(
    kind: str, site: types.ModuleType, tmp_path: Path
) -> None:
    model = built(site, LAYERS[kind])
    stage = model.get_layer(model.layers[1].name).get_layer("here")
    images = noise(5)
    want = grad_cam(model, images, 1, against=0, layer="here", each_place=True)
    got = maps_of_images(model, stage, tmp_path).maps(images, np.tile(class_weights(2, 1, 0), (5, 1)))
    assert np.abs(want).max() > 0
    assert apart(got, want) < ALIKE


@pytest.mark.parametrize("kind", ["branches", "attention", "largest of overlapping"])
def test_a_head_of_its_own_is_explained_too(kind: str, site: types.ModuleType, tmp_path: Path) -> None:
    model = built(site, {**LAYERS, "attention": _attention}[kind], head=True)
    stage, images = fine_stage(model), noise(4)
    assert stage is not None
    want = grad_cam(model, images, 0, layer=stage.name, each_place=True)
    got = maps_of_images(model, stage, tmp_path).maps(images, np.tile(class_weights(2, 0), (4, 1)))
    assert apart(got, want) < ALIKE


def test_the_stage_is_the_last_fine_one_through_which_all_goes(site: types.ModuleType) -> None:
    def two_ways(layers: Any, x: Any) -> Any:
        fine = layers.Conv2D(6, 3, padding="same", name="beside")(x)
        ways = [layers.MaxPooling2D(2)(fine), layers.AveragePooling2D(2)(x)]
        return layers.Conv2D(4, 3)(layers.Add()(ways))

    assert fine_stage(built(site, two_ways)).name == "here"
    assert fine_stage(built(site, LAYERS["strides"])).name == "here"
    # Its own class maps are as fine as any.
    assert fine_stage(built(site, LAYERS["residual block"])) is None


def test_what_has_no_derivative_here_is_said_and_judged_all_the_same(site: types.ModuleType, tmp_path: Path) -> None:
    _, keras = tensorflow()
    model = built(site, lambda layers, x: layers.Conv2D(3, 5)(keras.ops.sin(layers.MaxPooling2D(2)(x))))
    with pytest.raises(NoDerivativeError, match="Sin"):
        maps_of_images(model, fine_stage(model), tmp_path)
    made = exported(model, noise(6), tmp_path / "model")
    assert made.golden.stage == ""
    assert "Sin" in made.golden.why_no_stage
    assert opened(tmp_path / "model") is None
    assert load(tmp_path / "model", threads=1).predict(noise(2)).probs.shape == (2, 2)


def exported(model: Any, images: np.ndarray, folder: Path) -> ModelCard:
    def card_of(made: Exported) -> ModelCard:
        size = (int(images.shape[1]), int(images.shape[2]))
        told = card(datetime(2026, 1, 1, tzinfo=UTC), size=size, preprocessing=PREPROCESSING_HASH, files=made.files)
        return ModelCard.model_validate({**told, "golden": made.golden})

    return export(model, images, folder, card_of, classes=CLASSES, threads=1)


def test_maps_prove_themselves_before_they_are_shown(tmp_path: Path) -> None:
    images = noise(9, (32, 32))
    folder = tmp_path / "model"
    made = exported(build("tiny", (32, 32), 2), images, folder)
    assert made.golden.stage
    maps = opened(folder)
    assert maps is not None
    golden = dict(np.load(folder / "golden.npz"))
    assert golden["evidence"].shape == (8, 16, 16)
    np.savez(folder / "golden.npz", **{**golden, "evidence": golden["evidence"] * 1.2})
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match="other heat maps on its golden batch"):
        opened(folder)
    # Judging does not wait for them.
    load(folder, threads=1)
    np.savez(folder / "golden.npz", **{name: value for name, value in golden.items() if name != "evidence"})
    rehash(folder, "golden.npz")
    with pytest.raises(DataError, match=r"golden\.npz"):
        read_folder(folder)


def test_a_model_of_the_version_before_is_judged_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "fine_stage", lambda _model: None)
    folder = tmp_path / "model"
    exported(build("tiny", (32, 32), 2), noise(9, (32, 32)), folder)

    def older(told: dict[str, Any]) -> None:
        told["version"] = 3
        del told["golden"]["stage"], told["golden"]["why_no_stage"]

    edit_card(folder, older)
    trusted = read_folder(folder)
    assert trusted.card.golden.why_no_stage == "the model was made before there were maps by gradients"
    assert opened(folder) is None
    assert load(folder, threads=1).predict(noise(3, (32, 32))).cam.shape == (3, 8, 8, 2)


def test_fresh_weights_destroy_the_map(trained: Any, tmp_path: Path) -> None:
    """Adebayo et al. 2018: a map that survives this shows the picture and not what was learned."""
    known = trained.result.card
    dead, good = known.classes.index("Dead"), known.classes.index("Good")
    images = trained.images[[i for i, name in enumerate(trained.class_names) if name == "Dead"][:20]]
    weights = np.tile(class_weights(3, dead, good), (len(images), 1))
    maps = opened(trained.result.folder)
    assert maps is not None
    learned = maps.maps(images, weights)

    def likeness(other: np.ndarray) -> float:
        ranks = [[one.ravel().argsort().argsort() for one in some] for some in (learned, other)]
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]))

    assert likeness(learned) == pytest.approx(1)
    unlearned = []
    for seed in range(6):
        prepare(threads=1, seed=seed)
        fresh = build("tiny", (32, 32), 3)
        unlearned.append(likeness(maps_of_images(fresh, fine_stage(fresh), tmp_path).maps(images, weights)))
    # Two networks may agree by chance, or be each other's negative: several are asked.
    assert abs(np.mean(unlearned)) < 0.5


def test_the_map_points_at_the_dark_square(trained: Any) -> None:
    known = trained.result.card
    dead, good = known.classes.index("Dead"), known.classes.index("Good")
    chosen = [i for i, name in enumerate(trained.class_names) if name == "Dead"][:20]
    maps = opened(trained.result.folder)
    assert maps is not None
    made = maps.maps(trained.images[chosen], np.tile(class_weights(3, dead, good), (20, 1)))
    cams = load(trained.result.folder, threads=1).predict(trained.images[chosen]).cam
    finer = sum(_on_the_square(trained.images[i], shown(one)) for i, one in zip(chosen, made, strict=True))
    coarse = sum(
        _on_the_square(trained.images[i], contrast_map(cam, dead, good)) for i, cam in zip(chosen, cams, strict=True)
    )
    assert finer >= 15
    assert finer >= coarse - 2


def _on_the_square(image: np.ndarray, values: np.ndarray) -> bool:
    y, x = np.unravel_index(values.argmax(), values.shape)
    cell = image.shape[0] // values.shape[0]
    top, left = max(0, cell * y - 2), max(0, cell * x - 2)
    return bool(image[top : top + cell + 4, left : left + cell + 4].min() < 40)
