"""A revision of a run names what is new, changed or gone against the one that was published before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.names import PlotKey
from hydra_core.stages.changes_view import revision_changes
from hydra_core.store.items import ItemRow, VerdictRow
from tests.store_samples import a_verdict, digest

Side = tuple[Sequence[ItemRow], Mapping[int, VerdictRow]]


def item(plot: str, chunk: int | None, image: str | None = "first", status: str = "ok") -> ItemRow:
    """Return a plot with an image named `image`, and with a number that follows from its place."""
    number = hash((plot, chunk))
    key = PlotKey(plot, chunk is not None)
    sha = None if image is None else digest(f"{plot}-{chunk}-{image}")
    return ItemRow(number, key, 1, chunk, 0, status, "", sha, "", f"{plot}.png", 4, 3, "", "")


def judged(items: Sequence[ItemRow], **otherwise: str) -> Side:
    """Return plots that are all Good but for the plot types that are named."""
    return items, {one.id: a_verdict(one.id, 1, class_name=otherwise.get(one.plot.name, "Good")) for one in items}


def said(before: Side, after: Side) -> tuple[str, ...]:
    return revision_changes(before, after, 1, lambda key: key.name)


OLD = [item(name, chunk) for name in ("CDC", "BCAL") for chunk in (0, 1)] + [item("RF", None)]


def test_a_late_chunk_is_named_with_its_plot_types() -> None:
    some = [*OLD, item("FCAL", 0)]
    late = [*some, item("CDC", 2), item("BCAL", 2)]
    assert said(judged(some), judged(late)) == ("New since revision 1: chunk 2 of BCAL and CDC (2 plots).",)


def test_a_late_chunk_of_the_whole_run_names_no_plot_type() -> None:
    late = [*OLD, item("CDC", 2), item("BCAL", 2)]
    told = "New since revision 1: chunk 2 of all 2 plot types that come in chunks (2 plots)."
    assert said(judged(OLD), judged(late)) == (told,)


def test_changed_and_gone_plots_are_told_apart() -> None:
    changed = [item("CDC", 0, "second"), *OLD[2:]]
    assert said(judged(OLD), judged(changed)) == (
        "Changed since revision 1: chunk 0 of CDC (1 plot).",
        "Gone since revision 1: chunk 1 of CDC (1 plot).",
    )


def test_a_missing_plot_that_comes_is_new_and_a_broken_one_that_is_mended_has_changed() -> None:
    missing, broken = item("TOF", None, None, "missing"), item("PS", None, None, "unreadable")
    came = [*OLD, item("TOF", None), item("PS", None)]
    assert said(judged([*OLD, missing, broken]), judged(came)) == (
        "New since revision 1: TOF (1 plot).",
        "Changed since revision 1: PS (1 plot).",
    )
    assert said(judged([*OLD, item("TOF", None)]), judged([*OLD, missing])) == ("Gone since revision 1: TOF (1 plot).",)


def test_a_plot_that_is_judged_otherwise_is_named_though_its_image_is_the_same() -> None:
    assert said(judged(OLD), judged(OLD, RF="Bad")) == (
        "The same image as in revision 1, judged otherwise: RF (1 plot).",
    )


def test_a_revision_in_which_nothing_differs_says_so() -> None:
    assert said(judged(OLD), judged(OLD)) == ("Every plot and its verdict are those of revision 1.",)


def test_many_plot_types_are_counted_and_not_all_named() -> None:
    names = [f"P{number:02d}" for number in range(12)]
    (told,) = said(judged(OLD), judged([*OLD, *(item(name, chunk) for name in names for chunk in range(9))]))
    assert told == "New since revision 1: chunks 0 to 8 of P00, P01, P02 and 9 more plot types (108 plots)."
    (told,) = said(judged(OLD), judged([*OLD, *(item(name, chunk) for chunk, name in enumerate(names))]))
    assert told.endswith("chunk 2 of P02; plots of 9 more plot types (12 plots).")


places = st.dictionaries(
    st.tuples(st.sampled_from("ABCDE"), st.none() | st.integers(0, 30)),
    st.sampled_from(("first", "second")),
    max_size=40,
)


@given(before=places, after=places)
def test_every_plot_that_differs_is_counted_once(
    before: dict[tuple[str, int | None], str], after: dict[tuple[str, int | None], str]
) -> None:
    old, new = ([item(plot, chunk, image) for (plot, chunk), image in one.items()] for one in (before, after))
    told = said(judged(old), judged(new))
    differing = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    counts = [int(line.rpartition("(")[2].split()[0]) for line in told if line.endswith("plots).") or "plot)." in line]
    assert sum(counts) == len(differing)
    assert all(len(line) < 400 for line in told)


@pytest.mark.parametrize(("status", "told"), [("missing", "Gone"), ("unreadable", "Changed")])
def test_what_became_of_a_plot_is_told(status: str, told: str) -> None:
    lost = [replace(one, status=status, sha256=None) if one.plot.name == "RF" else one for one in OLD]
    assert said(judged(OLD), judged(lost)) == (f"{told} since revision 1: RF (1 plot).",)
