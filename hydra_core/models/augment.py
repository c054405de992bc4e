"""Changes of training images that do not lie: which ones leave a plot's meaning alone, its experts say."""

from __future__ import annotations

import numpy as np

from hydra_core.models.arrays import Images
from hydra_core.models.asked import TrainSpec

#: Largest change of brightness, up or down, as a share.
BRIGHTNESS = 0.1


def augmented(images: Images, spec: TrainSpec, rng: np.random.Generator) -> Images:
    """Return a batch with the changes that ``spec.augment`` allows, drawn anew for each image.

    ``shift``: by up to ``spec.shift`` pixels (at 128 pixels of input) each way; what moves in repeats the edge.
    ``flip_x``, ``flip_y``: left for right, top for bottom, half of the time: for maps without a handedness.
    ``rotate90``: by any number of quarter turns: for round detectors.
    ``brightness``: by up to a tenth: for pictures whose colours have no fixed scale. A plot drawn in fixed ranges
    must not have it, for there the colour is the measurement.

    Parameters
    ----------
    images
        uint8, shape (n, h, w, 3); not changed.
    rng
        Where the draws come from.
    """
    n = len(images)
    if "shift" in spec.augment and spec.shift:
        images = shifted(images, rng, round(spec.shift * min(spec.size) / 128))
    if "flip_x" in spec.augment:
        images = np.where(_coin(rng, n), images[:, :, ::-1], images)
    if "flip_y" in spec.augment:
        images = np.where(_coin(rng, n), images[:, ::-1], images)
    if "rotate90" in spec.augment:
        turns = rng.integers(0, 4, n)
        images = np.stack([np.rot90(one, k) for one, k in zip(images, turns, strict=True)])
    if "brightness" in spec.augment:
        factors = rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS, (n, 1, 1, 1))
        images = np.clip(np.rint(images * factors), 0, 255).astype(np.uint8)
    return images


def shifted(images: Images, rng: np.random.Generator, most: int) -> Images:
    """Move each image (n, h, w, 3) by up to `most` pixels each way; what moves in repeats the edge."""
    if most == 0:
        return images
    _, height, width, _ = images.shape
    wide = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    moves = rng.integers(0, 2 * most + 1, (len(images), 2))
    return np.stack([one[y : y + height, x : x + width] for one, (y, x) in zip(wide, moves, strict=True)])


def _coin(rng: np.random.Generator, n: int) -> np.ndarray[tuple[int, int, int, int], np.dtype[np.bool_]]:
    return (rng.random(n) < 0.5).reshape(n, 1, 1, 1)
