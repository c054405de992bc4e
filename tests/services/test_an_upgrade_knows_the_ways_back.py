from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.store.model_history import live_again, live_before, went_live
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import add_judging_set, add_model, set_model_status
from hydra_core.store.schema import JudgingSet
from hydra_core.store.session import reading, writing
from hydra_core.store.upgrade import alembic_config, upgrade
from tests.store_samples import opened

CDC = PlotKey("CDC", True)
BEFORE = "0004"


def sets(connection: Connection) -> list[tuple[int, str, int | None]]:
    query = sa.select(JudgingSet.number, JudgingSet.reason, JudgingSet.back_to_id).order_by(JudgingSet.number)
    return [(row.number, row.reason, row.back_to_id) for row in connection.execute(query)]


def three_models(engine: Engine) -> int:
    """Let three models go live, take the second one back, and leave a reason that only sounds like a way back."""

    def enter(connection: Connection) -> int:
        kind = plot_type_ids(connection, [CDC])[CDC]
        ids: dict[str, int] = {}

        def live(name: str, reason: str, back_to_id: int | None = None) -> None:
            for other in ids.values():
                set_model_status(connection, other, "retired", "")
            set_model_status(connection, ids[name], "live", "")
            add_judging_set(connection, reason, {}, back_to_id=back_to_id)

        for name in ("a", "b", "c % _"):
            ids[name] = add_model(connection, kind, name, "0" * 64, "tiny", [], []).id
            live(name, went_live(name, "x"))
        live("b", live_again("b", "x"), ids["b"])
        live("c % _", went_live("c % _", "I hear that b is live again: odd"))
        live("b", live_again("b", "x"), ids["b"])
        return ids["b"]

    return writing(engine, enter)


def test_an_upgrade_knows_from_its_reason_which_judging_set_took_a_model_back(database_url: str) -> None:
    with opened(database_url) as engine:
        live = three_models(engine)
        with reading(engine) as connection:
            before = sets(connection)
            back = live_before(connection, 1, live)
        assert [back_to for *_, back_to in before] == [None, None, None, live, None, live]
        assert back is not None
        assert back.name == "a"
        migrating = engine.execution_options(hydra_migrating=True)
        writing(migrating, lambda connection: command.downgrade(alembic_config(connection), BEFORE))
        upgrade(engine)
        with reading(engine) as connection:
            assert sets(connection) == before
            assert live_before(connection, 1, live) == back
