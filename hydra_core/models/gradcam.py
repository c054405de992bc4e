"""Grad-CAM (Selvaraju et al. 2017) at any layer, many images at a time; needs TensorFlow and the Keras model.

Judging needs none of it: `evidence` computes the same with the exported engine, at one stage. This is what it is
compared with at export, and what a study of other stages uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hydra_core.models.arrays import Floats, Images
from hydra_core.models.engine import BATCH
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import OWN_HEAD, outputs_seen


def grad_cam(
    model: Any,
    images: Images,
    class_index: int,
    *,
    against: int | None = None,
    layer: str = "",
    each_place: bool = False,
) -> Floats:
    """Return where the evidence for a class lies, by gradients.

    Parameters
    ----------
    model
        A Keras model of `networks.build`.
    images
        uint8, shape (n, h, w, 3), n >= 1.
    class_index, against
        The class asked about, and the class that it is set against (``rather than``).
    layer
        Name of the layer whose output is weighed, at any depth; the last feature map where empty.
    each_place
        Weigh each place by its own gradient (HiResCAM, Draelos and Carin 2020) instead of by the mean of all.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, h', w'): the evidence, negative where it speaks against the class. It is taken from the
        logit, or for a head of its own from the logarithm of the probability.

    Raises
    ------
    ValueError
        When there is no such layer, or the decision does not depend on it.
    """
    tf, _ = tensorflow()
    watched = _layer(model, layer)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def maps(batch: Any) -> Any:
        with tf.GradientTape() as tape, outputs_seen(watched) as seen:
            # What is no variable must be watched, and before anything is made of it: so all that is made is kept.
            tape.watch(batch)
            scores = score_of(tf, model, model(batch, training=False))
            score = scores[:, class_index] - (0.0 if against is None else scores[:, against])
        (features,) = seen
        gradient = tape.gradient(score, features)
        if gradient is None:
            raise ValueError(f"the decision does not depend on the layer {watched.name}")
        if not each_place:
            gradient = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        return tf.reduce_sum(tf.cast(gradient * features, tf.float32), axis=-1)

    pieces = [images[first : first + BATCH].astype(np.float32) for first in range(0, len(images), BATCH)]
    return np.concatenate([np.asarray(maps(piece)) for piece in pieces])


def score_of(tf: Any, model: Any, said: Any) -> Any:
    """Return the numbers that heat maps explain, (n, c): the logits, or for a head of its own the log probabilities.

    Parameters
    ----------
    tf
        TensorFlow, as functions that are traced import nothing.
    """
    return tf.math.log(said["probs"] + 1e-12) if _has_own_head(model) else tf.reduce_mean(said["cam"], (1, 2))


def _has_own_head(model: Any) -> bool:
    return any(layer.name == OWN_HEAD for layer in model.layers)


def _layer(model: Any, name: str) -> Any:
    layers = list(_all_layers(model))
    if not name and not _has_own_head(model):
        name = "features"
    found = [one for one in layers if one.name == name] if name else _with_maps(model.get_layer(OWN_HEAD))
    if not found:
        raise ValueError(f"the network has no layer {name}")
    return found[-1]


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)


def _with_maps(model: Any) -> list[Any]:
    return [layer for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
