"""Whatever happens to a block, reading it gives what was written or a `DataError` that names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydra_core.base.errors import DataError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import PREPROCESSING, Block, BlockItem, pack_input, write_block
from hydra_core.intake.container import write_container
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.maps import MAPS_FORMAT, StoredMap, read_maps, write_maps
from hydra_core.intake.nodata import NoData
from hydra_core.intake.provenance import Provenance

HIST = Histogram("CDC", "Straws", Axis.regular(4, 0, 1), None, np.arange(4.0), 6.0)
PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
CONTENT = NoData(False, 0.25, "There is something.")
ORIGIN = Provenance("p/v1", "w/p/v1", 1, 9, "incoming", 7, "7", "", 1, "0" * 64, "1", "1", {"beam": 1.5}, ("late",))
ATTRIBUTES = {**ORIGIN.attributes(), PREPROCESSING: "plain"}


def item(chunk: int, **values: Any) -> BlockItem:
    data = f"image {chunk}".encode() * 30
    plain = BlockItem(PlotKey("CDC", True), chunk, "ok", sha256=sha256_bytes(data), data=data, content=CONTENT)
    return replace(plain, **values)


ITEMS = [
    item(0, bins=encode_histogram(HIST), packed=pack_input(PIXELS), member="CDC"),
    item(1, data=b"", tombstone="grew old", bins=encode_histogram(HIST)),
    item(2, data=b"", status="unreadable", reason="cut", content=None),
    item(3, data=item(0).data, sha256=item(0).sha256, duplicate_of="CDC_0000.png"),
]


def read_all(path: Path) -> tuple[object, ...]:
    """Read everything that a block holds."""
    with Block.open(path) as block:
        numbers = range(len(block.items))
        whole = [block.whole(number) for number in numbers]
        hists = [hist.values.tolist() if (hist := block.histogram(number)) else None for number in numbers]
        inputs = [
            None if (found := block.model_input(number, (4, 5), "plain")) is None else found.tolist()
            for number in numbers
        ]
        room = block.room(list(numbers))
        return tuple(whole), hists, inputs, Provenance.of(block.attributes), room


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("pristine") / "block.h5"
    write_block(path, ITEMS, ATTRIBUTES)
    return path.read_bytes()


@pytest.fixture(scope="module")
def wanted(pristine: bytes, tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    path = tmp_path_factory.mktemp("wanted") / "block.h5"
    path.write_bytes(pristine)
    return read_all(path)


def refused(path: Path, wanted: tuple[object, ...]) -> bool:
    """Say whether a file is refused with its name; what is not refused must be what was written."""
    refusal = said(lambda: read_all(path) == wanted)
    assert refusal == "" or str(path) in refusal
    return bool(refusal)


def said(work: Callable[[], bool]) -> str:
    """Return the cause of the `DataError` that `work` raises, or nothing where it returns True."""
    try:
        right = work()
    except DataError as error:
        return error.cause
    assert right
    return ""


def test_everything_comes_back(wanted: tuple[object, ...]) -> None:
    whole, hists, inputs, origin, room = wanted
    assert whole == tuple(ITEMS)
    assert hists == [HIST.values.tolist(), HIST.values.tolist(), None, None]
    assert inputs == [PIXELS.tolist(), None, None, None]
    assert origin == ORIGIN
    # Two items share an image, which leaves with the second of them.
    assert room == {0: len(pack_input(PIXELS)), 1: 0, 2: 0, 3: len(ITEMS[0].data)}


def test_a_block_that_is_cut_at_any_per_cent_is_refused(pristine: bytes, wanted: Any, tmp_path: Path) -> None:
    path = tmp_path / "cut.h5"
    for percent in range(100):
        path.write_bytes(pristine[: len(pristine) * percent // 100])
        assert refused(path, wanted), percent


def test_a_block_that_is_altered_at_any_per_cent_gives_nothing_wrong(
    pristine: bytes, wanted: Any, tmp_path: Path
) -> None:
    path, noticed = tmp_path / "altered.h5", 0
    sha = sha256_bytes(pristine)
    for percent in range(100):
        for flip in (0x01, 0xFF):
            data = bytearray(pristine)
            data[len(data) * percent // 100] ^= flip
            path.write_bytes(data)
            noticed += refused(path, wanted)
            with pytest.raises(DataError, match=r"altered\.h5"), Block.open(path, sha):
                pass
    # The rest is room between the parts of the file that means nothing.
    assert noticed > 60


@settings(max_examples=150)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=40)), max_size=4))
def test_a_block_that_is_written_over_gives_nothing_wrong(
    pristine: bytes, wanted: Any, tmp_path_factory: pytest.TempPathFactory, splashes: list[tuple[float, bytes]]
) -> None:
    data = bytearray(pristine)
    for place, splash in splashes:
        start = int(place * len(data))
        data[start : start + len(splash)] = splash[: len(data) - start]
    path = tmp_path_factory.getbasetemp() / "splashed.h5"
    path.write_bytes(data)
    refused(path, wanted)


ODD: list[Any] = [None, True, -1, 10**9, 1.5, "0", [], {}, "\ud800"]
KEYS = ("blob", "bins_blob", "packed_blob", "plot", "content", "status", "chunk", "extra")


@pytest.mark.parametrize("key", KEYS)
def test_an_index_that_was_made_up_is_refused_or_harmless(tmp_path: Path, key: str) -> None:
    write_block(tmp_path / "block.h5", ITEMS, ATTRIBUTES)
    with h5py.File(tmp_path / "block.h5") as file:
        header, *entries = [json.loads(line) for line in bytes(file["index"][...]).splitlines()]
        offsets = file["data/offsets"][...]
        stored = bytes(file["data/bytes"][...])
    blobs = [stored[start:end] for start, end in pairwise(offsets)]
    del header["blobs"]
    path = tmp_path / "made-up.h5"
    for odd in ODD:
        changed = [{**entries[0], key: odd}, *entries[1:]]
        try:
            write_container(path, "hydra-block-2", header, changed, blobs)
        except UnicodeEncodeError:
            continue
        refusal = said(lambda: bool(read_all(path)))
        assert refusal == "" or str(path) in refusal


@pytest.mark.parametrize("header", [{}, {"attributes": None}, {"attributes": 3}, {"attributes": [1]}])
@pytest.mark.parametrize("entries", [[], [[]], [{}]])
def test_an_index_of_another_form_is_refused(tmp_path: Path, header: dict[str, Any], entries: list[Any]) -> None:
    path = tmp_path / "made-up.h5"
    write_container(path, "hydra-block-2", header, entries, [])
    with pytest.raises(DataError, match=r"made-up\.h5"):
        read_all(path)


@pytest.mark.parametrize("change", [{"blob": 9}, {"blob": "x"}, {"shape": [7, 7]}, {"shape": "x"}, {"item": "x"}])
def test_made_up_maps_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "made-up.maps.h5"
    entry = {"item": 0, "class": "Bad", "kind": "cam", "shape": [2, 2], "blob": 0}
    write_container(path, MAPS_FORMAT, {"attributes": {}}, [{**entry, **change}], [np.zeros(4, "<f2").tobytes()])
    refusal = said(lambda: bool(read_maps(path)))
    assert str(path) in refusal


def test_maps_that_are_cut_or_altered_at_any_per_cent_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.maps.h5"
    values = np.random.default_rng(1).random((8, 8), dtype=np.float32)
    sha = write_maps(path, {0: [StoredMap("Bad", "cam", values)]})
    data = path.read_bytes()
    for percent in range(100):
        place = len(data) * percent // 100
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]):
            path.write_bytes(damaged)
            with pytest.raises(DataError) as raised:
                read_maps(path, sha)
            assert str(path) in raised.value.cause
