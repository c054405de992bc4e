"""What a plot type of the demo experiment is: expected counts, hardware parts, the range it is drawn in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from hydra_core.base.names import PlotKey
from hydra_core.config.training import Augmentation
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.histogram import BoolArray, FloatArray, Histogram

#: The first run of the demo experiment; slow drifts are counted from it.
FIRST_RUN = 121264
_DRIFT_RUNS = 60.0
_RUN_SPREAD, _CHUNK_SPREAD = 0.025, 0.012
PartArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DemoPlot:
    """One plot type of the demo experiment.

    Attributes
    ----------
    frame
        The histogram without contents: axes, titles, mask, geometry.
    expected
        Mean contents of one chunk at the nominal beam current, from the age of the apparatus (runs since the first,
        in units of 60); shape of the contents.
    parts
        By kind (``board``, ``sector``): the number of the hardware part that each bin belongs to, -1 for none.
    beamless
        True for bins that count without beam (clocks); None for none.
    augment
        Changes of training images that leave the meaning alone; empty: those that suit any plot.
    """

    name: str
    chunked: bool
    display: str
    group: str
    contact: str
    description: str
    frame: Histogram
    scale: DrawScale
    expected: Callable[[float], FloatArray]
    parts: Mapping[str, PartArray] = field(default_factory=dict)
    beamless: BoolArray | None = None
    augment: tuple[Augmentation, ...] = ()

    @property
    def key(self) -> PlotKey:
        """Name and chunking."""
        return PlotKey(self.name, self.chunked)

    def part_count(self, kind: str) -> int:
        """Return the number of parts of a kind; 1 where the type has none: the whole."""
        return int(self.parts[kind].max()) + 1 if kind in self.parts else 1

    def cells(self, kind: str, number: int) -> BoolArray:
        """Return True for the bins of a part (numbers are taken modulo the number of parts); all bins without parts."""
        if kind not in self.parts:
            return self.live()
        return cast(BoolArray, self.parts[kind] == number % self.part_count(kind))

    def live(self) -> BoolArray:
        """Return True for all bins that belong to the detector."""
        whole = np.ones(self.frame.values.shape, dtype=np.bool_)
        return whole if self.frame.mask is None else ~self.frame.mask


def rng_for(seed: int, *what: str | int | None) -> np.random.Generator:
    """Return the random numbers of one thing, the same whatever else is made.

    Parameters
    ----------
    seed
        Seed of the experiment, not negative.
    what
        Names and numbers that say which thing: ``"item", "CDC_occupancy", 121264, 3``.
    """
    digest = hashlib.sha256("\0".join(map(str, what)).encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4)]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def make_item(plot: DemoPlot, seed: int, run: int, chunk: int | None, current_na: float = 150.0) -> Histogram:
    """Return the healthy contents of one item: Poisson counts about the mean of that run.

    Parameters
    ----------
    plot
        The plot type.
    seed
        Seed of the experiment.
    run
        Run number; sets the slow drift.
    chunk
        Chunk number, or None for a plot of the whole run.
    current_na
        Beam current in nA. The trigger rate follows it weakly, as triggers are prescaled.
    """
    statistics = 1.0 + _RUN_SPREAD * rng_for(seed, "run", run).standard_normal()
    if chunk is not None:
        statistics *= 1.0 + _CHUNK_SPREAD * rng_for(seed, "chunk", run, chunk).standard_normal()
    statistics *= (max(current_na, 1.0) / 150.0) ** 0.2
    mean = plot.expected((run - FIRST_RUN) / _DRIFT_RUNS) * max(statistics, 0.5)
    rng = rng_for(seed, "item", str(plot.key), run, chunk)
    return plot.frame.with_values(rng.poisson(np.maximum(mean, 0.0)))
