from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from hydra_core.models.devices import prepare
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import NETWORKS, build, fine_stage
from hydra_core.models.networks.parts import Network

pytestmark = pytest.mark.training


def nested(shape: tuple[int, int, int], _classes: int) -> Any:
    """Return a network of 16 x 16 places, 8 x 8 and 4 x 4, a part of which is a network of its own."""
    _, keras = tensorflow()
    inner = keras.Input((16, 16, 6))
    y = keras.layers.Conv2D(6, 3, padding="same", name="inside")(inner)
    published = keras.Model(inner, keras.layers.Conv2D(6, 3, padding="same", name="last_inside")(y))
    image = keras.Input(shape)
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="before")(image)
    x = keras.layers.MaxPooling2D(2, name="too_coarse")(published(x))
    return keras.Model(image, keras.layers.MaxPooling2D(2, name="coarsest")(x))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    prepare(threads=1, seed=5)
    module = types.ModuleType("site_networks")
    module.nested = nested  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "site_networks", module)
    return build("own", (32, 32), 2, module="site_networks:nested")


def test_without_a_measured_one_it_is_the_last_that_is_fine(model: Any) -> None:
    assert fine_stage(model).name == "last_inside"


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("before",), "before"),
        (("inside", "before"), "inside"),
        (("too_coarse", "inside"), "inside"),
        # None has enough places.
        (("coarsest", "too_coarse"), "too_coarse"),
    ],
)
def test_the_first_measured_one_that_is_fine_is_taken_at_any_depth(
    names: tuple[str, ...], taken: str, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, model.name, Network(lambda _keras, image, _momentum: image, 32, stages=names))
    assert fine_stage(model).name == taken
