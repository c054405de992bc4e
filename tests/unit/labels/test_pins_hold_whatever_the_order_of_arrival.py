from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from hydra_core.config.site import Site
from hydra_core.labels.request import write_pins
from hydra_core.store.kept import Kept, NewKept, kept_images, kept_places, save_kept
from hydra_core.store.schema import KeptImage
from hydra_core.store.session import reading, writing
from tests.request_samples import (
    IMAGES,
    LATER,
    a_database,
    a_site,
    take,
)
from tests.store_samples import CDC, NOON, a_judged_revision, digest, sqlite_copy


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


def test_the_newest_word_about_a_pin_counts_in_both_orders(site: Site, engine: Engine) -> None:
    pin = write_pins("Ada", NOON, IMAGES, pinned=True, why="for the talk")
    unpin = write_pins("Eve", LATER, IMAGES[:1], pinned=False, why="given")
    again = write_pins("Eve", LATER + timedelta(seconds=1), IMAGES[:1], pinned=True, why="another talk")
    assert [one.said for one in take(site, engine, unpin, pin)] == [
        "1 pin set or taken back",
        "2 pins set or taken back",
    ]
    with reading(engine) as connection:
        assert kept_images(connection, IMAGES) == {IMAGES[1]: [Kept("pin", "Ada", "for the talk", NOON)]}
    take(site, engine, again)
    with reading(engine) as connection:
        assert set(kept_images(connection, [*IMAGES, digest("unknown")])) == set(IMAGES)
        (place,) = [one for one in kept_places(connection) if one.image_sha == IMAGES[0]]
    assert (place.pass_name, place.run, place.plot, place.chunk, place.places) == ("2026-01/ver02", 7, CDC, 0, 1)
    assert place.kept.why == "another talk"


def test_a_pin_leaves_a_gold_image_gold(site: Site, engine: Engine) -> None:
    gold = {"image_sha": IMAGES[0], "kind": "gold", "who": "Eve", "why": "set 1", "kept_at": NOON}
    writing(engine, lambda connection: connection.execute(sa.insert(KeptImage), [gold]))
    take(site, engine, write_pins("Ada", NOON, IMAGES[:1], pinned=True, why="x"))
    take(site, engine, write_pins("Ada", LATER, IMAGES[:1], pinned=False, why=""))
    with reading(engine) as connection:
        assert [one.kind for one in kept_images(connection, IMAGES)[IMAGES[0]]] == ["gold"]


def pins(*items: dict[str, Any]) -> bytes:
    whole = json.loads(write_pins("Ada", NOON, IMAGES[:1], pinned=True, why="x"))
    return json.dumps({**whole, "items": items}).encode()


@pytest.mark.parametrize(
    ("request_file", "reason"),
    [
        (pins({"image": digest("x"), "action": "pin", "why": "x"}), "item 1: no run has brought an image"),
        (pins({"image": IMAGES[0], "action": "pin"}), "items.0: a pin says 'why'"),
        (pins({"image": IMAGES[0], "action": "pin", "why": " "}), "items.0: a pin says 'why'"),
        (pins({"image": IMAGES[0], "action": "keep", "why": "x"}), "items.0.action"),
        (
            pins({"image": IMAGES[0], "action": "unpin"}, {"image": IMAGES[0], "action": "pin", "why": "x"}),
            "item 2 says another thing about an image",
        ),
    ],
)
def test_a_refused_pin_keeps_nothing(site: Site, engine: Engine, request_file: bytes, reason: str) -> None:
    (found,) = take(site, engine, request_file)
    assert reason in found.refused
    with reading(engine) as connection:
        assert kept_images(connection, IMAGES) == {}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return a database whose changes are taken back after each example."""
    with sqlite_copy(tmp_path_factory.mktemp("scratch") / "hydra.sqlite") as engine:
        a_judged_revision(engine)
        yield engine


instants = st.integers(0, 3).map(lambda number: NOON + timedelta(milliseconds=number))
new_pins = st.builds(
    NewKept,
    st.sampled_from(["pin", "gold"]),
    st.sampled_from(IMAGES),
    st.booleans(),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
    instants,
)


@settings(max_examples=60)
@given(st.lists(new_pins, max_size=5).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_any_order_of_pins_keeps_the_same_images(
    scratch: Engine, orders: tuple[list[NewKept], Sequence[NewKept]]
) -> None:
    outcomes = []
    for order in orders:
        with scratch.connect().execution_options(hydra_writing=True) as connection, connection.begin() as change:
            save_kept(connection, order[:2])
            for one in order[2:]:
                save_kept(connection, [one])
            outcomes.append(kept_images(connection, IMAGES))
            change.rollback()
    assert outcomes[0] == outcomes[1]
