from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.images import ImageLimits
from hydra_core.moving.moving import Place
from hydra_core.moving.plot_types import TheirType
from hydra_core.moving.stored_images import StoredImages
from tests.original_hydra import PERIOD, a_picture

CDC = TheirType("CDC", "png", PlotKey("CDC", True), None)
PICTURE = a_picture(1)


def place(period: str = PERIOD, run: int = 71234, chunk: int | None = 3, theirs: TheirType = CDC) -> Place:
    return Place(theirs, 1, period, run, chunk)


def stored(root: Path, *periods: str, digits: int = 6) -> StoredImages:
    return StoredImages(root, periods or (PERIOD,), ImageLimits(), digits)


def put(root: Path, path: str, data: bytes = PICTURE) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)
    return root / path


@pytest.mark.parametrize(
    "above",
    [PERIOD[1:].removesuffix("Run"), "keeper/RunPeriod-2025-01/rawdata_ver00/", "rawdata_ver00/", ""],
)
def test_a_copy_may_hold_all_folders_or_only_the_last_ones(tmp_path: Path, above: str) -> None:
    put(tmp_path, f"{above}Run071234/CDC_0003.png")
    assert stored(tmp_path).look(place()) == (sha256_bytes(PICTURE), "")
    assert stored(tmp_path).look(place(chunk=4)) == (None, "no image is at its path")


def test_a_plot_of_the_whole_run_has_no_chunk_and_runs_have_as_many_digits_as_said(tmp_path: Path) -> None:
    put(tmp_path, "Run00071234/CDC.png")
    assert stored(tmp_path, digits=8).look(place(chunk=None))[0] == sha256_bytes(PICTURE)
    assert stored(tmp_path, digits=6).look(place(chunk=None))[0] is None


@pytest.mark.parametrize("folder", ["simulated/", ""])
def test_simulated_images_have_their_own_folder(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}CDC/board_7.png")
    assert stored(tmp_path).look(place("CDC/board_7", 0, 0))[0] == sha256_bytes(PICTURE)


def test_periods_that_would_share_a_folder_are_both_left_out(tmp_path: Path) -> None:
    put(tmp_path, "Run071234/CDC_0003.png")
    other = PERIOD.replace("ver00", "ver01")
    for period in (PERIOD, other):
        sha, why = stored(tmp_path, PERIOD, other).look(place(period))
        assert sha is None
        assert "two folders there" in why
    put(tmp_path, "rawdata_ver01/Run071234/CDC_0003.png", a_picture(2))
    assert stored(tmp_path, PERIOD, other).look(place(other))[0] == sha256_bytes(a_picture(2))
    assert stored(tmp_path, PERIOD, other).look(place(PERIOD))[0] == sha256_bytes(PICTURE)


def test_links_and_what_is_no_image_are_reasons(tmp_path: Path) -> None:
    secret = put(tmp_path, "elsewhere/secret.png")
    root = tmp_path / "root"
    put(root, "Run071234/CDC_0001.png", b"no image")
    (root / "Run071234" / "CDC_0002.png").symlink_to(secret)
    (root / "Run071234" / "CDC_0003.png").mkdir()
    reasons = [stored(root).look(place(chunk=chunk))[1] for chunk in (1, 2, 3)]
    assert "not an image" in reasons[0]
    assert "the file cannot be opened" in reasons[1]
    assert "not a regular file but a folder" in reasons[2]


@given(period=st.text(max_size=30), name=st.text(max_size=30), kind=st.text(max_size=10), run=st.integers(0, 10**6))
def test_no_name_leads_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, period: str, name: str, kind: str, run: int
) -> None:
    root = tmp_path_factory.getbasetemp() / "below" / "root"
    root.mkdir(parents=True, exist_ok=True)
    put(root.parent, "secret.png")
    theirs = TheirType(name, kind, PlotKey("x", True), None)
    assert stored(root, period).look(place(period, run, 1, theirs))[0] is None


@pytest.mark.parametrize(
    "period", ["../secret", "/../secret", "a/../../secret", "..", "../", "./../secret", "\0", "x" * 5000]
)
def test_a_way_upwards_is_not_taken(tmp_path: Path, period: str) -> None:
    put(tmp_path, "secret.png")
    put(tmp_path, "secret071234/CDC_0003.png")
    (tmp_path / "root").mkdir()
    for run in (0, 71234):
        assert stored(tmp_path / "root", period).look(place(period, run))[0] is None
