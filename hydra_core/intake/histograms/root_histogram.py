"""One object of ROOT → a `Histogram`; from the members of the object, so that flow bins and sums are known exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hydra_core.intake.histograms.content import ReadLimits
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Ratio
from hydra_core.intake.histograms.object_names import clean_title
from hydra_core.intake.histograms.objects import NotRead, check_bins

_KINDS = "CSILFD"
#: Dimensions of the classes that are read; an efficiency has those of the histograms in it.
DRAWN = (
    {f"TH{dimensions}{kind}": dimensions for dimensions in (1, 2) for kind in _KINDS}
    | {"TProfile": 1, "TProfile2D": 2}
    | {"TEfficiency": 0}
)


def histogram_of(found: Any, path: str, limits: ReadLimits) -> Histogram:
    """Return an object that uproot read as a histogram.

    Parameters
    ----------
    found
        The object; of one of the classes `DRAWN`.
    path
        Becomes the name.
    limits
        How many bins it may have.

    Raises
    ------
    NotRead
        When it is not what its class promises, or too large.
    """
    try:
        if found.classname == "TEfficiency":
            return _efficiency(found, path, limits)
        return _histogram(found, path, limits)
    except (NotRead, MemoryError):
        raise
    except ValueError as error:
        raise NotRead(f"it is no histogram that can be drawn: {error}") from error
    except Exception as error:
        raise NotRead(f"it has not the members of a {found.classname} ({type(error).__name__})") from error


def _histogram(found: Any, path: str, limits: ReadLimits) -> Histogram:
    dimensions = DRAWN[found.classname]
    axes = [_axis(found.member(f"f{letter}axis"), limits) for letter in "XY"[:dimensions]]
    check_bins(limits, *(axis.bins for axis in axes))
    cells = _cells(axes)
    (contents,) = (base for base in _bases(found) if hasattr(base, "dtype"))
    values = _inner(np.asarray(contents), axes)
    if values is None:
        raise NotRead(f"it has {len(contents)} contents for {cells} bins with those below and above")
    squares = _inner(_array(found, "fSumw2"), axes)
    title, entries = clean_title(str(found.member("fTitle"))), float(found.member("fEntries"))
    x, y = axes[0], axes[1] if dimensions > 1 else None
    contents_title = clean_title(str(found.member(f"f{'YZ'[dimensions - 1]}axis").member("fTitle")))
    waiting = _buffered(found, dimensions)
    if found.classname.startswith("TProfile"):
        if len(waiting):
            raise NotRead("its entries were still in the buffer of its producer")
        sums = _inner(_array(found, "fBinEntries"), axes)
        if sums is None:
            raise NotRead("it has not one count of entries a bin")
        ratio = Ratio(values, sums, squares)
        errors = _profile_errors(ratio, _inner(_array(found, "fBinSumw2"), axes))
        made = Histogram(path, title, x, y, ratio.quotient(), entries, kind="profile", variances=errors, ratio=ratio)
        return replace(made, content_title=contents_title)
    if len(waiting):
        edges = [axis.edges for axis in axes]
        values = values + np.histogramdd(waiting[:, 1:], bins=edges, weights=waiting[:, 0])[0]
        if squares is not None:
            squares = squares + np.histogramdd(waiting[:, 1:], bins=edges, weights=waiting[:, 0] ** 2)[0]
    return Histogram(path, title, x, y, values, entries, variances=squares, content_title=contents_title)


def _efficiency(found: Any, path: str, limits: ReadLimits) -> Histogram:
    parts = [found.member(f"f{name}Histogram") for name in ("Passed", "Total")]
    for part in parts:
        class_name = getattr(part, "classname", "nothing")
        if class_name not in DRAWN or class_name.startswith("T" + "Profile"):
            raise NotRead(f"an efficiency made of {class_name} is not drawn")
    passed, total = (_histogram(part, path, limits) for part in parts)
    if passed.values.shape != total.values.shape:
        raise NotRead("what passed and all have not the same bins")
    ratio = Ratio(passed.values, total.values)
    title = clean_title(str(found.member("fTitle"))) or total.title
    return Histogram(path, title, total.x, total.y, ratio.quotient(), total.entries, kind="efficiency", ratio=ratio)


def _axis(found: Any, limits: ReadLimits) -> Axis:
    bins, low, high = int(found.member("fNbins")), float(found.member("fXmin")), float(found.member("fXmax"))
    check_bins(limits, bins)
    edges = np.asarray(found.member("fXbins"), dtype=np.float64)
    if edges.size != bins + 1:
        if low == high:
            raise NotRead("an axis has no range yet: its entries were still in the buffer of its producer")
        edges = np.linspace(low, high, bins + 1)
    return Axis(edges, clean_title(str(found.member("fTitle"))), _labels(found, bins))


def _labels(axis: Any, bins: int) -> tuple[str, ...] | None:
    found = axis.member("fLabels", none_if_missing=True)
    labels = [""] * bins
    for label in found or ():
        # The bin of a label is its number, not its place in the list.
        place = int(label.member("@fUniqueID"))
        if 1 <= place <= bins:
            labels[place - 1] = clean_title(str(label))
    return tuple(labels) if any(labels) else None


def _bases(found: Any) -> list[Any]:
    bases = list(found.bases)
    return bases + [deeper for base in bases if hasattr(base, "bases") for deeper in _bases(base)]


def _array(found: Any, name: str) -> FloatArray:
    array = found.member(name, none_if_missing=True)
    return np.asarray(() if array is None else array, dtype=np.float64)


def _cells(axes: list[Axis]) -> int:
    return int(np.prod([axis.bins + 2 for axis in axes]))


def _inner(array: Any, axes: list[Axis]) -> FloatArray | None:
    """Return an array of all bins without those below and above the axes; None when it is not one a bin."""
    if len(array) != _cells(axes):
        return None
    shaped = np.asarray(array, dtype=np.float64).reshape([axis.bins + 2 for axis in reversed(axes)]).T
    return np.ascontiguousarray(shaped[tuple(slice(1, -1) for _ in axes)])


def _buffered(found: Any, dimensions: int) -> FloatArray:
    """Return entries that were not yet filled into bins: weight and place, shape (entries, 1 + dimensions)."""
    buffer = _array(found, "fBuffer")
    count = int(buffer[0]) if buffer.size and np.isfinite(buffer[0]) else 0
    # A number below zero: they are in the bins already.
    if count <= 0 or buffer.size < 1 + count * (1 + dimensions):
        return np.empty((0, 1 + dimensions))
    return buffer[1 : 1 + count * (1 + dimensions)].reshape(count, 1 + dimensions)


def _profile_errors(ratio: Ratio, weights: FloatArray | None) -> FloatArray | None:
    """Return the squared errors of the means, as ROOT gives them when nothing else is asked for."""
    if ratio.squares is None:
        return None
    count = ratio.denominator
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spread = np.abs(ratio.squares / count - ratio.quotient() ** 2)
        effective = count if weights is None else np.where(weights > 0, count**2 / weights, 0.0)
        return np.where((count != 0) & (effective > 0), spread / effective, np.nan)
