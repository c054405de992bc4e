"""Snapshots of histograms that go on filling, turned into chunks that hold new events alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Ratio

_ROUNDING = 1e-6  # producers add in single precision; of a content this share may get lost
_MOST = 0.5
Places = npt.NDArray[np.intp]


def disjoint(snapshots: Sequence[tuple[int, Histogram]]) -> list[tuple[int, Histogram, str]]:
    """Return what each snapshot holds that the one before it did not.

    Contents, entries, variances and the sums behind means and efficiencies are subtracted. A snapshot is taken whole
    where the counting started again: its entries went down, or most of its bins did, or its axes changed.

    Parameters
    ----------
    snapshots
        Chunk number and histogram of one plot type of one run, in any order; numbers must differ.

    Returns
    -------
    list of (int, Histogram, str)
        In order of chunk numbers: number, new contents, and a remark for whoever looks at the chunk (a new start of
        the counting, missing chunks, bins that went down, no new event); empty where there is nothing to say.

    Raises
    ------
    ValueError
        When two snapshots have the same number.
    """
    ordered = sorted(snapshots, key=lambda snapshot: snapshot[0])
    if len({number for number, _ in ordered}) != len(ordered):
        raise ValueError("two snapshots have the same chunk number")
    found: list[tuple[int, Histogram, str]] = []
    for index, (number, hist) in enumerate(ordered):
        if index == 0:
            found.append((number, hist, f"holds the events of all chunks up to {number}" if number > 1 else ""))
            continue
        before, previous = ordered[index - 1]
        step = _subtract(previous, hist)
        found.append((number, step.hist, _remark(step, before, number)))
    return found


@dataclass(frozen=True, eq=False)
class _Step:
    """What one snapshot adds to the one before.

    Attributes
    ----------
    whole
        Why nothing was subtracted; empty where it was.
    fell
        How many bins went down, and by how much at most.
    """

    hist: Histogram
    whole: str = ""
    fell: tuple[int, float] = (0, 0.0)
    same: bool = False


def _remark(step: _Step, before: int, number: int) -> str:
    if step.whole:
        return step.whole.format(before=before, number=number)
    remarks = []
    if step.same:
        remarks.append(f"no new event since chunk {before}")
    elif number > before + 1:
        remarks.append(f"holds the events of chunks {before + 1} to {number}")
    bins, most = step.fell
    if bins:
        remarks.append(
            f"{bins} {'bin' if bins == 1 else 'bins'} went down by up to {most:.3g} since chunk {before}: "
            "the producer may weight or correct events"
        )
    return "; ".join(remarks)


def _subtract(previous: Histogram, hist: Histogram) -> _Step:
    if previous.kind != hist.kind:
        return _Step(hist, "the kind of histogram changed between chunk {before} and {number}: taken whole")
    aligned = _aligned(previous, hist)
    if aligned is None:
        return _Step(hist, "the axes changed between chunk {before} and {number}: taken whole")
    if hist.kind != "counts" and (aligned.ratio is None or hist.ratio is None):
        return _Step(hist, "holds all events up to chunk {number}: means without their sums cannot be taken apart")
    old, new = _counted(aligned), _counted(hist)
    tolerance = _ROUNDING * np.maximum(np.abs(old), np.abs(new))
    with np.errstate(invalid="ignore", over="ignore"):
        fell = (new - old < -tolerance) & np.isfinite(old) & np.isfinite(new)
    filled = int(np.count_nonzero(old > 0))
    if hist.entries < previous.entries or (filled and np.count_nonzero(fell & (old > 0)) > _MOST * filled):
        return _Step(hist, "the counting started again between chunk {before} and {number}")
    difference = _difference(aligned, hist)
    same = previous.entries == hist.entries and np.array_equal(aligned.values, hist.values, equal_nan=True)
    with np.errstate(over="ignore", invalid="ignore"):
        most = float((old - new)[fell].max()) if fell.any() else 0.0
    return _Step(difference, fell=(int(fell.sum()), most), same=same)


def _counted(hist: Histogram) -> FloatArray:
    """Return what can only grow while a histogram is filled: its contents, or the sum of weights of its means."""
    return hist.values if hist.ratio is None else hist.ratio.denominator


def _difference(previous: Histogram, hist: Histogram) -> Histogram:
    variances = None
    if previous.variances is not None and hist.variances is not None and hist.ratio is None:
        variances = np.maximum(_less(hist.variances, previous.variances), 0.0)
    values, ratio = _less(hist.values, previous.values), None
    if previous.ratio is not None and hist.ratio is not None:
        ratio = _ratio_less(hist.ratio, previous.ratio)
        values = ratio.quotient()
    entries = float(hist.entries - previous.entries)
    if entries == 0 and ratio is None:
        # Some producers set contents and leave the number of entries as it is.
        with np.errstate(over="ignore", invalid="ignore"):
            entries = float(np.nansum(values))
    return replace(hist, values=values, entries=entries, variances=variances, ratio=ratio)


def _ratio_less(new: Ratio, old: Ratio) -> Ratio:
    squares = None
    if new.squares is not None and old.squares is not None:
        squares = _less(new.squares, old.squares)
    denominator = _less(new.denominator, old.denominator)
    numerator = _less(new.numerator, old.numerator)
    # Where nothing was filled the sums are zero, whatever rounding left of them.
    empty = denominator == 0
    return Ratio(
        np.where(empty, 0.0, numerator), denominator, None if squares is None else np.where(empty, 0.0, squares)
    )


def _less(new: FloatArray, old: FloatArray) -> FloatArray:
    """Return the difference of two sums; what rounding alone took away is zero."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.where(new == old, 0.0, new - old)
        weighted = np.isfinite(old) & (old != np.round(old))
        lost = weighted & (np.abs(found) <= _ROUNDING * np.abs(old)) & (found < 0)
    found[lost] = 0.0
    return found


def _aligned(previous: Histogram, hist: Histogram) -> Histogram | None:
    """Return the earlier snapshot on the axes of the later one, or None where it has no place there.

    Axes with named bins grow and change their order while they are filled: bins are found again by name.
    """
    pairs = [(previous.x, hist.x)]
    if previous.y is not None and hist.y is not None:
        pairs.append((previous.y, hist.y))
    elif previous.y is not None or hist.y is not None:
        return None
    if all(_same_bins(old, new) for old, new in pairs):
        return previous
    places = [_places(old, new) for old, new in pairs]
    if hist.mask is not None or previous.mask is not None or any(place is None for place in places):
        return None
    kept = [np.flatnonzero(place >= 0) for place in places if place is not None]
    targets = [place[place >= 0] for place in places if place is not None]
    unnamed = np.ones(previous.values.shape, dtype=np.bool_)
    unnamed[np.ix_(*kept)] = False
    if _counted(previous)[unnamed].any():
        return None

    def moved(array: FloatArray, empty: float = 0.0) -> FloatArray:
        target = np.full(hist.values.shape, empty)
        target[np.ix_(*targets)] = array[np.ix_(*kept)]
        return target

    ratio = previous.ratio
    if ratio is not None:
        squares = None if ratio.squares is None else moved(ratio.squares)
        ratio = Ratio(moved(ratio.numerator), moved(ratio.denominator), squares)
    return replace(
        hist,
        values=moved(previous.values, 0.0 if ratio is None else np.nan),
        entries=previous.entries,
        variances=None if previous.variances is None else moved(previous.variances),
        ratio=ratio,
    )


def _same_bins(old: Axis, new: Axis) -> bool:
    return old.labels == new.labels and np.array_equal(old.edges, new.edges)


def _places(old: Axis, new: Axis) -> Places | None:
    """Return where each bin of an earlier axis lies on a later one, -1 for bins without a name; None for nowhere."""
    if _same_bins(old, new):
        return np.arange(old.bins)
    if old.labels is None or new.labels is None:
        return None
    names = [label for label in old.labels if label]
    later = [label for label in new.labels if label]
    if len(set(names)) != len(names) or len(set(later)) != len(later) or not set(names) <= set(later):
        return None
    place = {label: index for index, label in enumerate(new.labels)}
    return np.array([place[label] if label else -1 for label in old.labels])
