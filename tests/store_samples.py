"""Rows of a small monitoring pass, for every test that needs something in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.store.items import EvidenceRow, NewItem, VerdictRow, load_items, replace_items
from hydra_core.store.labelbook import NewLabel, NewRequest
from hydra_core.store.ledger import add_pass, get_pass, newest_revision, want_revision, want_run
from hydra_core.store.registry import add_judging_set
from hydra_core.store.schema import Base
from hydra_core.store.session import open_engine, writing
from hydra_core.store.upgrade import upgrade

CDC = PlotKey("CDC_occupancy", True)
RICH = PlotKey("RICH_hits", False)
NOON = datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC)
RULES = {"rules": "judge-1", "problem": ["Bad"], "normal": ["Good"]}

#: What differs between two runs of the same thing and means nothing.
NOT_COMPARED = frozenset(
    {"id", "wanted_at", "arrived_at", "judged_at", "published_at", "made_at", "received_at", "created_at", "closed_at"}
    | {"claimed_at", "first_seen_at", "finished_at", "seen_at", "set_at", "handed_over_at", "task", "submit"}
    | {"wall_s", "cpu_s", "max_rss_mb"}
)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Yield an engine on a database with all its tables."""
    engine = open_engine(url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


@cache
def _database(fill: Callable[[Engine], object] | None) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.sqlite"
        if fill is None:
            with opened(f"sqlite:///{path}"):
                pass
        else:
            with sqlite_copy(path) as engine:
                fill(engine)
        return path.read_bytes()


@contextmanager
def sqlite_copy(path: Path, fill: Callable[[Engine], object] | None = None) -> Iterator[Engine]:
    """Yield an engine on an SQLite file with all its tables, and with what `fill` enters.

    Making and filling them costs time only once a process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_database(fill))
    engine = open_sqlite(path)
    try:
        yield engine
    finally:
        engine.dispose()


def open_sqlite(path: Path) -> Engine:
    """Return an engine on an SQLite file that does not wait for the disk: no power cut is played here."""
    engine = open_engine(f"sqlite:///{path}")
    # After what the program asks of each connection.
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF").close())
    return engine


def digest(text: str) -> str:
    """Return the SHA-256 of some text: a hash that a test can name."""
    return sha256_bytes(text.encode())


def a_pass(connection: Connection, name: str = "2026-01/ver02", source: str = "incoming") -> int:
    """Enter a pass and return its row."""
    add_pass(connection, name, f"hydra/{name}", (1, 9999), source)
    return get_pass(connection, name).id


def a_revision(connection: Connection, pass_id: int, run: int = 7, revision: int = 1) -> int:
    """Enter a revision of a run and return its row."""
    want_revision(connection, want_run(connection, pass_id, run, str(run)), revision, digest(f"{run}-{revision}"))
    found = newest_revision(connection, pass_id, run)
    assert found is not None
    assert found.revision == revision
    return found.id


def an_item(plot: PlotKey = CDC, chunk: int | None = 0, index: int = 0, **values: Any) -> NewItem:
    """Return a readable item."""
    text = f"{plot}-{chunk}-{index}"
    plain = NewItem(plot, chunk, index, "ok", "", digest(text), "", f"7/{text}.png", 1000 + index, 640, 480)
    return replace(plain, **values)


def some_items() -> list[NewItem]:
    """Return four items: two readable chunks, an unreadable one, and a missing plot of the whole run."""
    return [
        an_item(chunk=0, index=0),
        an_item(chunk=1, index=1),
        an_item(chunk=2, index=2, status="unreadable", reason="the file ends early", width=0, height=0),
        an_item(RICH, None, 3, status="missing", reason="no file", sha256=None, source="", bytes=0, width=0, height=0),
    ]


def some_evidence(item_ids: Sequence[int]) -> list[EvidenceRow]:
    """Return two rows of evidence for each item."""
    rows = []
    for number in item_ids:
        rows.append(EvidenceRow(number, "content", "filled", "There is something.", {"ink": 0.25}))
        rows.append(EvidenceRow(number, "classifier", "no_model", "No model judges this plot type."))
    return rows


def a_verdict(item_id: int, judging_set_id: int, **values: Any) -> VerdictRow:
    """Return a verdict that asks for a person."""
    plain = VerdictRow(
        item_id=item_id,
        class_name="Bad",
        state="confirmed",
        severity=3,
        confidence=0.875,
        threshold=0.5,
        reasons=("Looks Bad: 87.5%, 50.0% is needed.", "χ² → ∞ 🙂"),
        next_step="call the contact",
        judging_set_id=judging_set_id,
        model_id=None,
        code_version="0.1",
        task="7/judge/01",
        made_at=NOON,
    )
    return replace(plain, **values)


def a_judged_revision(engine: Engine) -> tuple[int, int]:
    """Enter a revision with items and a judging set; return the rows of both."""

    def work(connection: Connection) -> tuple[int, int]:
        revision = a_revision(connection, a_pass(connection))
        replace_items(connection, revision, some_items())
        return revision, add_judging_set(connection, "the first", RULES).id

    return writing(engine, work)


def item_ids(connection: Connection, revision_id: int) -> list[int]:
    """Return the rows of a revision's items, in the order of its block."""
    return [item.id for item in load_items(connection, revision_id)]


def a_request(name: str, **values: Any) -> NewRequest:
    """Return an accepted request."""
    plain = NewRequest(digest(name), "label", f"{name}.json", "Ada", "ada", NOON, NOON, "accepted", "")
    return replace(plain, **values)


def a_label(plot_type_id: int, image: str, class_name: str, made_at: datetime = NOON) -> NewLabel:
    """Return a label of the image whose content is `image`."""
    return NewLabel(plot_type_id, digest(image), class_name, "Ada", made_at)


def table_rows(connection: Connection, *leave_out: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the content of every table without row numbers, instants and costs, in an order of its own."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in Base.metadata.sorted_tables:
        columns = [
            column
            for column in table.columns
            if column.name not in NOT_COMPARED and column.name not in leave_out and not column.name.endswith("_id")
        ]
        # A table of numbers of rows alone (a group and its parents) is compared by how many there are.
        rows = [
            tuple(map(str, row))
            for row in connection.execute(sa.select(*(columns or [sa.literal(1)])).select_from(table))
        ]
        found[table.name] = sorted(rows)
    return found
