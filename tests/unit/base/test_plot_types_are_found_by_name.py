from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.base.plot_names import Named, argument_of, find_named, find_one

CDC, FDC, FDC_RUN = PlotKey("CDC/occupancy", True), PlotKey("FDC", True), PlotKey("FDC", False)
RICH, ODD = PlotKey("RICH", False), PlotKey("Q[2]", False)
KNOWN = [CDC, FDC, FDC_RUN, RICH, ODD]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = texts.filter(lambda name: not name.endswith((":chunks", ":run")))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RICH", RICH),
        ("RICH:run", RICH),
        ("CDC/occupancy", CDC),
        ("CDC/occupancy:chunks", CDC),
        ("FDC:chunks", FDC),
        ("FDC:run", FDC_RUN),
        ("Q[2]", ODD),
    ],
)
def test_a_name_is_found_with_and_without_its_form(text: str, found: PlotKey) -> None:
    assert find_named(text, KNOWN).plots == (found,)
    assert not find_named(text, KNOWN).pattern


def test_a_pattern_names_all_that_fit() -> None:
    assert find_named("*C", KNOWN).plots == (FDC_RUN, FDC)
    assert find_named("*:chunks", KNOWN).plots == (CDC, FDC)
    assert find_named("FD?:run", KNOWN).plots == (FDC_RUN,)
    assert find_named("CDC/*", KNOWN).pattern


def test_a_name_of_two_plot_types_has_to_be_told_apart() -> None:
    with pytest.raises(HydraError, match="is there twice") as caught:
        find_named("FDC", KNOWN)
    assert "'FDC:chunks' or 'FDC:run'" in caught.value.next_step


def test_a_name_that_nobody_knows_gets_close_ones() -> None:
    with pytest.raises(HydraError, match="there is no plot type 'CDC/ocupancy'") as caught:
        find_named("CDC/ocupancy", KNOWN)
    assert "did you mean 'CDC/occupancy:chunks'?" in caught.value.next_step
    with pytest.raises(HydraError, match="no plot type fits the pattern 'TOF") as caught:
        find_named("TOF/*", KNOWN)
    assert "'hydra plots' lists" in caught.value.next_step


def test_a_name_is_found_however_its_accents_are_typed() -> None:
    known = [PlotKey("caf\u00e9", False)]
    assert find_named("cafe\u0301", known).plots == tuple(known)


def test_a_name_that_another_form_of_unicode_writes_otherwise_is_found_as_it_is() -> None:
    known = [PlotKey("\U0001d15e", True)]
    assert find_named("\U0001d15e:chunks", known).plots == tuple(known)


@given(st.lists(st.builds(PlotKey, names, st.booleans()), min_size=1, max_size=6, unique=True))
def test_the_text_that_names_a_plot_type_finds_it(known: list[PlotKey]) -> None:
    for plot in known:
        assert find_named(argument_of(plot, known), known).plots == (plot,)
        assert shlex.split(shlex.quote(argument_of(plot, known))) == [argument_of(plot, known)]


@given(texts, st.lists(st.builds(PlotKey, texts, st.booleans()), max_size=4))
def test_any_text_finds_known_plot_types_or_is_refused_with_advice(text: str, known: list[PlotKey]) -> None:
    found = named_or_refused(text, known)
    if isinstance(found, HydraError):
        assert found.cause
        assert found.next_step
    else:
        assert found.plots
        assert set(found.plots) <= set(known)


def named_or_refused(text: str, known: list[PlotKey]) -> Named | HydraError:
    try:
        return find_named(text, known)
    except HydraError as error:
        return error


def test_where_one_is_meant_a_pattern_is_refused() -> None:
    assert find_one("FDC:run", KNOWN) == FDC_RUN
    with pytest.raises(HydraError, match="one plot type is meant, and 'FD\\*' is a pattern"):
        find_one("FD*", KNOWN)
