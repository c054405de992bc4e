"""The server commits, and the connection breaks before it can say so: the work runs again and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.emulate.plan import plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.store.schema import Run
from hydra_core.store.session import open_engine, reading, writing
from tests.final_state import assert_same, final_state
from tests.services.cutting_proxy import COMMIT, cutting_proxy
from tests.small_pass import small_pass
from tests.store_samples import a_pass, a_revision, opened

pytestmark = pytest.mark.services
SMALL = plan_demo(runs=1, plot_types=2, chunks=2)


def test_a_commit_whose_answer_is_lost_is_done_once(mariadb_url: str) -> None:
    url = sa.make_url(mariadb_url)
    tries: list[int] = []
    told: list[str] = []

    def work(connection: sa.Connection) -> int:
        tries.append(1)
        # Not before: SQLAlchemy commits a new connection once, too.
        proxy.cut_after = lambda packet: COMMIT in packet and proxy.cuts == 0
        return a_revision(connection, a_pass(connection))

    with opened(mariadb_url) as engine, cutting_proxy(url.port or 3306) as proxy:
        through = open_engine(url.set(port=proxy.port).render_as_string(hide_password=False))
        number = writing(through, work, tell=told.append)
        through.dispose()
        with reading(engine) as connection:
            assert connection.execute(sa.select(sa.func.count(Run.id))).scalar_one() == 1
            assert a_revision(connection, a_pass(connection)) == number
    assert (len(tries), proxy.cuts, len(told)) == (2, 1, 1)
    assert "does not answer; trying again in" in told[0]
    assert str(url.password) not in told[0]


def test_every_stage_may_lose_the_answer_to_every_commit(mariadb_url: str, tmp_path: Path) -> None:
    url, (run,) = sa.make_url(mariadb_url), (one.number for one in SMALL.runs)
    write_demo(SMALL, tmp_path / "files")
    secret = tmp_path / "password"
    secret.write_text(str(url.password), encoding="utf-8")
    secret.chmod(0o600)
    undisturbed = small_pass(tmp_path / "undisturbed", "lost", SMALL)
    wrote = again = False

    def every_first_commit(packet: bytes) -> bool:
        nonlocal wrote, again
        wrote |= any(word in packet for word in (b"INSERT", b"UPDATE", b"DELETE"))
        if COMMIT not in packet or not wrote:
            return False
        wrote, again = False, not again
        return again

    with cutting_proxy(url.port or 3306) as proxy:
        bare = f"mysql+pymysql://{url.username}@127.0.0.1:{proxy.port}/{url.database}"
        disturbed = small_pass(
            tmp_path / "disturbed", "lost", SMALL, database={"url": bare, "password_file": str(secret)}
        )
        proxy.cut_after = every_first_commit
        for made in (undisturbed, disturbed):
            made.enter(tmp_path / "files" / "incoming")
            made.by_hand([run])
        proxy.cut_after = lambda _packet: False
        # Entering, announcing, and one commit or more of each stage.
        assert proxy.cuts > 6
        assert_same(final_state(disturbed.root, disturbed.engine), final_state(undisturbed.root))
        disturbed.engine.dispose()
