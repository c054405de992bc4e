"""Runs, plot types and chunks are found in paths, and no path can do harm."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hydra_core.base.names import PlotKey
from hydra_core.intake.naming import DEFAULT_RULES, NamingRule, ParsedName, Unmatched, parse_path

BIDI = "\u202e"


def parsed(path: str, *rules: NamingRule) -> ParsedName:
    name = parse_path(PurePosixPath(path), rules or DEFAULT_RULES)
    assert isinstance(name, ParsedName), name
    return name


def refused(path: str) -> str:
    name = parse_path(PurePosixPath(path))
    assert isinstance(name, Unmatched), name
    return name.reason


@pytest.mark.parametrize(
    ("path", "run", "plot", "chunk"),
    [
        ("RunPeriod-2026-01/rawdata_ver02/Run050001/CDC_occupancy_0001.png", 50001, "CDC_occupancy", 1),
        ("RunPeriod-2026-01/ver02/050001/Kinematics-PSEnergy_0003.PNG", 50001, "Kinematics-PSEnergy", 3),
        ("5038/FTOF_tdcOccupancy_0000.png", 5038, "FTOF_tdcOccupancy", 0),
        ("5038/bad_hits.png", 5038, "bad_hits", None),
        ("2026/5038/bad_hits.jpeg", 5038, "bad_hits", None),
        ("Run12/sub/CDC-03_0001.webp", 12, "sub/CDC-03", 1),
        ("lms_mean/run_1059.png", 1059, "lms_mean", None),
        ("x/CDC_occupancy_run12_0003.png", 12, "CDC_occupancy", 3),
        ("x/run12_CDC_0003.png", 12, "CDC", 3),
    ],
)
def test_run_plot_type_and_chunk_are_found(path: str, run: int, plot: str, chunk: int | None) -> None:
    name = parsed(path)
    assert (name.run, name.plot, name.chunk) == (run, PlotKey(plot, chunk is not None), chunk)


def test_period_version_and_written_run_number_are_kept() -> None:
    name = parsed("data/RunPeriod-2026-01/rawdata_ver02/Run050001/CDC_0001.png")
    assert (name.period, name.version, name.run_name, name.rule) == ("2026-01", "ver02", "050001", "run-folder")


def test_the_same_name_chunked_and_unchunked_are_two_plot_types() -> None:
    assert parsed("Run1/CDC_0001.png").plot != parsed("Run1/CDC.png").plot


def test_a_pad_stays_in_the_plot_type_unless_the_rule_says_otherwise() -> None:
    assert parsed("Run1/CDC-03_0001.png").plot.name == "CDC-03"
    assert parsed("Run1/CDC-03_0001.png").pad == "03"
    rule = DEFAULT_RULES[0].model_copy(update={"pad_in_name": False})
    assert parsed("Run1/CDC-03_0001.png", rule).plot.name == "CDC"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../Run1/x.png", "leaves"),
        ("/Run1/x.png", "leaves"),
        ("Run1/a\0b.png", "control"),
        ("Run1/a\nb.png", "control"),
        ("Run1/" + "a" * 300 + ".png", "too long"),
        ("Run1/" + "a" * 200 + ".png", "longer than"),
        (f"Run1/a{BIDI}gnp.png", "writing direction"),
        ("Run1/a\udcff.png", "UTF-8"),
        ("Run1/.x_0001.png", "hidden"),
        ("Run1/x_0001.png.part", "not an image"),
        ("Run1/CDC _1.png", "blank"),
        ("Run1/CDC:chunks.png", ":chunks"),
        ("Run0/x.png", "run number"),
        ("Run99999999999/x.png", "run number"),
        ("Run1/x_99999999999.png", "chunk number"),
        ("Run\u0661/x.png", "no naming rule"),
        ("plots/x.png", "no naming rule"),
        ("Run1/x.txt", "not an image"),
        ("x.root", "no naming rule"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_its_reason(path: str, words: str) -> None:
    assert words in refused(path)


@pytest.mark.parametrize(
    "name", ["-rf", "CON", "{{7*7}}", "'; DROP TABLE x", '"><img src=x onerror=alert(1)>', "\U0001f600"]
)
def test_a_strange_name_is_kept_as_it_stands(name: str) -> None:
    if "/" not in name:
        assert parsed(f"Run1/{name}.png").plot.name == name


def test_case_twins_are_two_plot_types_and_unicode_twins_are_one() -> None:
    assert parsed("Run1/RICH.png").plot != parsed("Run1/Rich.png").plot
    twins = [unicodedata.normalize(form, "Zähler") for form in ("NFC", "NFD")]
    assert twins[0] != twins[1]
    assert parsed(f"Run1/{twins[0]}.png").plot == parsed(f"Run1/{twins[1]}.png").plot


@given(st.text(max_size=60), st.integers(1, 10**6), st.integers(0, 9999))
def test_any_text_as_a_plot_type_is_kept_or_refused(name: str, run: int, chunk: int) -> None:
    found = parse_path(PurePosixPath(f"Run{run}") / f"{name}_{chunk:04d}.png")
    if isinstance(found, ParsedName):
        assert found.plot.name.isprintable() or not any(
            unicodedata.category(c) in ("Cc", "Cs") for c in found.plot.name
        )
        assert ".." not in found.plot.name.split("/")
        assert PlotKey.parse(str(found.plot)) == found.plot
    else:
        assert found.reason


@given(st.text(alphabet=st.characters(), max_size=80))
def test_no_path_at_all_makes_it_fail(text: str) -> None:
    assert isinstance(parse_path(PurePosixPath(text)), ParsedName | Unmatched)


@given(
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,20}(_[A-Za-z]{1,8})?", fullmatch=True),
    st.integers(1, 2**31 - 1),
    st.one_of(st.none(), st.integers(0, 99999)),
)
def test_what_a_producer_writes_is_what_is_read(name: str, run: int, chunk: int | None) -> None:
    ending = "" if chunk is None else f"_{chunk:04d}"
    found = parsed(f"RunPeriod-2026-01/ver01/Run{run:06d}/{name}{ending}.png")
    assert (found.run, found.plot.name, found.chunk) == (run, name, chunk)


@pytest.mark.parametrize("pattern", ["(", "(?P<run>[0-9]+)", "(?P<plot>x)"])
def test_a_rule_that_cannot_work_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        NamingRule(name="mine", pattern=pattern)


def test_a_site_s_own_rule_is_used() -> None:
    rule = NamingRule(name="hall", pattern=r"hydra_(?P<run>\d+)_(?P<plot>\w+?)_(?P<chunk>\d+)\.png")
    found = parsed("hydra_77_raster_3.png", rule)
    assert (found.run, found.plot, found.chunk, found.rule) == (77, PlotKey("raster", True), 3, "hall")
