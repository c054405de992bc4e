from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request import write_request
from hydra_core.store.labelbook import current_labels
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import add_model
from hydra_core.store.schema import Label
from hydra_core.store.session import reading, writing
from hydra_core.store.training_reports import Answer, answers_to
from tests.request_samples import IMAGES, a_database, a_site, take
from tests.store_samples import CDC, NOON, RICH, digest

ME = getpass.getuser()
PLOTS = '[[plot]]\nname = "CDC_occupancy"\nclasses = ["Good", "Bad"]\n'


def people(*entries: str) -> str:
    return "".join(f'[[person]]\nname = "P{n}"\naccounts = ["{ME}"]\n{entry}\n' for n, entry in enumerate(entries))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with a_database(a_site(tmp_path)) as engine:
        yield engine


def changed(folder: Path, plots: str = "", people_file: str = "anyone_may_label = true\n") -> Site:
    (folder / "plots.toml").write_text(plots, encoding="utf-8")
    (folder / "people.toml").write_text(people_file, encoding="utf-8")
    return load_site(folder)


def a_label(class_name: str, plot: str = str(CDC), report: str | None = None) -> bytes:
    return write_request("Ada", NOON, [(plot, IMAGES[0], class_name)], report=report)


def test_a_class_that_a_plot_type_does_not_have_is_refused_and_the_others_are_named(
    tmp_path: Path, engine: Engine
) -> None:
    site = changed(tmp_path, PLOTS)
    (found,) = take(site, engine, a_label("Cosmic"))
    assert "item 1: 'CDC_occupancy:chunks' has no class 'Cosmic'; its labels are Good, Bad, Ignore" in found.refused
    assert [one.refused for one in take(site, engine, a_label("Bad"), a_label("Ignore"))] == ["", ""]


def test_a_plot_type_without_classes_of_its_own_takes_every_class(tmp_path: Path, engine: Engine) -> None:
    (found,) = take(changed(tmp_path, PLOTS), engine, a_label("Cosmic", str(RICH)))
    assert found.refused == ""


@pytest.mark.parametrize(
    ("entries", "plot", "allowed"),
    [
        (['plots = ["RICH*"]'], RICH, True),
        (['plots = ["RICH*"]'], CDC, False),
        (['plots = ["CDC_occupancy:run"]'], CDC, False),
        (['plots = ["CDC_occupancy"]'], CDC, True),
        (['plots = ["RICH*"]', 'plots = ["CDC*"]'], CDC, True),
        (['plots = ["RICH*"]', ""], CDC, True),
        (['plots = ["RICH*"]', 'roles = ["Viewer"]'], CDC, False),
        (['plots = ["nothing"]'], RICH, False),
        ([], CDC, True),
    ],
)
@pytest.mark.parametrize("anyone", [True, False])
def test_people_label_what_is_left_to_them(
    tmp_path: Path, engine: Engine, entries: list[str], plot: object, *, allowed: bool, anyone: bool
) -> None:
    site = changed(tmp_path, "", ("anyone_may_label = true\n" if anyone else "") + people(*entries))
    (found,) = take(site, engine, a_label("Good", str(plot)))
    if not entries and not anyone:
        assert "may not label at this site" in found.refused
    else:
        assert bool(found.refused) != allowed
        assert allowed or f"its owner {ME} may not label '{plot}', but " in found.refused


def test_what_was_accepted_before_stays_so_when_the_rules_change(tmp_path: Path, engine: Engine) -> None:
    site = changed(tmp_path)
    take(site, engine, a_label("Cosmic", report=None))
    (kept,) = site.requests_kept.iterdir()
    writing(engine, lambda connection: connection.execute(sa.delete(Label)))
    narrower = changed(tmp_path, PLOTS, people('plots = ["RICH*"]'))
    (again,) = receive_kept(narrower, engine, [kept])
    assert again.refused == ""


def a_model(engine: Engine) -> None:
    def enter(connection: sa.Connection) -> None:
        add_model(connection, all_plot_types(connection)[CDC], "cdc-1", digest("card"), "tiny", [], [])

    writing(engine, enter)


def test_a_label_that_answers_a_report_is_a_label_and_an_answer(tmp_path: Path, engine: Engine) -> None:
    site = changed(tmp_path)
    a_model(engine)
    (found,) = take(site, engine, a_label("Bad", report="cdc-1"))
    assert found.refused == ""
    with reading(engine) as connection:
        assert current_labels(connection, all_plot_types(connection)[CDC]) == {IMAGES[0]: "Bad"}
        assert answers_to(connection, "cdc-1") == {IMAGES[0]: Answer("cdc-1", IMAGES[0], "Bad", "Ada", NOON)}


def test_an_answer_names_a_model_that_is_there_and_is_about_its_plot_type(tmp_path: Path, engine: Engine) -> None:
    site = changed(tmp_path)
    (found,) = take(site, engine, a_label("Bad", report="cdc-1"))
    assert "report: there is no model 'cdc-1'" in found.refused
    a_model(engine)
    (found,) = take(site, engine, a_label("Bad", str(RICH), report="cdc-1"))
    assert "the training report of cdc-1 is about 'CDC_occupancy:chunks', not about 'RICH_hits'" in found.refused


def test_answers_come_back_from_the_kept_requests_before_their_model_does(tmp_path: Path, engine: Engine) -> None:
    site = changed(tmp_path)
    a_model(engine)
    take(site, engine, a_label("Bad", report="cdc-1"))
    (kept,) = site.requests_kept.iterdir()
    with a_database(a_site(tmp_path / "new")) as fresh:
        (again,) = receive_kept(site, fresh, [kept])
        assert again.refused == ""
        with reading(fresh) as connection:
            assert answers_to(connection, "cdc-1")[IMAGES[0]].class_name == "Bad"


def test_a_request_that_answers_no_report_is_written_as_it_always_was() -> None:
    assert b"report" not in a_label("Bad")
    assert b'"report": "cdc-1"' in a_label("Bad", report="cdc-1")
