from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import ConfigError, HydraError
from hydra_core.base.files import sha256_file
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.models import trial
from hydra_core.models.asked import InputSpec, TrainSpec
from hydra_core.models.comparison import Result
from hydra_core.models.pixels import model_input
from hydra_core.models.spec import TrainingError
from hydra_core.stages.labelled import LabelledSet, labelled_set
from hydra_core.stages.labelled_folder import labelled_folder
from hydra_core.stages.playground import Asked, Played, combinations
from hydra_core.stages.retrain import training_spec
from hydra_core.store.labelbook import NewLabel, NewRequest, save_request
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.session import reading, writing
from tests.playground_table import BASE, Table, fill_folder, images, png, table
from tests.small_deployment import STAGES

__all__ = ["images", "table"]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainSpec]:
    """Put a training in place of the real one that takes no time; return what was trained."""
    done: list[TrainSpec] = []

    def instead(spec: TrainSpec, given: Any, split: Any, **named: Any) -> Result:
        if spec.network == "nonsense":
            raise ConfigError("there is no network 'nonsense'")
        done.append(spec)
        test = np.flatnonzero(split.sides == "test")
        called = [(number + spec.seed) % 2 for number in range(len(test))]
        return Result(
            identity=named["identity"],
            number=named["number"],
            spec=spec,
            classes=split.classes,
            parameters=1,
            images_seen=1,
            seconds=1,
            milliseconds=1,
            best_epoch=1,
            curve=(),
            called=tuple(called),
            confidence=(0.5,) * len(called),
        )

    monkeypatch.setattr(trial, "try_network", instead)
    return done


def names(played: Played) -> list[str]:
    return [row.name for row in played.rows]


def test_every_combination_is_trained_once(table: Table, trained: list[TrainSpec]) -> None:
    played = table(Asked(("tiny", "compact"), ("rotating", "normal"), ((32, 32), (32, 48)), (1, 2)))
    assert len(trained) == len(set(trained)) == len(played.rows) == 16
    assert len({(one.network, one.sampling, one.size, one.seed) for one in trained}) == 16


def test_a_second_call_trains_what_is_new_and_keeps_the_first_as_reference(
    table: Table, trained: list[TrainSpec]
) -> None:
    table(Asked(seeds=(1,)))
    played = table(Asked(seeds=(3, 1, 2)))
    assert [spec.seed for spec in trained] == [1, 3, 2]
    assert names(played) == ["tiny, seed 1", "tiny, seed 3", "tiny, seed 2"]
    assert [row.macro_f1.gain is None for row in played.rows] == [True, False, False]


def test_a_stopped_playground_goes_on_where_it_was(
    table: Table, trained: list[TrainSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = trial.try_network

    def stopped(spec: TrainSpec, given: Any, split: Any, **named: Any) -> Result:
        if spec.seed == 2:
            raise KeyboardInterrupt
        return quick(spec, given, split, **named)

    monkeypatch.setattr(trial, "try_network", stopped)
    with pytest.raises(KeyboardInterrupt):
        table(Asked(seeds=(1, 2, 3)))
    assert "2 networks are not trained yet" in (table.out / "index.html").read_text(encoding="utf-8")
    monkeypatch.setattr(trial, "try_network", quick)
    table(Asked(seeds=(1, 2, 3)))
    assert [spec.seed for spec in trained] == [1, 2, 3]


def test_a_network_that_cannot_be_trained_is_named_and_the_others_go_on(table: Table, trained: list[TrainSpec]) -> None:
    played = table(Asked(("nonsense", "tiny"), ("rotating", "sideways")))
    assert names(played) == ["tiny"]
    reasons = dict(played.refused)
    assert reasons["nonsense, 32 x 32, rotating, seed 1"] == "there is no network 'nonsense'"
    assert "'undersample'" in reasons["tiny, 32 x 32, sideways, seed 1"]
    assert "sideways" in (table.out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("change", ["label", "settings"])
def test_other_labels_or_settings_begin_the_table_anew(
    table: Table, trained: list[TrainSpec], images: LabelledSet, change: str
) -> None:
    table(Asked(seeds=(1, 2)))
    base, other = BASE, None
    if change == "label":
        classes = ("Bad" if images.classes[0] == "Good" else "Good", *images.classes[1:])
        other = replace(images, classes=classes)
    else:
        base = BASE.model_copy(update={"label_smoothing": 0.1})
    played = table(Asked(seeds=(3,)), base, other)
    assert names(played) == ["tiny"]
    assert any("2 earlier results removed" in line for line in table.lines)


def test_how_thresholds_are_chosen_makes_no_other_table(table: Table, trained: list[TrainSpec]) -> None:
    table(Asked())
    table(Asked(), BASE.model_copy(update={"thresholds": "recall", "recall": 0.9}))
    assert len(trained) == 1


def test_images_of_the_gold_set_take_no_part(table: Table, images: LabelledSet, trained: list[TrainSpec]) -> None:
    whole = table(Asked()).rows[0].metrics.n
    newest = sorted(set(images.runs))[-2:]
    golden = replace(images, gold=tuple(run in newest for run in images.runs))
    played = table(Asked(seeds=(1, 2)), images=golden)
    assert "gold: 8 images, which no training sees" in table.lines
    assert played.rows[0].metrics.n <= whole
    page = (table.out / "index.html").read_text(encoding="utf-8")
    assert page.count("Test image ") == played.rows[0].metrics.n
    assert not any(name in page for name, gold in zip(golden.names, golden.gold, strict=True) if gold)


def test_a_damaged_result_is_trained_again(table: Table, trained: list[TrainSpec]) -> None:
    table(Asked(seeds=(1, 2)))
    first = sorted((table.out / "results").iterdir())[0]
    first.write_bytes(first.read_bytes()[:40])
    assert len(table(Asked(seeds=(1, 2))).rows) == 2
    assert [spec.seed for spec in trained] == [1, 2, 1]


def test_the_split_is_the_same_whatever_is_tried(
    table: Table, images: LabelledSet, trained: list[TrainSpec], tmp_path: Path
) -> None:
    table(Asked(seeds=(1,)))
    other = Table(images, tmp_path / "other")
    other(Asked(("compact",), sizes=((48, 64),), seeds=(9,)))
    kept = [json.loads(next((one.out / "results").iterdir()).read_bytes()) for one in (table, other)]
    assert kept[0]["identity"] == kept[1]["identity"]


def test_two_playgrounds_at_one_place_do_not_meet(table: Table, trained: list[TrainSpec]) -> None:
    import fcntl

    table.out.mkdir()
    handle = os.open(table.out / ".playground.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(HydraError, match="another playground writes"):
        table(Asked())
    os.close(handle)
    assert len(table(Asked()).rows) == 1


def test_too_few_runs_for_a_test_are_refused_before_anything_is_trained(
    table: Table, images: LabelledSet, trained: list[TrainSpec]
) -> None:
    one_run = replace(images, runs=(1,) * len(images.runs))
    with pytest.raises(TrainingError, match=r"48 labelled images of 1 run do not suffice"):
        table(Asked(), images=one_run)
    assert trained == []


def test_weights_of_a_file_are_for_the_network_of_the_site_alone() -> None:
    base = BASE.model_copy(update={"weights": "/w/tiny.weights.h5"})
    specs = dict(combinations(base, Asked(("tiny", "compact"))))
    assert [spec.weights for spec in specs.values() if isinstance(spec, TrainSpec)] == ["/w/tiny.weights.h5", ""]


def test_files_without_a_run_are_runs_of_their_own_whatever_their_order(tmp_path: Path) -> None:
    table = fill_folder(tmp_path / "plots", 6, runs=False)
    there = labelled_folder(tmp_path / "plots", table, print)
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    back = labelled_folder(tmp_path / "plots", table, print)
    assert sorted(there.runs) == [1, 2, 3, 4, 5, 6]
    assert dict(zip(there.names, there.runs, strict=True)) == dict(zip(back.names, back.runs, strict=True))


@given(st.lists(st.sampled_from(["", "a", "b", "7", "0008"]), min_size=1, max_size=8))
def test_equal_runs_stay_equal_and_different_ones_different(
    tmp_path_factory: pytest.TempPathFactory, runs: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "runs-of-a-table"
    folder.mkdir(exist_ok=True)
    lines = ["file,label,run"]
    for number, run in enumerate(runs):
        if not (folder / f"{number}.png").exists():
            (folder / f"{number}.png").write_bytes(png(number, bad=False))
        lines.append(f"{number}.png,Good,{run}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    found = labelled_folder(folder, folder / "labels.csv", print).runs
    for one in range(len(runs)):
        for other in range(one):
            assert (found[one] == found[other]) == (runs[one] == runs[other] != "")


def test_files_that_cannot_be_read_or_lead_out_of_the_folder_are_left_out_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    table = fill_folder(folder, 4)
    (folder / "01.png").write_bytes(b"")
    (folder / "02.png").unlink()
    told: list[str] = []
    assert labelled_folder(folder, table, told.append).names == ("00.png", "03.png")
    assert told == ["2 files cannot be read and are left out; first 01.png: the file is empty (0 bytes)"]
    (tmp_path / "secret.png").write_bytes(png(1, bad=False))
    (folder / "02.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(HydraError, match="would leave"):
        labelled_folder(folder, table, print)


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["file,label,run", "a.png,Good,1", "a.png,Good,2"], "two runs"),
        (["file,label,run", f"a.png,Good,{'9' * 81}"], "cannot be a run"),
        (["file,label", "nowhere.png,Good"], "no file that"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_cause(tmp_path: Path, lines: list[str], cause: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(HydraError, match=cause):
        labelled_folder(tmp_path, table, print)


@pytest.mark.parametrize(
    "given",
    [["--folder", "x"], ["--labels", "x.csv"], [], ["CDC", "--folder", "x", "--labels", "x.csv"]],
)
def test_a_plot_type_or_a_folder_with_labels_must_be_given(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["playground", *given]) == 1
    assert "either a plot type or a folder" in capsys.readouterr().err


def test_a_plot_type_is_tried_from_the_archive_and_nothing_else_changes(
    make: Callable[[str], Any], trained: list[TrainSpec]
) -> None:
    deployment = make("site")
    bad = {run: run % 2 == 0 for run in range(20, 34)}
    for run, is_bad in bad.items():
        deployment.put(run, "CDC_0000.png", png(run, bad=is_bad))
    deployment.want(*bad)
    for run in bad:
        deployment.work(run, STAGES[:-1])
    key = PlotKey("CDC", True)
    with reading(deployment.engine) as connection:
        kind = all_plot_types(connection)[key]
    when = datetime(2026, 11, 21, tzinfo=UTC)
    hashes = {run: sha256_file(deployment.site.intake / f"Run{run:06d}" / "CDC_0000.png") for run in bad}
    labels = [NewLabel(kind, hashes[run], "Bad" if bad[run] else "Good", "x", when) for run in bad]
    request = NewRequest("0" * 64, "labels", "x.json", "x", "x", when, when, "accepted", "")
    writing(deployment.engine, lambda connection: save_request(connection, request, labels))
    rows, files = deployment.rows(), deployment.files()
    with reading(deployment.engine) as connection:
        images = labelled_set(connection, deployment.site, kind)
    assert images.runs == tuple(bad)
    assert images.hashes == tuple(hashes.values())
    pixels = np.zeros((14, 32, 48, 3), np.uint8)
    images.fill(pixels, InputSpec(size=(32, 48)))
    assert all(
        np.array_equal(pixels[number], model_input(images.picture(number), InputSpec(size=(32, 48))))
        for number in range(14)
    )
    assert main(["--site", str(deployment.site.folder), "playground", "CDC:chunks", "--seeds", "1,2"]) == 0
    assert [spec.seed for spec in trained] == [1, 2]
    assert trained[0] == training_spec(deployment.site, key).model_copy(update={"seed": 1, "network_why": ""})
    page = deployment.site.site_pages / "playground/CDC~chunks/index.html"
    assert 'href="../../library.html"' in page.read_text(encoding="utf-8")
    assert deployment.rows() == rows
    assert {name: sha for name, sha in deployment.files().items() if name in files} == files
    assert all(name.startswith("site/") for name in set(deployment.files()) - set(files))


@pytest.mark.real_data
def test_real_maps_of_nine_classes_are_dealt_and_compared(trained: list[TrainSpec], tmp_path: Path) -> None:
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "wafer_maps"
    found = labelled_folder(folder, folder / "labels.csv", print)
    assert len(found.names) > 1000
    played = Table(found, tmp_path / "out")(Asked(seeds=(1, 2)), TrainSpec(size=(32, 32)))
    assert len(played.rows[0].metrics.classes) == 9
    assert all(support for _, support in played.rows[0].recalls.values())
