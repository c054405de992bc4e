from __future__ import annotations

from alembic import command

from hydra_core.store.items import load_items, replace_items, save_verdicts
from hydra_core.store.session import reading, writing
from hydra_core.store.summary import state_counts
from hydra_core.store.upgrade import alembic_config, upgrade
from tests.store_samples import a_judged_revision, a_verdict, opened, some_items


def test_an_upgrade_counts_the_verdicts_that_are_there(database_url: str) -> None:
    with opened(database_url) as engine:
        revision, judging_set = a_judged_revision(engine)
        with reading(engine) as connection:
            items = load_items(connection, revision)
        verdicts = [a_verdict(items[0].id, judging_set), a_verdict(items[1].id, judging_set)]
        verdicts.append(a_verdict(items[3].id, judging_set, class_name=None, state="missing", severity=2))
        writing(engine, lambda connection: save_verdicts(connection, revision, verdicts))
        with reading(engine) as connection:
            before = state_counts(connection, [revision])
        back = engine.execution_options(hydra_migrating=True)
        writing(back, lambda connection: command.downgrade(alembic_config(connection), "0002"))
        upgrade(engine)
        with reading(engine) as connection:
            assert state_counts(connection, [revision]) == before
    assert [(one.state, one.class_name, one.count) for one in before] == [("confirmed", "Bad", 2), ("missing", None, 1)]


def test_a_revision_that_gets_other_items_or_verdicts_is_counted_anew(database_url: str) -> None:
    with opened(database_url) as engine:
        revision, judging_set = a_judged_revision(engine)

        def states() -> list[tuple[str, int]]:
            with reading(engine) as connection:
                return [(one.state, one.count) for one in state_counts(connection, [revision])]

        with reading(engine) as connection:
            items = load_items(connection, revision)
        for verdicts in ([a_verdict(items[0].id, judging_set)], [a_verdict(one.id, judging_set) for one in items[:2]]):
            writing(engine, lambda connection, rows=verdicts: save_verdicts(connection, revision, rows))
            assert states() == [("confirmed", len(verdicts))]
        writing(engine, lambda connection: replace_items(connection, revision, some_items()))
        assert states() == []
