"""Times, energies, scalers and kinematics of the demo experiment."""

from __future__ import annotations

import math

import numpy as np

from hydra_core.emulate.hardware import channel_gains, hardware_rng, with_drift
from hydra_core.emulate.plots import DemoPlot
from hydra_core.intake.histograms.draw import DrawScale
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram


def time_peak(
    name: str,
    title: str,
    group: str,
    axis: Axis,
    *,
    width: float,
    top: float,
    tail: float = 0.0,
    tail_ns: float = 1.0,
    flat: float = 0.02,
    log: bool = False,
) -> DemoPlot:
    """Return a peak in time about zero.

    Parameters
    ----------
    width
        Standard deviation of the peak in ns.
    top
        Mean counts at its top.
    tail, tail_ns
        Part of the top that a late tail begins with, and its decay time in ns; 0 for none.
    flat
        Random coincidences as a part of the top.
    """
    middles = (axis.edges[:-1] + axis.edges[1:]) / 2
    rng = hardware_rng(name)
    phase, skew = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.05)

    def expected(age: float) -> FloatArray:
        centre = 0.10 * width * math.sin(0.8 * age + phase)
        sigma = width * (1 + 0.03 * math.sin(0.5 * age + 2 * phase))
        delay = middles - centre
        core = np.exp(-0.5 * (delay / sigma) ** 2) + 0.07 * np.exp(-0.5 * (delay / (2.6 * sigma)) ** 2)
        late = tail * np.exp(-np.maximum(delay, 0) / tail_ns) * _rise(delay / (0.8 * sigma))
        early = skew * tail * np.exp(-np.maximum(-delay, 0) / (0.5 * tail_ns)) * (delay < 0)
        return np.asarray(top * (core + late + early + flat))

    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group=group,
        contact="timing@demo.example",
        description="One peak about zero; a shift or a second peak means that the times are off by some RF buckets.",
        frame=Histogram(name, title, axis, None, np.zeros(axis.bins), 0.0),
        scale=DrawScale(y=(0.5 if log else 0.0, top * (8.0 if log else 1.3)), log=log),
        expected=expected,
    )


def energy_spectrum(name: str, title: str, group: str, axis: Axis, *, peak: float, top: float, fall: float) -> DemoPlot:
    """Return a falling spectrum with one peak (Landau-like) on it.

    Parameters
    ----------
    peak
        Place of the peak, in the unit of the axis.
    top
        Mean counts at the peak.
    fall
        Constant of the exponential background, in the unit of the axis.
    """
    middles = (axis.edges[:-1] + axis.edges[1:]) / 2

    def expected(age: float) -> FloatArray:
        place = peak * (1 + 0.01 * math.sin(age + 0.4))
        reduced = (middles - place) / (0.11 * peak)
        bump = np.exp(-0.5 * (reduced + np.exp(-np.clip(reduced, -4, 40)) - 1))
        threshold = _rise((middles - 0.12 * peak) / (0.02 * peak))
        return np.asarray(top * threshold * (bump + 1.4 * np.exp(-middles / fall) + 0.003))

    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group=group,
        contact="calibration@demo.example",
        description="Deposited energy; the peak of minimum ionising particles must stay at its place.",
        frame=Histogram(name, title, axis, None, np.zeros(axis.bins), 0.0),
        scale=DrawScale(y=(0.0, 2.2 * top)),
        expected=expected,
    )


def bars(name: str, title: str, group: str, means: dict[str, float], beamless: tuple[str, ...] = ()) -> DemoPlot:
    """Return named counters as bars.

    Parameters
    ----------
    means
        Mean counts of each, in drawing order.
    beamless
        Those that count without beam.
    """
    values = np.array(list(means.values())) * channel_gains(name, (len(means),), spread=0.003)
    frame = Histogram(name, title, Axis.named(tuple(means)), None, np.zeros(len(means)), 0.0)
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group=group,
        contact="online@demo.example",
        description="Counts of each scaler in the chunk. Both helicity states of a pair must agree.",
        frame=frame,
        scale=DrawScale(y=(0.0, 1.3 * max(means.values()))),
        expected=with_drift(name, values, np.arange(len(means)) // 2, 0.01),
        beamless=np.array([label in beamless for label in means]),
    )


def tagger(name: str, title: str, counters: int, top: float) -> DemoPlot:
    """Return hits in the counters of the photon tagger: bremsstrahlung with a coherent edge."""
    number = np.arange(counters) + 0.5
    energy = 1 - 0.75 * number / counters
    edge = 0.72
    coherent = 0.8 * np.where(energy < edge, np.exp(-(edge - energy) / 0.06), np.exp(-(energy - edge) / 0.008))
    mean = top * 0.55 * (0.45 / energy + coherent)
    mean *= channel_gains(name, (counters,), spread=0.035, dead=3, weak=2)
    boards = np.arange(counters) // 16
    axis = Axis.regular(counters, 0.5, counters + 0.5, "Counter")
    return DemoPlot(
        name=name,
        chunked=True,
        display=title,
        group="Photon tagger",
        contact="tagger@demo.example",
        description="Hits in each tagger counter, from high to low photon energy; the step is the coherent edge.",
        frame=Histogram(name, title, axis, None, np.zeros(counters), 0.0),
        scale=DrawScale(y=(0.0, 1.35 * top)),
        expected=with_drift(name, mean, boards, 0.02),
        parts={"board": boards, "sector": boards // 3},
    )


def kinematics(name: str, title: str, top: float) -> DemoPlot:
    """Return Q2 against Bjorken x of a whole run, inside what beam energy and detector allow.

    Parameters
    ----------
    top
        Mean counts in the fullest bin.
    """
    beam, proton = 10.6, 0.938
    x_edges, q_edges = np.linspace(0, 0.85, 86), np.linspace(0.5, 9.5, 73)
    x = (x_edges[:-1] + x_edges[1:])[:, None] / 2
    q2 = (q_edges[:-1] + q_edges[1:])[None, :] / 2
    energy_loss = q2 / (2 * proton * x)
    scattered = beam - energy_loss
    w2 = proton**2 + 2 * proton * energy_loss - q2
    with np.errstate(invalid="ignore"):
        sine2 = q2 / (4 * beam * np.maximum(scattered, 0.05))
        angle = np.degrees(2 * np.arcsin(np.sqrt(np.clip(sine2, 0, 1))))
    rate = q2**-2.1 * x**-0.25 * np.maximum(1 - x, 0.0) ** 2.4
    seen = _rise((angle - 7.0) / 0.5) * _rise((34.0 - angle) / 1.2)
    kept = _rise((scattered - 1.9) / 0.15) * _rise((w2 - 3.4) / 0.35)
    mean = rate * seen * kept
    mean *= top / mean.max()
    x_axis, q_axis = Axis(x_edges, "Bjorken x"), Axis(q_edges, "Q² [GeV²]")
    return DemoPlot(
        name=name,
        chunked=False,
        display=title,
        group="Physics",
        contact="physics@demo.example",
        description="Scattered electrons of the whole run in Q2 and x; edges are angle, energy and W limits.",
        frame=Histogram(name, title, x_axis, q_axis, np.zeros(mean.shape), 0.0),
        scale=DrawScale(colour=(0.8, 2.0 * top), log=True),
        expected=with_drift(name, mean, None, 0.01),
    )


def _rise(steps: FloatArray) -> FloatArray:
    """Return a smooth step from 0 to 1 about 0 (logistic function)."""
    return np.asarray(1 / (1 + np.exp(-np.clip(steps, -50, 50))))
