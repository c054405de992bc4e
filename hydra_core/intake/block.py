"""The chunk block: all items of one run revision with their images in one sealed file, all that later tasks read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.container import Container, write_container

BLOCK_FORMAT = "hydra-block-1"
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
        Of the source's bytes; empty where they could not be read.
    source, source_size, source_mtime_ns
        Path below the source's root, bytes, ns; empty and 0 for a missing item.
    rule
        The naming rule that fitted.
    mode
        The pixel mode in Pillow's words.
    data
        The encoded image as the producer wrote it; empty unless ``ok``. Items read from a block carry none: ask the
        block.
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
    rule: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    data: bytes = b""
    duplicate_of: str = ""


def write_block(path: Path, items: Sequence[BlockItem], attributes: Mapping[str, str]) -> str:
    """Write a block atomically and return the SHA-256 of the file.

    Equal input gives equal bytes; equal images are stored once.

    Raises
    ------
    DataError
        When an item's image does not have its SHA-256, an ``ok`` item has no image, or the written file cannot be
        read back.
    """
    numbers: dict[str, int] = {}
    blobs: list[bytes] = []
    entries = []
    for item in items:
        if item.status == "ok" and (not item.data or sha256_bytes(item.data) != item.sha256):
            raise DataError(
                f"the image of {item.source} for {path} is not what its SHA-256 says",
                next_step="run chunk_images again",
            )
        number = None
        if item.status == "ok":
            number = numbers.setdefault(item.sha256, len(blobs))
            if number == len(blobs):
                blobs.append(item.data)
        fields = asdict(replace(item, data=b""))
        del fields["data"]
        entries.append({**fields, "plot": [item.plot.name, item.plot.chunked], "blob": number})
    return write_container(path, BLOCK_FORMAT, {"attributes": dict(attributes)}, entries, blobs)


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
            self._blobs: list[int | None] = [entry["blob"] for entry in container.entries]
            self.items: tuple[BlockItem, ...] = tuple(_item(entry) for entry in container.entries)
        except (KeyError, TypeError, ValueError) as error:
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

    def data(self, number: int) -> bytes:
        """Return the encoded image of item `number`, compared with its SHA-256.

        Raises
        ------
        DataError
            When the item has no image, or the image is not what was written.
        """
        blob = self._blobs[number]
        if blob is None:
            item = self.items[number]
            place = f"item {number} ({item.plot}, chunk {item.chunk}) of {self._container.path}"
            raise DataError(f"{place} has no image: {item.reason}", next_step="ask only for items whose status is ok")
        return self._container.blob(blob)


def _item(entry: Mapping[str, Any]) -> BlockItem:
    fields = {name: value for name, value in entry.items() if name != "blob"}
    name, chunked = fields.pop("plot")
    return BlockItem(plot=PlotKey(name, chunked), **fields)
