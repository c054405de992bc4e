from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import RequestError
from hydra_core.config.site import Site
from hydra_core.models.spec import CARD_VERSION
from hydra_core.store.schema import Model
from hydra_core.store.session import writing
from tests.store_samples import CDC
from tests.training.going_live.three_models import (
    Said,
    change_card,
    live_is,
    promote,
    roll_back,
    state,
)

pytestmark = pytest.mark.training


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("promote", "cdc-9", "--why", "x"), 7, "there is no model 'cdc-9'"),
        (("show", "cdc-9"), 1, "there is no model 'cdc-9'"),
        (("promote", "cdc-1", "--why", "x"), 7, "cdc-1 is live already"),
        (("promote", "cdc-2"), 1, "changes only with a reason"),
        (("promote", "cdc-2", "--why", "  "), 1, "changes only with a reason"),
        (("rollback", CDC.name), 1, "changes only with a reason"),
        (("rollback", "nothing", "--why", "x"), 1, "there is no plot type"),
        (("threshold", "cdc-1", "Dead", "0.5"), 1, "changes only with a reason"),
        (("threshold", "cdc-1", "Dead", "1.5", "--why", "x"), 1, "a threshold is from 0 to 1, not 1.5"),
        (("threshold", "cdc-1", "Dead", "nan", "--why", "x"), 1, "a threshold is from 0 to 1, not nan"),
        (("threshold", "cdc-1", "Hot", "0.5", "--why", "x"), 7, "cdc-1 knows no class 'Hot'"),
        (("threshold", "cdc-9", "Dead", "0.5", "--why", "x"), 7, "there is no model 'cdc-9'"),
        (("threshold", "cdc-1", "Dead", "0.5", "--why", "x" * 92), 1, "at most 91 characters, and this one has 92"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    hydra: Callable[..., Said], engine: Engine, words: tuple[str, ...], code: int, said: str
) -> None:
    before = state(engine)
    ended, _, error = hydra(*words)
    assert ended == code
    assert said in error
    assert state(engine) == before


def _altered_weights(folder: Path) -> None:
    (folder / "model.weights.h5").write_bytes(b"other")


def _foreign_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello", encoding="utf-8")


def _another_model(folder: Path) -> None:
    change_card(folder, lambda card: card["training"].update(code="another"))


def _another_version(folder: Path) -> None:
    change_card(folder, lambda card: card.update(version=CARD_VERSION + 1))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_altered_weights, "is not the file that was exported"),
        (_foreign_file, "does not belong into a model folder"),
        (_another_model, "does not hold the model cdc-2 that the database knows"),
        (_another_version, "is no model card this version knows"),
        (shutil.rmtree, "is missing or not a plain file"),
    ],
)
def test_a_folder_that_does_not_prove_itself_never_goes_live(
    site: Site, engine: Engine, damage: Callable[[Path], None], said: str
) -> None:
    damage(site.model_folder(CDC, "cdc-2"))
    before = state(engine)
    with pytest.raises(RequestError, match=said):
        promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)
    assert state(engine) == before


def test_a_model_for_images_prepared_in_another_way_never_goes_live(site: Site, engine: Engine) -> None:
    other = change_card(site.model_folder(CDC, "cdc-2"), lambda card: card.update(preprocessing="0" * 64))
    writing(engine, lambda connection: _set_identity(connection, "cdc-2", other))
    with pytest.raises(RequestError, match="prepared in another way"):
        promote(site, engine, "cdc-2", who="Ada", why="x", despite_gate=True)


def _set_identity(connection: Connection, name: str, identity: str) -> None:
    connection.execute(sa.update(Model).where(Model.name == name).values(card_sha=identity))


def test_the_way_back_to_a_folder_that_does_not_prove_itself_is_refused(site: Site, engine: Engine) -> None:
    promote(site, engine, "cdc-2", who="Ada", why="x")
    _foreign_file(site.model_folder(CDC, "cdc-1"))
    with pytest.raises(RequestError, match="does not belong"):
        roll_back(site, engine, who="Ada", why="x")
    live_is(engine, "cdc-2")
