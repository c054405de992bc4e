"""What stays with the apparatus: gains of channels, dead and noisy ones, the slow drift of their supplies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hydra_core.emulate.plots import PartArray, rng_for
from hydra_core.intake.histograms.histogram import FloatArray

# The apparatus is the same for every seed of the experiment.
_APPARATUS = 19
Shape = Callable[[float], FloatArray]


def channel_gains(
    name: str, shape: tuple[int, ...], *, spread: float = 0.05, dead: int = 0, weak: int = 0, hot: int = 0
) -> FloatArray:
    """Return the relative efficiency of each channel of a detector, float64 of `shape`.

    Parameters
    ----------
    spread
        Relative standard deviation between channels.
    dead, weak, hot
        How many channels have always been dead, count a good half, or half as much again as their neighbours.
    """
    rng = rng_for(_APPARATUS, "gain", name)
    gains = np.exp(rng.normal(0.0, spread, shape))
    chosen = rng.permutation(gains.size)[: dead + weak + hot]
    flat = gains.ravel()
    flat[chosen[:dead]] = 0.0
    flat[chosen[dead : dead + weak]] *= 0.55
    flat[chosen[dead + weak :]] *= 1.5
    return gains


def part_gains(name: str, parts: PartArray, spread: float) -> FloatArray:
    """Return the relative efficiency that the channels of one part share, float64 of the shape of `parts`."""
    table = np.exp(rng_for(_APPARATUS, "part", name).normal(0.0, spread, int(parts.max()) + 2))
    table[-1] = 1.0
    return np.asarray(table[parts])


def with_drift(name: str, base: FloatArray, parts: PartArray | None = None, size: float = 0.025) -> Shape:
    """Return a function of age: `base`, slowly drifting by `size`, each part with its own phase.

    Parameters
    ----------
    base
        Mean contents at age 0.
    parts
        Which channels drift together; all where None.
    """
    rng = rng_for(_APPARATUS, "drift", name)
    groups = np.zeros(base.shape, dtype=np.int64) if parts is None else parts
    count = int(groups.max()) + 2
    phases, speeds = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.5, 1.5, count)

    def at(age: float) -> FloatArray:
        change = 1.0 + size * (np.sin(phases + speeds * age) - np.sin(phases))
        return np.asarray(base * change[groups])

    return at


def hardware_rng(name: str) -> np.random.Generator:
    """Return random numbers for what is built once: offsets, positions."""
    return rng_for(_APPARATUS, "built", name)
