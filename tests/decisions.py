"""What a network decides: the class it calls, and whether that is confirmed."""

from __future__ import annotations

import numpy as np

from hydra_core.models.arrays import Floats, Ints


def decisions(probs: Floats, thresholds: Floats | float) -> Ints:
    """Return the class and whether it is confirmed.

    Parameters
    ----------
    probs
        float (n, c).
    thresholds
        float (c,): from which probability on each class is confirmed; or the same for all.

    Returns
    -------
    numpy.ndarray
        int (n, 2).
    """
    winner = probs.argmax(axis=1)
    needed = np.broadcast_to(thresholds, probs.shape[1:])[winner]
    return np.stack([winner, probs[np.arange(len(probs)), winner] >= needed], axis=1)
