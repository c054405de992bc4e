"""Bin contents as HDF5 files that Hydra, or anybody, reads: the convention of ``docs/histogram-files.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from hydra_core.base.names import PlotKey, slug
from hydra_core.intake.histograms.histogram import Axis, Histogram

_MARK, _VERSION = "hydra_histogram", 1


class BinFiles:
    """A folder with one file for each chunk of a run, and one for what comes once a run; use it as a context manager.

    A file is made when its first histogram comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def add(self, plot: PlotKey, chunk: int | None, hist: Histogram) -> tuple[str, str]:
        """Write a histogram; return the name of its file and the path of its group."""
        name = "once_a_run.h5" if chunk is None else f"chunk_{chunk:04d}.h5"
        if name not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[name] = h5py.File(self._folder / name, "w", libver=("v108", "v110"))
        file = self._files[name]
        group = _new_group(file, plot.name)
        _write(group, hist)
        return name, str(group.name).removeprefix("/")


def _new_group(file: Any, name: str) -> Any:
    parts = [_part(part) for part in name.split("/")]
    for path in ("/".join(parts), slug(f"{name}/")):
        # A histogram inside another one would not be found by a reader.
        above = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
        if path not in file and not any(_MARK in file[one].attrs for one in above if one in file):
            return file.create_group(path, track_order=False)
    raise AssertionError(f"two plot types of one chunk are called {name!r}")


def _part(part: str) -> str:
    """Return a part of a name as a part of a path in the file: ``.`` and the empty one have a meaning there."""
    return part if part.isprintable() and part not in ("", ".", "..") else slug(part)


def _write(group: Any, hist: Histogram) -> None:
    texts = {"title": hist.title, "x_title": hist.x.title, "kind": hist.kind, "content_title": hist.content_title}
    if hist.y is not None:
        texts["y_title"] = hist.y.title
    group.attrs[_MARK] = _VERSION
    group.attrs["entries"] = float(hist.entries)
    for name, text in texts.items():
        if text:
            group.attrs[name] = _text(text)
    arrays: dict[str, Any] = {"values": hist.values, "variances": hist.variances, "mask": hist.mask}
    if hist.ratio is not None:
        sums = hist.ratio
        arrays |= {"numerator": sums.numerator, "denominator": sums.denominator, "squares": sums.squares}
    for name, array in arrays.items():
        if array is not None:
            group.create_dataset(name, data=np.asarray(array), track_times=False)
    _write_axis(group, "x", hist.x)
    if hist.y is not None:
        _write_axis(group, "y", hist.y)


def _write_axis(group: Any, letter: str, axis: Axis) -> None:
    group.create_dataset(f"{letter}_edges", data=axis.edges, track_times=False)
    if axis.labels is not None:
        labels: Sequence[str] = [_text(label) for label in axis.labels]
        group.create_dataset(f"{letter}_labels", data=labels, dtype=h5py.string_dtype(), track_times=False)


def _text(text: str) -> str:
    """Return a text without what HDF5 cannot hold: lone surrogates and the character zero."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
