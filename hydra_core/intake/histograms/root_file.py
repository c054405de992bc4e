"""What a ROOT file holds, by uproot; runs in the reading process alone.

Keys are walked as objects: looking one up by its name fails for names with ``/``, ``:`` or ``;``.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hydra_core.intake.histograms.content import ObjectProblem, ReadLimits
from hydra_core.intake.histograms.object_names import Choice, clean_name
from hydra_core.intake.histograms.objects import MAX_DEPTH, Entry, Listing, Member, NotRead, PassedOver
from hydra_core.intake.histograms.root_efficiency import efficiency_model
from hydra_core.intake.histograms.root_histogram import DRAWN, histogram_of

_FOLDERS = {"TDirectory", "TDirectoryFile"}
_LISTS = {"TList", "THashList", "TObjArray"}
#: No file of a producer has more keys; a damaged one may claim to.
_MAX_KEYS = 1_000_000
#: Length, version, length of the object, date, length of the head: the begin of every record.
_RECORD = struct.Struct(">ihiIh2x")
#: Classes of the records that every file has, also an empty one.
_OWN_RECORDS = {b"", b"TFile", b"TList", b"TDirectory", b"TDirectoryFile"}
#: The largest object, before it is unpacked, as a multiple of the bytes of its bins: contents, sums of squares ...
_BYTES_A_BIN = 64
_SPARE_BYTES = 1 << 20


def list_root(handle: int, choice: Choice, limits: ReadLimits, enter: Callable[[str], None]) -> Listing:
    """List the histograms of a ROOT file.

    Parameters
    ----------
    handle
        Descriptor of the open file.
    choice
        Which histograms are wanted.
    limits
        How large they may be.
    enter
        Called with the path of each folder before it is read.

    Raises
    ------
    NotRead
        When the file as a whole cannot be read.
    """
    import uproot

    source = _Bytes(handle)
    try:
        top = uproot.open(
            source,
            # Nothing is kept, each object is read once; and no thread.
            object_cache=None,
            array_cache=None,
            use_threads=False,
            custom_classes={**uproot.classes, "TEfficiency": efficiency_model()},
        )
    except MemoryError:
        raise
    except Exception as error:
        raise NotRead(_file_reason(source, error)) from error
    if top.file.fEND > source.size:
        raise NotRead(f"it is cut: {source.size} of its {top.file.fEND} bytes are there")
    if not top._keys and (not top.fSeekKeys or _holds_records(source, top.file.fBEGIN)):
        raise NotRead("it was never closed by its producer, or is still being written")
    walk = _Walk(Listing(choice, limits), enter)
    walk.folder(top, "", 0)
    return walk.listing


class _Bytes:
    """An open file as uproot wants it; never asks for more than there is, however much a damaged key claims."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._place = 0
        self.size = os.fstat(handle).st_size

    def __repr__(self) -> str:
        return "the file"

    def seek(self, place: int) -> None:
        self._place = place

    def read(self, count: int) -> bytes:
        if self._place < 0 or count < 0:
            raise OSError("a place outside the file")
        pieces, left = [], min(count, max(0, self.size - self._place))
        while left and (piece := os.pread(self._handle, min(left, 1 << 24), self._place)):
            pieces.append(piece)
            self._place += len(piece)
            left -= len(piece)
        return b"".join(pieces)


def _holds_records(source: _Bytes, place: int) -> bool:
    """Whether objects follow one another in the file although no folder knows them."""
    for _ in range(_MAX_KEYS):
        source.seek(place)
        head = source.read(_RECORD.size + 8 + 1 + 80)
        if len(head) < _RECORD.size + 10:
            return False
        length, version, _, _, _ = _RECORD.unpack_from(head)
        name = head[_RECORD.size + (16 if version > 1000 else 8) :]
        if length > 0 and name[1 : 1 + name[0]] not in _OWN_RECORDS:
            return True
        if not length:
            return False
        # A length below zero is that of a gap.
        place += abs(length)
    return False


class _Walk:
    def __init__(self, listing: Listing, enter: Callable[[str], None]) -> None:
        self.listing = listing
        self._enter = enter
        self._seen: set[int] = set()
        self._keys = 0

    def folder(self, folder: Any, path: str, depth: int) -> None:
        for key in _newest(folder):
            self._keys += 1
            if self._keys > _MAX_KEYS:
                raise NotRead(f"it claims to hold more than {_MAX_KEYS} objects")
            name = clean_name(key.fName)
            self._key(key, clean_name(f"{path}/{name}" if path else name), depth)

    def _key(self, key: Any, path: str, depth: int) -> None:
        class_name = clean_name(key.fClassName)
        if class_name in _FOLDERS:
            self._subfolder(key, path, depth)
        elif class_name in DRAWN:
            self.listing.offer(Entry(path, class_name, lambda: _read_one(self.listing, key, path)))
        elif class_name in _LISTS:
            self.listing.add(Entry(path, class_name, lambda: _read_list(self.listing, key, path)))
        else:
            self.listing.skipped[class_name] += 1

    def _subfolder(self, key: Any, path: str, depth: int) -> None:
        self._enter(path)
        problem = ""
        if depth >= MAX_DEPTH:
            problem = f"it lies more than {MAX_DEPTH} folders deep"
        elif key.fSeekKey in self._seen:
            problem = "it is a folder that was met before"
        else:
            self._seen.add(key.fSeekKey)
            try:
                self.folder(key.get(), path, depth + 1)
            except (MemoryError, NotRead):
                raise
            except Exception as error:
                problem = f"the folder cannot be read ({_words(error)})"
        if problem:
            self.listing.problems.append(ObjectProblem(path, clean_name(key.fClassName), problem))


def _newest(folder: Any) -> list[Any]:
    """Return the keys of a folder, of each name only that with the highest cycle."""
    found: dict[str, Any] = {}
    # There is no public way to the keys that works for every name.
    for key in folder._keys:
        other = found.get(key.fName)
        if other is None or key.fCycle > other.fCycle:
            found[key.fName] = key
    return list(found.values())


def _read_one(listing: Listing, key: Any, path: str) -> Iterator[Member]:
    yield Member(path, clean_name(key.fClassName), histogram_of(_get(listing, key), path, listing.limits))


def _read_list(listing: Listing, key: Any, path: str) -> Iterator[Member | ObjectProblem | PassedOver]:
    waiting = [(path, member, 0) for member in reversed(list(_get(listing, key)))]
    while waiting:
        above, member, depth = waiting.pop()
        class_name = clean_name(getattr(member, "classname", "nothing"))
        own = clean_name(f"{above}/{clean_name(_name_of(member)) or 'unnamed'}")
        if class_name in _LISTS and depth < MAX_DEPTH:
            waiting += [(own, below, depth + 1) for below in reversed(list(member))]
        elif class_name not in DRAWN:
            yield PassedOver(class_name)
        elif not listing.choice.wants(own):
            yield PassedOver()
        else:
            try:
                yield Member(own, class_name, histogram_of(member, own, listing.limits))
            except NotRead as error:
                yield ObjectProblem(own, class_name, error.reason)


def _name_of(member: Any) -> str:
    for name in ("fName", "fString"):
        if member.has_member(name):
            return str(member.member(name))
    return ""


def _get(listing: Listing, key: Any) -> Any:
    if key.fObjlen > listing.limits.max_bins * _BYTES_A_BIN + _SPARE_BYTES:
        raise NotRead(f"it is larger ({key.fObjlen} bytes) than a histogram of {listing.limits.max_bins} bins")
    try:
        return key.get()
    except MemoryError:
        raise
    except Exception as error:
        raise NotRead(f"it cannot be read ({_words(error)})") from error


def _file_reason(source: _Bytes, error: Exception) -> str:
    head = np.frombuffer(os.pread(source._handle, 20, 0).ljust(20, b"\0"), dtype=">u4")
    end = int(head[3])
    if int(head[1]) < 1_000_000 and end > source.size:
        return f"it is cut: {source.size} of its {end} bytes are there"
    return f"it cannot be read as a ROOT file ({_words(error)})"


def _words(error: Exception) -> str:
    """Say in one short line what a library says in many."""
    if isinstance(error, RecursionError):
        return "it leads into itself without end"
    text = str(getattr(error, "message", error)).strip()
    first = re.sub(r"\s+", " ", text.split("\n", 1)[0]).strip(" :,;")
    return clean_name(f"{type(error).__name__}: {first[:160]}" if first else type(error).__name__)
