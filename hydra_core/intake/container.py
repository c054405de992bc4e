"""A sealed HDF5 file of byte strings: the form of chunk blocks and heat maps.

Layout, readable with h5py alone: ``data/bytes`` (uint8, all byte strings one after the other), ``data/offsets``
(int64, one more than there are byte strings) and ``index`` (uint8: UTF-8 JSON lines; the first is the header, the
others describe entries and name their byte string by number and SHA-256). Root attributes: ``format`` and
``index_sha256``, ASCII of fixed length. Everything is contiguous, uncompressed and without time stamps, so equal input
gives equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from hydra_core.base.errors import DataError
from hydra_core.base.files import atomic_path, sha256_bytes, sha256_file

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def write_container(
    path: Path, form: str, header: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], blobs: Sequence[bytes]
) -> str:
    """Write a container atomically, read it back in full before it gets its name, and return the SHA-256 of the file.

    Raises
    ------
    DataError
        When what was written cannot be read back.
    """
    lines = [{**header, "blobs": [sha256_bytes(blob) for blob in blobs]}, *entries]
    texts = [json.dumps(line, sort_keys=True, ensure_ascii=False, allow_nan=False) for line in lines]
    index = "".join(f"{text}\n" for text in texts).encode("utf-8")
    parts = {"index": _as_array(index), "data/bytes": _as_array(b"".join(blobs))}
    offsets = np.cumsum([0, *(len(blob) for blob in blobs)], dtype=np.int64)
    with atomic_path(path) as temp:
        with h5py.File(temp, "w", libver=("v108", "v110")) as file:
            # Of fixed length: texts of variable length lie in a heap, and where one of its bytes is damaged the HDF5
            # library may look through it for ever.
            file.attrs["format"] = np.bytes_(form)
            file.attrs["index_sha256"] = np.bytes_(sha256_bytes(index))
            for name, values in {**parts, "data/offsets": offsets}.items():
                file.create_dataset(name, data=values, track_times=False)
        with Container(temp, form) as written:
            for number in range(len(blobs)):
                written.blob(number)
        return sha256_file(temp)


class Container:
    """An open container; use it as a context manager.

    Parameters
    ----------
    path
        The file.
    form
        The value that its ``format`` must have.
    sha256
        The SHA-256 that the whole file must have, where it is known.

    Raises
    ------
    DataError
        When the file is missing, cut, altered or of another kind.
    """

    def __init__(self, path: Path, form: str, sha256: str | None = None) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                signature = stream.read(len(_HDF5_SIGNATURE))
            if signature != _HDF5_SIGNATURE:
                raise self._damaged("it is no HDF5 file")
            if sha256 is not None and sha256_file(path) != sha256:
                raise self._damaged("its SHA-256 is not the one that was recorded")
            self._file = h5py.File(path, "r", locking=False)
        except OSError as error:
            raise self._damaged(f"it cannot be opened: {str(error).splitlines()[0][:200]}") from error
        try:
            self._load(form)
        except DataError:
            self._file.close()
            raise
        except Exception as error:  # a damaged HDF5 file makes the library raise almost anything
            self._file.close()
            raise self._damaged(f"its index cannot be read: {str(error)[:200] or type(error).__name__}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def blob(self, number: int) -> bytes:
        """Return a byte string, compared with its SHA-256.

        Raises
        ------
        DataError
            When it is not what was written.
        """
        if type(number) is not int or not 0 <= number < len(self.header["blobs"]):
            raise self._damaged(f"its index speaks of a byte string {str(number)[:40]!r}, which is not there")
        start, end = int(self._offsets[number]), int(self._offsets[number + 1])
        try:
            data = bytes(self._bytes[start:end])
        except Exception as error:  # as above
            raise self._damaged(f"byte string {number} cannot be read") from error
        if hashlib.sha256(data).hexdigest() != self.header["blobs"][number]:
            raise self._damaged(f"byte string {number} is not what was written")
        return data

    def size(self, number: int) -> int:
        """Return the length of a byte string that `blob` returns."""
        return int(self._offsets[number + 1] - self._offsets[number])

    def _load(self, form: str) -> None:
        if self._text("format") != form:
            raise self._damaged(f"it is not of the form {form}")
        index = bytes(self._plain("index", np.dtype(np.uint8))[...])
        if sha256_bytes(index) != self._text("index_sha256"):
            raise self._damaged("its index has been altered")
        lines = [json.loads(line) for line in index.splitlines()]
        self.header: dict[str, Any] = lines[0]
        self.entries: list[dict[str, Any]] = lines[1:]
        self._bytes = self._plain("data/bytes", np.dtype(np.uint8))
        self._offsets: NDArray[np.int64] = self._plain("data/offsets", np.dtype("<i8"))[...]
        steps_up = bool((np.diff(self._offsets) >= 0).all())
        if len(self._offsets) != len(self.header["blobs"]) + 1 or not steps_up or self._offsets[0] != 0:
            raise self._damaged("its offsets do not fit its index")
        if self._offsets[-1] != len(self._bytes):
            raise self._damaged("its offsets do not fit its data")

    def _text(self, name: str) -> str | None:
        found = self._file.attrs.get(name)
        # Files of earlier versions hold texts of variable length.
        return found.decode("ascii", "replace") if isinstance(found, bytes) else found

    def _plain(self, name: str, kind: np.dtype[Any]) -> h5py.Dataset:
        """Return a dataset that lies in this very file: no link, no virtual or external storage, no filter."""
        group: h5py.Group = self._file
        for part in name.split("/"):
            if not isinstance(group, h5py.Group) or not isinstance(group.get(part, getlink=True), h5py.HardLink):
                raise self._damaged(f"its part {name} is missing or a link")
            group = group[part]
        if not isinstance(group, h5py.Dataset) or group.ndim != 1 or group.dtype != kind:
            raise self._damaged(f"its part {name} has another form")
        creation = group.id.get_create_plist()
        empty = group.shape == (0,)
        if creation.get_layout() != h5py.h5d.CONTIGUOUS or creation.get_external_count() or creation.get_nfilters():
            raise self._damaged(f"its part {name} is not stored plainly in the file")
        offset = group.id.get_offset()
        if not empty and (offset is None or offset + group.nbytes > self.path.stat().st_size):
            raise self._damaged(f"its part {name} lies beyond the end of the file")
        return group

    def _damaged(self, cause: str) -> DataError:
        return DataError(
            f"the file {self.path} cannot be used: {cause}",
            next_step="run `hydra fsck`; then trigger chunk_images of the run again, or take the file from the backup",
        )


def _as_array(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)
