"""Where in a plot the evidence for a decision lies, by gradients at a stage fine enough to point; without TensorFlow.

At each place of the stage the features are weighed by the gradient of the decision there, and added up (HiResCAM,
Draelos and Carin 2020). On planted faults that points better than Grad-CAM, which takes one weight for all places.
The features come from the engine that judged; only what lies behind the stage is computed, forwards and backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hydra_core.base.errors import DataError
from hydra_core.models.arrays import Floats
from hydra_core.models.backward import gradient_of
from hydra_core.models.derivatives import NoDerivativeError, constant_of, dims
from hydra_core.models.engine import Engine
from hydra_core.models.lazy import openvino
from hydra_core.models.places import laid, places_of
from hydra_core.models.trusted import MEND, SCORE, STAGE, Trusted

#: Largest part of the golden maps that may differ, as lengths of all numbers: where a value is nearly 0, rounding
#: decides whether a ReLU lets it through, and with it a part of the gradient.
DRIFT = 0.05

#: Images per call: what is computed backwards needs what was computed forwards, and maps are few.
_AT_A_TIME = 2


class Evidence:
    """The part of a network behind its stage, compiled to give maps. Made by `open_evidence`."""

    def __init__(self, compiled: Any, lay: tuple[Floats, Floats] | None) -> None:
        self._compiled, self._lay = compiled, lay

    @classmethod
    def compile(cls, engine: Engine, *, threads: int) -> Evidence:
        """Compile the maps of a network, in f32.

        Parameters
        ----------
        engine
            In f32, exported with a stage through which all goes that it decides. Its graph is cut there, so this is
            done once.

        Raises
        ------
        NoDerivativeError
            When it has no stage, or a layer behind it has no derivative here.
        RuntimeError
            When OpenVINO cannot read it.
        """
        ov = openvino()
        ops, model = ov.opset13, engine.graph
        if model is None:
            raise NoDerivativeError("it was exported without a stage for maps")
        found = {name: result for result in model.get_results() for name in result.output(0).names}
        features, score = found[STAGE].input_value(0), found[SCORE].input_value(0)
        # The engine lays pictures out in another way than the training framework, and turns what it gives out.
        turned = features.get_node().get_type_name() == "Transpose"
        inner = features.get_node().input_value(0) if turned else features
        weigh = ops.parameter([-1, dims(score)[1]], np.float32, name="weights")
        gradient = gradient_of(ops, model, score, inner, weigh.output(0))
        height, width = dims(model.input(0))[1:3]
        places = places_of(inner, (height, width)) if turned else None
        sides = zip(places or (), dims(features)[1:3], (height, width), strict=False)
        lay = [laid(one, count, side) for one, count, side in sides]
        # The features come from outside: nothing before them is computed again.
        given = ops.parameter(dims(features), np.float32, name="features")
        known = given.output(0)
        if turned:
            order = constant_of(features.get_node(), 1)
            gradient = ops.transpose(gradient, order).output(0)
            known = ops.transpose(given, np.argsort(order)).output(0)
        for user in inner.get_target_inputs():
            user.replace_source_output(known)
        maps = ops.reduce_sum(ops.multiply(gradient, given), np.array([3], np.int64), keep_dims=False)
        behind = ov.Model([ops.result(maps)], [given, weigh], "maps")
        compiled = ov.Core().compile_model(behind, "CPU", Engine.options("f32", threads))
        return cls(compiled, (lay[0], lay[1]) if lay else None)

    def maps(self, features: Floats, weights: Floats) -> Floats:
        """Return where the evidence lies.

        Parameters
        ----------
        features
            float32, shape (n, h', w', d): `Prediction.stage` of n >= 1 images.
        weights
            float, shape (n, c): how much each class counts. 1 for a class asks what speaks for it; with -1 for
            another, what speaks for it rather than for that.

        Returns
        -------
        numpy.ndarray
            float32, shape (n, h', w'): negative where it speaks against. What is explained is the logit, or for a head
            of its own the logarithm of the probability.

        Raises
        ------
        DataError
            When the network answers with something that is not a number.
        """
        asked = weights.astype(np.float32)
        answers = [
            np.array(self._compiled([features[part], asked[part]])[0])
            for part in (slice(first, first + _AT_A_TIME) for first in range(0, len(features), _AT_A_TIME))
        ]
        made: Floats = np.concatenate(answers)
        if not np.isfinite(made).all():
            raise DataError("the heat maps of the network hold something that is not a number", next_step=MEND)
        return made

    def over_plots(self, features: Floats, weights: Floats) -> Floats:
        """Return the maps laid over the plots: tile by tile of the picture, where their places look.

        Returns
        -------
        numpy.ndarray
            float32: as `maps` gives, with twice as many rows and columns; as they are where the graph does not tell
            where its places look.
        """
        made = self.maps(features, weights)
        return made if self._lay is None else np.asarray(self._lay[0] @ made @ self._lay[1].T)


def class_weights(classes: int, which: int, against: int | None = None) -> Floats:
    """Return weights for `Evidence.maps` that ask for one class, or for it rather than for another: float32 (c,)."""
    weights = np.zeros(classes, np.float32)
    weights[which] = 1
    if against is not None:
        weights[against] -= 1
    return weights


def golden_weights(images: int, classes: int) -> Floats:
    """Return what the maps of the golden batch are asked: the last class rather than the first, float32 (n, c)."""
    return np.tile(class_weights(classes, classes - 1, 0), (images, 1))


def open_evidence(trusted: Trusted, front: Callable[[], Engine], *, threads: int) -> Evidence | None:
    """Compile the maps of a trusted model and let them prove themselves.

    Parameters
    ----------
    front
        Returns the model started in f32; the maps of as many images of the golden batch are compared as it was asked.
    threads
        Cores this job was given.

    Returns
    -------
    Evidence or None
        None for a model without a stage for maps: its class maps must do.

    Raises
    ------
    DataError
        When the maps cannot be computed, or are others than at export.
    """
    if "evidence" not in trusted.golden:
        return None
    path = trusted.folder / "engine.xml"
    engine = front()
    try:
        made = Evidence.compile(engine, threads=threads)
        features = engine.features_of_golden()
        have = made.maps(features, golden_weights(len(features), len(trusted.card.classes)))
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{path} gives no heat maps: {error}", next_step=MEND) from error
    want = trusted.golden["evidence"][: len(have)]
    if have.shape != want.shape or not difference(have, want) <= DRIFT:
        raise DataError(
            f"the model in {trusted.folder} gives other heat maps on its golden batch than at export",
            next_step="compare the versions of openvino; restore the folder or train this plot type again",
        )
    return made


def difference(have: Floats, want: Floats) -> float:
    """Return how far maps are from others, as a part of the length of these; 0 where both are 0 everywhere."""
    apart, length = float(np.linalg.norm(have - want)), float(np.linalg.norm(want))
    return apart / length if length else apart
