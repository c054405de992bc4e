"""Histograms as numbers: what ROOT and HDF5 files are read into, what the emulator makes, what is drawn and tested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
#: How contents come to be: filled counts, means of a profile, passed over total of an efficiency.
Kind = Literal["counts", "profile", "efficiency"]


@dataclass(frozen=True, eq=False)
class Axis:
    """The bins of one axis.

    Parameters
    ----------
    edges
        Bin edges, float64 of shape (bins + 1,), finite and strictly increasing.
    title
        What the axis shows, with its unit in brackets.
    labels
        One name a bin where bins have names instead of a position.

    Raises
    ------
    ValueError
        When edges do not increase or the labels are not one a bin.
    """

    edges: FloatArray
    title: str = ""
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        if edges.ndim != 1 or edges.size < 2 or not np.isfinite(edges).all() or not (edges[1:] > edges[:-1]).all():
            raise ValueError(f"the edges of axis {self.title!r} must be finite and strictly increasing")
        if self.labels is not None and len(self.labels) != edges.size - 1:
            raise ValueError(f"axis {self.title!r} has {edges.size - 1} bins but {len(self.labels)} labels")
        object.__setattr__(self, "edges", edges)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.edges.size) - 1

    @property
    def low(self) -> float:
        """Lower end of the first bin."""
        return float(self.edges[0])

    @property
    def high(self) -> float:
        """Upper end of the last bin."""
        return float(self.edges[-1])

    @classmethod
    def regular(cls, bins: int, low: float, high: float, title: str = "") -> Axis:
        """Return `bins` bins of equal width from `low` to `high`."""
        return cls(np.linspace(low, high, bins + 1), title)

    @classmethod
    def named(cls, labels: tuple[str, ...], title: str = "") -> Axis:
        """Return one bin of width 1 for each name."""
        return cls(np.arange(len(labels) + 1, dtype=np.float64), title, labels)


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the bins of a 1-D histogram of channels lie in the detector.

    Parameters
    ----------
    polygons
        Corners of each channel's cell, float64 of shape (channels, corners, 2); a cell with fewer
        corners repeats its last.
    x, y
        Extent (low, high) of the picture in the unit of the corners; drawn with equal scale on both axes.
    x_title, y_title
        Axis titles.
    outlines
        Closed lines that show the detector where nothing was counted, each of shape (points, 2).
    """

    polygons: FloatArray
    x: tuple[float, float]
    y: tuple[float, float]
    x_title: str = ""
    y_title: str = ""
    outlines: tuple[FloatArray, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        polygons = np.asarray(self.polygons, dtype=np.float64)
        if polygons.ndim != 3 or polygons.shape[2] != 2 or not np.isfinite(polygons).all():
            raise ValueError("polygons must be finite and of shape (channels, corners, 2)")
        if not (self.x[0] < self.x[1] and self.y[0] < self.y[1]):
            raise ValueError("the extent of a geometry must have a low end below its high end")
        object.__setattr__(self, "polygons", polygons)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the corners and outlines: geometries of equal digest are equal."""
        digest = hashlib.sha256(repr((self.polygons.shape, self.x, self.y, self.x_title, self.y_title)).encode())
        digest.update(np.ascontiguousarray(self.polygons).tobytes())
        for line in self.outlines:
            digest.update(np.ascontiguousarray(line, dtype=np.float64).tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Geometry) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@dataclass(frozen=True, eq=False)
class Ratio:
    """The sums behind contents that are a quotient; unlike the quotient they can be added and differenced.

    Parameters
    ----------
    numerator
        Of a profile the sum of weight times value, of an efficiency the events that passed; shape of the contents.
    denominator
        Of a profile the sum of weights, of an efficiency all events; same shape.
    squares
        Of a profile the sum of weight times value squared, same shape; None for an efficiency.
    """

    numerator: FloatArray
    denominator: FloatArray
    squares: FloatArray | None = None

    def quotient(self) -> FloatArray:
        """Return numerator over denominator, NaN where nothing was filled."""
        with np.errstate(all="ignore"):
            found = np.asarray(self.numerator, np.float64) / np.asarray(self.denominator, np.float64)
        found[np.asarray(self.denominator) == 0] = np.nan
        return found


@dataclass(frozen=True, eq=False)
class Histogram:
    """Bin contents with their axes.

    Parameters
    ----------
    name
        The plot type's name.
    title
        What stands above the picture.
    x, y
        Axes; `y` is None for a histogram of one dimension.
    values
        Bin contents, float64 of shape (x bins,) or (x bins, y bins); flow bins are not part of it.
    entries
        How often it was filled; need not be the sum of contents.
    mask
        True where a bin is no part of the detector and is never drawn; shape of `values`.
    geometry
        Places of the channels, for a histogram of one dimension that is drawn as a map of the detector.
    kind
        How the contents come to be.
    variances
        Squared errors of the contents, where a source gives them; shape of `values`.
    ratio
        The sums behind a profile or an efficiency; `values` is then their quotient, NaN where nothing was filled.
    content_title
        What the contents are, with their unit in brackets; empty for a plain number of events.

    Raises
    ------
    ValueError
        When shapes do not fit together.
    """

    name: str
    title: str
    x: Axis
    y: Axis | None
    values: FloatArray
    entries: float
    mask: BoolArray | None = None
    geometry: Geometry | None = None
    kind: Kind = "counts"
    variances: FloatArray | None = None
    ratio: Ratio | None = None
    content_title: str = ""

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        wanted = (self.x.bins,) if self.y is None else (self.x.bins, self.y.bins)
        if values.shape != wanted:
            raise ValueError(f"histogram {self.name!r}: contents of shape {values.shape} on axes of {wanted} bins")
        if self.mask is not None and self.mask.shape != wanted:
            raise ValueError(f"histogram {self.name!r}: mask of shape {self.mask.shape} on axes of {wanted} bins")
        if self.geometry is not None and (self.y is not None or len(self.geometry.polygons) != self.x.bins):
            raise ValueError(f"histogram {self.name!r}: a geometry needs one dimension and one cell a bin")
        sums = self.ratio
        for array in (self.variances, *((sums.numerator, sums.denominator, sums.squares) if sums else ())):
            if array is not None and array.shape != wanted:
                raise ValueError(f"histogram {self.name!r}: an array of shape {array.shape} beside {wanted} bins")
        object.__setattr__(self, "values", values)

    def with_values(self, values: npt.NDArray[Any]) -> Histogram:
        """Return the same histogram with other contents; entries become their sum outside the mask.

        Variances and the sums behind a ratio belong to the old contents and are left out.
        """
        contents = np.asarray(values, dtype=np.float64)
        if self.mask is not None:
            contents = np.where(self.mask, 0.0, contents)
        return replace(self, values=contents, entries=float(np.nansum(contents)), variances=None, ratio=None)
