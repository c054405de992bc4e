"""Where a plot differs from good ones: what their commonest variations cannot explain, without any label of a fault.

Good plots, made small, vary along a few directions (principal components). What is left of a plot after these are
taken out is compared, pixel by pixel, with what is usually left of good ones.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hydra_core.models.arrays import Floats, Images

#: The class whose plots are the measure.
GOOD = "Good"

#: Longer side of the map in pixels: single channels of a dense map are lost at half of it.
SIDE = 64
COMPONENTS = 20

#: Fewer good plots say nothing of how good plots vary; more than the most only cost time.
LEAST_IMAGES, MOST_IMAGES = 8, 512

#: A pixel that never changes in the good plots at hand may still change a little in the next.
_FLOOR = 0.01

#: Every so many plots are kept out of a first fit, to see what a good plot that was not fitted reaches.
_FOLDS = 4

#: Part of the good plots whose largest difference lies below what is called usual.
_USUAL = 0.95


@dataclass(frozen=True, eq=False)
class Residual:
    """What good plots look like.

    Attributes
    ----------
    mean
        float32 (h, w, 3): the mean good plot, 0..1.
    components
        float32 (k, h * w * 3): orthonormal directions in which good plots vary.
    typical
        float32 (h, w): what is usually left of a good plot at each pixel.
    usual
        The largest difference, in units of `typical`, that nearly all good plots stay below.
    images
        Number of good plots that it was made from.
    """

    mean: Floats
    components: Floats
    typical: Floats
    usual: float
    images: int

    def differences(self, images: Images) -> Floats:
        """Return how far each pixel is from what good plots show, in units of their usual difference.

        Parameters
        ----------
        images
            uint8, shape (n, H, W, 3), as networks take them.

        Returns
        -------
        numpy.ndarray
            float32, shape (n, h, w), 0 or more.
        """
        height, width, _ = self.mean.shape
        left = _left(_small(images, (height, width)), self.mean, self.components)
        return (left / self.typical).astype(np.float32)

    def maps(self, images: Images) -> Floats:
        """Return maps to show: float32, shape (n, h, w), 0..1; all 0 where nothing is more than usual.

        Parameters
        ----------
        images
            uint8, shape (n, H, W, 3), as networks take them.
        """
        over = np.maximum(self.differences(images) - self.usual, 0.0)
        most = over.max(axis=(1, 2), keepdims=True)
        return np.divide(over, most, out=np.zeros_like(over), where=most > 0)

    def to_bytes(self) -> bytes:
        """Return it as an uncompressed NPZ archive; equal ones give equal bytes."""
        stream = io.BytesIO()
        np.savez(
            stream,
            mean=self.mean.astype(np.float32),
            components=self.components.astype(np.float16),
            typical=self.typical.astype(np.float32),
            usual=np.float32(self.usual),
            images=np.int64(self.images),
        )
        return stream.getvalue()


#: The arrays of `Residual.to_bytes`.
RESIDUAL_ARRAYS = ("mean", "components", "typical", "usual", "images")


def residual_of(arrays: dict[str, Floats]) -> Residual:
    """Return what `Residual.to_bytes` wrote, from its arrays.

    Raises
    ------
    ValueError
        When the arrays do not fit together or hold what is no number.
    """
    mean, components, typical = (arrays[name].astype(np.float32) for name in ("mean", "components", "typical"))
    if mean.ndim != 3 or mean.shape[2] != 3 or not 0 < max(mean.shape) <= SIDE or typical.shape != mean.shape[:2]:
        raise ValueError(f"mean {mean.shape} and typical {typical.shape} are no small picture")
    if components.ndim != 2 or components.shape[1] != mean.size or len(components) > COMPONENTS:
        raise ValueError(f"components {components.shape} do not fit mean {mean.shape}")
    if any(arrays[name].shape != () for name in ("usual", "images")):
        raise ValueError("usual and images must be single numbers")
    usual = float(arrays["usual"])
    whole = all(np.isfinite(values).all() for values in (mean, components, typical, usual))
    if not whole or not (typical > 0).all() or usual < 0:
        raise ValueError("it holds what is no number, or not more than 0")
    return Residual(mean, components, typical, usual, int(arrays["images"]))


def fit_residual(good: Images) -> Residual | None:
    """Learn what good plots look like; the same plots in the same order give the same result.

    Parameters
    ----------
    good
        uint8, shape (n, H, W, 3): good plots as networks take them; of more than 512 an even selection is used.

    Returns
    -------
    Residual or None
        None for fewer than 8 plots.
    """
    if len(good) < LEAST_IMAGES:
        return None
    if len(good) > MOST_IMAGES:
        good = good[np.linspace(0, len(good) - 1, MOST_IMAGES).round().astype(int)]
    height, width = good.shape[1:3]
    scale = SIDE / max(height, width)
    plots = _small(good, (max(1, round(height * scale)), max(1, round(width * scale))))
    peaks = []
    for fold in range(_FOLDS):
        aside = np.arange(len(plots)) % _FOLDS == fold
        mean, components, typical = _fit(plots[~aside])
        peaks.append((_left(plots[aside], mean, components) / typical).max(axis=(1, 2)))
    return Residual(*_fit(plots), float(np.quantile(np.concatenate(peaks), _USUAL)), len(plots))


def _fit(plots: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean, components and what is usually left, of plots (n, h, w, 3)."""
    n = len(plots)
    mean = plots.mean(axis=0)
    flat = (plots - mean).reshape(n, -1).astype(np.float64)
    # The plots are far fewer than their pixels, so the small side of the problem is solved.
    _, vectors = np.linalg.eigh(flat @ flat.T)
    keep = min(COMPONENTS, max(1, n // 4))
    components = vectors[:, ::-1][:, :keep].T @ flat
    lengths = np.linalg.norm(components, axis=1, keepdims=True)
    # What does not vary has no direction.
    real = (lengths > 1e-6)[:, 0]
    components = components[real] / lengths[real]
    if len(components):
        # The sign of a direction is free: fixed here, so that equal plots give equal bytes.
        turned = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1) < 0
        components = np.where(turned, -components, components)
    # As it is stored, so that the fit knows what rounding leaves behind.
    components = components.astype(np.float16).astype(np.float32)
    mean = mean.astype(np.float32)
    typical = _smooth(np.sqrt((_left(plots, mean, components).astype(np.float64) ** 2).mean(axis=0)))
    return mean, components, (typical + np.median(typical) + _FLOOR).astype(np.float32)


def _left(plots: Floats, mean: Floats, components: Floats) -> Floats:
    """Return what mean and components do not explain: (n, h, w), over the channels together."""
    flat = (plots - mean).reshape(len(plots), -1)
    rest = flat - (flat @ components.T) @ components
    return np.asarray(np.sqrt((rest.reshape(plots.shape) ** 2).mean(axis=3)))


def _small(images: Images, size: tuple[int, int]) -> Floats:
    height, width = size
    made = np.empty((len(images), height, width, 3), np.float32)
    for place, image in zip(made, images, strict=True):
        small = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), Image.Resampling.BILINEAR)
        place[:] = np.asarray(small, np.float32) / 255
    return made


def _smooth(values: Floats) -> Floats:
    """Return the mean over 3 x 3 pixels."""
    height, width = values.shape
    wide = np.pad(values, 1, mode="edge")
    parts = [wide[down : down + height, across : across + width] for down in range(3) for across in range(3)]
    return np.asarray(np.mean(parts, axis=0))
