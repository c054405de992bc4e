from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hydra_core.base.clock import now
from hydra_core.base.files import sha256_bytes
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels import inbox
from hydra_core.labels.inbox import receive, waiting_files
from hydra_core.labels.request import write_request
from hydra_core.store.labelbook import current_labels
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.schema import Request
from hydra_core.store.session import reading, writing
from tests.store_samples import CDC, NOON, RICH, digest, sqlite_copy, table_rows

SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'
ME = f'[[person]]\nname = "Ada"\naccounts = ["{getpass.getuser()}"]\n'
LABELS = [("CDC_occupancy:chunks", digest("one"), "Bad"), ("RICH_hits", digest("two"), "Good")]
GOOD = write_request("Ada", NOON, LABELS)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "people.toml").write_text(ME, encoding="utf-8")
    found = load_site(tmp_path)
    found.inbox.mkdir(parents=True)
    return found


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with sqlite_copy(site.root / "hydra.sqlite") as engine:
        writing(engine, lambda connection: plot_type_ids(connection, [CDC, RICH]))
        yield engine


def state(site: Site, engine: Engine) -> tuple[Any, ...]:
    """Return everything that a request can leave behind."""
    with reading(engine) as connection:
        rows = table_rows(connection)
    folders = {
        name: {path.name: path.read_bytes() for path in (site.root / name).iterdir()}
        if (site.root / name).is_dir()
        else {}
        for name in ("inbox", "requests", "quarantine")
    }
    return rows["requests"], rows["labels"], folders


def test_an_accepted_request_is_kept_entered_and_removed(site: Site, engine: Engine) -> None:
    (site.inbox / "labels.json").write_bytes(GOOD)
    assert [(one.file, one.labels, one.refused) for one in receive(site, engine)] == [("labels.json", 2, "")]
    with reading(engine) as connection:
        types = plot_type_ids(connection, [CDC, RICH])
        assert current_labels(connection, types[CDC]) == {digest("one"): "Bad"}
        row = connection.execute(sa.select(Request.status, Request.owner, Request.claimed_by, Request.sha256)).one()
    assert row == ("accepted", getpass.getuser(), "Ada", sha256_bytes(GOOD))
    assert (site.requests_kept / f"{sha256_bytes(GOOD)}.json").read_bytes() == GOOD
    assert waiting_files(site.inbox) == []


def test_a_request_that_comes_again_under_another_name_changes_nothing(site: Site, engine: Engine) -> None:
    (site.inbox / "labels.json").write_bytes(GOOD)
    receive(site, engine)
    before = state(site, engine)
    (site.inbox / "copy.json").write_bytes(GOOD)
    assert [one.labels for one in receive(site, engine)] == [0]
    assert state(site, engine) == before


def other(**values: Any) -> bytes:
    return json.dumps({**json.loads(GOOD), **values}).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no JSON", "not a JSON file"),
        (b"", "not a JSON file"),
        (other(kind="sing"), "requests of kind 'sing'"),
        (
            write_request("Ada", NOON, [("FDC:chunks", digest("x"), "Bad")]),
            "item 1: there is no plot type 'FDC:chunks'",
        ),
        (
            write_request("Ada", NOON, [*LABELS, ("RICH_hits:chunks", digest("x"), "Bad")]),
            "item 3: there is no plot type",
        ),
        (write_request("Ada", NOON, [("RICH_hits", digest("x"), "good")]), "item 1: there is no class 'good'"),
        (
            write_request("Ada", NOON, [*LABELS, ("RICH_hits", digest("two"), "Bad")]),
            "item 3 gives an image another class",
        ),
        (write_request("Ada", now() + timedelta(days=3), LABELS), "is in the future"),
    ],
)
def test_a_refused_request_lies_in_quarantine_with_its_reason(
    site: Site, engine: Engine, data: bytes, reason: str
) -> None:
    (site.inbox / "labels.json").write_bytes(data)
    (found,) = receive(site, engine)
    assert reason in found.refused
    with reading(engine) as connection:
        rows = connection.execute(sa.select(Request.status, Request.reason, Request.file_name)).all()
    assert rows == [("quarantined", found.refused, "labels.json")]
    assert (site.root / "quarantine" / f"{sha256_bytes(data)}.json").read_bytes() == data
    assert state(site, engine)[1] == []
    assert waiting_files(site.inbox) == []


def test_the_same_label_twice_in_one_request_counts_once(site: Site, engine: Engine) -> None:
    (site.inbox / "labels.json").write_bytes(write_request("Ada", NOON, [*LABELS, *LABELS]))
    assert [one.labels for one in receive(site, engine)] == [2]


def test_whom_the_site_does_not_know_may_not_label_until_it_does(site: Site, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text(ME + 'roles = ["Reader"]\n', encoding="utf-8")
    (site.inbox / "labels.json").write_bytes(GOOD)
    (found,) = receive(load_site(tmp_path), engine)
    assert f"its owner {getpass.getuser()} may not label" in found.refused
    assert "people.toml" in found.refused
    (tmp_path / "people.toml").write_text("anyone_may_label = true\n", encoding="utf-8")
    (site.inbox / "labels.json").write_bytes(GOOD)
    assert [one.labels for one in receive(load_site(tmp_path), engine)] == [2]
    requests, labels, folders = state(site, engine)
    assert (len(requests), len(labels)) == (1, 2)
    assert folders["quarantine"] == folders["inbox"] == {}


def a_link(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(GOOD)
    path.symlink_to(secret)


def a_huge_file(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(inbox.MAX_BYTES + 1)


def a_folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_bytes(GOOD)


STRANGE: list[tuple[Callable[[Path], None], str]] = [
    (a_link, "not a regular file"),
    (lambda path: os.mkfifo(path), "not a regular file"),
    (a_huge_file, "larger than"),
    (a_folder, "not a regular file"),
]


@pytest.mark.parametrize(("make", "reason"), STRANGE, ids=["link", "fifo", "huge", "folder"])
def test_what_is_no_plain_file_is_put_aside_unread(
    site: Site, engine: Engine, make: Callable[[Path], None], reason: str
) -> None:
    for attempt in (1, 2):
        make(site.inbox / f"{attempt}.json")
        (found,) = receive(site, engine)
        assert reason in found.refused
        assert found.labels == 0
    aside = sorted(path.name for path in (site.root / "quarantine").iterdir())
    assert [name[12:] for name in sorted(aside, key=lambda name: name[12:])] == ["-1.json", "-2.json"]
    assert state_of_requests(engine) == []


def state_of_requests(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(sa.select(Request.status)))


def test_two_strange_things_of_one_name_do_not_cover_each_other(site: Site, engine: Engine) -> None:
    for _ in range(2):
        a_folder(site.inbox / "x.json")
        receive(site, engine)
    assert len(list((site.root / "quarantine").iterdir())) == 2


def test_a_name_of_any_bytes_is_taken_in(site: Site, engine: Engine) -> None:
    name = "\udcff🙂" + "x" * 200 + ".json"
    (site.inbox / name).write_bytes(GOOD)
    (found,) = receive(site, engine)
    assert found.labels == 2
    assert found.file.encode("utf-8")


def test_unfinished_and_foreign_files_are_left_alone(site: Site, engine: Engine) -> None:
    for name in (".hydra-tmp-abc-labels.json", ".labels.json", "labels.json.part", "README"):
        (site.inbox / name).write_bytes(GOOD)
    assert receive(site, engine) == []
    assert len(list(site.inbox.iterdir())) == 4


def test_a_site_without_an_inbox_has_nothing_waiting(site: Site, engine: Engine) -> None:
    site.inbox.rmdir()
    assert receive(site, engine) == []


class Killed(BaseException):
    """What a kill looks like from inside: no handler may take it for an error."""


STEPS = ["read", "known", "kept", "kept and named", "rows written", "rows kept", "removed"]


def kill_at(step: str, patch: pytest.MonkeyPatch) -> None:
    def before(*_: Any, **__: Any) -> Any:
        raise Killed

    def after(real: Callable[..., Any]) -> Callable[..., Any]:
        def both(*arguments: Any, **more: Any) -> Any:
            real(*arguments, **more)
            raise Killed

        return both

    names = {"read": "_read", "known": "known_requests", "kept": "write_bytes", "rows written": "save_request"}
    if step in names:
        patch.setattr(inbox, names[step], before)
    elif step == "removed":
        patch.setattr(Path, "unlink", after(Path.unlink))
    else:
        name = {"kept and named": "write_bytes", "rows kept": "writing"}[step]
        patch.setattr(inbox, name, after(getattr(inbox, name)))


@pytest.mark.parametrize("data", [GOOD, b"no JSON"], ids=["accepted", "refused"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_each_step_is_healed_by_the_next_call(site: Site, engine: Engine, step: str, data: bytes) -> None:
    (site.inbox / "labels.json").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(step, patch)
        with pytest.raises(Killed):
            receive(site, engine)
    receive(site, engine)
    requests, labels, folders = state(site, engine)
    sha = sha256_bytes(data)
    accepted = data == GOOD
    assert (len(requests), len(labels)) == (1, 2 if accepted else 0)
    assert folders == {
        "inbox": {},
        "requests": {f"{sha}.json": data} if accepted else {},
        "quarantine": {} if accepted else {f"{sha}.json": data},
    }
    receive(site, engine)
    assert state(site, engine) == (requests, labels, folders)


def test_two_tasks_at_the_same_inbox_enter_each_request_once(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.inbox / "labels.json").write_bytes(GOOD)
    read = inbox._read
    inside: list[int] = []

    def meanwhile(path: Path) -> Any:
        found = read(path)
        if not inside:
            inside.append(1)
            receive(site, engine)
        return found

    monkeypatch.setattr(inbox, "_read", meanwhile)
    receive(site, engine)
    requests, labels, folders = state(site, engine)
    assert (len(requests), len(labels), folders["inbox"]) == (1, 2, {})


def test_a_file_that_another_task_took_is_no_error(site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "waiting_files", lambda folder: [folder / "gone.json"])
    assert [one.refused for one in receive(site, engine)] == ["another task took it"]
