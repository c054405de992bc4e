"""From a plot to what a network sees: one function, used in training and in judging alike."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import Images

#: What `model_input` does. Its hash is part of a model's identity: change this text with the code.
PREPROCESSING: dict[str, str | int] = {
    "version": 1,
    "input": "RGB uint8, transparency laid on white",
    "resize": "Pillow BILINEAR (antialiased), aspect ratio not kept",
    "scaling": "none; the network divides",
}

#: SHA-256 of `PREPROCESSING`.
PREPROCESSING_HASH = sha256_bytes(json.dumps(PREPROCESSING, sort_keys=True).encode())


def model_input(rgb: Images, size: tuple[int, int]) -> Images:
    """Bring one image to the size of a network's input.

    Parameters
    ----------
    rgb
        uint8, shape (H, W, 3).
    size
        Height and width wanted, in pixels.

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
    if rgb.shape[:2] == tuple(size):
        return np.ascontiguousarray(rgb)
    height, width = size
    resized = Image.fromarray(np.ascontiguousarray(rgb)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)
