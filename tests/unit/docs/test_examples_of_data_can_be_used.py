"""Examples of files in the documents are read by the program, or read the program's files."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import textwrap
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
from PIL import Image

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import BlockItem, pack_input, write_block
from hydra_core.intake.conditions import conditions_for
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.labels_csv import read_labels_csv
from hydra_core.intake.listing import read_listing
from hydra_core.intake.maps import MAPS_FORMAT
from hydra_core.labels.request import parse_request
from hydra_core.labels.request_kinds import LabelRequest
from hydra_core.stages.rebuild import LOST


def _block(document: Any, language: str, holds: str) -> str:
    return next(text for kind, text in document.blocks if kind == language and holds in text)


def test_the_request_file_is_accepted(documents: dict[str, Any]) -> None:
    text = _block(documents["docs/experts.md"], "json", "hydra_request")
    request = parse_request(text.encode())
    assert [item.class_name for item in request.items] == ["Bad", "Ignore"]


def test_the_keys_of_a_request_file_are_in_the_reference(reference: Any) -> None:
    told = reference.section("Request file")
    for name in LabelRequest.model_fields:
        assert f"\n| `{name}` |" in told


def test_the_listing_is_read(reference: Any, tmp_path: Path) -> None:
    path = tmp_path / "listing.jsonl"
    path.write_text(_block(reference, "jsonl", "pipeline"), encoding="utf-8")
    names = read_listing(path).names
    assert {name.run_name for name in names.values()} == {"pipeline 8f3a"}
    assert sorted(str(name.plot) for name in names.values()) == ["Q2", "x:chunks"]


def test_the_conditions_are_read(reference: Any, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text(_block(reference, "json", "beam_current_nA"), encoding="utf-8")
    found = conditions_for(tmp_path, PurePosixPath())
    assert found.problems == ()
    assert found.values["conditions"]["run_type"] == "production"


def test_the_table_of_labels_is_read(documents: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(_block(documents["docs/getting-started.md"], "csv", "file,label"), encoding="utf-8")
    assert [label for _, label in read_labels_csv(path)] == ["Good", "Bad"]


def a_block(path: Path) -> bytes:
    """Write a block with an image, a histogram with its bins, an item without an image; return the image."""
    stream = io.BytesIO()
    Image.new("RGB", (4, 3), "white").save(stream, "PNG")
    data = stream.getvalue()
    plot = PlotKey("CDC_occupancy", chunked=True)
    hist = Histogram("CDC", "Straws", Axis.regular(2, 0, 1), None, np.array([1.0, 2.0]), 3.0)
    first = BlockItem(plot, 1, "ok", sha256=sha256_bytes(data), source="Run7/CDC_occupancy_0001.png", data=data)
    items = [
        replace(first, bins=encode_histogram(hist), packed=pack_input(np.full((2, 3, 3), 7, np.uint8))),
        BlockItem(plot, 2, "unreadable", "the file is empty (0 bytes)", source="Run7/CDC_occupancy_0002.png"),
    ]
    write_block(path, items, {"provenance": "{}"})
    return data


def test_the_reader_of_the_archive_gives_the_images_back(documents: dict[str, Any], tmp_path: Path) -> None:
    data = a_block(tmp_path / "7-r1.h5")
    program = _block(documents["docs/archive.md"], "python", "h5py")
    assert len(program.strip().splitlines()) <= 10
    found = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "7-r1.h5"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"CDC_occupancy 1 Run7/CDC_occupancy_0001.png {len(data)} bytes {data[:4]!r}\n"


def test_bin_contents_and_packed_inputs_lie_as_the_archive_s_page_says(tmp_path: Path) -> None:
    a_block(tmp_path / "7-r1.h5")
    with h5py.File(tmp_path / "7-r1.h5") as file:
        _, item, _ = [json.loads(line) for line in bytes(file["index"][...]).splitlines()]
        offsets, data = file["data/offsets"][...], file["data/bytes"]
        bins, packed = (
            zlib.decompress(bytes(data[offsets[item[key]] : offsets[item[key] + 1]]))
            for key in ("bins_blob", "packed_blob")
        )
    line, _, arrays = bins.partition(b"\n")
    head = json.loads(line)
    assert (head["name"], head["shape"], head["x"]["even"], head["y"]) == ("CDC", [2], [2, 0.0, 1.0], None)
    assert head["arrays"] == ["values"]
    assert np.frombuffer(arrays, "<f8").tolist() == [1.0, 2.0]
    size, _, pixels = packed.partition(b"\n")
    assert size == b"2 3"
    assert np.frombuffer(pixels, np.uint8).reshape(2, 3, 3).tolist() == np.full((2, 3, 3), 7).tolist()


def test_the_keys_of_an_archived_item_and_its_form_are_on_the_archive_s_page(
    documents: dict[str, Any], tmp_path: Path
) -> None:
    a_block(tmp_path / "7-r1.h5")
    with h5py.File(tmp_path / "7-r1.h5") as file:
        lines = [json.loads(line) for line in bytes(file["index"][...]).splitlines()]
        form = file.attrs["format"].decode()
    told = documents["docs/archive.md"].section("What a block holds")
    assert f"`{form}`" in told
    assert f"`{MAPS_FORMAT}`" in told
    for key in {*lines[0], *lines[1]}:
        assert f"`{key}`" in told, f"docs/archive.md does not explain {key}"


def test_everything_that_a_rebuilt_database_lacks_is_on_the_archive_s_page(documents: dict[str, Any]) -> None:
    told = documents["docs/archive.md"].section("A lost database")
    assert re.findall(r"^- (.*)$", told, re.MULTILINE) == list(LOST)


def test_the_graph_in_the_architecture_is_the_graph_that_runs(documents: dict[str, Any], root: Path) -> None:
    source = (root / "flow" / "pass.cylc").read_text(encoding="utf-8")
    graph = textwrap.dedent(source[source.index("    [[graph]]") :]).strip()
    assert _block(documents["docs/architecture.md"], "cylc", "[[graph]]").strip() == graph


def test_every_room_is_in_the_architecture(documents: dict[str, Any], root: Path) -> None:
    rooms = {path.parent.name for path in (root / "hydra_core").glob("*/__init__.py")}
    told = documents["docs/architecture.md"].section("Rooms")
    assert rooms == {room for room in rooms if f"\n| `{room}` |" in told}
