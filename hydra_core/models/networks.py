"""The networks: name -> builder. All end in the same head, whose class maps are the decision itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hydra_core.base.errors import ConfigError
from hydra_core.models.lazy import tensorflow

#: Running statistics of batch normalisation: Keras' .99 lags for hundreds of steps behind a small training set.
BN_MOMENTUM = 0.9

Tensor = Any
Model = Any


def build(network: str, size: tuple[int, int], n_classes: int) -> Model:
    """Build a network with fresh weights.

    Parameters
    ----------
    network
        A name in `NETWORKS`.
    size
        Height and width of the input in pixels.
    n_classes
        Number of classes, 2 or more.

    Returns
    -------
    keras.Model
        Input ``image`` of shape (n, height, width, 3), float32, 0..255; outputs ``probs`` (n, c), ``embed`` (n, d)
        and ``cam`` (n, h', w', c). The mean of ``cam`` over its area is the logit, so the map of a class shows
        exactly what decided for it (class activation mapping, Zhou et al. 2016, without a bias term).

    Raises
    ------
    ConfigError
        When the network is not known or the size is below what it can take.
    """
    if network not in NETWORKS:
        raise ConfigError(f"there is no network {network!r}", next_step=f"use one of: {', '.join(sorted(NETWORKS))}")
    body, smallest = NETWORKS[network]
    if min(size) < smallest:
        raise ConfigError(
            f"the network {network} needs images of at least {smallest} x {smallest} pixels, not {size[0]} x {size[1]}",
            next_step="choose a larger size or the network compact",
        )
    _, keras = tensorflow()
    image = keras.Input((*size, 3), name="image", dtype="float32")
    features = body(keras, image)
    # No bias: softmax(mean(cam)) is then the whole decision, and a constant channel can still play its part.
    cam = keras.layers.Conv2D(n_classes, 1, use_bias=False, dtype="float32", name="cam")(features)
    logits = keras.layers.GlobalAveragePooling2D(name="logits")(cam)
    probs = keras.layers.Softmax(name="probs")(logits)
    embed = keras.layers.GlobalAveragePooling2D(name="embed")(features)
    return keras.Model(image, {"probs": probs, "embed": embed, "cam": cam}, name=network)


def _conv(keras: Any, x: Tensor, filters: int, *, stride: int = 1, kernel: int = 3) -> Tensor:
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM)(x)
    return keras.layers.ReLU()(x)


def _compact(keras: Any, image: Tensor) -> Tensor:
    """About 0.37 M parameters; the maps have 1/8 of the input's size (16 x 16 at 128 pixels).

    Plain convolutions, no attention over channels: such a gate sees the whole plot and spreads the decision evenly
    over the map. On emulated dead boards the map's peak hit the board in 0.06 of the cases with it, 0.95 without.
    """
    x = keras.layers.Rescaling(1 / 255)(image)
    x = _conv(keras, x, 24, stride=2)
    x = _conv(keras, x, 32, stride=2)
    x = _conv(keras, x, 32)
    x = _conv(keras, x, 64, stride=2)
    x = _conv(keras, x, 64)
    x = _conv(keras, x, 128)
    return _conv(keras, x, 192)


def _tiny(keras: Any, image: Tensor) -> Tensor:
    """Return a body of a few thousand parameters, for smoke tests: trains in seconds, proves nothing about plots."""
    x = keras.layers.Rescaling(1 / 255)(image)
    x = _conv(keras, x, 8, stride=2)
    x = _conv(keras, x, 16, stride=2)
    return _conv(keras, x, 24)


def _inceptionv3(keras: Any, image: Tensor) -> Tensor:
    """InceptionV3 (Szegedy et al. 2015) with fresh weights, 8 x 8 maps at 299 pixels: for farms with accelerators."""
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    base = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=image.shape[1:])
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BN_MOMENTUM
    return base(scaled)


#: Name -> (body, smallest input in pixels).
NETWORKS: dict[str, tuple[Callable[[Any, Tensor], Tensor], int]] = {
    "compact": (_compact, 32),
    "inceptionv3": (_inceptionv3, 75),
    "tiny": (_tiny, 16),
}
