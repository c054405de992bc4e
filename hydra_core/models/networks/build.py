"""Putting a network together: a body of the registry or of the site, and the head that makes class maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra_core.base.errors import ConfigError
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks.own import OWN, own_names, own_network
from hydra_core.models.networks.parts import Model, Tensor
from hydra_core.models.networks.registry import NETWORKS
from hydra_core.models.networks.weights import load_body

#: Name of a layer that only networks have that came whole from a site, with a head of their own.
OWN_HEAD = "own_head"

#: Name of the part of a network whose weights a file may give.
BODY = "body"


def network_names() -> tuple[str, ...]:
    """Return the names of all networks that can be built here, those of the site included."""
    return tuple(sorted({*NETWORKS, OWN, *own_names()}))


def learning_rate_of(network: str) -> float:
    """Return the peak of the learning rate that suits a network."""
    return NETWORKS[network].learning_rate if network in NETWORKS else 1e-3


def build(
    network: str,
    size: tuple[int, int],
    n_classes: int,
    *,
    module: str = "",
    weights: str | Path = "",
    bn_momentum: float = 0.9,
    arithmetic: str = "float32",
) -> Model:
    """Build a network.

    Parameters
    ----------
    network
        One of `network_names`.
    size
        Height and width of the input in pixels.
    n_classes
        Number of classes, 2 or more.
    module
        ``package.module:function`` of the network ``own``.
    weights
        A file from which the body starts; fresh weights where empty.
    bn_momentum
        Of batch normalisation, for the networks of the registry.
    arithmetic
        ``float32`` or ``mixed_bfloat16``: how the body computes. Weights, class maps and probabilities are float32.

    Returns
    -------
    keras.Model
        Input ``image`` of shape (n, height, width, 3), float32, 0..255; outputs ``probs`` (n, c), ``embed`` (n, d)
        and ``cam`` (n, h', w', c). The mean of ``cam`` over its area is the logit, so the map of a class shows
        exactly what decided for it (class activation mapping, Zhou et al. 2016, without a bias term). Only a site's
        whole network has another head, which is a layer named `OWN_HEAD`; its ``cam`` is the mean of its last
        features, the same for each class.

    Raises
    ------
    ConfigError
        When the network is not known, the size is below what it can take, or the weights do not fit.
    """
    if network not in network_names():
        raise ConfigError(f"there is no network {network!r}", next_step=f"use one of: {', '.join(network_names())}")
    if network == OWN and not module:
        raise ConfigError(
            "the network own needs network_module", next_step='write network_module = "package.module:function"'
        )
    known = NETWORKS.get(network)
    if known is not None and min(size) < known.smallest:
        raise ConfigError(
            f"the network {network} needs images of at least {known.smallest} x {known.smallest} pixels, "
            f"not {size[0]} x {size[1]}",
            next_step="choose a larger size or the network compact",
        )
    _, keras = tensorflow()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(arithmetic)
    try:
        image = keras.Input((*size, 3), name="image", dtype="float32")
        if known is None:
            body = own_network(network, module, (*size, 3), n_classes)
        else:
            inner = keras.Input((*size, 3), dtype="float32")
            body = keras.Model(inner, known.layers(keras, inner, bn_momentum), name=BODY)
        if weights:
            _start_from(Path(weights), keras, network, body, (*size, 3))
        if len(body.outputs[0].shape) == 4:
            return _with_maps(keras, image, body(image), n_classes, network)
        return _with_own_head(keras, image, body, n_classes, network)
    finally:
        keras.config.set_dtype_policy(before)


def _start_from(path: Path, keras: Any, network: str, body: Model, shape: tuple[int, int, int]) -> None:
    known = NETWORKS.get(network)
    if known is None or known.plain is None:
        load_body(body, body, path)
        return
    published = next(layer for layer in body.layers if isinstance(layer, keras.Model))
    load_body(published, known.plain(keras, shape), path)


def _with_maps(keras: Any, image: Tensor, features: Tensor, n_classes: int, name: str) -> Model:
    features = keras.layers.Activation("linear", dtype="float32", name="features")(features)
    # No bias: softmax(mean(cam)) is then the whole decision, and a constant channel can still play its part.
    cam = keras.layers.Conv2D(n_classes, 1, use_bias=False, dtype="float32", name="cam")(features)
    logits = keras.layers.GlobalAveragePooling2D(dtype="float32", name="logits")(cam)
    probs = keras.layers.Softmax(dtype="float32", name="probs")(logits)
    embed = keras.layers.GlobalAveragePooling2D(dtype="float32", name="embed")(features)
    return keras.Model(image, {"probs": probs, "embed": embed, "cam": cam}, name=name)


def _with_own_head(keras: Any, image: Tensor, whole: Model, n_classes: int, name: str) -> Model:
    if tuple(whole.outputs[0].shape) != (None, n_classes):
        raise ConfigError(
            f"the network {name} ends in {tuple(whole.outputs[0].shape)}, which are neither features (n, h, w, d) nor "
            f"probabilities (n, {n_classes})",
            next_step="return the features, or one probability for each class",
        )
    maps = [layer.output for layer in whole.layers if len(getattr(layer.output, "shape", ())) == 4]
    if not maps or maps[-1] is whole.inputs[0]:
        raise ConfigError(f"the network {name} has no feature map (n, h, w, d)", next_step="use a convolution in it")
    told = float(keras.ops.sum(whole(keras.ops.zeros((1, *whole.inputs[0].shape[1:])), training=False)))
    if not abs(told - 1) < 0.01:
        raise ConfigError(
            f"the network {name} ends in numbers that add up to {told:.3g}, so they are no probabilities",
            next_step="end it with softmax, or return the features",
        )
    probs, features = keras.Model(whole.inputs, [whole.outputs[0], maps[-1]], name=OWN_HEAD)(image)
    probs = keras.layers.Activation("linear", dtype="float32", name="probs")(probs)
    features = keras.layers.Activation("linear", dtype="float32", name="features")(features)
    embed = keras.layers.GlobalAveragePooling2D(dtype="float32", name="embed")(features)
    active = keras.ops.mean(features, axis=-1, keepdims=True)
    cam = keras.layers.Concatenate(dtype="float32", name="cam")([active] * n_classes)
    return keras.Model(image, {"probs": probs, "embed": embed, "cam": cam}, name=name)
