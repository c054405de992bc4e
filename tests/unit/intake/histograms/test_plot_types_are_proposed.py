from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hydra_core.base.errors import ConfigError
from hydra_core.base.names import PlotKey
from hydra_core.config.plots import DrawSettings, PlotsFile, PlotType
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.histograms.propose import merge_proposal, plot_entry, propose


def spectrum(path: str, title: str = "Drift time;t", content: float = 40.0) -> tuple[str, str, Histogram]:
    values = np.full(100, content)
    return path, "TH1I", Histogram(path, title, Axis.regular(100, 0, 1, "t"), None, values, float(values.sum()))


def read(text: str) -> PlotsFile:
    return PlotsFile.model_validate(tomllib.loads(text))


FOUND = [
    spectrum("FDC/time"),
    spectrum("CDC/straws/occupancy", "Straws #theta"),
    spectrum("empty", content=0.0),
    spectrum("rare", content=0.5),
]


def test_each_histogram_becomes_an_entry_in_order_of_names() -> None:
    text = propose(FOUND, chunked=True)
    plots = read(text).plots
    assert [plot.key for plot in plots] == [
        PlotKey("CDC/straws/occupancy", True),
        PlotKey("FDC/time", True),
        PlotKey("rare", True),
    ]
    assert (plots[0].display, plots[0].group, plots[0].contact) == ("Straws θ", "CDC", "")
    assert plots[0].draw == DrawSettings(x=(0.0, 1.0), y=(0.0, 0.015), normalise="entries")
    assert plots[2].draw == DrawSettings(x=(0.0, 1.0), normalise="entries")
    assert text.startswith("#")
    assert "# TH1I, 100 bins, 50 entries; too few for a fixed range of contents\n[[plot]]" in text
    assert propose(reversed(FOUND), chunked=True) == text


def test_an_empty_histogram_is_proposed_as_a_comment_with_the_reason() -> None:
    text = propose(FOUND, chunked=True)
    assert '# TH1I, 100 bins; left out, since it is empty in this file:\n# [[plot]]\n# name = "empty"\n' in text
    means = Histogram("p", "P", Axis.regular(3, 0, 1), None, np.full(3, np.nan), 0.0, kind="profile")
    assert read(propose([("p", "TProfile", means)], chunked=False)).plots == ()


def test_a_prefix_and_the_chunking_become_part_of_the_name() -> None:
    (plot,) = read(propose([spectrum("CDC/time")], prefix="hd_root", chunked=False)).plots
    assert plot.key == PlotKey("hd_root/CDC/time", False)
    assert plot.group == "CDC"


def test_only_new_plot_types_are_appended_to_what_is_there() -> None:
    existing = '# ours\n[[class]]\nname = "Good"\ncolour = "#1b9e77"\n\n[[plot]]\nname = "FDC/time"\ngroup = "Drift"'
    merged = merge_proposal(existing, FOUND, chunked=True)
    assert merged.startswith(existing + "\n")
    plots = read(merged).plots
    assert [plot.name for plot in plots] == ["FDC/time", "CDC/straws/occupancy", "rare"]
    assert plots[0].group == "Drift"
    assert merge_proposal(merged, FOUND, chunked=True) == merged
    once_a_run = read(merge_proposal(merged, FOUND, chunked=False)).plots
    assert len(once_a_run) == 6


def test_a_histogram_that_was_empty_is_appended_when_it_is_filled() -> None:
    first = merge_proposal("", FOUND, chunked=True)
    assert first == propose(FOUND, chunked=True)
    later = merge_proposal(first, [spectrum("empty")], chunked=True)
    assert [plot.name for plot in read(later).plots][-1] == "empty"


@pytest.mark.parametrize("existing", ["[[plot]\n", 'plot = [{name = "x"}]\n'])
def test_a_file_that_nothing_can_be_appended_to_is_refused(existing: str) -> None:
    with pytest.raises(ConfigError):
        merge_proposal(existing, FOUND, chunked=True)


NAMES = st.text(st.sampled_from("ab/#\"\\'[]{}=\n\t\x00\x7f\u2028é\u0301\U0001f600 .:") | st.characters(), max_size=40)


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES, NAMES, st.booleans()), max_size=6), NAMES)
@example([("a" * 400, "t", True), ('a"]\n[[plot]]\nname = "b', "\x7f", True), ("x:chunks", "", True)], "TH1\nx = 1")
@example([("\ud800", "\ud800", True), (" ", "", False), ("é", "", True), ("e\u0301", "", True)], "\ud800")
def test_hostile_names_come_back_as_they_were(names: list[tuple[str, str, bool]], class_name: str) -> None:
    found = [(path, class_name, spectrum(path, title, 40.0 * filled)[2]) for path, title, filled in names]
    text = propose(found, chunked=True)
    plots = read(text.encode().decode()).plots
    assert len({plot.key for plot in plots}) == len(plots) <= len(found)
    assert all(plot.contact == "" and plot.draw is not None and len(plot.name) <= 190 for plot in plots)
    assert merge_proposal(text, found, chunked=True) == text
    assert read(merge_proposal('[[plot]]\nname = "kept"\n', found, chunked=True)).plots[0].name == "kept"


@given(NAMES.filter(lambda name: name and not name.endswith(":chunks")), NAMES)
def test_an_entry_says_everything_that_is_not_the_default(name: str, text: str) -> None:
    clean, words = (part.encode("utf-8", "replace").decode() for part in (name, text))
    plot = PlotType(
        name=clean,
        chunked=False,
        description=words,
        expected=True,
        collect=0.25,
        cumulative=False,
        draw=DrawSettings(x=(-1, 1), log=True, rebin=(2, 1)),
    )
    assert read(plot_entry(plot)).plots == (plot,)
    bare = PlotType(name=clean)
    assert read(plot_entry(bare)).plots == (bare,)


def test_a_title_equal_to_the_name_is_not_written_twice() -> None:
    (plot,) = read(propose([spectrum("hits", "hits")], chunked=True)).plots
    assert plot.display == ""
    path, kind, hist = spectrum("CDC/hits", "")
    (plot,) = read(propose([(path, kind, replace(hist, title=""))], chunked=True)).plots
    assert plot.display == "hits"
