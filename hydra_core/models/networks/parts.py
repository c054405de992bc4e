"""What the networks are put together from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tensor = Any
Model = Any
#: Gets Keras, the image tensor (n, h, w, 3), 0..255, and the momentum of batch normalisation; returns features.
Layers = Callable[[Any, Tensor, float], Tensor]


@dataclass(frozen=True)
class Network:
    """One entry of the registry.

    Attributes
    ----------
    layers
        From an image to the features (n, h', w', d) over which the head looks.
    smallest
        Least height and width of the input in pixels.
    learning_rate
        Peak that suits it with Adam.
    plain
        Keras and the input's shape -> the published network whose weights fit, where the body holds more or other
        layers than that; None: weights are those of the body itself.
    stages
        Layers at which heat maps point best, as measured, the best one first; see `stage.fine_stage`.
    """

    layers: Layers
    smallest: int
    learning_rate: float = 2e-3
    plain: Callable[[Any, tuple[int, int, int]], Model] | None = None
    stages: tuple[str, ...] = ()


def convolution(
    keras: Any, x: Tensor, filters: int, momentum: float, *, stride: int = 1, kernel: int = 3, name: str | None = None
) -> Tensor:
    """Return a convolution with batch normalisation and ReLU, the last of which is named."""
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=momentum)(x)
    return keras.layers.ReLU(name=name)(x)


def attention(keras: Any, x: Tensor, name: str, *, ratio: int = 16) -> Tensor:
    """Return `x` weighed by channel and then by place: the block attention module of Woo et al. 2018 (CBAM).

    Channels: one small perceptron over the mean and over the maximum of each channel. Places: a 7 x 7 convolution
    over the mean and the maximum of all channels.
    """
    layers, channels = keras.layers, x.shape[-1]
    squeeze = layers.Dense(max(1, channels // ratio), activation="relu", name=f"{name}_squeeze")
    widen = layers.Dense(channels, name=f"{name}_widen")
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    largest = layers.GlobalMaxPooling2D(keepdims=True, name=f"{name}_max")(x)
    channel = layers.Add(name=f"{name}_sum")([widen(squeeze(mean)), widen(squeeze(largest))])
    x = layers.Multiply(name=f"{name}_channels")([x, layers.Activation("sigmoid", name=f"{name}_gate")(channel)])
    flat = [keras.ops.mean(x, axis=-1, keepdims=True), keras.ops.max(x, axis=-1, keepdims=True)]
    both = layers.Concatenate(name=f"{name}_flat")(flat)
    place = layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False, name=f"{name}_place")(both)
    return layers.Multiply(name=f"{name}_places")([x, place])


def set_momentum(model: Model, keras: Any, momentum: float) -> None:
    """Set the momentum of every batch normalisation of a published network."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
