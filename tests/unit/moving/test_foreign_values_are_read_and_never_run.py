from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.moving.foreign import class_numbers, fraction_of, name_of, number_of, plain_value, truth_of, words_of

_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(_NAMES, _NUMBERS, min_size=1, max_size=12))
def test_a_dictionary_is_read_as_python_and_as_json_write_it(told: dict[str, float]) -> None:
    assert class_numbers(str(told)) == told
    assert class_numbers(json.dumps(told)) == told
    assert (
        class_numbers("{" + ", ".join(f"{name!r}: np.float64({value!r})" for name, value in told.items()) + "}") == told
    )


@given(st.text(st.sampled_from("{}[]()'\"\\,:-+.0123456789eE NoneTruenp_float\n")) | st.text())
def test_any_text_is_a_dictionary_of_numbers_or_nothing(text: str) -> None:
    found = class_numbers(text)
    assert found is None or all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "{'a': open('/etc/passwd')}", "{'a': 1 + 1}", "[x for x in (1,)]",
        "'a' 'b'", "{'a': 1}; 1", "lambda: 1", "{**{}}", "f'{1}'", "1-1", "{'a': --1}", "(" * 300, "-" * 9000 + "1",
        "{'a': " * 50 + "1" + "}" * 50, "[" * 9000, "1" * 9000, "{'a': 1e999}", "{'a': nan}", "{'a': True}",
        "{'a': '1'}x", "{}", "{'a': None}", "{'Good': 0.9, 'Ba", "'" + "a" * 30_000 + "'", "{'%s': 1}" % ("a" * 41), "",
        "\0",
    ],
)  # fmt: skip
def test_what_is_no_dictionary_of_numbers_is_nothing(text: str) -> None:
    assert class_numbers(text) is None


@pytest.mark.parametrize("text", ["{0: 'Bad', 1: 'Good'}", "['Bad', 'Good']", '["Bad", "Good"]', "('Bad', 'Good')"])
def test_labels_of_models_are_read(text: str) -> None:
    value = plain_value(text)
    assert list(value.values() if isinstance(value, dict) else value) == ["Bad", "Good"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), ("0012", 12), (Decimal(7), 7), (7.0, 7), (7.5, None), ("", None), (None, None), ("५", 5),
     (2**31, None), ("9" * 30, None), (math.nan, None), (math.inf, None), (Decimal("NaN"), None), ("--5", None)],
)  # fmt: skip
def test_numbers_that_every_database_keeps_are_taken(value: Any, expected: int | None) -> None:
    assert number_of(value) == expected


@pytest.mark.parametrize("value", [None, "", "x", math.nan, math.inf, "1e999", 10**400, "1" * 61, [1]])
def test_what_is_no_number_is_none(value: Any) -> None:
    assert fraction_of(value) is None


@pytest.mark.parametrize(("value", "expected"), [(None, None), (0, False), (1, True), ("\0", False), ("\1", True)])
def test_bits_and_numbers_are_truth_values(value: Any, expected: bool | None) -> None:
    assert truth_of(value) is expected


@given(st.text())
def test_a_name_that_is_taken_can_be_printed_in_a_line_and_is_not_replaced(text: str) -> None:
    name, why = name_of(text, 40)
    if not why:
        assert name.strip()
        assert len(name) <= 40
        assert not set(name) & set(map(chr, [*range(32), *range(127, 160)]))
        assert words_of(name) == name


def test_words_that_a_file_would_replace_are_pulled_apart() -> None:
    assert words_of("costs ${HOME} and $5 and ${x}") == "costs $ {HOME} and $5 and ${x}"
