"""Calorimeters and counters of the demo experiment: maps of modules, drawn as they are stacked."""

from __future__ import annotations

import numpy as np

from hydra_core.emulate.hardware import channel_gains, hardware_rng, part_gains, with_drift
from hydra_core.emulate.plots import DemoPlot, PartArray
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram


def crystal_calorimeter(name: str, title: str, top: float) -> DemoPlot:
    """Return the occupancy of two halves of 46 x 5 crystals above and below the beam, with a gap for electrons."""
    x, y = np.arange(46)[:, None] - 22.5, np.arange(11)[None, :] - 5.0
    gap = (np.abs(y) < 0.5) | ((np.abs(y) < 1.5) & (x > -10) & (x < 0))
    # Bent electrons gather to the left of the photon line, positrons less so to the right.
    near = np.exp(-((np.abs(y) - 1) / 1.9))
    mean = top * near * (np.exp(-np.abs(x + 5) / 5.5) + 0.35 * np.exp(-(((x - 9) / 6.5) ** 2)) + 0.045)
    mask = np.broadcast_to(gap, mean.shape).copy()
    boards: PartArray = ((np.arange(46)[:, None] // 6) + 8 * (y > 0)).astype(np.int64)
    sectors: PartArray = np.broadcast_to((y > 0).astype(np.int64) * 2 + (x > 0), mean.shape)
    mean = mean * channel_gains(name, mean.shape, spread=0.10, dead=3, weak=5, hot=1) * part_gains(name, boards, 0.04)
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Electromagnetic calorimeter",
        contact="ecal@demo.example",
        description="Hits in each crystal, seen from the target; the gap in the middle is for the beam.",
        frame=Histogram(
            name,
            title,
            Axis.regular(46, -23, 23, "Crystal column"),
            Axis.regular(11, -5.5, 5.5, "Crystal row"),
            np.zeros(mean.shape),
            0.0,
            mask,
        ),
        scale=DrawScale(colour=(1.0, 4.0 * top), log=True),
        expected=with_drift(name, mean, boards, 0.03),
        parts={"board": boards, "sector": sectors},
    )


def block_calorimeter(name: str, title: str, blocks: int, block_cm: float, top: float) -> DemoPlot:
    """Return the occupancy of a disc of lead-glass blocks with a beam hole of 3 x 3 blocks.

    Parameters
    ----------
    blocks
        Blocks across the disc, odd.
    """
    half = blocks * block_cm / 2
    middles = (np.arange(blocks) - blocks // 2) * block_cm
    x, y = middles[:, None], middles[None, :]
    radius = np.hypot(x, y)
    hole = (np.abs(x) < 1.5 * block_cm) & (np.abs(y) < 1.5 * block_cm)
    mask = (radius > half) | hole
    scaled = np.maximum(radius, block_cm) / (4 * block_cm)
    mean = top * (0.9 / (1 + scaled**2.4) + 0.03) * (1 + 0.10 * x / half - 0.05 * y / half)
    crate = (np.arange(blocks) * 6) // blocks
    boards: PartArray = crate[:, None] + 6 * crate[None, :]
    sectors: PartArray = np.floor(np.mod(np.arctan2(y, x) / (2 * np.pi), 1.0) * 4).astype(np.int64)
    few = round(0.003 * mean.size)
    mean = mean * channel_gains(name, mean.shape, spread=0.13, dead=few, weak=few, hot=few // 3)
    mean = mean * part_gains(name, boards, 0.04)
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Forward calorimeter",
        contact="fcal@demo.example",
        description="Hits in each block, seen along the beam, which passes through the hole in the middle.",
        frame=Histogram(
            name,
            title,
            Axis.regular(blocks, -half, half, "x [cm]"),
            Axis.regular(blocks, -half, half, "y [cm]"),
            np.zeros(mean.shape),
            0.0,
            mask,
        ),
        scale=DrawScale(colour=(1.0, 3.0 * top), log=True, equal=True),
        expected=with_drift(name, mean, boards, 0.03),
        parts={"board": boards, "sector": sectors},
    )


def barrel_calorimeter(name: str, title: str, top: float) -> DemoPlot:
    """Return the occupancy of a barrel: 48 modules, and in each 4 layers read out at both ends in 4 columns."""
    module, row = np.arange(48)[:, None], np.arange(32)[None, :]
    layer = (row % 16) // 4
    mean = top * np.array([1.0, 0.72, 0.42, 0.2])[layer] * np.where(row >= 16, 0.86, 1.0)
    mean = mean * (1 + 0.06 * np.cos(2 * np.pi * module / 48 + 0.5))
    boards: PartArray = (module // 4) + 12 * (row // 8)
    sectors: PartArray = np.broadcast_to(module // 12, mean.shape)
    mean = mean * channel_gains(name, mean.shape, spread=0.07, dead=6, weak=8, hot=3) * part_gains(name, boards, 0.03)
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Barrel calorimeter",
        contact="bcal@demo.example",
        description="Hits in each cell of the barrel; rows 1 to 16 are read out upstream, 17 to 32 downstream.",
        frame=Histogram(
            name,
            title,
            Axis.regular(48, 0.5, 48.5, "Module"),
            Axis.regular(32, 0.5, 32.5, "Readout row"),
            np.zeros(mean.shape),
            0.0,
        ),
        scale=DrawScale(colour=(0.0, 1.35 * top)),
        expected=with_drift(name, mean, boards, 0.025),
        parts={"board": boards, "sector": sectors},
    )


def counter_times(name: str, title: str, group: str, counters: int, top: float) -> DemoPlot:
    """Return the TDC times of scintillation counters: a band with an offset for each counter over random hits.

    Parameters
    ----------
    top
        Mean counts in the fullest bin of the first counter.
    """
    rng = hardware_rng(name)
    edges = np.linspace(0, 250, 101)
    times = (edges[:-1] + edges[1:])[None, :] / 2
    number = np.arange(counters)[:, None]
    offset = 92 + 0.42 * number + rng.normal(0, 2.2, (counters, 1)) + 3.5 * ((number // 8) % 2)
    rate = np.exp(-number / (0.55 * counters)) + 0.15
    delay = times - offset
    band = np.where(delay < 0, np.exp(-0.5 * (delay / 4.0) ** 2), np.exp(-0.5 * (delay / 9.0) ** 2))
    tail = np.where(delay > 0, 0.22 * np.exp(-np.maximum(delay, 0.0) / 38.0), 0.0)
    gains = channel_gains(name, (counters, 1), spread=0.08, dead=1, weak=1)
    fixed = top * rate * gains
    boards: PartArray = np.broadcast_to(number // 8, band.shape)

    def expected(age: float) -> FloatArray:
        randoms = 0.012 * (1 + 0.2 * np.sin(age + 0.3))
        return np.asarray(fixed * (band + tail + randoms))

    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group=group,
        contact="time-of-flight@demo.example",
        description="Raw TDC time against counter; the band is in time with the trigger, the rest are random hits.",
        frame=Histogram(
            name,
            title,
            Axis.regular(counters, 0.5, counters + 0.5, "Counter"),
            Axis(edges, "TDC time [ns]"),
            np.zeros(band.shape),
            0.0,
        ),
        scale=DrawScale(colour=(0.8, 2.0 * top), log=True),
        expected=expected,
        parts={"board": boards, "sector": boards // 2},
    )
