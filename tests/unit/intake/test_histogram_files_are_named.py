"""Files of histograms belong to a run like images; every histogram in them gets the name of a plot type."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.names import PlotKey
from hydra_core.intake.naming import (
    NamingRule,
    ParsedName,
    Unmatched,
    file_plot,
    histogram_plot,
    parse_path,
    plot_name_problem,
)


def parsed(path: str, *rules: NamingRule) -> ParsedName:
    name = parse_path(PurePosixPath(path), rules) if rules else parse_path(PurePosixPath(path))
    assert isinstance(name, ParsedName), name
    return name


@pytest.mark.parametrize(
    ("path", "run", "prefix", "chunk"),
    [
        ("RunPeriod-2026-01/ver01/Run050001/hd_root_0003.root", 50001, "hd_root", 3),
        ("Run12/sub/timing.H5", 12, "sub/timing", None),
        ("5038/CalibResult_iter1.root", 5038, "CalibResult_iter1", None),
        ("digis/run_300366.root", 300366, "", None),
        ("run300366_2.hdf5", 300366, "", 2),
        ("x/hd_root_run5.root", 5, "hd_root", None),
        ("run5_timing.h5", 5, "timing", None),
    ],
)
def test_run_prefix_and_chunk_are_found(path: str, run: int, prefix: str, chunk: int | None) -> None:
    name = parsed(path)
    assert (name.reads, name.run, name.plot, name.chunk) == (
        "histograms",
        run,
        PlotKey(prefix, chunk is not None),
        chunk,
    )


def test_a_rule_for_images_never_takes_a_file_of_histograms() -> None:
    every = r"Run(?P<run>\d+)/(?P<plot>.+)"
    rules = (
        NamingRule(name="images", pattern=every),
        NamingRule(name="files", pattern=every, reads="histograms"),
    )
    assert parsed("Run1/x.png", *rules).rule == "images"
    assert parsed("Run1/x.root", *rules).rule == "files"
    assert isinstance(parse_path(PurePosixPath("Run1/x.root"), rules[:1]), Unmatched)


def test_a_histogram_is_named_by_its_path_behind_the_prefix() -> None:
    assert histogram_plot(parsed("Run1/hd_root.root"), "CDC/occ -> (a+b) #theta{x}") == PlotKey(
        "hd_root/CDC/occ -> (a+b) #theta{x}", False
    )
    assert histogram_plot(parsed("run_1_4.root"), "CDC/occ") == PlotKey("CDC/occ", True)


def test_spellings_that_look_the_same_are_one_plot_type() -> None:
    names = {histogram_plot(parsed("run_1.root"), unicodedata.normalize(form, "Zähler")) for form in ("NFC", "NFD")}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [("", "empty"), (" a", "blank"), ("a\0b", "control"), ("a\ud800", "UTF-8"), ("a:chunks", ":chunks")],
)
def test_a_path_that_can_be_no_name_is_refused_with_its_reason(path: str, words: str) -> None:
    found = histogram_plot(parsed("Run1/hd_root.root"), path)
    assert isinstance(found, Unmatched)
    assert words in found.reason


def test_a_long_path_is_kept_up_to_what_the_database_holds_and_then_made_short() -> None:
    name = parsed("run_1.root")
    longest = "d/" * 94 + "xy"
    assert histogram_plot(name, longest) == PlotKey(longest, False)
    one, other = (histogram_plot(name, "d/" * 200 + end) for end in "xy")
    assert isinstance(one, PlotKey)
    assert isinstance(other, PlotKey)
    assert one != other
    assert one.name.startswith("d/d/d/")
    assert len(one.name) <= 190
    assert histogram_plot(name, "d/" * 200 + "x") == one


@given(st.text(max_size=300))
def test_any_path_in_a_file_is_named_or_refused(path: str) -> None:
    found = histogram_plot(parsed("Run1/hd_root.root"), path)
    if isinstance(found, PlotKey):
        assert plot_name_problem(found.name, limit=190) == ""
        assert PlotKey.parse(str(found)) == found
    else:
        assert found.reason


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Run050001/hd_root_0003.root", "hd_root.root:chunks"),
        ("run_300366.root", "histograms.root"),
        ("x/run5_timing.h5", "timing.h5"),
    ],
)
def test_a_broken_file_is_shown_under_its_name_without_run_and_chunk(path: str, name: str) -> None:
    assert str(file_plot(parsed(path), PurePosixPath(path))) == name


def test_a_broken_file_is_the_same_plot_type_in_every_run() -> None:
    rule = NamingRule(
        name="offline", pattern=r".*hd_root_(?P<run>\d+)_(?P<chunk>\d+)\.root", reads="histograms", pad_in_name=False
    )
    paths = [f"hists/hd_root_{run:06d}_{chunk:03d}.root" for run in (7, 50001) for chunk in (0, 7)]
    assert {str(file_plot(parsed(path, rule), PurePosixPath(path))) for path in paths} == {"hd_root.root:chunks"}


@given(st.text(max_size=60), st.integers(1, 9999))
def test_any_file_has_a_plot_type_to_be_shown_under(stem: str, run: int) -> None:
    path = PurePosixPath(f"{stem}.root")
    found = file_plot(parsed(f"run_{run}.root"), path)
    assert plot_name_problem(found.name, limit=190) == ""
