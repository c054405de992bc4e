"""Names come from anybody: none hides a character, none is lost, no two histograms share one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hydra_core.intake.histograms.object_names import MAX_TEXT, Choice, PathBook, clean_name, clean_title

ANY = st.text(st.characters(codec=None), max_size=60)


@given(ANY)
def test_every_character_of_a_clean_name_can_be_seen(name: str) -> None:
    cleaned = clean_name(name)
    assert all(letter.isprintable() or letter.isspace() for letter in cleaned)
    assert "\n" not in cleaned
    cleaned.encode("utf-8")


@given(ANY)
def test_cleaning_twice_changes_nothing_more(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)
    assert clean_title(clean_title(name)) == clean_title(name)


@given(st.text("abcdefgä ->(){}#:;/\\", max_size=60))
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name) == name


def test_what_cannot_be_seen_is_written_out() -> None:
    assert clean_name("a\0b\x1b[1m\u202ec") == "a\\x00b\\x1b[1m\\u202ec"


def test_bytes_of_older_programs_are_read_as_they_were_meant() -> None:
    assert clean_name(b"5 \xb5m \xb0C".decode("utf-8", "surrogateescape")) == "5 µm °C"


def test_a_title_is_one_line() -> None:
    assert clean_title(" two\nlines\t") == "two lines"


@given(st.integers(min_value=1, max_value=3000))
def test_a_long_name_is_cut_and_shows_it(length: int) -> None:
    cleaned = clean_name("x" * length)
    assert len(cleaned) == min(length, MAX_TEXT)
    assert cleaned.endswith("…") == (length > MAX_TEXT)


@given(st.lists(st.sampled_from(["a", "b", "a#2", "a#3", "a#2#2", ""]), max_size=30))
def test_claimed_paths_are_unique_and_the_first_of_a_name_keeps_it(names: list[str]) -> None:
    book = PathBook()
    claimed = [book.claim(name) for name in names]
    assert max(Counter(claimed).values(), default=0) <= 1
    assert all(found.startswith(name) for found, name in zip(claimed, names, strict=True))
    if names:
        assert claimed[0] == names[0]


def test_a_star_also_stands_for_a_slash() -> None:
    choice = Choice(("CDC/*",), ("*/raw/*",))
    assert choice.wants("CDC/a/b")
    assert not choice.wants("CDC/raw/b")
    assert not choice.wants("cdc/a")
    assert not choice.wants("FDC/CDC/a")
