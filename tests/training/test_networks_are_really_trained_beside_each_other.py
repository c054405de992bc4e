from __future__ import annotations

import json
from pathlib import Path

import pytest

from hydra_core.base.files import sha256_file
from hydra_core.cli.main import main
from hydra_core.models.comparison import Result
from hydra_core.stages.playground import Asked
from tests.playground_table import Table, fill_folder, images, table

__all__ = ["images", "table"]
pytestmark = pytest.mark.training


def test_networks_of_a_folder_are_really_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "plots", tmp_path / "out"
    labels = fill_folder(folder)
    before = {path.name: sha256_file(path) for path in folder.iterdir()}
    command = [
        "playground", "--folder", str(folder), "--labels", str(labels), "--networks", "tiny", "--sizes", "32x48",
        "--epochs", "2", "--threads", "1", "--out", str(out),
    ]  # fmt: skip
    assert main(command) == 0
    one = Result.model_validate_json((out / "results" / "0001.json").read_bytes())
    assert one.parameters > 1000
    assert one.seconds > 0
    assert one.milliseconds > 0
    assert one.images_seen == sum(point.images for point in one.curve)
    assert {path.name: sha256_file(path) for path in folder.iterdir()} == before
    assert not (out / "work").exists()
    told = capsys.readouterr().out
    assert "macro-F1" in told
    assert told.rstrip().endswith(str(out / "index.html"))


def test_a_training_that_is_stopped_goes_on_after_its_last_epoch(table: Table, tmp_path: Path) -> None:
    whole = table(Asked()).rows[0].result

    class Stopped(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if line.startswith("epoch 1"):
                raise KeyboardInterrupt

    other = Table(table.images, tmp_path / "stopped")
    other.lines = Stopped()
    with pytest.raises(KeyboardInterrupt):
        other(Asked())
    before = json.loads((other.out / "work" / "spent.json").read_bytes())["seconds"]
    other.lines = []
    resumed = other(Asked()).rows[0].result
    assert "goes on after epoch 1, where it was stopped" in other.lines
    assert resumed.seconds >= round(before, 1)
    same = {"called", "confidence", "curve", "images_seen"}
    assert resumed.model_dump(include=same) == whole.model_dump(include=same)
