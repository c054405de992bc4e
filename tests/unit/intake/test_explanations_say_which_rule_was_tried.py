"""``hydra intake explain`` says which rule takes a file, what it found, or how far the file came in each rule."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from hydra_core.cli.main import main
from hydra_core.intake.explain import explain_file, summarise, try_rules
from hydra_core.intake.naming import DEFAULT_RULES, Naming, NamingRule
from hydra_core.intake.pattern_hint import hint, split_pattern
from hydra_core.intake.presets import PRESETS
from hydra_core.intake.scan import scan


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (r"a+?b*c", ["a+?", "b*", "c"]),
        (r"(?:x|(y))?[^]/]{2,3}\d++\.png", ["(?:x|(y))?", "[^]/]{2,3}", r"\d++", r"\.", "p", "n", "g"]),
        (r"(?P<run>[(]\))/[\]]", [r"(?P<run>[(]\))", "/", r"[\]]"]),
        (r"a|b", [r"a|b"]),
        ("", []),
    ],
)
def test_a_pattern_is_cut_where_a_part_ends(pattern: str, parts: list[str]) -> None:
    assert split_pattern(pattern) == parts


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_the_parts_of_a_pattern_make_the_pattern(preset: object) -> None:
    for rule in PRESETS[preset.name].rules:  # type: ignore[attr-defined]
        assert "".join(split_pattern(rule.pattern)) == rule.pattern


@pytest.mark.parametrize(
    ("rule", "path", "words"),
    [
        (DEFAULT_RULES[0], "plots/x.png", "needs a folder Run<number>; none in the path"),
        (DEFAULT_RULES[0], "Run5/x.gif", "is for images, and the name ends with .gif"),
        (PRESETS["clas12"].rules[0], "clas12mon_5038_noon/x.png", "finds the run 5038, and nothing after it fits"),
        (NamingRule(name="own", pattern=r"a(?P<run>\d+)/(?P<plot>\w+)\.png"), "b1/x.png", r"needs a(?P<run>\d+)"),
        (NamingRule(name="own", pattern=r"a(?P<run>\d+)/(?P<plot>x)\.png"), "a1/x.png.jpg", "takes the rest: '.jpg'"),
    ],
)
def test_a_hint_says_what_the_path_lacks(rule: NamingRule, path: str, words: str) -> None:
    assert words in hint(rule, PurePosixPath(path))


def test_rules_are_tried_up_to_the_one_that_fits() -> None:
    trials = try_rules(PurePosixPath("lms/run_5.png"), DEFAULT_RULES)
    assert [trial.rule.name for trial in trials] == ["run-folder", "number-folder", "run-after-name"]
    assert [trial.fits for trial in trials] == [False, False, True]
    other = try_rules(PurePosixPath("run_5.root"), DEFAULT_RULES)
    assert [trial.outcome for trial in other[:4]] == ["is for images"] * 4


def explained(root: Path, path: str, settle_s: float = 0.0) -> tuple[bool, str, str]:
    found = explain_file(root, PurePosixPath(path), Naming(), settle_s=settle_s)
    return found.taken, found.problem, found.content


def test_a_file_that_need_not_exist_is_explained_by_its_name(tmp_path: Path) -> None:
    assert explained(tmp_path, "Run5/a.png") == (True, "", "")
    assert explained(tmp_path / "nowhere", "Run5/a.png") == (True, "", "")
    assert not explained(tmp_path, "../Run5/a.png")[0]


def test_the_content_of_a_file_is_looked_at(tmp_path: Path, encode: Callable[..., bytes]) -> None:
    (tmp_path / "Run5").mkdir()
    for name, data in (
        ("a.png", encode(1)),
        ("b.png", b"<html>"),
        ("c.root", b"root\0\0\xf7\x19rest"),
        ("d.h5", b"\x89HDF\r\n\x1a\nrest"),
        ("e.root", b"text"),
    ):
        (tmp_path / "Run5" / name).write_bytes(data)
    contents = {name: explained(tmp_path, f"Run5/{name}")[2] for name in ("a.png", "b.png", "c.root", "d.h5", "e.root")}
    assert contents["a.png"] == "PNG, 32 x 24 pixels, RGB"
    assert contents["b.png"].startswith("unreadable: not an image: the content is an HTML page")
    assert contents["c.root"] == "a ROOT file, 12 bytes"
    assert contents["d.h5"] == "an HDF5 file, 12 bytes"
    assert contents["e.root"].startswith("unreadable: neither a ROOT file nor an HDF5 file")


def test_what_is_no_plain_settled_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "Run5/folder.png").mkdir(parents=True)
    (tmp_path / "Run5/a.png").write_bytes(b"x")
    (tmp_path / "Run5/link.png").symlink_to("a.png")
    (tmp_path / "Run6").symlink_to("Run5")
    assert "a symbolic link" in explained(tmp_path, "Run5/link.png")[1]
    assert explained(tmp_path, "Run6/a.png")[1].startswith("Run6 is a symbolic link")
    assert "a folder" in explained(tmp_path, "Run5/folder.png")[1]
    assert "may still be written" in explained(tmp_path, "Run5/a.png", settle_s=60)[1]
    assert not explained(tmp_path, "Run5/a.png", settle_s=60)[0]
    os.utime(tmp_path / "Run5/a.png", (0, 0))
    assert explained(tmp_path, "Run5/a.png", settle_s=60)[:2] == (True, "")


def test_the_metadata_that_hold_for_a_file_are_named_with_their_defects(tmp_path: Path) -> None:
    (tmp_path / "Run5").mkdir()
    (tmp_path / "metadata.json").write_text("{}")
    (tmp_path / "Run5/metadata.json").write_text("{")
    found = explain_file(tmp_path, PurePosixPath("Run5/a.png"), Naming())
    assert found.conditions[:2] == ("metadata.json", "Run5/metadata.json")
    assert "not valid JSON" in found.conditions[2]


def test_a_folder_is_counted_by_rule_plot_type_run_and_reason(tmp_path: Path) -> None:
    for name in ("Run5/a_1.png", "Run5/a_2.png", "Run6/a_1.png", "Run6/x.root", "plots/b.png", "plots/c.png", "n.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    told = summarise(scan(tmp_path))
    assert [(group.name, group.count) for group in told.rules] == [("run-folder", 3), ("histograms-run-folder", 1)]
    assert [(group.name, group.count) for group in told.plots] == [("a:chunks", 3), ("histograms, x/...", 1)]
    assert [(group.name, group.count) for group in told.runs] == [("5", 2), ("6", 2)]
    assert [(group.count, group.examples[0]) for group in told.unmatched] == [(2, "plots/b.png"), (1, "n.txt")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_SITE", raising=False)
    return tmp_path


def a_site(folder: Path, intake: str = "") -> Path:
    folder.mkdir()
    text = f'[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n[intake]\nsettle_s = 0\n{intake}\n'
    (folder / "site.toml").write_text(text)
    (folder / "plots.toml").write_text('[[plot]]\nname = "CDC"\n')
    (folder / "data/incoming/Run7").mkdir(parents=True)
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["intake", "explain", *arguments]) == code
    return capsys.readouterr().out


def test_the_command_works_without_a_site(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "RunPeriod-2026-01/ver02/Run050001/CDC-03_0001.png")
    for words in ("run-folder: ", "50001, shown as 050001", "CDC-03:chunks", "chunk      1", "2026-01", "ver02"):
        assert words in out
    out = told(capsys, "plots/x.png", code=8)
    assert "not taken  no naming rule fits" in out
    assert "tried run-folder" in out


def test_a_folder_with_files_of_no_run_ends_with_8(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "Run5").mkdir()
    (here / "Run5/a.png").write_bytes(b"x")
    assert "run-folder  1" in told(capsys, ".")
    (here / "Run5/notes.txt").write_bytes(b"x")
    assert "not an image or histogram file (.txt)" in told(capsys, "Run5", code=8)


def test_a_preset_can_be_tried_and_all_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = "24.08/b9/DIS/18x275/q2.png"
    out = told(capsys, path, "--preset", "epic")
    assert "24.08 b9 DIS 18x275: the ledger gives it a number" in out
    assert "campaign = 24.08" in out
    told(capsys, path, "--preset", "epic", "--preset", "hallc")
    assert told(capsys, path, "--preset", "hallc", code=8)
    listed = told(capsys, "--presets")
    assert all(f"{name}: " in listed for name in PRESETS)
    told(capsys, path, "--preset", "nothing", code=1)
    told(capsys, code=1)


def test_paths_below_the_site_s_intake_are_taken_relative_to_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = a_site(here / "site")
    image = site / "data/incoming/Run7/CDC_0001.png"
    image.write_bytes(b"x")
    out = told(capsys, str(image), "--site", str(site))
    assert f"Run7/CDC_0001.png  (below {site / 'data/incoming'})" in out
    assert "CDC:chunks, in plots.toml" in out
    assert "unreadable: not an image" in out
    assert "not in plots.toml" in told(capsys, "Run7/RICH.png", "--site", str(site))
    assert f"(below {site / 'data/incoming'})" in told(capsys, "Run7/CDC_0001.png", "--site", str(site))


def test_the_rules_of_the_site_are_tried(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = a_site(here / "site", 'presets = ["panguin"]\nleave = ["*page9*"]')
    assert "panguin-variable" in told(capsys, "hydra_7_raster_x.png", "--site", str(site))
    assert "tried" not in told(capsys, "hydra_7_raster_x.png", "--site", str(site))
    assert "left out: the site leaves" in told(capsys, "hydra_7_page9_x.png", "--site", str(site), code=8)
    assert "tried panguin-pad" in told(capsys, "Run7/CDC_0001.png", "--site", str(site), code=8)


def test_a_root_can_be_given_and_is_not_left(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "source").mkdir()
    assert "(below " + str(here / "source") in told(capsys, "Run5/a.png", "--root", "source")
    told(capsys, "../Run5/a.png", "--root", "source", code=1)


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "-x", "..", "Run5/\udcff.png", "Run5/" + "x/" * 600 + "y.png"])
def test_no_path_makes_the_command_fail(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["intake", "explain", "--", name]) in (0, 8)
