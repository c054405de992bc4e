"""The chunk block: all items of one run revision with their images in one sealed file, all that later tasks read."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.container import Container, write_container
from hydra_core.intake.histograms.encode import decode_histogram
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.intake.nodata import NoData

BLOCK_FORMAT = "hydra-block-2"
#: Attribute of a block: how its packed images were brought to size.
PREPROCESSING = "preprocessing"
Status = Literal["ok", "unreadable", "missing"]


@dataclass(frozen=True)
class BlockItem:
    """One place in a run revision, with its image or the reason why there is none.

    Attributes
    ----------
    chunk
        None for a plot drawn once a run, and for a chunked plot type of which the run has no file at all.
    reason
        Why there is no image; on an ``ok`` item a note to show (a second file for the same place).
    sha256
        Of the encoded image; of the source's bytes where they are no picture; empty where they could not be read.
    source, source_size, source_mtime_ns, source_sha256
        Path below the source's root, bytes, ns, SHA-256 of the file; empty and 0 for a missing item.
    member
        Path of the histogram inside its file; empty for an image.
    rule
        The naming rule that fitted.
    mode
        The pixel mode in Pillow's words.
    style
        How a histogram was drawn; empty for an image.
    data
        The encoded image: as the producer wrote it, or as it was drawn. Items read from a block carry none: ask the
        block.
    bins
        The bin contents behind a drawn image (see `histograms.encode`); items read from a block carry none.
    packed
        The image as networks take it (see `pack_input`), where that is worth its room; as above.
    content
        Whether anything is drawn in it; None unless ``ok``.
    held
        The plot type was new when the run was read, and nobody had accepted it.
    tombstone
        Why the image is no longer kept, though its item is; empty as long as it is.
    duplicate_of
        Source of the first item of the same plot type with the very same image, else empty.
    """

    plot: PlotKey
    chunk: int | None
    status: Status
    reason: str = ""
    sha256: str = ""
    source: str = ""
    source_size: int = 0
    source_mtime_ns: int = 0
    source_sha256: str = ""
    member: str = ""
    rule: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    style: str = ""
    data: bytes = field(default=b"", repr=False)
    bins: bytes = field(default=b"", repr=False)
    packed: bytes = field(default=b"", repr=False)
    content: NoData | None = None
    held: bool = False
    tombstone: str = ""
    duplicate_of: str = ""


def write_block(path: Path, items: Sequence[BlockItem], attributes: Mapping[str, str]) -> str:
    """Write a block atomically and return the SHA-256 of the file.

    Equal input gives equal bytes; equal images are stored once.

    Raises
    ------
    DataError
        When an item's image does not have its SHA-256, an ``ok`` item has neither an image nor a tombstone, or the
        written file cannot be read back.
    """
    numbers: dict[str, int] = {}
    blobs: list[bytes] = []

    def keep(data: bytes) -> int | None:
        if not data:
            return None
        number = numbers.setdefault(sha256_bytes(data), len(blobs))
        if number == len(blobs):
            blobs.append(data)
        return number

    entries = []
    for item in items:
        whole = bool(item.data) and sha256_bytes(item.data) == item.sha256
        if item.status == "ok" and not (item.tombstone and not item.data) and not whole:
            raise DataError(
                f"the image of {item.source} for {path} is not what its SHA-256 says",
                next_step="run chunk_images again",
            )
        fields = asdict(item)
        for name in ("data", "bins", "packed"):
            del fields[name]
        numbered = {"blob": keep(item.data), "bins_blob": keep(item.bins), "packed_blob": keep(item.packed)}
        entries.append({**fields, "plot": [item.plot.name, item.plot.chunked], **numbered})
    return write_container(path, BLOCK_FORMAT, {"attributes": dict(attributes)}, entries, blobs)


def pack_input(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image in the form in which networks take it (uint8, shape (h, w, 3)), packed with zlib."""
    height, width, _ = pixels.shape
    return zlib.compress(b"%d %d\n" % (height, width) + np.ascontiguousarray(pixels).tobytes(), 1)


class Block:
    """An open block.

    Attributes
    ----------
    items
        What the block holds, in the order in which it was written, without the images.
    attributes
        What was written beside the items: pass, run, revision ...
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        try:
            self.attributes: dict[str, str] = dict(container.header["attributes"])
            self._blobs: dict[str, list[int | None]] = {
                name: [entry[name] for entry in container.entries] for name in ("blob", "bins_blob", "packed_blob")
            }
            self.items: tuple[BlockItem, ...] = tuple(_item(entry) for entry in container.entries)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the index of {container.path} has another form: {error}", next_step="run `hydra fsck`"
            ) from error

    @classmethod
    @contextmanager
    def open(cls, path: Path, sha256: str | None = None) -> Iterator[Self]:
        """Open a block for reading; with `sha256` the whole file is compared first.

        Raises
        ------
        DataError
            When the file is missing, cut, altered or no block; the message names it.
        """
        with Container(path, BLOCK_FORMAT, sha256) as container:
            yield cls(container)

    def has_image(self, number: int) -> bool:
        """Say whether the block holds the image of item `number`."""
        return self._blobs["blob"][number] is not None

    def data(self, number: int) -> bytes:
        """Return the encoded image of item `number`, compared with its SHA-256.

        Raises
        ------
        DataError
            When the item has no image, or the image is not what was written.
        """
        blob = self._blobs["blob"][number]
        if blob is None:
            item = self.items[number]
            place = f"item {number} ({item.plot}, chunk {item.chunk}) of {self._container.path}"
            raise DataError(
                f"{place} has no image: {item.tombstone or item.reason}",
                next_step="ask only for items whose status is ok and which have no tombstone",
            )
        return self._container.blob(blob)

    def bins(self, number: int) -> bytes:
        """Return the encoded bin contents of item `number`, empty where there are none.

        Raises
        ------
        DataError
            When they are not what was written.
        """
        blob = self._blobs["bins_blob"][number]
        return b"" if blob is None else self._container.blob(blob)

    def histogram(self, number: int) -> Histogram | None:
        """Return the bin contents of item `number`, or None where there are none.

        Raises
        ------
        DataError
            When they are not what was written.
        """
        data = self.bins(number)
        try:
            return decode_histogram(data) if data else None
        except DataError as error:
            raise DataError(
                f"item {number} of {self._container.path}: {error.cause}", next_step=error.next_step
            ) from error

    def packed(self, number: int) -> bytes:
        """Return item `number` as networks take it, still packed; empty where it is not kept so.

        Raises
        ------
        DataError
            When it is not what was written.
        """
        blob = self._blobs["packed_blob"][number]
        return b"" if blob is None else self._container.blob(blob)

    def model_input(self, number: int, size: tuple[int, int], preprocessing: str) -> NDArray[np.uint8] | None:
        """Return item `number` as networks of this input size (height, width) take it, where it is kept so.

        Parameters
        ----------
        preprocessing
            Identity of the function that brings images to size; an image prepared by another one is not given out.

        Returns
        -------
        numpy.ndarray or None
            uint8, shape (height, width, 3), not to be written to.

        Raises
        ------
        DataError
            When it is not what was written.
        """
        data = self.packed(number) if self.attributes.get(PREPROCESSING) == preprocessing else b""
        if not data:
            return None
        head, _, body = zlib.decompress(data).partition(b"\n")
        height, width = map(int, head.split())
        if (height, width) != size:
            return None
        return np.frombuffer(body, np.uint8).reshape(height, width, 3)

    def room(self, numbers: Collection[int]) -> dict[int, int]:
        """Return how many bytes of images would leave with some items: number of the item -> bytes.

        An image that several items share leaves with the last of them.
        """
        kept = [name for name in self._blobs if name != "bins_blob"]
        used = Counter(blob for name in self._blobs for blob in self._blobs[name] if blob is not None)
        found = {}
        for number in sorted(numbers):
            mine = [blob for name in kept if (blob := self._blobs[name][number]) is not None]
            used.subtract(mine)
            found[number] = sum(self._container.size(blob) for blob in set(mine) if not used[blob])
        return found

    def whole(self, number: int) -> BlockItem:
        """Return item `number` with everything that the block keeps of it.

        Raises
        ------
        DataError
            When something of it is not what was written.
        """
        data = self.data(number) if self.has_image(number) else b""
        return replace(self.items[number], data=data, bins=self.bins(number), packed=self.packed(number))


def _item(entry: Mapping[str, Any]) -> BlockItem:
    fields = {name: value for name, value in entry.items() if name not in ("blob", "bins_blob", "packed_blob")}
    name, chunked = fields.pop("plot")
    content = fields.pop("content")
    return BlockItem(plot=PlotKey(name, chunked), content=NoData(**content) if content else None, **fields)
