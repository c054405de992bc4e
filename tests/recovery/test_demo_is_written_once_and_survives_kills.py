from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_file
from hydra_core.emulate.plan import DemoPlan, plan_demo
from hydra_core.emulate.write import DemoTruth, demo_path, release, write_demo

pytestmark = pytest.mark.recovery
PLAN = plan_demo(runs=5, plot_types=2, chunks=3, seed=3)


class KilledError(Exception):
    pass


def snapshot(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): sha256_file(path) for path in sorted(root.rglob("*")) if path.is_file()}


def stamps(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()}


def file_of(plan: DemoPlan, root: Path, plot: str, index: int, chunk: int) -> Path:
    number = plan.runs[index].number
    (found,) = [f for f in plan.files() if (f.run.number, f.plot, f.chunk) == (number, plot, chunk)]
    return demo_path(root, found)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return write_demo(PLAN, tmp_path_factory.mktemp("demo"))


def test_everything_planned_is_there_and_nothing_else(written: DemoTruth) -> None:
    wanted = {str(demo_path(written.root, file).relative_to(written.root)) for file in PLAN.files()}
    assert snapshot(written.root).keys() == wanted | {"truth.json", "labels.json", "demo.json"}
    assert written.written == len(wanted)


def test_a_second_call_writes_nothing(written: DemoTruth) -> None:
    before = stamps(written.root)
    again = write_demo(PLAN, written.root)
    assert again.written == 0
    assert again.planted == written.planted
    assert stamps(written.root) == before


@pytest.mark.parametrize("at", [1, 9, 24])
def test_a_killed_call_is_completed_to_the_same_files(written: DemoTruth, tmp_path: Path, at: int) -> None:
    def kill(done: int, _all: int) -> None:
        if done == at:
            raise KilledError

    with pytest.raises(KilledError):
        write_demo(PLAN, tmp_path, progress=kill)
    assert not (tmp_path / "labels.json").exists()
    before = stamps(tmp_path / "incoming")
    completed = write_demo(PLAN, tmp_path)
    assert completed.written == written.written - at
    assert before.items() <= stamps(tmp_path / "incoming").items()
    assert snapshot(tmp_path) == snapshot(written.root)


def test_a_demo_without_its_labels_is_completed(written: DemoTruth, tmp_path: Path) -> None:
    write_demo(PLAN, tmp_path)
    (tmp_path / "labels.json").unlink()
    assert write_demo(PLAN, tmp_path).written == 0
    assert snapshot(tmp_path) == snapshot(written.root)


def test_another_plan_is_refused_and_a_foreign_marker_too(written: DemoTruth, tmp_path: Path) -> None:
    with pytest.raises(HydraError, match="another size"):
        write_demo(plan_demo(runs=5, plot_types=2, chunks=3, seed=4), written.root)
    for foreign in ("[]", "{", '{"plan": "x"}'):
        (tmp_path / "demo.json").write_text(foreign)
        with pytest.raises(HydraError, match="not the marker"):
            write_demo(PLAN, tmp_path)


def test_labels_name_the_files_that_history_holds(written: DemoTruth) -> None:
    request = json.loads(written.labels.read_text())
    assert (request["hydra_request"], request["kind"], request["who"]) == (1, "label", "demo-expert")
    files = {
        sha256_file(demo_path(written.root, file)): file
        for file in PLAN.files()
        if file.phase == "history" and file.plot in ("CDC_occupancy", "RF_timing")
    }
    assert {item["image"] for item in request["items"]} == files.keys()
    assert len(request["items"]) == len(files)
    bad = {item.path for item in written.planted if item.expected == "Bad"}
    dark = {item.path for item in written.planted if item.expected == "NoData"}
    for item in request["items"]:
        file = files[item["image"]]
        assert item["plot_type"] == f"{file.plot}:chunks"
        assert item["class"] == ("Bad" if file.path in bad else "NoData" if file.path in dark else "Good")
    assert Counter(item["class"] for item in request["items"]).keys() == {"Good", "Bad", "NoData"}


def test_the_truth_file_holds_every_planted_fault(written: DemoTruth) -> None:
    rows = json.loads(written.truth.read_text())["planted"]
    assert len(rows) == len(written.planted)
    assert {row["fault"] for row in rows} >= {"dead_board", "shifted_peak", "empty_without_beam", "late_run"}


def test_conditions_stand_beside_the_images(written: DemoTruth) -> None:
    run = PLAN.runs[0]
    found = json.loads((written.root / "incoming" / run.folder() / "metadata.json").read_text())
    assert found == {
        "conditions": {
            "beam_current_nA": run.beam_current_na,
            "run_type": "production",
            "start": "2026-01-17T20:04:49Z",
            "chunk_s": 300,
        }
    }


def test_withheld_files_arrive_whole_and_once(tmp_path: Path) -> None:
    write_demo(PLAN, tmp_path)
    paths = PLAN.withheld("late_run")
    assert paths
    assert not (tmp_path / "incoming" / paths[0]).exists()
    assert release(tmp_path, paths) == paths
    for relative in paths:
        assert (tmp_path / "incoming" / relative).read_bytes() == (tmp_path / "withheld" / relative).read_bytes()
    before = stamps(tmp_path / "incoming")
    assert release(tmp_path, paths) == ()
    assert stamps(tmp_path / "incoming") == before
    (tmp_path / "incoming" / paths[-1]).write_bytes(b"half")
    assert release(tmp_path, paths) == paths[-1:]
    assert write_demo(PLAN, tmp_path).written == 0


@pytest.mark.parametrize("path", ["../labels.json", "/etc/hosts", "RunPeriod-2026-01/none.png"])
def test_only_withheld_files_can_be_released(written: DemoTruth, path: str) -> None:
    with pytest.raises(HydraError):
        release(written.root, [path])


def test_file_faults_are_in_the_files(tmp_path: Path) -> None:
    from hydra_core.emulate.items import item_bytes

    plan = plan_demo()
    by_place = {(f.run.number, f.plot, f.chunk): f for f in plan.files() if f.plot is not None}
    cut = item_bytes(plan, by_place[plan.runs[1].number, "TOF_time", 2])
    assert cut.startswith(b"\x89PNG")
    (tmp_path / "cut.png").write_bytes(cut)
    with pytest.raises(OSError, match="truncated"), Image.open(tmp_path / "cut.png") as image:
        image.load()
    assert item_bytes(plan, by_place[plan.runs[2].number, "HEL_scalers", 5]) == b""
    twin = item_bytes(plan, by_place[plan.runs[6].number, "ECAL_occupancy", 4])
    assert twin == item_bytes(plan, by_place[plan.runs[6].number, "ECAL_occupancy", 3])
    assert twin != item_bytes(plan, by_place[plan.runs[6].number, "ECAL_occupancy", 5])
    metadata = next(file for file in plan.files() if file.plot is None)
    with pytest.raises(ValueError, match="not an image"):
        item_bytes(plan, metadata)
