from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from hydra_core.base.errors import HydraError, RequestError
from hydra_core.cli.main import main
from hydra_core.cli.news import parse_until
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request import parse_request, write_news
from hydra_core.store.news import news_in_force
from hydra_core.store.session import reading
from tests.request_samples import a_database, a_site, take
from tests.store_samples import NOON

HOUR = timedelta(hours=1)
HOSTILE = "</script><script>alert(1)</script> \"'&\u2028\u202e <b>"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


def shown(engine: Engine, at: datetime = NOON + 5 * HOUR) -> list[str]:
    with reading(engine) as connection:
        return [one.text for one in news_in_force(connection, at)]


def test_the_newest_that_has_not_ended_comes_first_and_those_behind_it_wait(site: Site, engine: Engine) -> None:
    requests = [
        write_news("Ada", NOON, "never seen"),
        write_news("Ada", NOON + HOUR, "for good"),
        write_news("Ada", NOON + 2 * HOUR, "for a while", NOON + 8 * HOUR),
        write_news("Ada", NOON + 3 * HOUR, "over", NOON + 4 * HOUR),
    ]
    assert [one.said for one in take(site, engine, *reversed(requests))] == ["news taken"] * 4
    assert shown(engine) == ["for a while", "for good"]
    assert shown(engine, NOON + 8 * HOUR) == ["for good"]


def test_an_empty_line_hides_those_before_it(site: Site, engine: Engine) -> None:
    take(site, engine, write_news("Ada", NOON, "a"), write_news("Ada", NOON + HOUR, ""))
    assert shown(engine) == [""]


def test_the_kept_requests_bring_the_news_back(site: Site, engine: Engine, tmp_path: Path) -> None:
    take(site, engine, write_news("Ada", NOON, HOSTILE), write_news("Ada", NOON + HOUR, "b", NOON + 9 * HOUR))
    kept = sorted(site.requests_kept.iterdir())
    with a_database(a_site(tmp_path / "new")) as fresh:
        assert [one.refused for one in receive_kept(site, fresh, kept)] == ["", ""]
        assert shown(fresh) == shown(engine) == ["b", HOSTILE.strip()]


@pytest.mark.parametrize("role", ["Admin", "Detector Expert", "Developer", "Labeler", "Viewer", "Liaison"])
def test_some_roles_write_news(tmp_path: Path, engine: Engine, role: str) -> None:
    person = f'[[person]]\nname = "Ada"\naccounts = ["{getpass.getuser()}"]\nroles = ["{role}"]\n'
    (tmp_path / "people.toml").write_text(person, encoding="utf-8")
    (found,) = take(load_site(tmp_path), engine, write_news("Ada", NOON, "a"))
    assert bool(found.refused) == (role in ("Labeler", "Viewer", "Liaison"))


@pytest.mark.parametrize("text", ["two\nlines", "a\x00b", "x" * 301])
def test_news_are_one_short_line(text: str) -> None:
    with pytest.raises(RequestError, match="text: "):
        write_news("Ada", NOON, text)


def test_news_do_not_end_before_they_begin() -> None:
    with pytest.raises(RequestError, match="'until' is not after 'made_at'"):
        write_news("Ada", NOON, "a", NOON)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300))
def test_every_line_is_written_and_read_again(text: str) -> None:
    found = parse_request(write_news("Ada", NOON, text))
    assert found.kind == "news"
    assert found.text == text.strip()


def test_a_day_is_meant_to_its_end_and_an_instant_has_a_zone() -> None:
    assert parse_until("2026-12-24").isoformat() == "2026-12-25T00:00:00+00:00"
    assert parse_until("2026-12-24T18:00+01:00").isoformat() == "2026-12-24T18:00:00+01:00"
    for text in ("tomorrow", "2026-12-24T18:00", "2026-13-01"):
        with pytest.raises(HydraError, match="neither a day nor an instant with its zone"):
            parse_until(text)


def test_the_command_writes_the_line_into_the_shard_that_every_page_reads(
    site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--site", str(site.folder), "news"]
    site.site_pages.mkdir(parents=True)
    assert main([*here, HOSTILE, "--until", "2199-01-01"]) == 0
    shard = (site.site_pages / "news.js").read_text(encoding="ascii")
    assert shard.startswith('hydra.take("news",[{"text":"\\u003c/script\\u003e')
    assert not set("<>&") & set(shard)
    assert "\\\\u202e" in shard
    assert main([*here, "--clear"]) == 0
    assert '"text":""' in (site.site_pages / "news.js").read_text(encoding="ascii")
    capsys.readouterr()
    assert main(here) == 0
    listed = capsys.readouterr().out
    assert "(the line was taken away)" in listed
    assert "2199-01-02 00:00" in listed
    assert "shown" not in listed
    assert main([*here, "a", "--clear"]) == 1
    assert main([*here, "old", "--until", "2020-01-01"]) == 1
    assert "until 2020-01-01 is in the past" in capsys.readouterr().err
