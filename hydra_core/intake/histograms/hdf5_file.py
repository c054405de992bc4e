"""What an HDF5 file holds, by the convention of ``docs/histogram-files.md``; runs in the reading process alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hydra_core.intake.histograms.content import ObjectProblem, ReadLimits
from hydra_core.intake.histograms.histogram import Axis, FloatArray, Histogram, Kind, Ratio
from hydra_core.intake.histograms.object_names import Choice, clean_name, clean_title
from hydra_core.intake.histograms.objects import MAX_DEPTH, Entry, Listing, Member, NotRead, check_bins

#: The attribute that makes a group a histogram, and the version of the convention that is read.
MARK, VERSION = "hydra_histogram", 1
_CLASS = "group"
_KINDS: tuple[Kind, ...] = ("counts", "profile", "efficiency")
#: No file of a producer has more objects; a damaged one may claim to.
_MAX_OBJECTS = 1_000_000
_UNCLOSED = ("already open for write", "consistency flags")


def list_hdf5(handle: int, choice: Choice, limits: ReadLimits, enter: Callable[[str], None]) -> Listing:
    """List the histograms of an HDF5 file; parameters and errors as in `root_file.list_root`."""
    import h5py

    try:
        # The number of the open file, not its path: the file that was checked is the one that is read.
        file = h5py.File(f"/proc/self/fd/{handle}", "r", rdcc_nbytes=0)
    except MemoryError:
        raise
    except Exception as error:
        raise NotRead(_file_reason(str(error))) from error
    walk = _Walk(Listing(choice, limits), enter, {file.id})
    walk.group(file, "", 0)
    return walk.listing


class _Walk:
    def __init__(self, listing: Listing, enter: Callable[[str], None], seen: set[Any]) -> None:
        self.listing = listing
        self._enter = enter
        self._seen = seen
        self._objects = 0

    def group(self, group: Any, path: str, depth: int) -> None:
        import h5py

        self._enter(path)
        if depth > MAX_DEPTH:
            raise NotRead(f"it lies more than {MAX_DEPTH} groups deep")
        for raw in group:
            self._objects += 1
            if self._objects > _MAX_OBJECTS:
                raise NotRead(f"the file claims to hold more than {_MAX_OBJECTS} objects")
            name = clean_name(raw)
            below = clean_name(f"{path}/{name}" if path else name)
            try:
                # A link of another kind may lead out of the file, or nowhere.
                if not isinstance(group.get(raw, getlink=True), h5py.HardLink):
                    self.listing.skipped["link"] += 1
                else:
                    self._object(group[raw], below, depth)
            except MemoryError:
                raise
            except NotRead as error:
                self.listing.problems.append(ObjectProblem(below, _CLASS, error.reason))
            except Exception as error:
                self.listing.problems.append(ObjectProblem(below, "", f"it cannot be read ({_words(error)})"))

    def _object(self, found: Any, path: str, depth: int) -> None:
        import h5py

        if not isinstance(found, h5py.Group):
            self.listing.skipped["dataset" if isinstance(found, h5py.Dataset) else "type"] += 1
        elif found.id in self._seen:
            # Hard links may lead in a circle.
            self.listing.skipped["link"] += 1
        else:
            self._seen.add(found.id)
            if MARK in found.attrs:
                self.listing.offer(Entry(path, _CLASS, lambda: _read(found, path, self.listing.limits)))
            else:
                self.group(found, path, depth + 1)


def _read(group: Any, path: str, limits: ReadLimits) -> Iterator[Member]:
    try:
        yield Member(path, _CLASS, _histogram(group, path, limits))
    except (NotRead, MemoryError):
        raise
    except ValueError as error:
        raise NotRead(f"it is no histogram that can be drawn: {error}") from error
    except Exception as error:
        raise NotRead(f"it cannot be read ({_words(error)})") from error


def _histogram(group: Any, path: str, limits: ReadLimits) -> Histogram:
    version = group.attrs[MARK]
    if np.ndim(version) or version != VERSION:
        raise NotRead(f"its {MARK} is {clean_name(str(version))[:40]}, this version reads {VERSION}")
    kind = _text(group, "kind") or "counts"
    if kind not in _KINDS:
        raise NotRead(f"its kind is {kind[:40]!r}, not one of {', '.join(_KINDS)}")
    ratio = None
    if "numerator" in group or "denominator" in group:
        squares = _numbers(group, "squares", limits) if "squares" in group else None
        ratio = Ratio(_numbers(group, "numerator", limits), _numbers(group, "denominator", limits), squares)
        if kind == "counts" or ratio.numerator.shape != ratio.denominator.shape:
            raise NotRead("numerator and denominator do not fit its kind or each other")
    values = ratio.quotient() if ratio is not None else _numbers(group, "values", limits)
    entries = group.attrs.get("entries", np.nansum(values if ratio is None else ratio.denominator))
    return Histogram(
        name=path,
        title=clean_title(_text(group, "title")),
        content_title=clean_title(_text(group, "content_title")),
        x=_axis(group, "x", limits),
        y=_axis(group, "y", limits) if values.ndim > 1 else None,
        values=values,
        entries=float(entries),
        kind=next(known for known in _KINDS if known == kind),
        variances=_numbers(group, "variances", limits) if "variances" in group else None,
        ratio=ratio,
    )


def _axis(group: Any, letter: str, limits: ReadLimits) -> Axis:
    edges = _numbers(group, f"{letter}_edges", limits, spare=1)
    labels = None
    if f"{letter}_labels" in group:
        dataset = _dataset(group, f"{letter}_labels", limits)
        labels = tuple(clean_title(_as_text(label)) for label in dataset[...].ravel())
    return Axis(edges, clean_title(_text(group, f"{letter}_title")), labels)


def _numbers(group: Any, name: str, limits: ReadLimits, spare: int = 0) -> FloatArray:
    dataset = _dataset(group, name, limits, spare)
    if dataset.dtype.kind not in "iufb":
        raise NotRead(f"{name} is not made of numbers")
    if dataset.ndim not in (1, 2):
        raise NotRead(f"{name} has {dataset.ndim} dimensions, not one or two")
    content: npt.NDArray[Any] = dataset[...]
    return content.astype(np.float64)


def _dataset(group: Any, name: str, limits: ReadLimits, spare: int = 0) -> Any:
    """Return a dataset of a histogram that lies whole in this file and is not too large."""
    import h5py

    link = group.get(name, getlink=True) if name in group else None
    if link is None:
        raise NotRead(f"it has no {name}")
    if not isinstance(link, h5py.HardLink):
        raise NotRead(f"{name} is a link")
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset):
        raise NotRead(f"{name} is no dataset")
    if dataset.is_virtual or dataset.external:
        raise NotRead(f"{name} lies outside the file")
    if dataset.shape is None or not dataset.shape:
        raise NotRead(f"{name} is no array")
    check_bins(limits, *(max(1, size - spare) for size in dataset.shape))
    return dataset


def _text(group: Any, name: str) -> str:
    return _as_text(group.attrs.get(name, ""))


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _file_reason(text: str) -> str:
    if any(words in text for words in _UNCLOSED):
        return "it was never closed by its producer, or is still being written"
    if "truncated file" in text:
        return "it is cut: its end is missing"
    return f"it cannot be read as an HDF5 file ({_line(text)})"


def _words(error: Exception) -> str:
    line = _line(str(error))
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _line(text: str) -> str:
    """Return the first line of what a library says, without the place of the file."""
    return clean_name(text.strip().partition("\n")[0].replace("/proc/self/fd/", "")[:160])
