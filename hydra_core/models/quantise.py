"""From a network in f32 to one whose weights and features are numbers of 8 bits.

Convolutions and dense layers get weights of 8 bits, one scale for each of their outputs, and their inputs are rounded
to 256 steps between what training images showed. OpenVINO then computes these layers in 8 bits. The last layer before
the probabilities stays in f32: a step of its output would be a step of the decision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.models.arrays import Images
from hydra_core.models.engine import BATCH
from hydra_core.models.lazy import openvino
from hydra_core.models.trusted import OUTPUTS

_WEIGHTED = ("Convolution", "MatMul")
#: What lies outside of a range is cut off, which moves a decision far more than coarser steps do.
ROOM = 1.25
#: They keep to the steps of their input, so they need no rounding of their own.
_FOLLOWING = ("AvgPool", "MaxPool")

#: What a layer takes in: the name of its source and which output of that.
_Place = tuple[str, int]


def quantise(xml: Path, target: Path, images: Images) -> None:
    """Write a network in 8 bits, with what judging needs alone.

    Parameters
    ----------
    xml
        ``engine.xml`` of an export, its weights beside it.
    target
        Name of the new ``.xml``; its weights are written beside it.
    images
        uint8, shape (n, h, w, 3), n >= 1: training images of all classes, which show the range of each layer's input.

    Raises
    ------
    ValueError
        When the network has no layer that could be computed in 8 bits.
    RuntimeError
        When OpenVINO cannot do it.
    """
    ov = openvino()
    whole = ov.Core().read_model(xml)
    said = [result for result in whole.get_results() if result.output(0).names & set(OUTPUTS)]
    model = ov.Model(said, whole.get_parameters(), "judging")
    last = _last_layers(model)
    layers = [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() in _WEIGHTED
        and node.get_friendly_name() not in last
        and node.input_value(1).get_node().get_type_name() == "Constant"
    ]
    if not layers:
        raise ValueError("it has no layer that could be computed in 8 bits")
    places = {_place(node.input_value(0)): node.input_value(0) for node in layers}
    ranges = _ranges(ov, model, list(places.values()), images)
    for source, seen in zip(places.values(), ranges, strict=True):
        _round(ov.opset13, source, seen)
    for node in layers:
        _shorten(ov.opset13, node)
    model.validate_nodes_and_infer_types()
    ov.serialize(model, str(target))


def _place(source: Any) -> _Place:
    return source.get_node().get_friendly_name(), source.get_index()


def _last_layers(model: Any) -> set[str]:
    """Return the layers with weights that have none behind them on the way to the probabilities."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [model.output("probs").get_node()]
    while ahead:
        node = ahead.pop()
        name = node.get_friendly_name()
        if name in seen:
            continue
        seen.add(name)
        if node.get_type_name() in _WEIGHTED:
            found.add(name)
        else:
            ahead += [one.get_source_output().get_node() for one in node.inputs()]
    return found


def _ranges(ov: Any, model: Any, sources: list[Any], images: Images) -> list[tuple[float, float]]:
    """Return lowest and highest value of each source on any of the images, with some room."""
    ops = ov.opset13
    asked = []
    for source in sources:
        axes = ops.constant(np.arange(1, source.get_partial_shape().rank.get_length(), dtype=np.int64))
        asked += [ops.result(find(source, axes, False)) for find in (ops.reduce_min, ops.reduce_max)]
    probe = ov.Core().compile_model(
        ov.Model(asked, model.get_parameters(), "ranges"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    rows = []
    for first in range(0, len(images), BATCH):
        answer = probe(images[first : first + BATCH].astype(np.float32))
        rows.append(np.stack([answer[output] for output in probe.outputs], axis=1))
    found = np.concatenate(rows)
    lows, highs = found[:, 0::2], found[:, 1::2]
    # Behind a ReLU, zero has to stay exactly zero.
    low = np.minimum(lows.min(axis=0), 0) * ROOM
    high = np.maximum(highs.max(axis=0) * ROOM, low + 1e-6)
    return list(zip(map(float, low), map(float, high), strict=True))


def _round(ops: Any, source: Any, seen: tuple[float, float]) -> None:
    """Round what a source gives to the layers behind it to 256 steps in the range seen."""
    node = source.get_node()
    if node.get_type_name() == "Concat":
        # The same range for each part: so the parts are put together in 8 bits.
        for part in node.inputs():
            origin = part.get_source_output()
            if origin.get_node().get_type_name() != "FakeQuantize":
                part.replace_source_output(_steps(ops, origin, seen))
        return
    behind = [one for one in source.get_target_inputs() if one.get_node().get_type_name() in (*_WEIGHTED, *_FOLLOWING)]
    rounded = _steps(ops, source, seen)
    for one in behind:
        one.replace_source_output(rounded)


def _steps(ops: Any, source: Any, seen: tuple[float, float]) -> Any:
    low, high = (ops.constant(np.float32(value)) for value in seen)
    return ops.fake_quantize(source, low, high, low, high, 256).output(0)


def _shorten(ops: Any, node: Any) -> None:
    """Give a layer weights of 8 bits, and the scale that makes them what they were."""
    weights = node.input_value(1).get_node().data
    each = tuple(range(1, weights.ndim)) if node.get_type_name() == "Convolution" else None
    scale = np.maximum(np.abs(weights).max(axis=each, keepdims=True) / 127, 1e-12).astype(np.float32)
    short = np.clip(np.round(weights / scale), -127, 127).astype(np.int8)
    node.input(1).replace_source_output(
        ops.multiply(ops.convert(ops.constant(short), "f32"), ops.constant(scale)).output(0)
    )
