"""Where in the picture the places of a feature map look.

A map drawn over the picture as if its places were tiles of it is off: a convolution of stride 2 over an even number of
pixels looks half a pixel further than its tile, and windows without padding leave out the edge. At the first layer of
`compact` with 16 x 16 places that is 3.5 of 128 pixels, half a detector board.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydra_core.models.arrays import Floats
from hydra_core.models.derivatives import Node, NoDerivativeError, constant_of, dims, window

_WINDOWS = ("Convolution", "GroupConvolution", "AvgPool", "MaxPool")


@dataclass(frozen=True)
class Places:
    """Along one side of a picture: the pixel in whose middle the first place looks, and the pixels to the next one."""

    first: float
    step: float


def places_of(stage: Node, picture: tuple[int, int]) -> tuple[Places, Places] | None:
    """Return where the rows and the columns of a feature map look; None where its graph does not tell.

    Parameters
    ----------
    stage
        An output of the graph, (n, channels, h, w).
    picture
        Height and width of what the graph takes, (n, h, w, colours).
    """
    steps: list[tuple[list[float], list[int]]] = []
    value = stage
    while value.get_node().get_type_name() != "Parameter":
        node = value.get_node()
        kind = node.get_type_name()
        if kind in _WINDOWS:
            kernel = node.get_attributes().get("kernel") or dims(node.input_value(1))[-2:]
            try:
                lies = window(node, kernel)
            except NoDerivativeError:
                return None
            reach = [(k - 1) * apart for k, apart in zip(kernel, lies["dilations"], strict=True)]
            middle = [many / 2 - before for many, before in zip(reach, lies["pads_begin"], strict=True)]
            steps.append((middle, lies["strides"]))
            value = node.input_value(0)
        elif kind == "Pad":
            steps.append(([-float(many) for many in constant_of(node, 1)[-2:]], [1, 1]))
            value = node.input_value(0)
        elif kind == "Transpose" and dims(node.input_value(0))[1:3] == list(picture):
            break
        else:
            # What weighs or joins features leaves them where they are.
            alike = (one.get_source_output() for one in node.inputs())
            found = next((one for one in alike if dims(one)[2:] == dims(value)[2:] and len(dims(one)) == 4), None)
            if found is None or found.get_node().get_type_name() == "Constant":
                return None
            value = found
    first, step = np.zeros(2), np.ones(2)
    for middle, strides in reversed(steps):
        first, step = first + np.array(middle) * step, step * np.array(strides)
    rows, columns = (Places(float(a), float(b)) for a, b in zip(first, step, strict=True))
    return rows, columns


def laid(places: Places, count: int, side: int) -> Floats:
    """Return the matrix that lays `count` places over a picture of `side` pixels, as twice as many tiles.

    Returns
    -------
    numpy.ndarray
        float32, shape (2 * count, count): each tile is the mean of its two nearest places, weighed by how near they
        are; at the edges of the picture it is the nearest.
    """
    tiles = (np.arange(2 * count) + 0.5) * side / (2 * count) - 0.5
    at = np.clip((tiles - places.first) / places.step, 0, count - 1)
    lower = np.minimum(at.astype(np.int64), max(count - 2, 0))
    made = np.zeros((2 * count, count), np.float32)
    made[np.arange(2 * count), lower] = 1 - (at - lower)
    made[np.arange(2 * count), np.minimum(lower + 1, count - 1)] += at - lower
    return made
