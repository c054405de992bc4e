"""Name -> network. Adding one means adding a function here; the head, training, proof and export are the same."""

from __future__ import annotations

import re
from typing import Any

from hydra_core.models.networks.parts import Model, Network, Tensor, attention, convolution, set_momentum
from hydra_core.models.networks.transformer import vit_tiny


def _compact(keras: Any, image: Tensor, momentum: float) -> Tensor:
    """About 0.37 M parameters; the maps have 1/8 of the input's size (16 x 16 at 128 pixels).

    Plain convolutions, no attention over channels: such a gate sees the whole plot and spreads the decision evenly
    over the map. On emulated dead boards the map's peak hit the board in 0.06 of the cases with it, 0.95 without.
    """
    x = keras.layers.Rescaling(1 / 255)(image)
    x = convolution(keras, x, 24, momentum, stride=2)
    x = convolution(keras, x, 32, momentum, stride=2)
    x = convolution(keras, x, 32, momentum)
    x = convolution(keras, x, 64, momentum, stride=2, name="first_16")
    x = convolution(keras, x, 64, momentum)
    x = convolution(keras, x, 128, momentum)
    return convolution(keras, x, 192, momentum)


def _tiny(keras: Any, image: Tensor, momentum: float) -> Tensor:
    """Return a body of a few thousand parameters, for smoke tests: trains in seconds, proves nothing about plots."""
    x = keras.layers.Rescaling(1 / 255)(image)
    x = convolution(keras, x, 8, momentum, stride=2)
    x = convolution(keras, x, 16, momentum, stride=2)
    return convolution(keras, x, 24, momentum)


def _plain_inceptionv3(keras: Any, shape: tuple[int, int, int]) -> Model:
    return keras.applications.InceptionV3(include_top=False, weights=None, input_shape=shape)


def _inceptionv3(keras: Any, image: Tensor, momentum: float) -> Tensor:
    """InceptionV3 (Szegedy et al. 2015), 21.8 M parameters, 8 x 8 maps at 299 pixels: for farms with accelerators."""
    base = _plain_inceptionv3(keras, tuple(image.shape[1:]))
    set_momentum(base, keras, momentum)
    return base(keras.layers.Rescaling(1 / 127.5, offset=-1)(image))


def _inceptionv3_cbam(keras: Any, image: Tensor, momentum: float) -> Tensor:
    """InceptionV3 with an attention module after each of its eleven mixed blocks (1.7 M parameters more)."""

    def call(layer: Any, *args: Any, **kwargs: Any) -> Tensor:
        x = layer(*args, **kwargs)
        return attention(keras, x, f"cbam_{layer.name}") if re.fullmatch(r"mixed\d+", layer.name) else x

    base = keras.models.clone_model(_plain_inceptionv3(keras, tuple(image.shape[1:])), call_function=call)
    set_momentum(base, keras, momentum)
    return base(keras.layers.Rescaling(1 / 127.5, offset=-1)(image))


def _plain_vgg16(keras: Any, shape: tuple[int, int, int]) -> Model:
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=shape)


def _vgg16(keras: Any, image: Tensor, _momentum: float) -> Tensor:
    """VGG16 (Simonyan and Zisserman 2014) without its dense layers, 14.7 M parameters; it knows no normalisation."""
    base = _plain_vgg16(keras, tuple(image.shape[1:]))
    # Thirteen layers of ReLU and no normalisation: with Keras' own start the signal is gone at the end. The first
    # layer meets numbers of about 64.
    start = keras.initializers.HeNormal(seed=keras.random.SeedGenerator())
    for number, layer in enumerate(one for one in base.layers if isinstance(one, keras.layers.Conv2D)):
        layer.kernel.assign(start(layer.kernel.shape) / (1 if number else 64))
    # As its published weights want it: blue first, the means of ImageNet taken off.
    red, green, blue = (image[..., k : k + 1] for k in range(3))
    return base(keras.layers.Concatenate()([blue - 103.939, green - 116.779, red - 123.68]))


NETWORKS: dict[str, Network] = {
    # Of its layers with 16 x 16 places the first: the later ones have seen more of the plot around each place.
    # At 2e-3 it called one good plot of later runs in seven Bad after 312 steps, at 7e-4 one in two hundred and forty.
    "compact": Network(_compact, 32, 7e-4, stages=("first_16",)),
    # Of its stages with 17 x 17 places at 299 pixels the later ones have seen too much of the plot to point.
    "inceptionv3": Network(_inceptionv3, 75, 1e-3, _plain_inceptionv3, ("mixed4", "mixed2")),
    "inceptionv3_cbam": Network(
        _inceptionv3_cbam, 75, 1e-3, _plain_inceptionv3, ("cbam_mixed4_places", "cbam_mixed2_places")
    ),
    "tiny": Network(_tiny, 16),
    "vgg16": Network(_vgg16, 32, 1e-4, _plain_vgg16),
    "vit_tiny": Network(vit_tiny, 32, 5e-4),
}
