"""Every place of a run becomes one item: an image, or the reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import Block, BlockItem, write_block
from hydra_core.intake.chunking import collect_items
from hydra_core.intake.images import ImageLimits
from hydra_core.intake.scan import scan

Encode = Callable[..., bytes]
CDC, FDC, TRIGGER = PlotKey("CDC", True), PlotKey("FDC", True), PlotKey("trigger", False)


def put(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = root / "Run1" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def items(root: Path, *expected: PlotKey, limits: ImageLimits | None = None) -> dict[tuple[str, int | None], BlockItem]:
    found = collect_items(scan(root).runs[0].files, root, limits, expected)
    places = {(item.plot.name, item.chunk): item for item in found}
    assert len(places) == len(found)
    return places


def test_readable_files_become_items_with_their_bytes(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, CDC_0002=encode(2), CDC_0001=encode(1), trigger=encode(3, "JPEG"))
    found = items(tmp_path)
    assert list(found) == [("CDC", 1), ("CDC", 2), ("trigger", None)]
    first = found["CDC", 1]
    assert (first.status, first.width, first.height, first.mode) == ("ok", 32, 24, "RGB")
    assert first.data == encode(1)
    assert first.sha256 == sha256_bytes(first.data)
    assert (first.source, first.rule, first.reason) == ("Run1/CDC_0001.png", "run-folder", "")


def test_bad_files_become_items_with_a_reason_and_do_not_stop_the_others(tmp_path: Path, encode: Encode) -> None:
    good = encode(1)
    put(tmp_path, A_0001=good, A_0002=good[:-20], A_0003=b"", A_0004=b"<html>", A_0005=b"\0" * 10_000)
    found = items(tmp_path, limits=ImageLimits(max_bytes=9_999))
    assert [item.status for item in found.values()] == ["ok", *["unreadable"] * 4]
    assert ["cut" in found["A", 2].reason, "empty" in found["A", 3].reason, "HTML" in found["A", 4].reason] == [
        True
    ] * 3
    assert "limit" in found["A", 5].reason
    assert found["A", 2].sha256 == sha256_bytes(good[:-20])
    assert all(not item.data for item in found.values() if item.status != "ok")


def test_a_file_that_changed_or_vanished_since_the_scan_is_left_for_the_next_look(
    tmp_path: Path, encode: Encode
) -> None:
    put(tmp_path, A_0001=encode(1), A_0002=encode(2))
    files = scan(tmp_path).runs[0].files
    os.utime(tmp_path / files[0].relative, ns=(0, 1))
    (tmp_path / files[1].relative).unlink()
    reasons = [item.reason for item in collect_items(files, tmp_path)]
    assert ["changed" in reasons[0], "vanished" in reasons[1]] == [True, True]


def test_a_file_swapped_for_a_link_is_not_followed(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, A_0001=encode(1), B_0001=encode(1))
    files = scan(tmp_path).runs[0].files
    (tmp_path / files[0].relative).unlink()
    (tmp_path / files[0].relative).symlink_to("B_0001.png")
    assert [item.status for item in collect_items(files, tmp_path)] == ["unreadable", "ok"]


def test_the_same_image_in_a_later_chunk_names_the_first(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, A_0001=encode(1), A_0002=encode(2), A_0003=encode(1), B_0001=encode(1))
    found = items(tmp_path)
    assert found["A", 3].duplicate_of == "Run1/A_0001.png"
    assert {place for place, item in found.items() if item.duplicate_of} == {("A", 3)}


def test_of_two_files_for_one_place_the_first_is_used_and_the_other_is_named(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, A_0001=encode(1), A_001=encode(2))
    found = items(tmp_path)
    assert found["A", 1].data == encode(1)
    assert "Run1/A_001.png" in found["A", 1].reason


def test_expected_plot_types_and_chunks_without_a_file_are_missing(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, CDC_0001=encode(1), CDC_0003=encode(2), FDC_0002=encode(3), other_0009=encode(4))
    found = items(tmp_path, CDC, FDC, TRIGGER, PlotKey("gone", True))
    missing = {place for place, item in found.items() if item.status == "missing"}
    assert missing == {("CDC", 2), ("FDC", 1), ("FDC", 3), ("trigger", None), ("gone", None)}
    assert all(found[place].reason for place in missing)


def test_what_is_collected_can_be_written_and_is_the_same_every_time(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path / "in", **{f"A_{number:04d}": encode(number % 5) for number in range(12)})
    hashes = set()
    for attempt in range(2):
        found = collect_items(
            scan(tmp_path / "in").runs[0].files, tmp_path / "in", expected=[TRIGGER], threads=attempt + 1
        )
        hashes.add(write_block(tmp_path / f"{attempt}.h5", found, {}))
    assert len(hashes) == 1
    with Block.open(tmp_path / "0.h5") as block:
        assert block.data(7) == encode(2)
