"""What is kept of an image for networks, so that it is decoded once and not again for every look at it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hydra_core.intake.block import pack_input

#: Gets an encoded image and its pixels (uint8, shape (h, w, 3)); returns bytes for the block, empty to keep nothing.
Prepare = Callable[[bytes, NDArray[np.uint8]], bytes]


def keep_nothing(_data: bytes, _pixels: NDArray[np.uint8]) -> bytes:
    """Return no bytes: images are decoded again where they are needed."""
    return b""


def keep_where_it_pays(resize: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Prepare:
    """Return a function that packs the resized image, unless the encoded one is smaller and so quickly decoded.

    Parameters
    ----------
    resize
        Brings pixels to the size of a network's input.
    """

    def prepare(data: bytes, pixels: NDArray[np.uint8]) -> bytes:
        packed = pack_input(resize(pixels))
        return packed if len(packed) <= len(data) else b""

    return prepare
