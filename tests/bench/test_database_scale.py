"""Every question of the store to a history of 13.5 million images and to one of 10,000, on both databases.

Run by ``make bench PYTEST="-k database_scale"``; writes ``docs/results/database.md``. It makes the histories first,
one kind of database after the other, which takes a while and some 20 GB. Where ``HYDRA_SCALE_FOLDER`` names a folder,
they are kept there (those on MariaDB stay on the server), and a later call only asks. ``HYDRA_TEST_MYSQL_URL`` names a
server with more memory than that of the tests. With ``HYDRA_SCALE_PARTS=10`` the history is a tenth as long, and the
page is printed instead.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from hydra_core.base.clock import now
from hydra_core.cli.ask import answer
from hydra_core.store.schema import Image, Item, Revision, Run
from hydra_core.store.session import open_engine, writing
from tests.bench.fabricated_history import database_bytes, fabricate, row_counts
from tests.bench.history_shape import LARGE, SMALL, Size
from tests.scale_databases import scans_of, statements_of
from tests.store_calls import CALLS, Call, Middle, enter_run

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "database.md"
KINDS = {"SQLite": "sqlite", "MariaDB": "mariadb"}
TURNS, ENOUGH_S = 5, 1.0
PARTS = int(os.environ.get("HYDRA_SCALE_PARTS", "1"))
LONG = LARGE.part(PARTS)
#: What people ask of the whole history, and of a part of it.
QUESTIONS = (
    "which detectors had problems",
    "which plots had problems",
    "which runs had problems",
    "how many images by state",
    "how many images by class",
    "how many plots by detector",
    "how many good plots",
    "how many problems by day",
    "passes with problems",
    "which plots are novel",
    "which detectors had problems in the last 24 hours",
    "which plots had problems in the last 10 runs",
    "when was CDC_plot_08 last bad",
    "since when is CDC_plot_08 bad",
    "show images that are bad",
    "how many incidents by detector",
    "which plots are there",
    "which models are live",
    "who labelled most",
    "who labelled most in the last 7 days",
)
#: Below this a ratio says more about the clock than about the database.
LEAST_MS = 0.2


@dataclass(frozen=True)
class Made:
    """A history: how long it took to make, how many rows each table has, and its size on disk with its indexes."""

    seconds: float
    rows: dict[str, int]
    bytes: int


@dataclass(frozen=True)
class Asked:
    """What one kind of database said: per question the milliseconds in the small and in the large history."""

    version: str
    times: dict[str, tuple[float, float]]
    answers: dict[str, tuple[float, float]]
    scans: dict[str, list[str]]
    entering: tuple[list[float], list[float]]
    made: tuple[Made, Made]


@contextmanager
def history(kind: str, size: Size, folder: Path, server_url: str, *, keep: bool) -> Iterator[tuple[Engine, Made]]:
    """Yield a history and what is known of it; one that is there already is taken as it is."""
    record = folder / f"{kind}-{size.images}.json"
    name = f"hydra_history_{size.images}"
    server = sa.create_engine(server_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    url = f"sqlite:///{folder / name}.sqlite"
    if kind == "mariadb":
        url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    if not record.exists():
        if kind == "mariadb":
            with server.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
                connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        else:
            (folder / f"{name}.sqlite").unlink(missing_ok=True)
        took = fabricate(url, size, print)
        made = open_engine(url)
        facts = {"seconds": sum(took.values()), "rows": dict(row_counts(made)), "bytes": database_bytes(made)}
        made.dispose()
        record.write_text(json.dumps(facts), encoding="utf-8")
    engine = open_engine(url)
    try:
        yield engine, Made(**json.loads(record.read_text(encoding="utf-8")))
    finally:
        engine.dispose()
        if not keep and kind == "mariadb":
            with server.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name}"))
        server.dispose()


def milliseconds(call: Call, small: Connection, large: Connection) -> tuple[float, float]:
    """Return the median time of a question to both histories, asked before; nothing of it stays.

    They are asked in turn, so that whatever else the machine does is borne by both.
    """
    found: list[tuple[float, float]] = []
    while len(found) <= TURNS and (len(found) < 2 or sum(map(sum, found)) < ENOUGH_S):
        found.append((_seconds(call, small, Middle(SMALL)), _seconds(call, large, Middle(LONG))))
    short, long = zip(*found[1:], strict=True)
    return statistics.median(short) * 1000, statistics.median(long) * 1000


def _seconds(call: Call, connection: Connection, at: Middle) -> float:
    """Return the quicker of two: SQLAlchemy may have to write the statement anew when another database was asked."""
    found = []
    for _ in range(2):
        with connection.begin() as transaction:
            began = time.perf_counter()
            call.work(connection, at)
            found.append(time.perf_counter() - began)
            transaction.rollback()
    return min(found)


def entering(small: Engine, large: Engine) -> tuple[list[float], list[float]]:
    """Return the seconds that entering a run into both histories took, several times in turn; the runs go again."""
    found: tuple[list[float], list[float]] = ([], [])
    entered: dict[Engine, list[int]] = {small: [], large: []}
    for turn in range(1, TURNS + 1):
        for took, engine, size in ((found[0], small, SMALL), (found[1], large, LONG)):
            began = time.perf_counter()
            at = Middle(size)
            row = writing(engine, lambda connection, at=at, turn=turn: enter_run(connection, at, turn))
            took.append(time.perf_counter() - began)
            entered[engine].append(row)
    for engine, rows in entered.items():
        writing(engine, lambda connection, rows=rows: _remove(connection, rows))
    return found


def _remove(connection: Connection, revisions: list[int]) -> None:
    runs = connection.execute(sa.select(Revision.run_id).where(Revision.id.in_(revisions))).scalars().all()
    images = connection.execute(sa.select(Item.image_sha).where(Item.revision_id.in_(revisions))).scalars().all()
    connection.execute(sa.delete(Revision).where(Revision.id.in_(revisions)))
    for start in range(0, len(images), 500):
        connection.execute(sa.delete(Image).where(Image.sha256.in_(images[start : start + 500])))
    connection.execute(sa.delete(Run).where(Run.id.in_(runs)))


def _version(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT VERSION()").scalar_one()
        pool = int(connection.exec_driver_sql("SELECT @@innodb_buffer_pool_size").scalar_one())
    return f"{version} with a buffer pool of {pool >> 20} MiB"


def ask(small: tuple[Engine, Made], large: tuple[Engine, Made], say: Callable[[str], None]) -> Asked:
    """Ask every question of both histories."""
    times, answers, scans = {}, {}, {}
    with small[0].connect() as one, large[0].connect() as other:
        for name, call in CALLS.items():
            times[name] = milliseconds(call, one, other)
            say(f"{name}: {times[name][0]:.2f} ms, {times[name][1]:.2f} ms")
            lines = [scans_of(other, statement) for statement in statements_of(other, call, Middle(LONG))]
            scans[name] = [line for found in lines for line in found]
        for text in QUESTIONS:
            answers[text] = milliseconds(Call(lambda c, at, text=text: answer(c, text, at.size.end)), one, other)
            say(f"{text}: {answers[text][0]:.0f} ms, {answers[text][1]:.0f} ms")
    return Asked(
        _version(large[0]),
        times,
        answers,
        {name: found for name, found in scans.items() if found},
        entering(small[0], large[0]),
        (small[1], large[1]),
    )


@pytest.mark.bench
@pytest.mark.services
def test_a_long_history_is_asked(tmp_path: Path, mariadb_server_url: str) -> None:
    """Make the histories where they are not there yet, ask them, and write the tables."""
    kept = os.environ.get("HYDRA_SCALE_FOLDER", "")
    folder = Path(kept) if kept else tmp_path
    asked = {}
    for title, kind in KINDS.items():
        with ExitStack() as stack:
            pair = [
                stack.enter_context(history(kind, size, folder, mariadb_server_url, keep=bool(kept)))
                for size in (SMALL, LONG)
            ]
            asked[title] = ask(pair[0], pair[1], print)
    text = "\n".join(page(asked)) + "\n"
    if PARTS == 1:
        RESULTS.write_text(text, encoding="utf-8")
    else:
        print(text)
    assert all(len(one.times) == len(CALLS) for one in asked.values())


def page(asked: dict[str, Asked]) -> list[str]:
    """Return the lines of the page."""
    first = next(iter(asked.values()))
    images = f"{first.made[1].rows['images']:,}", f"{first.made[0].rows['images']:,}"
    return [
        "# A long history in the database",
        "",
        f'Made by `make bench PYTEST="-k database_scale"` on {now().date()}, {os.cpu_count()} cores '
        f"({platform.machine()}), Python {platform.python_version()}, "
        f"{', '.join(one.version for one in asked.values())}.",
        "",
        f"A fabricated history of {images[0]} different images, against one of {images[1]} of the same make. Runs",
        "have 784 places: 64 plot types with 12 chunks and 16 that come once. Every 20th run has two revisions; every",
        "64th place shows the blank plot of its type, which is the same image each time. Verdicts belong to the newest",
        "runs of the long history and to all runs of the short one. Each has two rows of evidence, as a pass writes",
        "for a readable image of a plot type with a model: what is in the plot, and what the network says. Rows are",
        "loaded in bulk, on SQLite with the indexes made afterwards, on MariaDB in one statement a table, which builds",
        "its indexes sorted.",
        "",
        *_entering(asked),
        "",
        *_questions(asked),
        "",
        *_answers(asked),
        "",
        *_room(asked),
    ]


def _entering(asked: dict[str, Asked]) -> list[str]:
    lines = [
        "## Entering a run",
        "",
        "784 items with their images, two rows of evidence and a verdict each, in one transaction that is committed at",
        f"its end: the median of {TURNS}, and the quickest and slowest.",
        "",
        "| database | at the beginning, s | at the end, s | ratio |",
        "|---|---|---|---|",
    ]
    for title, one in asked.items():
        middle = [statistics.median(part) for part in one.entering]
        spans = [f"{m:.2f} ({min(p):.2f} to {max(p):.2f})" for m, p in zip(middle, one.entering, strict=True)]
        lines.append(f"| {title} | {spans[0]} | {spans[1]} | {middle[1] / middle[0]:.2f} |")
    return lines


def _ratio(pair: tuple[float, float]) -> float:
    return max(pair[1], LEAST_MS) / max(pair[0], LEAST_MS)


def _reason(call: Call) -> str:
    return call.scans or call.grows or call.slower or "no reason is known"


def _questions(asked: dict[str, Asked]) -> list[str]:
    lines = [
        "## Questions",
        "",
        "Milliseconds in the short and in the long history, the median of several, asked once before; what is written",
        f"is taken back. The questions are about a run in the middle. In a ratio, times below {LEAST_MS} ms count as",
        f"{LEAST_MS} ms. The aim is a ratio of at most 2.",
        "",
        "| question | " + " | ".join(f"{title}: short | long | ratio" for title in asked) + " |",
        "|---|" + "---|---|---|" * len(asked),
    ]
    for name in CALLS:
        cells = [
            f"{one.times[name][0]:.2f} | {one.times[name][1]:.2f} | {_ratio(one.times[name]):.1f}"
            for one in asked.values()
        ]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    missed = [name for name in CALLS if any(_ratio(one.times[name]) > 2 for one in asked.values())]
    lines += [
        "",
        f"Of {len(CALLS)} questions {len(CALLS) - len(missed)} meet the aim on both databases. The others:",
        "",
    ]
    lines += [f"- `{name}`: {_reason(CALLS[name])}." for name in missed]
    scans = {name: sorted({line for one in asked.values() for line in one.scans.get(name, [])}) for name in CALLS}
    lines += ["", "A large table is read from end to end, by the plans of the long history, for:", ""]
    lines += [f"- `{name}` ({_reason(CALLS[name])}): {'; '.join(found)}." for name, found in scans.items() if found]
    return lines


def _answers(asked: dict[str, Asked]) -> list[str]:
    lines = [
        "## Asking",
        "",
        "Milliseconds from the text of a question to the text of its answer, as `hydra ask` gives it, without the",
        "start of the program. What is made of verdicts is added up from the counts that each run leaves; who labelled",
        "when is read from the labels themselves.",
        "",
        "| question | " + " | ".join(f"{title}: short | long" for title in asked) + " |",
        "|---|" + "---|---|" * len(asked),
    ]
    for text in QUESTIONS:
        cells = [f"{one.answers[text][0]:.0f} | {one.answers[text][1]:,.0f}" for one in asked.values()]
        lines.append(f"| {text} | " + " | ".join(cells) + " |")
    return lines


def _room(asked: dict[str, Asked]) -> list[str]:
    lines = ["## Room and time", "", "| | " + " | ".join(f"{t}: short | long" for t in asked) + " |"]
    lines.append("|---|" + "---|---|" * len(asked))
    sizes = [f"{one.made[0].bytes / 1e6:.0f} MB | {one.made[1].bytes / 1e9:.1f} GB" for one in asked.values()]
    lines.append("| on disk, with indexes | " + " | ".join(sizes) + " |")
    took = [f"{one.made[0].seconds:.0f} s | {one.made[1].seconds / 60:.0f} min" for one in asked.values()]
    lines.append("| time to make | " + " | ".join(took) + " |")
    for name in next(iter(asked.values())).made[0].rows:
        cells = [f"{one.made[0].rows[name]:,} | {one.made[1].rows[name]:,}" for one in asked.values()]
        lines.append(f"| rows of `{name}` | " + " | ".join(cells) + " |")
    return lines
