from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey, safe_join, slug

ANY_TEXT = st.text(st.characters(), max_size=200) | st.from_regex(r"[A-Za-z0-9._~/\\-]{0,90}", fullmatch=True)


@pytest.mark.parametrize("name", ["CDC_occupancy", "CDC-03", "a", "run.7", "a+b", "x" * 80, "2026-01"])
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "a b",
        "é",
        "🙂",
        "a\0b",
        "-x",
        "x.",
        "con",
        "NUL.png",
        "com1",
        "x" * 81,
        "\udcff",
    ],
)
def test_any_other_name_is_cleaned_and_made_unique(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.+-]{1,60}-[0-9a-f]{10}", slug(name))


@given(ANY_TEXT, ANY_TEXT)
def test_two_names_never_have_the_same_slug(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}|[A-Za-z0-9_.+-]{1,60}-[0-9a-f]{10}", slug(one))


@given(ANY_TEXT)
def test_a_name_that_looks_like_a_slug_does_not_take_the_place_of_another(name: str) -> None:
    if slug(name) != name:
        assert slug(slug(name)) != slug(name)


@given(ANY_TEXT, st.booleans())
def test_chunked_and_unchunked_plots_of_one_name_are_two_folders(name: str, chunked: bool) -> None:
    key = PlotKey(name, chunked)
    assert key.slug != PlotKey(name, not chunked).slug
    assert "/" not in key.slug
    assert PlotKey(slug(name), chunked).slug.endswith("~chunks") == chunked
    if not name.endswith(":chunks"):
        assert PlotKey.parse(str(key)) == key


@given(st.lists(ANY_TEXT, max_size=4))
def test_nothing_that_is_joined_leaves_the_root(parts: list[str]) -> None:
    root = Path("/srv/hydra/data")
    with suppress(HydraError):
        assert safe_join(root, *parts).resolve().is_relative_to(root)


@given(st.text(max_size=40))
def test_a_slug_can_always_be_joined(name: str) -> None:
    root = Path("/srv/hydra/data")
    assert safe_join(root, slug(name)).parent == root


@pytest.mark.parametrize(
    "parts", [("..",), ("a", "../../b"), ("/etc/passwd",), ("\\\\host\\share",), ("a\0b",), ("a", "/b")]
)
def test_a_part_that_would_leave_is_refused(tmp_path: Path, parts: tuple[str, ...]) -> None:
    with pytest.raises(HydraError, match=r"would leave|cannot be used") as caught:
        safe_join(tmp_path, *parts)
    assert caught.value.next_step == "rename it"


def test_a_link_that_leads_out_or_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    (tmp_path / "root" / "loop").symlink_to("loop")
    (tmp_path / "root" / "in").symlink_to(".")
    with pytest.raises(HydraError, match="would leave"):
        safe_join(tmp_path / "root", "out", "x")
    with pytest.raises(HydraError, match="would leave"):
        safe_join(tmp_path / "root", "loop", "x")
    assert safe_join(tmp_path / "root", "in", "x") == tmp_path / "root" / "in" / "x"


def test_a_root_that_is_a_link_is_a_root(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to("far")
    assert safe_join(tmp_path / "near", "x") == tmp_path / "near" / "x"
