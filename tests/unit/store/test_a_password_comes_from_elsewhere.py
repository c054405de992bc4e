from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.base.errors import ConfigError, DatabaseError
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.store.passwords import READ_VARIABLE, VARIABLE, is_given, with_password
from hydra_core.store.session import open_engine, shown_url, site_engine

URL = sa.make_url("mysql+pymysql://ada@host/x")
CANARY = "c4n4ry/of:odd@letters"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, f"{VARIABLE}_FILE", READ_VARIABLE, f"{READ_VARIABLE}_FILE"):
        monkeypatch.delenv(name, raising=False)


def secret(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / text.replace("/", "_")
    path.write_text(f"{text}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def site_of(folder: Path, database: str) -> Site:
    (folder / "site.toml").write_text(
        f'[site]\nname = "x"\nexperiment = "x"\n[paths]\ndata_root = "data"\n[database]\n{database}\n', encoding="utf-8"
    )
    return load_site(folder)


def test_the_environment_comes_before_the_site_and_the_password_before_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(tmp_path, f'url = "mysql+pymysql://ada@host/x"\npassword_file = "{secret(tmp_path, "of the site")}"')
    found = [site_engine(site).url.password]
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(secret(tmp_path, "of the file")))
    found.append(site_engine(site).url.password)
    monkeypatch.setenv(VARIABLE, CANARY)
    engine = site_engine(site)
    found.append(engine.url.password)
    assert found == ["of the site", "of the file", CANARY]
    assert CANARY not in f"{engine!r} {engine.url} {shown_url(engine)} {site!r}"


def test_a_reader_has_a_password_of_its_own_where_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_given(READ_VARIABLE, None)
    assert with_password(URL, READ_VARIABLE, secret(tmp_path, "reader")).password == "reader"
    monkeypatch.setenv(READ_VARIABLE, CANARY)
    assert is_given(READ_VARIABLE, None)
    assert with_password(URL, READ_VARIABLE).password == CANARY
    assert with_password(URL, VARIABLE).password is None


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True)])
def test_a_password_file_that_others_can_read_is_told(tmp_path: Path, mode: int, warned: bool) -> None:
    told: list[str] = []
    path = secret(tmp_path, CANARY, mode)
    assert with_password(URL, VARIABLE, path, tell=told.append).password == CANARY
    assert told == ([f"others can read the password file {path}; chmod 600 it"] if warned else [])


@pytest.mark.parametrize("key", ["url", "read_url"])
def test_a_password_in_the_configuration_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    lines = f'url = "mysql+pymysql://ada@host/x"\n{key} = "mysql+pymysql://ada:c4n4ry@host/x"'
    with pytest.raises(ConfigError, match=f"database.{key}: .*it holds a password; put that into a file") as caught:
        site_of(tmp_path, lines.split("\n")[-1] if key == "url" else lines)
    assert "c4n4ry" not in str(caught.value)


def test_a_password_behind_the_question_mark_is_refused_and_not_repeated() -> None:
    with pytest.raises(DatabaseError, match="behind its question mark") as caught:
        open_engine("mysql+pymysql://ada@host/x?password=c4n4ry")
    assert "c4n4ry" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [('password_file = "beside"', "write the whole path"), ('read_url = "mysql+pymysql://a@b/c"', "needs a url")],
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, lines: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        site_of(tmp_path, lines)
