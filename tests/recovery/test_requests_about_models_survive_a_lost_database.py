from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hydra_core.base.clock import now
from hydra_core.labels.request import write_gold, write_promotion, write_request, write_threshold
from hydra_core.labels.send import send
from hydra_core.models.engine import read_card
from hydra_core.stages import gate_today
from hydra_core.stages.fsck import fsck
from hydra_core.stages.promotion import EFFECTS, way_back
from hydra_core.stages.rebuild import rebuild
from hydra_core.store.kept import gold_images
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import all_models, newest_judging_set, thresholds_of
from hydra_core.store.session import reading
from tests.colours import CDC, go_live, judge_by_colour, play
from tests.small_deployment import Deployment, open_deployment
from tests.store_samples import sqlite_copy

pytestmark = pytest.mark.recovery
FIRST, SECOND, THIRD = 21, 22, 23
OLD, NEW, NEWEST = (f"{CDC.slug}-0000{mark}" for mark in (24, 36, 48))
Lost = Callable[[], Deployment]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """Return a deployment with two models: a run was judged by the first one, and the second is live."""
    judge_by_colour(monkeypatch)
    monkeypatch.setattr(
        gate_today, "load", lambda folder, **_: SimpleNamespace(identity=read_card(folder)[1], predict=None)
    )
    with ExitStack() as opening:
        deployment = open_deployment(tmp_path, opening)
        go_live(deployment, OLD, day=1)
        play(deployment, [FIRST])
        go_live(deployment, NEW, day=2)
        yield deployment


@pytest.fixture
def lost(made: Deployment) -> Iterator[Lost]:
    """Return a function that loses the database and builds it again."""
    with ExitStack() as opening:

        def again() -> Deployment:
            made.engine.dispose()
            for path in made.site.root.glob("hydra.sqlite*"):
                path.unlink()
            engine = opening.enter_context(sqlite_copy(made.site.root / "hydra.sqlite"))
            renewed = replace(made, engine=engine)
            assert rebuild(renewed.site, renewed.engine, lambda _line: None).problems == ()
            assert fsck(renewed.site, renewed.engine).problems == ()
            return renewed

        yield again


def ask(made: Deployment, request: bytes) -> str:
    return send(made.site, made.engine, request, "request", EFFECTS).said


def promote(made: Deployment, name: str, **more: Any) -> str:
    # Pages tell seconds: what came before and after has to be of another one.
    next_second()
    said = ask(made, write_promotion("Ada", now(), name, why="it saw more", **more))
    next_second()
    return said


def next_second() -> None:
    begun = now().replace(microsecond=0)
    while now().replace(microsecond=0) == begun:
        time.sleep(0.02)


def live(made: Deployment) -> tuple[str, str]:
    """Return the live model and why it is live; it is the one that judges."""
    with reading(made.engine) as connection:
        (found,) = [one for one in all_models(connection) if one.status == "live"]
        newest = newest_judging_set(connection)
    assert newest is not None
    assert newest.models[CDC].model == found
    return found.name, found.reason


def led_back_to(made: Deployment) -> str:
    with reading(made.engine) as connection:
        return way_back(connection, all_plot_types(connection)[CDC]).name


def test_without_a_request_the_pages_tell_which_model_is_live(made: Deployment, lost: Lost) -> None:
    assert live(made)[0] == NEW
    # No page names the newer one, so nothing tells that it was live.
    assert live(lost())[0] == OLD


def test_the_model_that_was_promoted_last_is_live_again(made: Deployment, lost: Lost) -> None:
    promote(made, OLD)
    promote(made, NEW)
    renewed = lost()
    assert live(renewed) == (NEW, "rebuilt from the archive: promoted by Ada: it saw more")
    assert led_back_to(renewed) == OLD


def test_the_model_that_was_taken_back_is_live_again(made: Deployment, lost: Lost) -> None:
    play(made, [SECOND])
    promote(made, OLD, action="rollback")
    play(made, [THIRD])
    before = live(made)
    assert before == (OLD, "taken back by Ada: it saw more")
    renewed = lost()
    assert live(renewed) == (OLD, "rebuilt from the archive: taken back by Ada: it saw more")
    # The way back is known as one: it does not lead to the model that was left.
    with pytest.raises(Exception, match="no other model was live"):
        led_back_to(renewed)


def test_a_page_that_came_later_counts_before_a_request(made: Deployment, lost: Lost) -> None:
    promote(made, OLD)
    go_live(made, NEWEST, day=3)
    play(made, [SECOND])
    assert live(lost())[0] == NEWEST


def test_thresholds_are_set_again_with_who_and_why(made: Deployment, lost: Lost) -> None:
    ask(made, write_threshold("Ada", now(), OLD, "Bad", 0.3, why="too few calls"))
    ask(made, write_threshold("Eve", now(), OLD, "Bad", 0.6, why="too many calls"))
    promote(made, OLD)

    def of(deployment: Deployment) -> tuple[Any, ...]:
        with reading(deployment.engine) as connection:
            newest = newest_judging_set(connection)
            assert newest is not None
            model = newest.models[CDC].model
            return thresholds_of(connection, model.id), dict(newest.models[CDC].thresholds)

    before = of(made)
    assert before[1]["Bad"] == 0.6
    assert of(lost()) == before


def test_a_gold_set_is_gold_again(made: Deployment, lost: Lost) -> None:
    with reading(made.engine) as connection:
        hashes = [str(sha) for (sha,) in connection.exec_driver_sql("SELECT lower(hex(image_sha)) FROM items LIMIT 2")]
    ask(made, write_request("Ada", now(), [(str(CDC), hashes[0], "Good")]))
    ask(made, write_gold("Ada", now(), [(str(CDC), hashes[0])], action="add", why="a textbook case"))
    with reading(lost().engine) as connection:
        assert gold_images(connection, hashes) == {hashes[0]}


def test_a_model_whose_folder_is_gone_is_not_live_again(made: Deployment) -> None:
    promote(made, OLD)
    folder = made.site.model_folder(CDC, OLD)
    folder.rename(folder.with_name("gone"))
    made.engine.dispose()
    for path in made.site.root.glob("hydra.sqlite*"):
        path.unlink()
    with sqlite_copy(made.site.root / "hydra.sqlite") as engine:
        found = rebuild(made.site, engine, lambda _line: None)
        assert [one for one in found.problems if f"the model {OLD}" in one]
        assert live(replace(made, engine=engine))[0] == NEW
