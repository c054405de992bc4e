"""Names and sentences from outside never become script, markup or a formula."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.report.encode import breakable, csv_text, finalize, json_text, plain, shard, visible

ANY_TEXT = st.text(st.characters(), max_size=60)


@given(ANY_TEXT)
def test_a_shard_gives_back_what_it_was_given_and_holds_no_markup(text):
    made = shard("latest", {"name": text})
    assert made.isascii()
    assert not set("<>&") & set(made)
    assert "\n" not in made[:-1]
    inside = made.removeprefix('hydra.take("latest",').removesuffix(");\n")
    assert json.loads(inside) == {"name": visible(text)}


@given(ANY_TEXT)
def test_a_csv_cell_is_never_a_formula(text):
    written = csv_text(("a", "b"), [(text, 1)])
    (_, (cell, number)) = list(csv.reader(io.StringIO(written, newline="")))
    assert number == "1"
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.removeprefix("'").replace("\r\n", "\n") == visible(text).removeprefix("'").replace("\r\n", "\n")


@given(ANY_TEXT)
def test_every_text_can_be_written_as_utf8_and_stands_still(text):
    seen = visible(text)
    assert seen.encode("utf-8").decode("utf-8") == seen
    assert visible(seen) == seen
    assert not set(seen) & set("\u202e\u2066\x00\x1b")


@given(ANY_TEXT)
def test_a_breakable_name_has_no_tag_but_wbr(text):
    made = str(breakable(text)).replace("<wbr>", "")
    assert not set('<>"') & set(made)


def test_numbers_keep_their_sign_in_csv_and_nothing_stays_empty():
    assert csv_text(("x",), [(-1.5,), (None,), (float("nan"),)]) == 'x\n-1.5\n""\n""\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_becomes_null(value):
    assert plain({"a": [value, 1.0]}) == {"a": [None, 1.0]}
    assert json.loads(json_text({"a": value})) == {"a": None}


def test_text_that_turns_around_is_shown_as_what_it_is():
    assert finalize("\u202egnp.exe") == "\\u202egnp.exe"
    assert finalize(3) == 3
