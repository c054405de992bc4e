"""Detector failures as pure functions of bin contents.

Each takes a healthy histogram, the bins of the failing part, random numbers and an amount whose meaning the function
gives; bins outside the part keep their contents, except where a function says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hydra_core.intake.histograms.histogram import BoolArray, FloatArray, Histogram

FaultFunction = Callable[[FloatArray, BoolArray, np.random.Generator, float], FloatArray]


def dead_board(values: FloatArray, cells: BoolArray, _rng: np.random.Generator, amount: float) -> FloatArray:
    """Set the part to a fraction `amount` of its counts (0: none at all)."""
    return np.where(cells, np.floor(values * amount), values)


def thinned(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Keep each count of the part with the probability `amount`."""
    kept = rng.binomial(values.astype(np.int64), amount)
    return np.where(cells, kept, values)


def hot_channel(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Let one channel of the part, drawn at random, count `amount` times the largest content of the plot."""
    changed = values.copy()
    channel = rng.choice(np.flatnonzero(cells.ravel()))
    changed.ravel()[channel] = rng.poisson(amount * max(float(values.max()), 1.0))
    return changed


def shifted_peak(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Move contents along the last axis by the fraction `amount` of it; what moves in is like the edge."""
    moved = _moved(values, rng, amount)
    return np.where(cells, moved, values)


def doubled_peak(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Move 45 % of the counts along the last axis by the fraction `amount` of it."""
    leaving = rng.binomial(values.astype(np.int64), 0.45).astype(np.float64)
    return np.where(cells, values - leaving + _moved(leaving, rng, amount), values)


def noise(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Add counts spread evenly over the part, on average the fraction `amount` of the largest content."""
    added = rng.poisson(amount * max(float(values.max()), 1.0), values.shape)
    return np.where(cells, values + added, values)


def swapped_cable(values: FloatArray, cells: BoolArray, _rng: np.random.Generator, _amount: float) -> FloatArray:
    """Exchange the first half of the part's channels with the second (the part: both cables' boards)."""
    where = np.flatnonzero(cells.ravel())
    half = where.size // 2
    changed = values.copy().ravel()
    changed[where[:half]], changed[where[-half:]] = values.ravel()[where[-half:]], values.ravel()[where[:half]]
    return changed.reshape(values.shape)


def low_gain(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Keep each count with about the probability `amount`; channels lose a little more or less."""
    spread = rng.normal(0.0, 0.12, values.shape)
    kept = rng.binomial(values.astype(np.int64), np.clip(amount * (1 + spread), 0.0, 1.0))
    return np.where(cells, kept, values)


def squeezed(values: FloatArray, cells: BoolArray, rng: np.random.Generator, amount: float) -> FloatArray:
    """Scale the last axis by `amount`: what a low gain does to a spectrum of amplitudes."""
    bins = values.shape[-1]
    target = np.floor((np.arange(bins) + rng.random(values.shape)) * amount).astype(np.int64)
    changed = np.zeros_like(values)
    if values.ndim == 1:
        np.add.at(changed, np.clip(target, 0, bins - 1), values)
    else:
        rows = np.broadcast_to(np.arange(values.shape[0])[:, None], values.shape)
        np.add.at(changed, (rows, np.clip(target, 0, bins - 1)), values)
    return np.where(cells, changed, values)


def _moved(values: FloatArray, rng: np.random.Generator, amount: float) -> FloatArray:
    bins = values.shape[-1]
    step = int(np.clip(round(amount * bins), -bins + 1, bins - 1))
    if step == 0:
        return values.copy()
    moved = np.roll(values, step, axis=-1)
    edge = values[..., : max(bins // 20, 1)] if step > 0 else values[..., -max(bins // 20, 1) :]
    width = abs(step)
    fresh = rng.poisson(np.broadcast_to(edge.mean(axis=-1, keepdims=True), (*values.shape[:-1], width)))
    if step > 0:
        moved[..., :width] = fresh
    else:
        moved[..., -width:] = fresh
    return moved


@dataclass(frozen=True)
class FaultKind:
    """A named failure.

    Attributes
    ----------
    scope
        What fails: a ``board``, a ``sector``, a ``pair`` of boards, or ``all`` bins.
    amount
        What the function is given where a plan says nothing else.
    expected_class
        The class an expert would give.
    """

    name: str
    function: FaultFunction
    scope: str
    amount: float
    expected_class: str = "Bad"


FAULTS: dict[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind("dead_board", dead_board, "board", 0.0),
        FaultKind("board_at_30_percent", thinned, "board", 0.3),
        FaultKind("dead_sector", dead_board, "sector", 0.0),
        FaultKind("hot_channel", hot_channel, "board", 3.0),
        FaultKind("shifted_peak", shifted_peak, "all", 0.12),
        FaultKind("doubled_peak", doubled_peak, "all", 0.15),
        FaultKind("noise", noise, "all", 0.25),
        FaultKind("swapped_cable", swapped_cable, "pair", 1.0),
        FaultKind("low_gain", low_gain, "all", 0.45),
        FaultKind("low_gain_spectrum", squeezed, "all", 0.7),
        FaultKind("empty_with_beam", dead_board, "all", 0.0),
        # Cosmic rays and noise leave some counts.
        FaultKind("empty_without_beam", thinned, "beam", 0.0008, "NoData"),
    )
}

#: Failures of files, not of detectors.
FILE_FAULTS = ("truncated_png", "zero_byte", "duplicate", "late_run", "late_chunk", "run_without_images")


def apply_fault(
    name: str, hist: Histogram, cells: BoolArray, rng: np.random.Generator, amount: float | None = None
) -> Histogram:
    """Return the histogram as the named failure leaves it.

    Parameters
    ----------
    name
        One of `FAULTS`.
    hist
        Healthy counts: whole numbers, not negative.
    cells
        True for the bins of what fails; shape of the contents. Bins under the mask never change.
    rng
        Random numbers of this item.
    amount
        Strength, in the meaning of the fault's function; its usual strength where None.

    Raises
    ------
    KeyError
        When there is no such fault.
    """
    kind = FAULTS[name]
    live = cells if hist.mask is None else cells & ~hist.mask
    if not live.any():
        return hist
    return hist.with_values(kind.function(hist.values, live, rng, kind.amount if amount is None else amount))
