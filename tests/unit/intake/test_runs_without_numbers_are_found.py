"""Runs may have names, times instead of chunk numbers, or nothing but metadata; a look at the source finds them all."""

from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from pydantic import ValidationError

from hydra_core.intake.naming import Naming, NamingRule, ParsedName, parse_path
from hydra_core.intake.presets import preset_rules
from hydra_core.intake.scan import scan, scan_run

NAMED = NamingRule(
    name="campaign",
    pattern=r"(?P<campaign>[^/]+)/(?P<geometry>[^/]+)/(?:(?P<process>[^/]+)/)?(?P<plot>[^/]+)\.png",
    run_name="{campaign} {geometry} {process}",
)


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_files_are_grouped_by_the_name_of_their_run(tmp_path: Path) -> None:
    put(tmp_path, "24.08/b10/DIS/q2.png", "24.08/b9/DIS/q2.png", "24.08/b9/DIS/x.png", "24.08/b9/eta.png")
    runs = scan(tmp_path, [NAMED]).runs
    assert [(run.run, run.run_name, len(run.files)) for run in runs] == [
        (None, "24.08 b9", 1),
        (None, "24.08 b9 DIS", 2),
        (None, "24.08 b10 DIS", 1),
    ]
    assert runs[1].files[0].parsed.facts == {"campaign": "24.08", "geometry": "b9", "process": "DIS"}
    assert [str(run.folder) for run in runs] == ["24.08/b9", "24.08/b9/DIS", "24.08/b10/DIS"]


def test_the_folder_of_a_run_is_the_deepest_that_holds_all_of_it(tmp_path: Path) -> None:
    rule = NamingRule(name="pipeline", pattern=r"(?P<id>p\d+)/(?P<plot>.+)\.png", run_name="pipeline {id}")
    put(tmp_path, "p7/a/x.png", "p7/a/y/z.png", "p8/a/x.png", "p8/x.png", "p9/ab/x.png", "p9/abc/x.png")
    assert [str(run.folder) for run in scan(tmp_path, [rule]).runs] == ["p7/a", "p8", "p9"]


def test_one_named_run_is_found_in_its_folder_alone(tmp_path: Path) -> None:
    put(tmp_path, "24.08/b9/DIS/q2.png", "24.08/b9/x.png", "24.08/b10/DIS/q2.png")
    whole = scan(tmp_path, [NAMED])
    for run in whole.runs:
        assert scan_run(tmp_path, run.run_name, [NAMED], below=run.folder).runs == (run,)
    assert scan_run(tmp_path, "24.08 b9 DIS", [NAMED], below=PurePosixPath("24.08/b10")).runs == ()


def test_a_folder_that_became_a_link_is_not_entered(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/DIS/q2.png")
    (tmp_path / "source/24.08").mkdir(parents=True)
    (tmp_path / "source/24.08/b9").symlink_to(tmp_path / "elsewhere")
    for below in ("24.08/b9/DIS", "../elsewhere", "24.08/gone"):
        found = scan_run(tmp_path / "source", "24.08 b9 DIS", [NAMED], below=PurePosixPath(below))
        assert found.runs == ()
        assert len(found.unmatched) == 1


def test_two_spellings_of_a_name_are_one_run(tmp_path: Path) -> None:
    put(tmp_path, *(f"{unicodedata.normalize(form, 'Zähler')}/b9/{form}.png" for form in ("NFC", "NFD")))
    (run,) = scan(tmp_path, [NAMED]).runs
    assert (run.run_name, len(run.files), str(run.folder)) == ("Zähler b9", 2, ".")


def test_a_name_too_long_for_the_database_is_cut_and_stays_unique() -> None:
    names = [
        parse_path(PurePosixPath("a" * 150) / ("b" * 150) / f"{end}/x.png", [NAMED]) for end in ("one", "two", "one")
    ]
    texts = [name.run_name for name in names if isinstance(name, ParsedName)]
    assert texts[0] == texts[2] != texts[1]
    assert max(map(len, texts)) <= 190


@pytest.mark.parametrize(
    "rule",
    [
        {"pattern": r"(?P<plot>x)"},
        {"pattern": r"(?P<a>x)(?P<plot>x)", "run_name": "{b}"},
        {"pattern": r"(?P<a>x)(?P<plot>x)", "run_name": "{a.__class__}"},
        {"pattern": r"(?P<a>x)(?P<plot>x)", "run_name": "{a"},
        {"pattern": r"(?P<run>\d)(?P<stamp>\d)(?P<plot>x)"},
        {"pattern": r"(?P<run>\d)(?P<plot>x)", "stamp_format": "%d"},
        {"pattern": r"(?P<run>\d)(?P<stamp>\d)(?P<chunk>\d)(?P<plot>x)", "stamp_format": "%d"},
        {"pattern": r"(?P<a>x)(?P<plot>x)", "run_name": "{a}", "run_folder": "x"},
    ],
)
def test_a_rule_whose_parts_do_not_fit_together_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NamingRule(name="mine", **rule)


STAMPS = ("11-05-2018_09.41.07_PM", "11-05-2018_12.05.00_AM", "11-05-2018_10.00.00_AM", "11-06-2018_12.30.00_PM")


def test_the_chunk_is_the_rank_of_the_time_among_those_of_the_run(tmp_path: Path) -> None:
    put(tmp_path, *(f"clas12mon_5038_{stamp}/DC_occupancy.png" for stamp in STAMPS))
    put(tmp_path, f"clas12mon_5038_{STAMPS[0]}/FTOF tdc.png", f"clas12mon_5039_{STAMPS[0]}/DC_occupancy.png")
    rules = preset_rules(["clas12"])
    found = scan(tmp_path, rules)
    chunks = {str(file.relative): file.parsed.chunk for run in found.runs for file in run.files}
    assert [chunks[f"clas12mon_5038_{stamp}/DC_occupancy.png"] for stamp in STAMPS] == [2, 0, 1, 3]
    assert chunks[f"clas12mon_5038_{STAMPS[0]}/FTOF tdc.png"] == 2
    assert chunks[f"clas12mon_5039_{STAMPS[0]}/DC_occupancy.png"] == 0
    assert scan_run(tmp_path, 5038, rules).runs == found.runs[:1]


def test_a_time_whose_files_are_still_being_written_keeps_its_place(tmp_path: Path) -> None:
    put(tmp_path, *(f"clas12mon_5038_{stamp}/DC_occupancy.png" for stamp in STAMPS[:3]))
    long_ago = time.time() - 3600
    for stamp in (STAMPS[0], STAMPS[2]):
        os.utime(tmp_path / f"clas12mon_5038_{stamp}/DC_occupancy.png", (long_ago, long_ago))
    (run,) = scan(tmp_path, preset_rules(["clas12"]), settle_s=60).runs
    assert run.waiting == 1
    assert sorted(file.parsed.chunk or 0 for file in run.files) == [1, 2]


def test_what_a_rule_or_a_site_leaves_out_is_listed_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path, "5038/DC_Summary_0001.png", "5038/DC_occupancy_0001.png", "5038/test/a_0001.png")
    found = scan(tmp_path, Naming(preset_rules(["clas12"]), leave=("*/TEST/*",)))
    assert {file.relative: file.reason for file in found.unmatched} == {
        "5038/DC_Summary_0001.png": "left out: the rule clas12-linked leaves '*summary*'",
        "5038/test/a_0001.png": "left out: the site leaves '*/TEST/*'",
    }
    assert [len(run.files) for run in found.runs] == [1]


@pytest.mark.parametrize("folder", ["Run7", "RunPeriod-2026-01/ver01/Run000007", "2026/7", "7/deep"])
def test_a_run_folder_with_metadata_alone_is_a_run_without_images(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/metadata.json", "metadata.json", "Run8/a.png", "Run8/metadata.json")
    found = scan(tmp_path)
    assert [(run.run, len(run.files)) for run in found.runs] == [(7, 0), (8, 1)]
    assert str(found.runs[0].folder) == folder
    assert scan_run(tmp_path, 7).runs == found.runs[:1]


def test_metadata_above_other_runs_are_no_run(tmp_path: Path) -> None:
    put(tmp_path, "2026/metadata.json", "2026/5/a.png", "2027/metadata.json", "2027/6/metadata.json")
    put(tmp_path, "2028/metadata.json", "2028/Run9/a.png")
    assert [run.run for run in scan(tmp_path).runs] == [5, 6, 9]
    assert [scan_run(tmp_path, year).runs for year in (2026, 2027, 2028)] == [(), (), ()]


def test_a_named_run_with_metadata_alone_is_a_run_as_well(tmp_path: Path) -> None:
    put(tmp_path, "24.08/b9/DIS/metadata.json", "24.08/metadata.json")
    assert [(run.run_name, run.files) for run in scan(tmp_path, [NAMED]).runs] == [("24.08 b9 DIS", ())]


def test_metadata_that_may_still_be_written_wait(tmp_path: Path) -> None:
    put(tmp_path, "Run7/metadata.json")
    assert scan(tmp_path, settle_s=60).runs == ()
    os.utime(tmp_path / "Run7/metadata.json", (0, 0))
    assert [run.run for run in scan(tmp_path, settle_s=60).runs] == [7]
