"""A block or map file gives back what was written, or an error that names it; never anything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes, sha256_file
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import Block, BlockItem, write_block
from hydra_core.intake.maps import StoredMap, read_maps, write_maps
from hydra_core.intake.nodata import NoData

ATTRIBUTES = {"pass": "2026-01/ver02", "run": "50001", "name": "Zähler"}


def item(plot: str, chunk: int | None, data: bytes) -> BlockItem:
    return BlockItem(
        PlotKey(plot, chunk is not None),
        chunk,
        "ok",
        sha256=sha256_bytes(data),
        source=f"Run1/{plot}_{chunk}.png",
        source_size=len(data),
        source_mtime_ns=1_700_000_000_000_000_001,
        rule="run-folder",
        width=4,
        height=3,
        mode="RGB",
        data=data,
    )


ITEMS = [
    item("CDC", 1, b"first image" * 20),
    item("CDC", 2, b"second image" * 20),
    replace(item("CDC", 3, b"first image" * 20), duplicate_of="Run1/CDC_1.png"),
    item("trigger", None, b"third"),
    BlockItem(PlotKey("Zähler/ä", True), 1, "unreadable", reason="cut", source="Run1/Zähler_0001.png", sha256="0" * 64),
    BlockItem(PlotKey("FDC", True), 2, "missing", reason="no file"),
    replace(item("drawn", 1, b"picture"), bins=b"n", packed=b"p", content=NoData(False, 0.5, "half"), held=True),
    replace(item("gone", 1, b""), tombstone="not collected", bins=b"numbers"),
]


@pytest.fixture
def block(tmp_path: Path) -> Path:
    path = tmp_path / "block.h5"
    write_block(path, ITEMS, ATTRIBUTES)
    return path


def test_a_block_gives_back_what_was_written(block: Path) -> None:
    with Block.open(block) as opened:
        assert opened.attributes == ATTRIBUTES
        assert opened.items == tuple(replace(written, data=b"", bins=b"", packed=b"") for written in ITEMS)
        assert [opened.whole(number) for number in range(len(ITEMS))] == ITEMS
        for number, written in enumerate(ITEMS):
            if written.data:
                assert opened.data(number) == written.data
            else:
                with pytest.raises(DataError, match=written.tombstone or written.reason):
                    opened.data(number)


def test_an_empty_block_is_a_block(tmp_path: Path) -> None:
    path = tmp_path / "empty.h5"
    write_block(path, [], {})
    with Block.open(path) as opened:
        assert opened.items == ()


def test_equal_input_gives_equal_bytes_and_the_returned_hash_is_the_file_s(tmp_path: Path) -> None:
    hashes = [write_block(tmp_path / f"{number}.h5", ITEMS, ATTRIBUTES) for number in range(2)]
    assert hashes[0] == hashes[1] == sha256_file(tmp_path / "0.h5")
    assert hashes[0] != write_block(tmp_path / "3.h5", ITEMS, {**ATTRIBUTES, "run": "50002"})


def test_equal_images_are_stored_once(block: Path) -> None:
    with h5py.File(block) as file:
        kept = {blob for item in ITEMS for blob in (item.data, item.bins, item.packed)}
        assert file["data/bytes"].shape == (sum(map(len, kept)),)


def test_the_index_can_be_read_with_h5py_alone(block: Path) -> None:
    with h5py.File(block) as file:
        lines = [json.loads(line) for line in bytes(file["index"][...]).splitlines()]
        start, end = file["data/offsets"][lines[2]["blob"] :][:2]
        assert bytes(file["data/bytes"][start:end]) == ITEMS[1].data
    assert lines[1]["plot"] == ["CDC", True]


def test_an_item_whose_image_is_not_what_its_hash_says_is_not_written(tmp_path: Path) -> None:
    for wrong in (replace(ITEMS[0], data=b"other"), replace(ITEMS[0], data=b"")):
        with pytest.raises(DataError, match="CDC_1"):
            write_block(tmp_path / "block.h5", [wrong], {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_block_and_nothing_else(block: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = block.read_bytes()

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", no_space)
    with pytest.raises(OSError, match="No space"):
        write_block(block, ITEMS[:1], {})
    assert block.read_bytes() == before
    assert [path.name for path in block.parent.iterdir()] == ["block.h5"]


def readable(path: Path, sha256: str | None = None) -> bool:
    """Open and read all; True if everything is what was written, False if refused. Anything else fails the test."""
    refusal = ""
    try:
        with Block.open(path, sha256) as opened:
            assert opened.items == tuple(replace(written, data=b"", bins=b"", packed=b"") for written in ITEMS)
            assert opened.attributes == ATTRIBUTES
            for number, written in enumerate(ITEMS):
                assert opened.whole(number) == written
    except DataError as error:
        refusal = str(error)
    assert not refusal or str(path) in refusal
    return not refusal


def test_a_block_cut_at_any_per_cent_is_refused(block: Path) -> None:
    data = block.read_bytes()
    cut = block.with_name("cut.h5")
    for percent in range(100):
        cut.write_bytes(data[: len(data) * percent // 100])
        assert not readable(cut), percent


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("pristine") / "block.h5"
    write_block(path, ITEMS, ATTRIBUTES)
    return path.read_bytes()


@settings(max_examples=300)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=3))
def test_flipped_bytes_never_give_wrong_data(
    pristine: bytes, tmp_path_factory: pytest.TempPathFactory, flips: list
) -> None:
    data = bytearray(pristine)
    for place, flip in flips:
        data[int(place * len(data))] ^= flip
    path = tmp_path_factory.getbasetemp() / "flipped.h5"
    path.write_bytes(data)
    readable(path)
    if bytes(data) != pristine:
        assert not readable(path, sha256_bytes(pristine))


def test_every_flipped_byte_of_image_or_index_is_noticed(block: Path, pristine: bytes) -> None:
    with h5py.File(block) as file:
        places = [
            file[name].id.get_offset() + file[name].nbytes // 2 for name in ("data/bytes", "index", "data/offsets")
        ]
    for place in places:
        data = bytearray(pristine)
        data[place] ^= 0x40
        block.write_bytes(data)
        assert not readable(block)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"not HDF5 at all" * 100])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.h5"
    path.write_bytes(content)
    assert not readable(path)
    assert not readable(tmp_path / "missing.h5")


def test_another_kind_of_container_is_refused(block: Path, tmp_path: Path) -> None:
    write_maps(tmp_path / "maps.h5", {})
    assert not readable(tmp_path / "maps.h5")
    with pytest.raises(DataError, match="hydra-maps"):
        read_maps(block)


def replaced(block: Path, name: str, put: Callable[[h5py.File, Path], None]) -> Path:
    """Return a copy of a block in which one dataset is replaced by something that holds the same values."""
    copy, outside = block.with_name("copy.h5"), block.with_name("outside.h5")
    shutil.copy(block, copy)
    with h5py.File(copy, "r+") as file, h5py.File(outside, "w") as other:
        other.create_dataset("x", data=file[name][...])
        del file[name]
    with h5py.File(copy, "r+") as file:
        put(file, outside)
    return copy


def test_links_and_storage_outside_the_file_are_never_followed(block: Path) -> None:
    name = "data/bytes"
    with h5py.File(block) as file:
        values = file[name][...]

    def external_link(file: h5py.File, outside: Path) -> None:
        file[name] = h5py.ExternalLink(str(outside), "x")

    def soft_link(file: h5py.File, outside: Path) -> None:
        file["elsewhere"] = values
        file[name] = h5py.SoftLink("/elsewhere")

    def virtual(file: h5py.File, outside: Path) -> None:
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[:] = h5py.VirtualSource(str(outside), "x", values.shape)
        file.create_virtual_dataset(name, layout)

    def external_storage(file: h5py.File, outside: Path) -> None:
        raw = outside.with_name("raw")
        raw.write_bytes(values.tobytes())
        file.create_dataset(name, values.shape, values.dtype, external=[(str(raw), 0, len(values))])

    def packed(file: h5py.File, outside: Path) -> None:
        file.create_dataset(name, data=values, compression="gzip")

    def group(file: h5py.File, outside: Path) -> None:
        file.create_group(name)

    def plain(file: h5py.File, outside: Path) -> None:
        file[name] = values

    for put in (external_link, soft_link, virtual, external_storage, packed, group):
        assert not readable(replaced(block, name, put)), put.__name__
    assert readable(replaced(block, name, plain))


def test_maps_come_back_by_item_class_and_kind(tmp_path: Path) -> None:
    first, second = (np.random.default_rng(seed).random((7, 9), dtype=np.float32) for seed in range(2))
    maps = {
        4: [StoredMap("Bad", "cam", first), StoredMap("Bad", "contrast", second)],
        1: [StoredMap("Sparks", "cam", second)],
    }
    path = tmp_path / "maps.h5"
    sha256 = write_maps(path, maps)
    found = read_maps(path, sha256)
    assert list(found) == [1, 4]
    assert [(stored.class_name, stored.kind) for stored in found[4]] == [("Bad", "cam"), ("Bad", "contrast")]
    assert found[4][0].values.dtype == np.float32
    assert np.abs(found[4][0].values - first).max() < 1e-3
    assert write_maps(tmp_path / "again.h5", maps) == sha256


def test_maps_that_are_no_finite_pictures_are_not_written(tmp_path: Path) -> None:
    for values in (np.full((2, 2), np.nan), np.full((2, 2), 1e9), np.zeros(3)):
        with pytest.raises(DataError, match="item 0"):
            write_maps(tmp_path / "maps.h5", {0: [StoredMap("Bad", "cam", values.astype(np.float32))]})
