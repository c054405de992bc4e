from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import ConfigError
from hydra_core.base.names import PlotKey
from hydra_core.config.groups import PlotGroup, circle_among, plots_named
from hydra_core.config.load import load_site
from hydra_core.config.site import Site

SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'


def a_site(folder: Path, plots: str, people: str = "") -> Site:
    for name, text in (("site", SITE), ("plots", plots), ("people", people)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_site(folder)


def test_the_group_of_a_plot_type_is_a_detector_and_can_be_described(tmp_path: Path) -> None:
    text = (
        '[[plot]]\nname = "a"\ngroup = "CDC"\n[[plot]]\nname = "a"\nchunked = false\ngroup = "cafe\u0301"\n'
        '[[group]]\nname = "CDC"\nkind = "chamber"\nplots = ["b*"]\n'
        '[[group]]\nname = "all"\nkind = "hall"\ngroups = ["CDC", "caf\u00e9"]\n'
    )
    groups = {group.name: group for group in a_site(tmp_path, text).plots.all_groups}
    assert {name: group.kind for name, group in groups.items()} == {
        "CDC": "chamber",
        "caf\u00e9": "detector",
        "all": "hall",
    }
    assert groups["CDC"].plots == ("b*", "a:chunks")
    assert groups["all"].groups == ("CDC", "caf\u00e9")


@pytest.mark.parametrize(
    ("plots", "people", "why"),
    [
        ('[[group]]\nname = "a"\ngroups = ["a"]', "", "part of each other in a circle: 'a' holds 'a'"),
        (
            '[[group]]\nname = "a"\ngroups = ["b"]\n[[group]]\nname = "b"\ngroups = ["a"]',
            "",
            "'a' holds 'b' holds 'a'",
        ),
        ('[[group]]\nname = "a"\ngroups = ["c"]', "", "group 'a': there is no group 'c'; known are a"),
        ('[[group]]\nname = "a"\n[[group]]\nname = "a"', "", "group 'a' is there twice"),
        (
            '[[plot]]\nname = "a"\nclasses = ["Godo"]',
            "",
            "plot type 'a': there is no class 'Godo'; known are Acceptable",
        ),
        ('[[plot]]\nname = "a"\nclasses = ["Ignore"]', "", "there is no class 'Ignore'"),
        ('[[group]]\nname = ""', "", "at least 1 character"),
        ('[[group]]\nname = "a"\nkinds = "x"', "", "not permitted"),
        ("", '[[person]]\nname = "a"\n[[person]]\nname = "a"', "person 'a' is there twice"),
        ("", f'[[person]]\nname = "{"a" * 121}"', "at most 120 characters"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path: Path, plots: str, people: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        a_site(tmp_path, plots, people)
    assert why in caught.value.cause
    assert "Value error" not in caught.value.cause


NAMES = "abcdef"
EDGES = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), max_size=6)


@given(EDGES)
def test_a_circle_is_found_exactly_where_there_is_one(edges: dict[str, list[str]]) -> None:
    groups = [PlotGroup(name=name, groups=tuple(parts)) for name, parts in edges.items()]
    circle = circle_among(groups)
    if circle:
        assert circle[0] == circle[-1]
        assert len(circle) > 1
        assert all(below in edges[above] for above, below in pairwise(circle))
    else:
        # Without a circle, groups can be taken away one after the other, each with nothing left inside it.
        left = {name: set(parts) & set(edges) for name, parts in edges.items()}
        while left:
            free = {name for name, parts in left.items() if not parts & set(left)}
            assert free
            left = {name: parts for name, parts in left.items() if name not in free}


def test_a_long_chain_of_groups_is_no_circle() -> None:
    groups = [PlotGroup(name=str(number), groups=(str(number + 1),)) for number in range(1500)]
    assert circle_among(groups) == []
    assert len(circle_among([*groups, PlotGroup(name="1500", groups=("0",))])) == 1502


PLOTS = st.sets(st.builds(PlotKey, st.text("ab*?[]:", min_size=1, max_size=4), st.booleans()), max_size=6)


@given(PLOTS)
def test_a_whole_name_names_its_plot_type_and_no_other_however_it_is_spelt(plots: set[PlotKey]) -> None:
    for plot in plots:
        named = plots_named([f"{plot.name}:{'chunks' if plot.chunked else 'run'}"], plots)
        assert plot in named
        # Another one is named only where its own name is that very text.
        assert all(one == plot or one.name.startswith(plot.name) for one in named)
        assert {one.name for one in plots_named([plot.name], plots)} >= {plot.name}


def test_texts_name_plot_types_by_name_form_or_pattern() -> None:
    known = [PlotKey("CDC", True), PlotKey("CDC", False), PlotKey("CDC_time", True)]
    for text, named in (
        ("CDC", {known[0], known[1]}),
        ("CDC:run", {known[1]}),
        ("CDC:chunks", {known[0]}),
        ("CDC*:chunks", {known[0], known[2]}),
        ("CDC_*", {known[2]}),
        ("FDC", set()),
        ("cdc", set()),
    ):
        assert plots_named([text], known) == named
