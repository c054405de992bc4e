"""From a plot to what a network sees: one function, used in training and in judging alike."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import Images
from hydra_core.models.asked import InputSpec

#: What `model_input` does. Its hash is part of a model's identity: change this text with the code.
PREPROCESSING: dict[str, str | int] = {
    "version": 1,
    "input": "RGB uint8, transparency laid on white",
    "resize": "Pillow BILINEAR (antialiased), aspect ratio not kept",
    "scaling": "none; the network divides",
}
#: What it does besides where boxes are masked or proportions kept.
_EDGE: dict[str, str | int] = {
    "edge version": 1,
    "colour": "the commonest of the outermost pixels; of several the smallest",
    "masks": "filled before resizing, from the pixel in which a box begins to the one in which it ends",
    "pad": "resized to fit, in the middle",
}


@lru_cache(maxsize=64)
def preprocessing_hash(spec: InputSpec) -> str:
    """Return the SHA-256 of what `model_input` does for `spec`, whatever the size."""
    told: dict[str, Any] = dict(PREPROCESSING)
    if spec.masks or spec.aspect != "stretch":
        told |= {**_EDGE, "aspect": spec.aspect, "boxes": [list(box) for box in spec.masks]}
    return sha256_bytes(json.dumps(told, sort_keys=True).encode())


#: That of a whole plot, stretched to size: the form in which blocks keep images for networks.
PREPROCESSING_HASH = preprocessing_hash(InputSpec())


def model_input(rgb: Images, spec: InputSpec | tuple[int, int]) -> Images:
    """Bring one image into the form that a network takes.

    Parameters
    ----------
    rgb
        uint8, shape (H, W, 3).
    spec
        How it is shown; a pair (height, width) in pixels means the whole plot, stretched to that size.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3).

    Raises
    ------
    ValueError
        When `rgb` has another shape or type.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"an image must be uint8 of shape (H, W, 3), not {rgb.dtype} {rgb.shape}")
    if not isinstance(spec, InputSpec):
        return _resized(rgb, *spec)
    colour = edge_colour(rgb) if spec.masks or spec.aspect == "pad" else None
    if spec.masks:
        rgb = _masked(rgb, spec, colour)
    if spec.aspect == "stretch":
        return _resized(rgb, *spec.size)
    return _padded(rgb, spec.size, colour)


def edge_colour(rgb: Images) -> NDArray[np.uint8]:
    """Return the commonest colour of the outermost pixels, uint8 of shape (3,); of several the smallest."""
    edge = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]).astype(np.uint32)
    colours, counts = np.unique(edge[:, 0] << 16 | edge[:, 1] << 8 | edge[:, 2], return_counts=True)
    commonest = int(colours[counts.argmax()])
    return np.array([commonest >> 16, commonest >> 8 & 255, commonest & 255], dtype=np.uint8)


def _masked(rgb: Images, spec: InputSpec, colour: NDArray[np.uint8] | None) -> Images:
    height, width = rgb.shape[:2]
    filled = rgb.copy()
    for left, top, right, bottom in spec.masks:
        rows = slice(math.floor(top * height), math.ceil(bottom * height))
        filled[rows, math.floor(left * width) : math.ceil(right * width)] = colour
    return filled


def _padded(rgb: Images, size: tuple[int, int], colour: NDArray[np.uint8] | None) -> Images:
    height, width = size
    scale = min(height / rgb.shape[0], width / rgb.shape[1])
    inner = (
        max(1, min(height, round(rgb.shape[0] * scale))),
        max(1, min(width, round(rgb.shape[1] * scale))),
    )
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    made = np.empty((height, width, 3), np.uint8)
    made[:] = colour
    made[top : top + inner[0], left : left + inner[1]] = _resized(rgb, *inner)
    return made


def _resized(rgb: Images, height: int, width: int) -> Images:
    if rgb.shape[:2] == (height, width):
        return np.ascontiguousarray(rgb)
    resized = Image.fromarray(np.ascontiguousarray(rgb)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)
