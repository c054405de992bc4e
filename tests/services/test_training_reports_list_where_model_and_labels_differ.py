from __future__ import annotations

from datetime import timedelta

from sqlalchemy.engine import Connection

from hydra_core.store.items import replace_items
from hydra_core.store.labelbook import save_request
from hydra_core.store.ledger import update_revision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.predictions import NewPrediction, save_predictions
from hydra_core.store.registry import add_model
from hydra_core.store.session import reading, writing
from hydra_core.store.training_reports import (
    Answer,
    answers_to,
    disagreements,
    image_places,
    load_report,
    reported_models,
    save_answers,
    save_report,
)
from tests.store_samples import CDC, NOON, a_pass, a_request, a_revision, an_item, digest, opened

SHAS = [digest(f"{CDC}-{chunk}-{chunk}") for chunk in range(4)]


def said(number: int, label: str, class_name: str, confidence: float) -> NewPrediction:
    return NewPrediction(SHAS[number], "test", label, class_name, confidence, {class_name: confidence})


def a_model(connection: Connection) -> int:
    revision = a_revision(connection, a_pass(connection))
    replace_items(connection, revision, [an_item(chunk=chunk, index=chunk) for chunk in range(4)])
    update_revision(connection, revision, state="archived")
    return add_model(connection, all_plot_types(connection)[CDC], "cdc-1", digest("card"), "tiny", [], []).id


def test_the_surest_disagreement_comes_first_and_agreement_is_left_out(database_url: str) -> None:
    with opened(database_url) as engine:
        model = writing(engine, a_model)
        answers = [
            said(0, "Good", "Good", 0.99),
            said(1, "Good", "Bad", 0.7),
            said(2, "Bad", "Good", 0.9),
            said(3, "Bad", "Good", 0.9),
        ]
        writing(engine, lambda connection: save_predictions(connection, model, answers))
        writing(engine, lambda connection: save_report(connection, model))
        with reading(engine) as connection:
            found = disagreements(connection, model)
            report = load_report(connection, model)
            places = image_places(connection, all_plot_types(connection)[CDC], SHAS)
            assert reported_models(connection) == [model]
    assert [one.image_sha for one in found] == [*sorted(SHAS[2:]), SHAS[1]]
    assert report is not None
    assert (report.images, report.disagreements) == (4, 3)
    assert {sha: (place.run, place.chunk, place.block_index) for sha, place in places.items()} == {
        sha: (7, number, number) for number, sha in enumerate(SHAS)
    }


def test_a_report_counts_what_was_asked_later_too_and_keeps_when_it_was_made(database_url: str) -> None:
    with opened(database_url) as engine:
        model = writing(engine, a_model)
        assert writing(engine, lambda connection: save_report(connection, model)) is None
        writing(engine, lambda connection: save_predictions(connection, model, [said(0, "Good", "Bad", 0.9)]))
        first = writing(engine, lambda connection: save_report(connection, model))
        writing(engine, lambda connection: save_predictions(connection, model, [said(1, "Good", "Good", 0.9)]))
        second = writing(engine, lambda connection: save_report(connection, model))
    assert first is not None
    assert second is not None
    assert (first.images, first.disagreements, second.images, second.disagreements) == (1, 1, 2, 1)
    assert second.made_at == first.made_at


def test_the_newest_answer_to_an_image_counts_in_whatever_order_they_come(database_url: str) -> None:
    early = Answer("cdc-1", SHAS[0], "Good", "Ada", NOON)
    late = Answer("cdc-1", SHAS[0], "Bad", "Bob", NOON + timedelta(seconds=1))
    with opened(database_url) as engine:
        for answer in (late, early, late):
            request = a_request(answer.who)

            def enter(connection: Connection, answer: Answer = answer, sha: str = request.sha256) -> None:
                save_request(connection, a_request(answer.who), [])
                save_answers(connection, sha, [answer])

            writing(engine, enter)
        with reading(engine) as connection:
            assert answers_to(connection, "cdc-1") == {SHAS[0]: late}
            assert answers_to(connection, "cdc-2") == {}
