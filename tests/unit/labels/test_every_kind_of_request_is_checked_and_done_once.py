from __future__ import annotations

import getpass
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.errors import RequestError
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_gold, write_promotion, write_threshold
from hydra_core.labels.send import send
from tests.request_samples import (
    BY_KIND,
    EFFECTS,
    TOF,
    a_database,
    a_site,
    change,
    decision,
    decisions,
    left,
    statuses,
    take,
)
from tests.store_samples import NOON, digest

ME = f'[[person]]\nname = "Ada"\naccounts = ["{getpass.getuser()}"]\nroles = '
ROLES = ["Admin", "Detector Expert", "Developer", "Labeler", "Liaison", "Viewer"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


@pytest.mark.parametrize(("kind", "role"), list(itertools.product(BY_KIND, ROLES)))
def test_a_role_may_send_what_it_may_and_nothing_else(
    site: Site, engine: Engine, tmp_path: Path, kind: str, role: str
) -> None:
    (tmp_path / "people.toml").write_text(f'{ME}["{role}"]\n', encoding="utf-8")
    request, allowed = BY_KIND[kind]
    (found,) = take(load_site(tmp_path), engine, request, effects=EFFECTS)
    assert bool(found.refused) == (role not in allowed)
    if found.refused:
        assert f"its owner {getpass.getuser()} may not" in found.refused
        assert " or ".join(sorted(allowed)) in found.refused


def test_a_command_sends_through_the_inbox_and_leaves_other_files_there_alone(site: Site, engine: Engine) -> None:
    site.inbox.mkdir(parents=True)
    (site.inbox / "other.json").write_bytes(BY_KIND["label"][0])
    send(site, engine, BY_KIND["plot_type"][0], "plots")
    assert statuses(engine)[TOF] == "active"
    assert [path.name for path in site.inbox.iterdir()] == ["other.json"]
    with pytest.raises(RequestError, match="the request was refused: item 1 renames 'TOF' to itself"):
        send(site, engine, decisions(decision(TOF, "rename", TOF)), "plots")


def test_an_inbox_that_cannot_be_written_to_is_named(site: Site, engine: Engine) -> None:
    site.inbox.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(RequestError, match="cannot be written to: "):
        send(site, engine, BY_KIND["plot_type"][0], "plots")


def test_what_a_request_about_models_asks_for_is_done_once_and_told(site: Site, engine: Engine) -> None:
    (found,) = take(site, engine, BY_KIND["promote"][0], effects=EFFECTS)
    assert found.said == "cdc-2 was changed"
    assert left(site, engine)[2][1] == [(640 + len("promote"),)]
    (again,) = take(site, engine, BY_KIND["promote"][0], effects=EFFECTS)
    assert again.refused == ""
    assert left(site, engine)[2][1] == [(640 + len("promote"),)]


def test_a_request_about_models_waits_for_somebody_who_can_do_it(site: Site, engine: Engine) -> None:
    (found,) = take(site, engine, BY_KIND["threshold"][0])
    assert found.said == "it waits for 'hydra merge-labels'"
    assert [path.name for path in site.inbox.iterdir()] == ["request.json"]
    assert not (site.root / "quarantine").exists()
    assert [one.said for one in receive(site, engine, EFFECTS)] == ["cdc-2 was changed"]


def test_a_request_that_two_tasks_take_at_once_is_done_once(site: Site, engine: Engine) -> None:
    (site.inbox).mkdir(parents=True)

    def meanwhile(site: Site, engine: Engine, request: Any) -> Any:
        take(site, engine, BY_KIND["promote"][0], effects=EFFECTS)
        return change(site, engine, request)

    (found,) = take(site, engine, BY_KIND["promote"][0], effects={"promote": meanwhile})
    assert found.said == "another task took it"
    assert left(site, engine)[2][1] == [(640 + len("promote"),)]


def test_what_cannot_be_done_is_refused_with_its_reason(site: Site, engine: Engine) -> None:
    def refuse(*_: Any) -> Any:
        raise RequestError("the gate keeps it out")

    with pytest.raises(RequestError, match="the request was refused: the gate keeps it out"):
        send(site, engine, BY_KIND["promote"][0], "promote", {"promote": refuse})
    assert [status for _, status, _ in left(site, engine)[0]] == ["quarantined"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda: write_promotion("Ada", NOON, "cdc-2", why=" "), "items.0.why"),
        (lambda: write_promotion("Ada", NOON, "", why="x"), "items.0.model"),
        (lambda: write_promotion("Ada", NOON, "cdc-2", why="x", action="sing"), "items.0.action"),
        (lambda: write_threshold("Ada", NOON, "cdc-2", "Bad", 1.5, why="x"), "items.0.value"),
        (lambda: write_threshold("Ada", NOON, "cdc-2", "Bad", float("nan"), why="x"), "items.0.value"),
        (lambda: write_threshold("Ada", NOON, "cdc-2", "Bad", 0.5, why="x" * 92), "items.0.why"),
        (lambda: write_gold("Ada", NOON, [("CDC:chunks", digest("x"))], action="add", why=""), "items.0.why"),
        (lambda: write_gold("Ada", NOON, [], action="add", why="x"), "items"),
    ],
)
def test_a_request_that_lacks_something_is_not_even_written(wrong: Any, named: str) -> None:
    with pytest.raises(RequestError, match=named):
        wrong()
