"""The first line of a page: what is wrong now, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hydra_core.report.site_pages import library_headline, status_headline
from hydra_core.report.words import (
    chunks_phrase,
    index_figures,
    index_headline,
    listing,
    plain_text,
    run_headline,
    size_words,
)


@pytest.fixture
def run(samples):
    return replace(samples.good_run(), cards=tuple(samples.card(f"P{number}", severity=0) for number in range(5)))


def bad(samples, plot, chunk=None, **changes):
    return samples.card(plot, chunk, **{"class_name": "Bad", "severity": 3, **changes})


@pytest.mark.parametrize(
    ("flagged", "present", "said"),
    [
        ([3, 4, 5], [0, 1, 2, 3, 4, 5], "since chunk 3"),
        ([2], [0, 1, 2, 3], "in chunk 2"),
        ([3], [0, 1, 2, 3], "in the last chunk, 3"),
        ([1, 2], [0, 1, 2, 3], "in chunks 1 and 2"),
        ([1, 2, 3], [0, 1, 2, 3, 4], "in chunks 1 to 3"),
        ([0, 2], [0, 1, 2, 3], "in chunks 0 and 2"),
        ([0, 2, 4, 6], [0, 1, 2, 3, 4, 5, 6, 7], "in 4 of 8 chunks"),
        ([0, 1], [0, 1], ""),
        ([], [0, 1], ""),
        ([5, 9], [1, 5, 9], "since chunk 5"),
    ],
)
def test_chunks_are_told_the_short_way(flagged, present, said):
    assert chunks_phrase(flagged, present) == said


def test_nothing_wrong_is_said_calmly(run):
    assert plain_text(run_headline(run)) == "All 5 plot types look as they should."


def test_an_empty_run_says_so(run):
    assert plain_text(run_headline(replace(run, cards=()))) == "No plots came for this run."


def test_no_data_is_not_called_good(run, samples):
    cards = (*run.cards[:4], samples.card("Q", state="no_data", class_name="NoData"))
    assert (
        plain_text(run_headline(replace(run, cards=cards)))
        == "Nothing needs a look: 4 of 5 plot types look as they should."
    )


def test_one_plot_needs(run, samples):
    view = replace(run, cards=(*run.cards, bad(samples, "RF")))
    assert plain_text(run_headline(view)) == "1 of 6 plot types needs a look: RF."


def test_worst_comes_first_and_the_rest_is_counted(run, samples):
    chunks = [bad(samples, "CDC", chunk) if chunk > 1 else samples.card("CDC", chunk) for chunk in range(4)]
    odd = samples.card("Odd", state="novel", class_name=None, severity=2, confidence=None)
    more = [samples.card(name, state="unconfirmed", severity=2, confidence=0.5) for name in "XYZ"]
    view = replace(run, cards=(*more, odd, *chunks))
    said = plain_text(run_headline(view))
    assert said == "5 of 5 plot types need a look: CDC since chunk 2, Odd, X and 2 more."


def test_a_plot_is_told_where_its_worst_trouble_is(run, samples):
    unsure = [samples.card("CDC", chunk, class_name="Good", state="unconfirmed", severity=2) for chunk in (1, 2)]
    view = replace(run, cards=(*run.cards, *unsure, *(bad(samples, "CDC", chunk) for chunk in (3, 4, 5))))
    assert plain_text(run_headline(view)) == "1 of 6 plot types needs a look: CDC since chunk 3."


def test_names_from_outside_are_kept_apart(run, samples):
    view = replace(run, cards=(bad(samples, "<b>"),))
    assert ("name", "<b>") in run_headline(view)


def test_a_pass_names_each_plot_type_in_trouble_once_and_counts_below(samples):
    view = samples.index_view(runs=3, types=2)
    assert plain_text(index_headline(view)) == (
        "3 plot types need a look now: CDC_occupancy, RF_timing and FDC_strip_pulls."
    )
    assert index_figures(view) == ("3 incidents open",)
    once = replace(view.incidents[1], first_chunk=1, last_chunk=1)
    others = [replace(once, plot=name) for name in ("A", "B", "C")]
    many = replace(view, incidents=(once, replace(once, class_name="Good"), *others))
    assert plain_text(index_headline(many)) == "4 plot types need a look now: RF_timing, A, B and 1 more."
    assert index_figures(many) == ("5 incidents open",)


def test_an_incident_that_is_over_is_counted_and_not_in_the_headline(samples):
    view = samples.index_view(runs=3, types=2)
    first, *others = view.incidents
    some = replace(view, incidents=(first, *(replace(one, open=False) for one in others)))
    assert plain_text(index_headline(some)) == "1 plot type needs a look now: CDC_occupancy."
    assert index_figures(some) == ("1 incident open, 2 over",)
    none = replace(view, incidents=(replace(first, open=False),))
    assert plain_text(index_headline(none)) == "Nothing needs a look now: 1 incident is over."
    assert index_figures(none) == ()


def test_a_pass_without_runs_is_not_called_fine(samples):
    view = samples.index_view(runs=2, types=2)
    assert plain_text(index_headline(replace(view, incidents=()))) == "Nothing needs a look."
    assert "No run" in plain_text(index_headline(replace(view, incidents=(), blocks=(), rows=())))


def test_status_says_what_waits(samples):
    view = samples.status_view()
    assert status_headline(view) == "2 runs of 2026-01/ver02 wait to be published."
    done = replace(view, passes=(("p", "closed", 3, 3),))
    assert status_headline(done) == "Every run is published, but no rule took 1 file."
    assert status_headline(replace(done, unmatched=())) == "Every run is published."
    both = replace(view, passes=(("a", "running", 3, 1), ("b", "running", 2, 1)))
    assert status_headline(both) == "3 runs wait to be published: 2 of a and 1 of b."


def test_library_says_what_lacks(samples):
    view = samples.library_view()
    assert library_headline(view) == "1 plot type has a live model; 2 have none yet."
    assert library_headline(replace(view, without=())) == "1 plot type has a live model."


def test_sizes_and_lists_read_well():
    assert [size_words(number) for number in (12, 1500, 41_200_000_000)] == ["12 B", "1.5 kB", "41.2 GB"]
    assert [listing(list(text)) for text in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def test_plots_without_a_model_are_said_to_have_none(run, samples):
    cards = (samples.card("Q", state="undetermined", class_name=None),)
    assert plain_text(run_headline(replace(run, cards=cards))) == "Nobody has judged Q: no model yet."
    nine = tuple(samples.card(f"Q{number}", state="undetermined", class_name=None) for number in range(9))
    assert plain_text(run_headline(replace(run, cards=nine))) == "Nobody has judged these 9 plot types: no model yet."
    some = replace(run, cards=(*run.cards, *cards))
    said = "Nothing needs a look: 5 of 6 plot types look as they should, 1 plot type has no model yet."
    assert plain_text(run_headline(some)) == said


def test_a_run_without_beam_is_not_judged(run, samples):
    cards = (samples.card("Q", state="no_beam", class_name="NoData"),)
    assert plain_text(run_headline(replace(run, cards=cards))) == "No beam: nothing is judged."


def test_a_pass_without_any_model_does_not_look_as_if_all_were_well(samples):
    index = samples.index_view()
    rows = tuple(
        replace(row, cells=tuple(replace(cell, state="undetermined", severity=0) for cell in row.cells))
        for row in index.rows
    )
    view = replace(index, rows=rows, incidents=())
    assert plain_text(index_headline(view)) == "Nobody has judged these runs: no plot type has a model yet."


def test_runs_of_which_no_plot_came_are_named(samples):
    view = replace(samples.index_view(runs=3, types=2), without_plots=(120444,))
    assert index_figures(view) == ("3 incidents open", "No plots came for run 120444")
    calm = replace(view, incidents=())
    assert plain_text(index_headline(calm)) == "1 run needs a look: no plots came for run 120444."
    assert index_figures(calm) == ()
    many = replace(calm, without_plots=(9, 8, 7, 6, 5))
    assert plain_text(index_headline(many)) == "5 runs need a look: no plots came for runs 9, 8, 7 and 2 more."


def test_a_pass_counts_the_plot_types_of_its_newest_run_that_no_model_judged(samples):
    view = samples.index_view(runs=3, types=2)
    newest = max(view.rows, key=lambda row: row.run)
    cell = replace(newest.cells[0], state="undetermined", class_name=None, severity=0, flagged=0)
    unusable = replace(cell, severity=2, flagged=1)
    rows = tuple(replace(row, cells=(*row.cells, cell, cell, unusable)) if row is newest else row for row in view.rows)
    assert index_figures(replace(view, rows=rows))[-1] == "2 plot types have no model yet"
    calm = replace(view, rows=rows, incidents=())
    assert plain_text(index_headline(calm)) == "Nothing needs a look."
    assert index_figures(calm) == ("2 plot types have no model yet",)
    assert index_figures(replace(calm, newest_run=newest.run + 1)) == ()
    unjudged = tuple(replace(row, cells=(cell,)) for row in rows)
    assert index_figures(replace(calm, rows=unjudged)) == ()
