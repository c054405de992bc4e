"""Every place of a run becomes one item: an image, or the reason why there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import PREPROCESSING, Block, BlockItem, write_block
from hydra_core.intake.chunking import Reading, collect_items
from hydra_core.intake.decisions import Decisions
from hydra_core.intake.images import ImageLimits
from hydra_core.intake.kept_input import keep_where_it_pays
from hydra_core.intake.scan import scan

Encode = Callable[..., bytes]
CDC, FDC, TRIGGER = PlotKey("CDC", True), PlotKey("FDC", True), PlotKey("trigger", False)


def put(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = root / "Run1" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def items(root: Path, *expected: PlotKey, limits: ImageLimits | None = None) -> dict[tuple[str, int | None], BlockItem]:
    reading = Reading(limits=limits or ImageLimits(), expected=expected)
    found = collect_items(scan(root).runs[0].files, root, reading).items
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
    reasons = [item.reason for item in collect_items(files, tmp_path).items]
    assert ["changed" in reasons[0], "vanished" in reasons[1]] == [True, True]


def test_a_file_swapped_for_a_link_is_not_followed(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, A_0001=encode(1), B_0001=encode(1))
    files = scan(tmp_path).runs[0].files
    (tmp_path / files[0].relative).unlink()
    (tmp_path / files[0].relative).symlink_to("B_0001.png")
    assert [item.status for item in collect_items(files, tmp_path).items] == ["unreadable", "ok"]


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
        reading = Reading(expected=[TRIGGER], threads=attempt + 1)
        found = collect_items(scan(tmp_path / "in").runs[0].files, tmp_path / "in", reading)
        hashes.add(write_block(tmp_path / f"{attempt}.h5", found.items, {}))
    assert len(hashes) == 1
    with Block.open(tmp_path / "0.h5") as block:
        assert block.data(7) == encode(2)


def test_ignored_plot_types_are_left_out_and_counted_renamed_ones_go_by_their_new_name(
    tmp_path: Path, encode: Encode
) -> None:
    put(tmp_path, CDC_0001=encode(1), FDC_0001=encode(2), old_0001=encode(3), older_0002=encode(4))
    old, older, new = PlotKey("old", True), PlotKey("older", True), PlotKey("new", True)
    decisions = Decisions(active={CDC, new}, ignored={FDC}, renamed={older: old, old: new}, hold_new=True)
    found = collect_items(scan(tmp_path).runs[0].files, tmp_path, Reading(decisions=decisions))
    assert [(item.plot, item.chunk, item.held) for item in found.items] == [
        (CDC, 1, False),
        (new, 1, False),
        (new, 2, False),
    ]
    assert found.notes == ("1 image of an ignored plot type is left out.",)


def test_a_plot_type_that_nobody_decided_about_is_held_and_its_image_kept(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, CDC_0001=encode(1), FDC_0001=encode(2))
    reading = Reading(decisions=Decisions(active={CDC}, hold_new=True))
    found = collect_items(scan(tmp_path).runs[0].files, tmp_path, reading).items
    assert [(item.plot, item.held, bool(item.data)) for item in found] == [(CDC, False, True), (FDC, True, True)]


def test_renamings_in_a_circle_end(tmp_path: Path, encode: Encode) -> None:
    put(tmp_path, CDC_0001=encode(1))
    decisions = Decisions(renamed={CDC: FDC, FDC: CDC})
    assert len(collect_items(scan(tmp_path).runs[0].files, tmp_path, Reading(decisions=decisions)).items) == 1


def test_an_image_is_kept_for_networks_where_that_takes_less_room(tmp_path: Path, encode: Encode) -> None:
    flat = Image.new("RGB", (200, 100), "white")
    put(tmp_path, noise_0001=encode(1), flat_0001=encode(flat))
    noise = np.random.default_rng(3).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    prepare = keep_where_it_pays(lambda pixels: noise if len(pixels) == 24 else pixels[:20, :20])
    found = collect_items(scan(tmp_path).runs[0].files, tmp_path, Reading(prepare=prepare)).items
    sha = write_block(tmp_path / "block.h5", found, {PREPROCESSING: "one way"})
    with Block.open(tmp_path / "block.h5", sha) as block:
        kept = [block.model_input(0, (20, 20), "one way"), block.model_input(1, (40, 40), "one way")]
        assert [block.model_input(0, (20, 20), "another way"), block.model_input(0, (10, 10), "one way")] == [None] * 2
    assert [item.plot.name for item in found] == ["flat", "noise"]
    assert kept[0] is not None
    assert (kept[0] == 255).all()
    assert kept[1] is None
