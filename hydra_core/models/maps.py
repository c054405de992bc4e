"""Heat maps to show, from the class maps that every prediction brings along or from `evidence`.

The logit of a class is the mean of its map, so Grad-CAM on the logit (Selvaraju et al. 2017) at the last feature map
gives the same picture.
"""

from __future__ import annotations

import numpy as np

from hydra_core.models.arrays import Floats


def class_map(cam: Floats, class_index: int) -> Floats:
    """Return where the evidence for a class lies.

    Parameters
    ----------
    cam
        float, shape (h, w, c): `Prediction.cam` of one image.
    class_index
        The class asked about.

    Returns
    -------
    numpy.ndarray
        float32, shape (h, w), 0..1; all 0 where nothing speaks for the class, or everything equally.
    """
    return shown(cam[:, :, class_index])


def contrast_map(cam: Floats, class_index: int, good_index: int) -> Floats:
    """Return where the evidence is for a class rather than for Good; shape and range as of `class_map`.

    It does not depend on what is added to all logits alike.
    """
    return shown(cam[:, :, class_index] - cam[:, :, good_index])


def shown(values: Floats) -> Floats:
    """Return a map to show, from evidence of which only what speaks for a class counts.

    Parameters
    ----------
    values
        float, shape (h, w): negative where something speaks against.

    Returns
    -------
    numpy.ndarray
        float32, shape (h, w), 0..1; all 0 where nothing speaks for the class, or everything equally.
    """
    positive = np.maximum(np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    low, high = float(positive.min()), float(positive.max())
    span = high - low
    # Rounding noise on a flat map is no evidence.
    if span <= 1e-6 * max(1.0, high):
        return np.zeros(values.shape, np.float32)
    return ((positive - low) / span).astype(np.float32)
