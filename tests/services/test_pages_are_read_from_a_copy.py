"""``read_url``: pages are made from a copy of the database, by a user who can only read, never from an old state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.emulate.plan import plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.store import replica
from hydra_core.store.replica import reading_for_pages
from hydra_core.store.session import open_engine, site_engine, writing
from tests.final_state import assert_same, final_state
from tests.own_mariadb import OwnMariaDB, own_mariadb
from tests.small_pass import small_pass
from tests.store_samples import a_pass, opened

pytestmark = [pytest.mark.services, pytest.mark.faults]
SMALL = plan_demo(runs=1, plot_types=2, chunks=2)


@dataclass(frozen=True)
class Pair:
    """A server and its copy; the reader's password is in a file."""

    first: OwnMariaDB
    copy: OwnMariaDB
    name: str
    reader_password: Path

    def sections(self, host: OwnMariaDB) -> dict[str, object]:
        """Return ``[database]`` with pages read from `host`."""
        return {
            "url": self.first.bare_url(self.name),
            "password_file": str(self.first.password_file()),
            "read_url": host.bare_url(self.name, "reader"),
            "read_password_file": str(self.reader_password),
        }


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    base, folder = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("pair")
    with (
        own_mariadb(base, folder / "first", "--log-bin", "--server-id=1") as first,
        own_mariadb(base, folder / "copy", "--server-id=2", "--read-only") as copy,
    ):
        start = first.ask("SELECT @@GLOBAL.gtid_binlog_pos")[0][0]
        copy.ask(
            f"SET GLOBAL gtid_slave_pos = '{start}'",
            f"CHANGE MASTER TO master_host='127.0.0.1', master_port={first.port}, master_user='hydra',"
            f" master_password='{first.password}', master_use_gtid=slave_pos",
            "START SLAVE",
        )
        name = first.new_database()
        secret = folder / "reader"
        secret.touch(mode=0o600)
        secret.write_text("only-reads\n", encoding="utf-8")
        first.ask(
            "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'only-reads'",
            f"GRANT SELECT ON {name}.* TO reader@'127.0.0.1'",
        )
        with opened(first.url(name)):
            pass
        yield Pair(first, copy, name, secret)


def site_of(folder: Path, **database: object) -> Site:
    (folder / "data").mkdir()
    lines = "\n".join(f'{key} = "{value}"' for key, value in database.items())
    (folder / "site.toml").write_text(
        f'[site]\nname = "x"\nexperiment = "x"\n[paths]\ndata_root = "data"\n[database]\n{lines}\n', encoding="utf-8"
    )
    return load_site(folder)


def asked(site: Site, query: str) -> tuple[object, list[str]]:
    """Return the answer to a query for pages, and what was told."""
    told: list[str] = []
    engine = site_engine(site)
    with reading_for_pages(site, engine, tell=told.append) as connection:
        found = connection.exec_driver_sql(query).scalar()
    engine.dispose()
    return found, told


def test_a_copy_is_read_once_it_has_everything(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(tmp_path, **pair.sections(pair.copy))
    assert asked(site, "SELECT concat(current_user(), @@port)") == (f"reader@127.0.0.1{pair.copy.port}", [])
    engine = open_engine(pair.first.url(pair.name))
    for number in range(5):
        writing(engine, lambda connection, number=number: a_pass(connection, f"pass {number}"))  # type: ignore[misc]
        assert asked(site, "SELECT count(*) FROM passes") == (number + 1, [])
    # A copy that lags is not read.
    pair.copy.ask("STOP SLAVE SQL_THREAD")
    monkeypatch.setattr(replica, "CATCH_UP_S", 0.3)
    writing(engine, lambda connection: a_pass(connection, "one more"))
    found, (told,) = asked(site, "SELECT count(*) * 100000 + @@port FROM passes")
    assert found == 600000 + pair.first.port
    assert told.startswith("pages are made from the database itself, not from mysql+pymysql://reader:***@127.0.0.1:")
    assert "it lags for more than 0.3 s" in told
    pair.copy.ask("START SLAVE SQL_THREAD")
    monkeypatch.undo()
    assert asked(site, "SELECT count(*) * 100000 + @@port FROM passes") == (600000 + pair.copy.port, [])
    writing(engine, lambda connection: connection.exec_driver_sql("DELETE FROM passes"))
    engine.dispose()


def test_a_copy_that_is_away_or_no_copy_at_all_is_passed_over(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    away = pair.sections(pair.copy) | {"read_url": "mysql+pymysql://reader@127.0.0.1:1/x"}
    found, (told,) = asked(site_of(tmp_path / "a", **away), "SELECT @@port")
    assert (found, "it does not answer" in told, "only-reads" in told) == (pair.first.port, True, False)
    (tmp_path / "b").mkdir()
    # The other way round: the copy as the database, which writes no binary log that could be followed.
    turned = pair.sections(pair.first) | {
        "url": pair.copy.bare_url(pair.name),
        "password_file": str(pair.copy.password_file()),
    }
    found, (told,) = asked(site_of(tmp_path / "b", **turned), "SELECT @@port")
    assert (found, "writes no binary log" in told) == (pair.copy.port, True)


def test_pages_come_out_the_same_when_a_user_who_can_only_read_makes_them(
    pair: Pair, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_demo(SMALL, tmp_path / "files")
    plain = small_pass(tmp_path / "plain", "copy", SMALL)
    read = small_pass(tmp_path / "read", "copy", SMALL, database=pair.sections(pair.copy))
    for made in (plain, read):
        made.enter(tmp_path / "files" / "incoming")
        made.by_hand([one.number for one in SMALL.runs])
    assert "pages are made from the database itself" not in capfd.readouterr().err
    assert_same(final_state(read.root, read.engine), final_state(plain.root))
    read.engine.dispose()
