"""Small ROOT and HDF5 files with histograms, made here."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hydra_core.intake.histograms.content import FileContent, FoundHistogram


class RootMaker:
    """Objects of ROOT, as uproot writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, objects: dict[str, Any], name: str = "file.root", **options: Any) -> Path:
        """Write objects by their path."""
        import uproot

        path = self.folder / name
        with uproot.recreate(path, **options) as file:
            for key, found in objects.items():
                file[key] = found
        return path

    def axis(self, edges: Any, title: str = "", labels: dict[int, str] | None = None, *, name: str = "xaxis") -> Any:
        """Return an axis; labels by number of the bin, from 1."""
        from uproot.writing import identify

        edges = np.asarray(edges, dtype=np.float64)
        found = None
        if labels is not None:
            texts = []
            for number, label in labels.items():
                text = identify.to_TObjString(label)
                text._bases[0]._members["@fUniqueID"] = number
                texts.append(text)
            found = identify.to_THashList(texts)
        return identify.to_TAxis(name, title, len(edges) - 1, edges[0], edges[-1], fXbins=edges, fLabels=found)

    def th1(
        self,
        values: Any,
        axis: Any = None,
        *,
        name: str = "h",
        title: str = "title",
        squares: Any = None,
        **more: Any,
    ) -> Any:
        """Return a histogram of one dimension; `values` with the bins below and above."""
        from uproot.writing import identify

        values = np.asarray(values)
        axis = axis if axis is not None else self.axis(np.arange(len(values) - 1))
        squares = np.zeros(0) if squares is None else np.asarray(squares, dtype=np.float64)
        total = float(values[np.isfinite(values)].sum())
        return identify.to_TH1x(name, title, values, total, total, total, 0.0, 0.0, squares, axis, **more)

    def th2(self, values: Any, x: Any, y: Any, *, name: str = "h2", title: str = "a map", **more: Any) -> Any:
        """Return a histogram of two dimensions; `values` of shape (y bins + 2, x bins + 2), as ROOT keeps them."""
        from uproot.writing import identify

        values = np.asarray(values)
        total = float(values[np.isfinite(values)].sum())
        numbers = [total, total, total, 0.0, 0.0, 0.0, 0.0, 0.0]
        return identify.to_TH2x(name, title, values.ravel(), *numbers, np.zeros(0), x, y, **more)

    def profile(self, values: Any, sums: Any, squares: Any, *, name: str = "p") -> Any:
        """Return a profile by its sums: of weight times value, of weights, of weight times value squared."""
        from uproot.writing import identify

        values, sums, squares = (np.asarray(array, dtype=np.float64) for array in (values, sums, squares))
        numbers = [float(sums.sum()), float(sums.sum()), 1.0, 1.0, 1.0, 1.0, 1.0]
        axis = self.axis(np.arange(len(values) - 1))
        return identify.to_TProfile(name, "a mean", values, *numbers, squares, sums, np.zeros(0), axis)

    def list_of(self, *objects: Any, kind: str = "TList") -> Any:
        """Return a list of objects."""
        from uproot.writing import identify

        return getattr(identify, f"to_{kind}")(objects)


def forget_keys(data: bytes, *, count_only: bool = False) -> bytes:
    """Return a ROOT file as it is before its producer closes it: nothing says where its keys are, or how many."""
    begin, names = struct.unpack_from(">i", data, 8)[0], struct.unpack_from(">i", data, 28)[0]
    changed = bytearray(data)
    large = struct.unpack_from(">h", data, begin + names)[0] > 1000
    place, size = begin + names + (34 if large else 26), 8 if large else 4
    if count_only:
        keys = int.from_bytes(data[place : place + size])
        place, size = keys + struct.unpack_from(">h", data, keys + 14)[0], 4
    assert any(changed[place : place + size])
    changed[place : place + size] = bytes(size)
    return bytes(changed)


def hdf5_histogram(file: h5py.Group, name: str, values: Any, **more: Any) -> h5py.Group:
    """Write a histogram by the convention; further datasets and attributes by their name."""
    values = np.asarray(values)
    group = file.create_group(name)
    group.attrs["hydra_histogram"] = 1
    group["values"] = values
    for letter, bins in zip("xy", values.shape, strict=False):
        group[f"{letter}_edges"] = np.arange(bins + 1.0)
    for key, value in more.items():
        if key in ("title", "x_title", "y_title", "entries", "kind", "hydra_histogram"):
            group.attrs[key] = value
        else:
            if key in group:
                del group[key]
            group[key] = value
    return group


#: What uproot finds in each file of the folder of corner cases.
EXPECTED = "expected_uproot.csv"


@dataclass(frozen=True)
class Difference:
    """How what was read of a file differs from what uproot finds; `what` is empty where it does not."""

    file: str
    what: str = ""
    rule: str = ""
    is_explained: bool = True


def compare_with_uproot(row: dict[str, str], content: FileContent) -> Difference:
    """Compare a file with its row of the table, and say by which rule they differ."""
    counted = [one for one in content.histograms if one.class_name != "TEfficiency"]
    ours = (len(content.histograms), sum(map(_is_empty, content.histograms)))
    theirs = (int(row["hist_checked_max400"]), int(row["hist_empty"]))
    if ours == theirs and not content.problems and not int(row["unreadable_by_getitem"] or 0):
        return Difference(row["file"])
    deeper = sum(count for name, count in content.skipped.items() if name.startswith(("TH3", "TProfile3D")))
    rules = []
    if len(counted) < len(content.histograms):
        rules.append("an efficiency is read here; the table counts none")
    if deeper:
        rules.append("a histogram of three dimensions is not drawn; the table counts it")
    explained = (len(counted) + deeper, sum(map(_is_empty, counted))) == theirs and not content.problems
    what = f"here {ours[0]}, of them empty {ours[1]}; in the table {theirs[0]} and {theirs[1]}"
    return Difference(row["file"], what, "; ".join(rules), explained)


def _is_empty(found: FoundHistogram) -> bool:
    return not np.nansum(np.abs(found.hist.values))


def count_useful(contents: Iterator[FileContent], count: int) -> int:
    """Check that every file gives histograms or a reason; return how many gave histograms."""
    some = 0
    done = 0
    for content in contents:
        assert bool(content.histograms) != bool(content.problem)
        assert all(one.reason and one.reason.isprintable() for one in content.problems)
        some += bool(content.histograms)
        done += 1
    assert done == count
    return some
