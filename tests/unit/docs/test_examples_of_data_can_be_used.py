"""Examples of files in the documents are read by the program, or read the program's files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import BlockItem, write_block
from hydra_core.intake.conditions import conditions_for
from hydra_core.intake.labels_csv import read_labels_csv
from hydra_core.intake.listing import read_listing
from hydra_core.labels.request import LabelRequest, parse_request


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


def test_the_reader_of_the_archive_gives_the_images_back(reference: Any, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (4, 3), "white").save(stream, "PNG")
    data = stream.getvalue()
    plot = PlotKey("CDC_occupancy", chunked=True)
    items = [
        BlockItem(plot, 1, "ok", sha256=sha256_bytes(data), source="Run7/CDC_occupancy_0001.png", data=data),
        BlockItem(plot, 2, "unreadable", "the file is empty (0 bytes)", source="Run7/CDC_occupancy_0002.png"),
    ]
    write_block(tmp_path / "7-r1.h5", items, {"pass": "p", "run": "7"})
    program = _block(reference, "python", "h5py")
    found = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "7-r1.h5"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"CDC_occupancy 1 Run7/CDC_occupancy_0001.png {len(data)} bytes {data[:4]!r}\n"


def test_the_keys_of_an_archived_item_are_in_the_reference(reference: Any, tmp_path: Path) -> None:
    import h5py

    write_block(tmp_path / "b.h5", [BlockItem(PlotKey("p", chunked=True), 1, "missing", "no file")], {})
    with h5py.File(tmp_path / "b.h5") as file:
        lines = [json.loads(line) for line in bytes(file["index"][...]).splitlines()]
    told = reference.section("Archive")
    for key in {*lines[0], *lines[1]}:
        assert f"`{key}`" in told, f"docs/reference.md does not explain {key} of the archive"


def test_the_graph_in_the_architecture_is_the_graph_that_runs(documents: dict[str, Any], root: Path) -> None:
    source = (root / "flow" / "pass.cylc").read_text(encoding="utf-8")
    graph = textwrap.dedent(source[source.index("    [[graph]]") :]).strip()
    assert _block(documents["docs/architecture.md"], "cylc", "[[graph]]").strip() == graph


def test_every_room_is_in_the_architecture(documents: dict[str, Any], root: Path) -> None:
    rooms = {path.parent.name for path in (root / "hydra_core").glob("*/__init__.py")}
    told = documents["docs/architecture.md"].section("Rooms")
    assert rooms == {room for room in rooms if f"\n| `{room}` |" in told}
