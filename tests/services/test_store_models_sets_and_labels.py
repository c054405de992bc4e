from __future__ import annotations

import itertools
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.items import replace_items
from hydra_core.store.labelbook import (
    archived_label_count,
    current_labels,
    known_requests,
    labelled_images,
    labelled_plot_types,
    labels_for_images,
    save_request,
)
from hydra_core.store.ledger import update_revision
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import (
    ThresholdRow,
    add_judging_set,
    add_model,
    add_threshold,
    all_models,
    claim_training,
    find_model,
    finish_claim,
    get_model,
    live_model,
    load_judging_set,
    newest_claim,
    newest_judging_set,
    set_model_status,
    thresholds_of,
    training_images,
)
from hydra_core.store.schema import JudgingSet, Label, Request
from hydra_core.store.session import reading, writing
from tests.store_samples import (
    CDC,
    NOON,
    RICH,
    RULES,
    a_label,
    a_pass,
    a_request,
    a_revision,
    an_item,
    digest,
    opened,
    table_rows,
)

THRESHOLDS = [ThresholdRow("Bad", 0.1 + 0.2, "f1", 12), ThresholdRow("Good", 0.5, "f1", 40)]
IMAGES = [(digest("a"), "Bad", "train"), (digest("b"), "Good", "test")]


def types_of(engine: Engine) -> tuple[int, int]:
    found = writing(engine, lambda connection: plot_type_ids(connection, [CDC, RICH]))
    return found[CDC], found[RICH]


def go_live(connection: Connection, plot_type_id: int, name: str) -> int:
    earlier = live_model(connection, plot_type_id)
    model = add_model(connection, plot_type_id, name, digest(name), "compact", THRESHOLDS, IMAGES)
    if earlier is not None:
        set_model_status(connection, earlier.id, "retired", f"replaced by {name}")
    set_model_status(connection, model.id, "live", "better")
    return model.id


def test_the_same_content_is_the_same_judging_set(database_url: str) -> None:
    with opened(database_url) as engine:
        cdc, rich = types_of(engine)
        first = writing(engine, lambda connection: add_judging_set(connection, "first", RULES))
        assert (
            writing(engine, lambda connection: add_judging_set(connection, "again", dict(reversed(RULES.items()))))
            == first
        )
        model = writing(engine, lambda connection: go_live(connection, cdc, "one"))
        second = writing(engine, lambda connection: add_judging_set(connection, "a model", RULES))
        writing(engine, lambda connection: add_model(connection, rich, "two", digest("two"), "compact", [], []))
        assert writing(engine, lambda connection: add_judging_set(connection, "a candidate", RULES)) == second
        writing(
            engine, lambda connection: add_threshold(connection, model, ThresholdRow("Bad", 0.9, "hand", 0), who="Ada")
        )
        third = writing(engine, lambda connection: add_judging_set(connection, "a threshold", RULES))
        fourth = writing(
            engine, lambda connection: add_judging_set(connection, "a rule", {**RULES, "rules": "judge-2"})
        )
        with reading(engine) as connection:
            assert newest_judging_set(connection) == fourth
            assert [load_judging_set(connection, one.id) for one in (first, second, third)] == [first, second, third]
            assert connection.execute(sa.select(sa.func.count(JudgingSet.id))).scalar_one() == 4
    assert [one.number for one in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert first.models == {}
    assert [dict(one.models[CDC].thresholds) for one in (second, third)] == [
        {"Bad": 0.1 + 0.2, "Good": 0.5},
        {"Bad": 0.9, "Good": 0.5},
    ]


def test_a_model_is_entered_once_with_its_thresholds_and_its_training_set(database_url: str) -> None:
    with opened(database_url) as engine:
        cdc, _ = types_of(engine)
        first = writing(engine, lambda connection: go_live(connection, cdc, "one"))
        with reading(engine) as connection:
            before = table_rows(connection)
        again = writing(engine, lambda c: add_model(c, cdc, "one", digest("x"), "other", [], IMAGES))
        with reading(engine) as connection:
            assert table_rows(connection) == before
        second = writing(engine, lambda connection: go_live(connection, cdc, "two"))
        with reading(engine) as connection:
            models = all_models(connection)
            live = live_model(connection, cdc)
            assert find_model(connection, "ONE") is None
            assert training_images(connection, first) == sorted(IMAGES)
            assert list(thresholds_of(connection, first).values()) == THRESHOLDS
            assert get_model(connection, second) == live
    assert again.id == first
    assert [(one.name, one.status, one.parent_id, one.plot) for one in models] == [
        ("two", "live", first, CDC),
        ("one", "retired", None, CDC),
    ]


def test_a_training_belongs_to_whoever_claims_it_first_and_goes_on_after_a_kill(database_url: str) -> None:
    with opened(database_url) as engine:
        cdc, rich = types_of(engine)

        def claim(plot: int, mark: int, owner: str) -> bool:
            return writing(engine, lambda connection: claim_training(connection, plot, mark, owner))

        assert claim(cdc, 24, "pass/7")
        assert not claim(cdc, 24, "pass/8")
        assert claim(cdc, 24, "pass/7")
        assert claim(rich, 24, "pass/8")
        assert claim(cdc, 36, "x" * 160)
        writing(engine, lambda connection: finish_claim(connection, cdc, 24, "done", "one is live", None))
        assert not claim(cdc, 24, "pass/7")
        assert not claim(cdc, 24, "pass/8")
        with reading(engine) as connection:
            newest = newest_claim(connection, cdc)
            assert newest_claim(connection, cdc + rich) is None
    assert newest is not None
    assert (newest.mark, newest.owner, newest.state) == (36, "x" * 160, "running")


def test_the_newest_label_counts_in_whatever_order_requests_come(database_url: str) -> None:
    hour = timedelta(hours=1)
    said = [
        ("one", "Good", NOON),
        ("two", "Bad", NOON + 2 * hour),
        ("three", "LED", NOON + hour),
        ("four", "Cosmic", NOON + 2 * hour),
    ]
    last = max(said, key=lambda one: (one[2], digest(one[0])))
    found = []
    for order in itertools.islice(itertools.permutations(said), 0, None, 5):
        with opened(database_url) as engine:
            cdc, _ = types_of(engine)
            for name, class_name, made_at in order:
                label = a_label(cdc, "image", class_name, made_at)
                writing(engine, lambda c, n=name, one=label: save_request(c, a_request(n), [one]))
            with reading(engine) as connection:
                found.append(current_labels(connection, cdc))
                assert labels_for_images(connection, cdc, [digest("image"), digest("none")]) == found[-1]
            writing(engine, lambda connection: connection.execute(sa.delete(Label)))
            writing(engine, lambda connection: connection.execute(sa.delete(Request)))
    assert found == [{digest("image"): last[1]}] * len(found)
    assert len(found) == 5


def test_a_request_that_comes_twice_counts_once_and_a_refused_one_may_be_accepted_later(database_url: str) -> None:
    with opened(database_url) as engine:
        cdc, rich = types_of(engine)
        refused = a_request(
            "late", kind="unknown", claimed_by="", made_at=None, status="quarantined", reason="who is it?"
        )
        writing(engine, lambda connection: save_request(connection, refused, []))
        with reading(engine) as connection:
            assert known_requests(connection, [digest("late"), digest("never")]) == set()
        labels = [a_label(cdc, "x", "Good"), a_label(rich, "x", "Bad")]
        for _ in range(2):
            writing(engine, lambda connection: save_request(connection, a_request("late"), labels))
        writing(engine, lambda connection: save_request(connection, refused, []))
        with reading(engine) as connection:
            assert known_requests(connection, [digest("late"), digest("never")]) == {digest("late")}
            rows = connection.execute(sa.select(Request.status, Request.reason, Request.made_at)).all()
            assert connection.execute(sa.select(sa.func.count(Label.id))).scalar_one() == 2
            assert labelled_plot_types(connection) == sorted([cdc, rich])
            assert current_labels(connection, rich) == {digest("x"): "Bad"}
    assert rows == [("accepted", "", NOON)]


def test_only_labels_of_archived_images_are_training_material(database_url: str) -> None:
    with opened(database_url) as engine:
        cdc, _ = types_of(engine)
        number = writing(engine, a_pass)
        images = {run: an_item(chunk=0, sha256=digest("same" if run < 3 else f"image {run}")) for run in (1, 2, 3, 4)}
        for run, item in images.items():
            row = writing(engine, lambda connection, run=run: a_revision(connection, number, run))
            writing(engine, lambda connection, row=row, item=item: replace_items(connection, row, [item]))
            state = "judged" if run == 4 else "archived"
            writing(engine, lambda connection, row=row, s=state: update_revision(connection, row, state=s))
        labels = [a_label(cdc, name, "Good") for name in ("same", "image 3", "image 4", "never seen")]
        writing(engine, lambda connection: save_request(connection, a_request("one"), labels))
        correction = a_label(cdc, "same", "Bad", NOON + timedelta(hours=1))
        writing(engine, lambda connection: save_request(connection, a_request("two"), [correction]))
        with reading(engine) as connection:
            found = labelled_images(connection, cdc)
            assert archived_label_count(connection, cdc) == 3
    assert [(one.run, one.class_name, one.image_sha) for one in found] == [
        (1, "Bad", digest("same")),
        (3, "Good", digest("image 3")),
    ]
