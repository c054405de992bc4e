"""The derivative of each layer kind of an exported network, written with the engine's own layers.

A rule gets the engine's layers, a node, the gradient of the score by the node's output, and which of its inputs is
asked about; it returns the gradient by that input. Pictures lie as (n, channels, h, w); only n may be unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from hydra_core.models.arrays import Floats

#: A node of the graph, or one of its outputs.
Node = Any
Rule = Callable[[Any, Node, Node, int], Node]

_LOWEST = float(np.finfo(np.float32).min)


class NoDerivativeError(ValueError):
    """The graph holds something for which no derivative is written here."""


def dims(value: Node) -> list[int]:
    """Return the sides of an output, -1 for an unknown number of images.

    Raises
    ------
    NoDerivativeError
        When another side is unknown.
    """
    sides = [side.get_length() if side.is_static else -1 for side in value.get_partial_shape()]
    if -1 in sides[1:]:
        raise NoDerivativeError("a side of a feature map is not known before an image comes")
    return sides


def shaped(ops: Any, value: Node, sides: Sequence[int]) -> Node:
    """Return `value` with other sides and the same numbers."""
    return ops.reshape(value, np.array(sides, np.int64), special_zero=False).output(0)


def _number(value: float) -> Floats:
    return np.array(value, np.float32)


def constant_of(node: Node, which: int) -> Floats:
    """Return an input that must be a constant."""
    source = node.input_value(which).get_node()
    if source.get_type_name() != "Constant":
        raise NoDerivativeError(f"{node.get_type_name()} with a second input that is computed")
    return np.asarray(source.data)


def _own_copy(ops: Any, value: Node) -> Node:
    """Return weights at a place of their own.

    The engine knows weights that it has made ready for a layer by where they lie: two layers that use the same ones in
    different ways would get what was made for the first.
    """
    source = value.get_node()
    return ops.constant(source.data).output(0) if source.get_type_name() == "Constant" else value


def _as_input(ops: Any, node: Node, which: int, gradient: Node) -> Node:
    """Return a gradient summed where the input was repeated to fit the output."""
    have, want = dims(gradient), dims(node.input_value(which))
    more = len(have) - len(want)
    axes = [*range(more), *(more + k for k, side in enumerate(want) if side == 1 and have[more + k] != 1)]
    if axes:
        gradient = ops.reduce_sum(gradient, np.array(axes, np.int64), keep_dims=True).output(0)
    return shaped(ops, gradient, want) if more else gradient


def _other(node: Node, which: int) -> Node:
    return node.input_value(1 - which)


def _add(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    return _as_input(ops, node, which, gradient)


def _subtract(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    return _as_input(ops, node, which, ops.negative(gradient).output(0) if which else gradient)


def _multiply(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    return _as_input(ops, node, which, ops.multiply(gradient, _other(node, which)).output(0))


def _divide(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    part = ops.divide(gradient, node.input_value(1))
    if which:
        part = ops.negative(ops.multiply(part, node.output(0)))
    return _as_input(ops, node, which, part.output(0))


def _squared_difference(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    apart = ops.subtract(node.input_value(which), _other(node, which))
    twice = ops.multiply(ops.multiply(gradient, apart), _number(2))
    return _as_input(ops, node, which, twice.output(0))


def _extreme(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    compare = ops.greater_equal if node.get_type_name() == "Maximum" else ops.less_equal
    mine = compare(node.input_value(which), _other(node, which))
    return _as_input(ops, node, which, ops.select(mine, gradient, _number(0)).output(0))


def _power(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    exponent = constant_of(node, 1 - which if which else 1)
    if which:
        raise NoDerivativeError("Power by its exponent")
    lower = ops.power(node.input_value(0), (exponent - 1).astype(np.float32))
    return ops.multiply(gradient, ops.multiply(lower, exponent.astype(np.float32))).output(0)


def _where(test: Callable[[Any, Node], Node]) -> Rule:
    """Return the rule of a layer that lets some values through as they are, and nothing of the others."""

    def rule(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
        return ops.select(test(ops, node), gradient, _number(0)).output(0)

    return rule


def _times(slope: Callable[[Any, Node], Node]) -> Rule:
    """Return the rule of a layer that changes each value by itself, from its slope."""

    def rule(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
        return ops.multiply(gradient, slope(ops, node)).output(0)

    return rule


def _inside(ops: Any, node: Node) -> Node:
    limits = node.get_attributes()
    x = node.input_value(0)
    return ops.logical_and(ops.greater(x, _number(limits["min"])), ops.less(x, _number(limits["max"])))


def _sigmoid(ops: Any, node: Node) -> Node:
    return ops.multiply(node.output(0), ops.subtract(_number(1), node.output(0)))


def _tanh(ops: Any, node: Node) -> Node:
    return ops.subtract(_number(1), ops.multiply(node.output(0), node.output(0)))


def _elu(ops: Any, node: Node) -> Node:
    alpha = _number(node.get_attributes()["alpha"])
    return ops.select(ops.greater(node.input_value(0), _number(0)), _number(1), ops.add(node.output(0), alpha))


def _swish(ops: Any, node: Node) -> Node:
    beta = constant_of(node, 1).astype(np.float32) if node.get_input_size() > 1 else _number(1)
    gate = ops.sigmoid(ops.multiply(node.input_value(0), beta))
    rest = ops.multiply(ops.multiply(node.output(0), beta), ops.subtract(_number(1), gate))
    return ops.add(gate, rest)


def _erf(ops: Any, node: Node) -> Node:
    x = node.input_value(0)
    return ops.multiply(ops.exp(ops.negative(ops.multiply(x, x))), _number(2 / math.sqrt(math.pi)))


def _prelu(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    if which:
        raise NoDerivativeError("PRelu by its slope")
    positive = ops.greater(node.input_value(0), _number(0))
    slope = constant_of(node, 1).astype(np.float32)
    if slope.size > 1:
        slope = slope.reshape(1, -1, *[1] * (len(dims(node.input_value(0))) - 2))
    return ops.select(positive, gradient, ops.multiply(gradient, slope)).output(0)


def _back_to_shape(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    return shaped(ops, gradient, dims(node.input_value(0)))


def _transpose(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    return ops.transpose(gradient, np.argsort(constant_of(node, 1)).astype(np.int64)).output(0)


def _cut(ops: Any, value: Node, axes: Sequence[int], start: Sequence[int], stop: Sequence[int]) -> Node:
    parts = (np.array(numbers, np.int64) for numbers in (start, stop, [1] * len(axes), axes))
    return ops.slice(value, *parts).output(0)


def _concat(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    axis = int(node.get_attributes()["axis"]) % len(dims(node.output(0)))
    lengths = [dims(one.get_source_output())[axis] for one in node.inputs()]
    start = sum(lengths[:which])
    return _cut(ops, gradient, [axis], [start], [start + lengths[which]])


def _pad(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    before = constant_of(node, 1)
    sides = dims(node.input_value(0))
    if node.get_attributes()["pad_mode"] != "constant" or before[0] or (before < 0).any():
        raise NoDerivativeError("Pad that repeats or removes")
    axes = list(range(1, len(sides)))
    return _cut(ops, gradient, axes, before[1:].tolist(), [int(before[k]) + sides[k] for k in axes])


def _reduced(node: Node) -> tuple[list[int], list[int]]:
    """Return the sides of what is reduced, and the same with 1 where it is reduced."""
    sides = dims(node.input_value(0))
    axes = {int(axis) % len(sides) for axis in np.atleast_1d(constant_of(node, 1))}
    if 0 in axes:
        raise NoDerivativeError(f"{node.get_type_name()} over the images")
    return sides, [1 if k in axes else side for k, side in enumerate(sides)]


def _reduce_sum(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    sides, kept = _reduced(node)
    ones = [side if few == 1 else 1 for side, few in zip(sides, kept, strict=True)]
    many = math.prod(ones) if node.get_type_name() == "ReduceMean" else 1
    return ops.multiply(shaped(ops, gradient, kept), np.full(ones, 1 / many, np.float32)).output(0)


def _reduce_max(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    sides, kept = _reduced(node)
    largest = ops.convert(ops.equal(node.input_value(0), shaped(ops, node.output(0), kept)), "f32")
    axes = np.array([k for k, (side, few) in enumerate(zip(sides, kept, strict=True)) if side != few], np.int64)
    # Equal largest values share it, as in the training framework.
    share = ops.divide(shaped(ops, gradient, kept), ops.reduce_sum(largest, axes, keep_dims=True))
    return ops.multiply(largest, share).output(0)


def _softmax(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    y = node.output(0)
    axis = np.array([node.get_attributes()["axis"]], np.int64)
    mean = ops.reduce_sum(ops.multiply(gradient, y), axis, keep_dims=True)
    return ops.multiply(y, ops.subtract(gradient, mean)).output(0)


def _mat_mul(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    flags = node.get_attributes()
    first, second = bool(flags["transpose_a"]), bool(flags["transpose_b"])
    other = _own_copy(ops, _other(node, which))
    if min(len(dims(other)), len(dims(gradient))) < 2:
        raise NoDerivativeError("MatMul with a single row")
    if which == 0:
        made = ops.matmul(other, gradient, second, True) if first else ops.matmul(gradient, other, False, not second)
    else:
        made = ops.matmul(gradient, other, True, first) if second else ops.matmul(other, gradient, not first, False)
    return _as_input(ops, node, which, made.output(0))


def _einsum(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    given, made = node.get_attributes()["equation"].replace(" ", "").split("->")
    terms = given.split(",")
    if len(terms) != 2 or set(terms[which]) - set(made) - set(terms[1 - which]):
        raise NoDerivativeError(f"Einsum {given}->{made}")
    other = _own_copy(ops, _other(node, which))
    return ops.einsum([gradient, other], f"{made},{terms[1 - which]}->{terms[which]}").output(0)


def window(node: Node, kernel: Sequence[int]) -> dict[str, list[int]]:
    """Return how windows of a convolution or pooling lie in its input: of two sides each."""
    told = node.get_attributes()
    sides, made = dims(node.input_value(0)), dims(node.output(0))
    if len(sides) != 4:
        raise NoDerivativeError(f"{node.get_type_name()} over other than two sides")
    strides, dilations = list(told["strides"]), list(told.get("dilations") or [1, 1])
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    begin, end = list(told["pads_begin"]), list(told["pads_end"])
    if told["auto_pad"] in ("same_upper", "same_lower"):
        total = [max(0, (made[k + 2] - 1) * strides[k] + reach[k] - sides[k + 2]) for k in (0, 1)]
        less, more = [one // 2 for one in total], [one - one // 2 for one in total]
        begin, end = (less, more) if told["auto_pad"] == "same_upper" else (more, less)
    elif told["auto_pad"] == "valid":
        begin, end = [0, 0], [0, 0]
    # Rows and columns at the end that no window reached.
    rest = [sides[k + 2] + begin[k] + end[k] - (made[k + 2] - 1) * strides[k] - reach[k] for k in (0, 1)]
    if min(rest) < 0:
        raise NoDerivativeError(f"{node.get_type_name()} with windows that reach beyond the padding")
    return {"strides": strides, "pads_begin": begin, "pads_end": end, "dilations": dilations, "output_padding": rest}


def _convolution(ops: Any, node: Node, gradient: Node, which: int) -> Node:
    if which:
        raise NoDerivativeError(f"{node.get_type_name()} by its weights")
    grouped = node.get_type_name() == "GroupConvolution"
    back = ops.group_convolution_backprop_data if grouped else ops.convolution_backprop_data
    filters = _own_copy(ops, node.input_value(1))
    return back(gradient, filters, **window(node, dims(filters)[-2:]), auto_pad="explicit").output(0)


def _avg_pool(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    told = node.get_attributes()
    kernel = list(told["kernel"])
    lies = window(node, kernel)
    sides, made = dims(node.input_value(0)), dims(node.output(0))
    counts = []
    for k in (0, 1):
        first = np.arange(made[k + 2]) * lies["strides"][k] - lies["pads_begin"][k]
        inside = np.minimum(first + kernel[k], sides[k + 2]) - np.maximum(first, 0)
        counts.append(inside if told["exclude-pad"] else np.full(len(first), kernel[k]))
    mean = ops.divide(gradient, np.outer(*counts).astype(np.float32)[None, None])
    ones = np.ones((sides[1], 1, 1, *kernel), np.float32)
    return ops.group_convolution_backprop_data(mean, ones, **lies, auto_pad="explicit").output(0)


def _max_pool(ops: Any, node: Node, gradient: Node, _which: int) -> Node:
    """Give each window's gradient to the first of its largest values."""
    kernel = list(node.get_attributes()["kernel"])
    lies = window(node, kernel)
    rows, columns = dims(node.output(0))[2:]
    begin, end = ([0, 0, *lies[name]] for name in ("pads_begin", "pads_end"))
    wide = ops.pad(node.input_value(0), np.array(begin), np.array(end), "constant", _number(_LOWEST))
    strides, apart = lies["strides"], lies["dilations"]
    places = list(product(range(kernel[0]), range(kernel[1])))
    filters = np.zeros((len(places), 1, *kernel), np.float32)
    parts, taken = [], None
    for number, (down, across) in enumerate(places):
        start = [down * apart[0], across * apart[1]]
        stop = [start[0] + (rows - 1) * strides[0] + 1, start[1] + (columns - 1) * strides[1] + 1]
        value = ops.slice(wide, *(np.array(numbers, np.int64) for numbers in (start, stop, strides, [2, 3])))
        largest = ops.equal(value, node.output(0))
        first = largest if taken is None else ops.logical_and(largest, ops.logical_not(taken))
        taken = largest if taken is None else ops.logical_or(taken, largest)
        parts.append(ops.unsqueeze(ops.select(first, gradient, _number(0)), np.array(2)))
        filters[number, 0, down, across] = 1
    # As if each channel were a picture of its own: the engine is 20 times slower with a group for each channel.
    given = shaped(ops, ops.concat(parts, 2).output(0), [-1, len(places), rows, columns])
    made = ops.convolution_backprop_data(given, filters, **lies, auto_pad="explicit").output(0)
    return shaped(ops, made, dims(node.input_value(0)))


RULES: dict[str, Rule] = {
    "Add": _add,
    "AvgPool": _avg_pool,
    "Clamp": _where(_inside),
    "Concat": _concat,
    "Convolution": _convolution,
    "Divide": _divide,
    "Einsum": _einsum,
    "Elu": _times(_elu),
    "Erf": _times(_erf),
    "Exp": _times(lambda _ops, node: node.output(0)),
    "GroupConvolution": _convolution,
    "Log": _times(lambda ops, node: ops.divide(_number(1), node.input_value(0))),
    "MatMul": _mat_mul,
    "MaxPool": _max_pool,
    "Maximum": _extreme,
    "Minimum": _extreme,
    "Multiply": _multiply,
    "Negative": _times(lambda _ops, _node: _number(-1)),
    "PRelu": _prelu,
    "Pad": _pad,
    "Power": _power,
    "ReduceMax": _reduce_max,
    "ReduceMean": _reduce_sum,
    "ReduceSum": _reduce_sum,
    "Relu": _where(lambda ops, node: ops.greater(node.input_value(0), _number(0))),
    "Reshape": _back_to_shape,
    "Sigmoid": _times(_sigmoid),
    "SoftPlus": _times(lambda ops, node: ops.sigmoid(node.input_value(0))),
    "Softmax": _softmax,
    "Sqrt": _times(lambda ops, node: ops.divide(_number(0.5), node.output(0))),
    "SquaredDifference": _squared_difference,
    "Squeeze": _back_to_shape,
    "Subtract": _subtract,
    "Swish": _times(_swish),
    "Tanh": _times(_tanh),
    "Transpose": _transpose,
    "Unsqueeze": _back_to_shape,
}
