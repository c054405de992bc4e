from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_bytes
from hydra_core.config.site import Site
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request import write_gold, write_pins, write_request
from hydra_core.store.kept import gold_images, kept_images
from hydra_core.store.session import reading
from tests.request_samples import IMAGES, LATER, a_database, a_site, take
from tests.store_samples import CDC, NOON, digest

ADD = write_gold("Ada", LATER, [(str(CDC), sha) for sha in IMAGES], action="add", why="the set of 2026")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


def label(name: str, images: list[str] = IMAGES) -> bytes:
    return write_request("Ada", NOON, [(str(CDC), sha, name) for sha in images])


def gold(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return gold_images(connection, IMAGES)


def test_labelled_images_become_gold_and_leave_again(site: Site, engine: Engine) -> None:
    take(site, engine, label("Good"))
    (found,) = take(site, engine, ADD)
    assert found.said == "2 images added to a gold set or taken out"
    assert gold(engine) == set(IMAGES)
    at = LATER + timedelta(seconds=1)
    take(site, engine, write_gold("Ada", at, [(str(CDC), IMAGES[0])], action="remove", why="blurred"))
    assert gold(engine) == {IMAGES[1]}
    # An older word does not bring it back.
    take(site, engine, write_gold("Eve", LATER, [(str(CDC), IMAGES[0])], action="add", why="x"))
    assert gold(engine) == {IMAGES[1]}


def test_a_pin_and_a_place_in_a_gold_set_do_not_touch_each_other(site: Site, engine: Engine) -> None:
    take(site, engine, label("Good"), ADD, write_pins("Ada", NOON, IMAGES, pinned=True, why="x"))
    take(site, engine, write_pins("Ada", LATER, IMAGES, pinned=False, why=""))
    assert gold(engine) == set(IMAGES)
    with reading(engine) as connection:
        assert [one.kind for found in kept_images(connection, IMAGES).values() for one in found] == ["gold", "gold"]


@pytest.mark.parametrize("labels", [(), (label("Ignore"),), (label("Good", IMAGES[:1]),)])
def test_an_image_whose_class_nobody_named_cannot_be_gold(
    site: Site, engine: Engine, labels: tuple[bytes, ...]
) -> None:
    (*_, found) = take(site, engine, *labels, ADD)
    assert "has no label of a class" in found.refused
    assert gold(engine) == set()


@pytest.mark.parametrize(
    ("request_file", "said"),
    [
        (write_gold("Ada", LATER, [("Nothing", IMAGES[0])], action="add", why="x"), "there is no plot type 'Nothing'"),
        (write_gold("Ada", LATER, [(str(CDC), digest("x"))], action="add", why="x"), "no run has brought an image"),
    ],
)
def test_what_is_not_there_cannot_be_gold(site: Site, engine: Engine, request_file: bytes, said: str) -> None:
    assert said in take(site, engine, request_file)[0].refused


def test_a_gold_set_is_entered_again_from_the_kept_requests_before_its_labels(site: Site, engine: Engine) -> None:
    late = write_request("Ada", LATER + timedelta(hours=1), [(str(CDC), sha, "Bad") for sha in IMAGES])
    site.requests_kept.mkdir(parents=True)
    paths = []
    for data in (ADD, late):
        paths.append(site.requests_kept / f"{sha256_bytes(data)}.json")
        paths[-1].write_bytes(data)
    assert [one.refused for one in receive_kept(site, engine, paths)] == ["", ""]
    assert gold(engine) == set(IMAGES)
