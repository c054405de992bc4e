from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.errors import RequestError
from hydra_core.labels.request import parse_request, write_request
from hydra_core.labels.request_kinds import AnyRequest

IMAGE = "ab" * 32
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
VALID: dict[str, Any] = {
    "hydra_request": 1,
    "kind": "label",
    "who": "Ada",
    "made_at": "2026-11-21T12:00:00Z",
    "items": [{"plot_type": "CDC_occupancy:chunks", "image": IMAGE, "class": "Bad"}],
}
ITEM = VALID["items"][0]


def test_what_is_written_is_read() -> None:
    items = [("CDC:chunks", IMAGE, "Bad"), ("χ² 🙂", "cd" * 32, "Good")]
    found = parse_request(write_request("Ada L.", NOON, items, "a comment\nin two lines"))
    assert [(one.plot_type, one.image, one.class_name) for one in found.items] == items
    assert (found.who, found.made_at, found.comment) == ("Ada L.", NOON, "a comment\nin two lines")


def test_a_hand_written_request_is_read() -> None:
    assert parse_request(json.dumps(VALID).encode()).items[0].class_name == "Bad"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hydra_request": 2}, "hydra_request"),
    ({"kind": "sing"}, "requests of kind 'sing' are not known"),
    ({"kind": ["x"] * 1000}, "are not known"),
    ({"who": ""}, "who"),
    ({"who": "a\nb"}, "who"),
    ({"who": "a" * 121}, "who"),
    ({"who": "\ud800"}, "who"),
    ({"made_at": "2026-11-21T12:00:00"}, "made_at"),
    ({"made_at": "yesterday"}, "made_at"),
    ({"made_at": "0001-01-01T00:00:00+14:00"}, "made_at"),
    ({"made_at": "9999-12-31T23:59:59-14:00"}, "made_at"),
    ({"made_at": 1e300}, "made_at"),
    ({"items": []}, "items"),
    ({"items": {}}, "items"),
    ({"items": [{**ITEM, "image": IMAGE.upper()}]}, "items.0.image"),
    ({"items": [ITEM, {**ITEM, "image": "../../etc"}]}, "items.1.image"),
    ({"items": [{**ITEM, "class": ""}]}, "items.0.class"),
    ({"items": [{**ITEM, "class": "x" * 41}]}, "items.0.class"),
    ({"items": [{**ITEM, "plot_type": ""}]}, "items.0.plot_type"),
    ({"items": [{**ITEM, "class_name": "Bad"}]}, "items.0.class_name"),
    ({"comment": "x" * 10_001}, "comment"),
    ({"signature": "mine"}, "signature"),
]


@pytest.mark.parametrize(("values", "named"), WRONG)
def test_a_broken_rule_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(json.dumps({**VALID, **values}).encode())
    assert named in caught.value.cause
    assert caught.value.next_step


@pytest.mark.parametrize("missing", sorted(VALID))
def test_a_missing_entry_is_named(missing: str) -> None:
    with pytest.raises(RequestError, match=missing if missing != "kind" else "requests of kind 'None'"):
        parse_request(json.dumps({key: value for key, value in VALID.items() if key != missing}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"null",
        b"[]",
        b"3",
        b"[" * 100_000,
        b"9" * 5000,
        b'{"hydra_request": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_request_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError, match=r"not a JSON file|not a request file"):
        parse_request(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
#: A valid request with some of its entries replaced by anything.
bent = st.dictionaries(st.sampled_from([*VALID, "comment", "more"]), values, max_size=3).map(
    lambda new: {**VALID, **new}
)
items = st.fixed_dictionaries(
    {}, optional={"plot_type": values, "image": st.just(IMAGE) | values, "class": st.just("Bad") | values}
)
bent_items = st.lists(items, max_size=3).map(lambda new: {**VALID, "items": new})


other_items = st.fixed_dictionaries(
    {},
    optional={
        "plot_type": st.just("CDC") | values,
        "action": st.sampled_from(["accept", "ignore", "rename", "pin", "unpin"]) | values,
        "name": st.just("FDC") | values,
        "drawing": st.fixed_dictionaries({}, optional={"x": values, "log": values, "rebin": values}) | values,
        "image": st.just(IMAGE) | values,
        "why": st.just("x") | values,
    },
)
others = st.tuples(st.sampled_from(["plot_type", "pin"]), st.lists(other_items, min_size=1, max_size=2)).map(
    lambda pair: {**VALID, "kind": pair[0], "items": pair[1]}
)


def request_or_refusal(data: bytes) -> AnyRequest | RequestError:
    try:
        return parse_request(data)
    except RequestError as error:
        return error


@given(st.binary(max_size=200) | (values | bent | bent_items | others).map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    found = request_or_refusal(data)
    if isinstance(found, RequestError):
        assert found.cause
        assert found.next_step
        return
    # What was accepted can be kept by every database.
    assert found.made_at.astimezone(UTC).year >= 2000
    assert found.model_dump_json().encode("utf-8")
