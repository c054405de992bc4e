"""The history of labels of the original: who gave which label to which plot, and when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra_core.base.names import PlotKey
from hydra_core.moving.foreign import name_of, number_of
from hydra_core.moving.moving import Moving
from hydra_core.moving.original import Row

#: No labeller applies so much at once.
_LONGEST_TEXT = 16 * 2**20
_MOST_LABELS = 100_000
_CHUNK_ENDINGS = ("_Chunks", " Chunks", "_Chunk")
_TABLE = """
CREATE TABLE said (number INTEGER PRIMARY KEY, plot TEXT, run TEXT, chunk INT, known TEXT, who TEXT, at TEXT, used INT);
"""
_INDEX = "CREATE INDEX place ON said (plot, run, chunk)"


@dataclass(frozen=True)
class Said:
    """One label of the history."""

    number: int
    known: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Spot:
    """How the history names a plot.

    Attributes
    ----------
    run
        The number of the run; of a simulated image what it has for a period.
    """

    plot: PlotKey
    run: str
    chunk: int


class History:
    """The labels of the history by plot, in a file of its own: there may be millions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, spot: Spot) -> list[Said]:
        """Return what was said of a plot and not asked for before, in the order of time."""
        rows = self._connection.execute(
            "SELECT number, known, who, at FROM said WHERE plot = ? AND run = ? AND chunk = ? AND used = 0 "
            "ORDER BY at, number",
            (str(spot.plot), spot.run, spot.chunk),
        ).fetchall()
        self._connection.executemany("UPDATE said SET used = 1 WHERE number = ?", [(row[0],) for row in rows])
        return [Said(row[0], row[1], row[2], datetime.fromisoformat(row[3])) for row in rows]

    def unused(self) -> int:
        """Return how many labels of the history nobody asked for."""
        return int(self._connection.execute("SELECT count(*) FROM said WHERE used = 0").fetchone()[0])


@contextmanager
def opened_history(moving: Moving, folder: Path) -> Iterator[History]:
    """Yield the history of a database; transactions of a form that is not known are counted.

    Parameters
    ----------
    folder
        For a file that is of no use afterwards.
    """
    connection = sqlite3.connect(folder / "history.sqlite", isolation_level=None)
    try:
        # It is thrown away whatever happens.
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLE)
        connection.execute("BEGIN")
        for batch in moving.original.batches("Users_Plots_History", ("at", "user", "text")):
            for row in batch:
                connection.executemany(
                    "INSERT INTO said (plot, run, chunk, known, who, at, used) VALUES (?, ?, ?, ?, ?, ?, 0)",
                    list(_entries(moving, row)),
                )
        connection.execute(_INDEX)
        yield History(connection)
    finally:
        connection.close()


def _entries(moving: Moving, row: Row) -> Iterator[tuple[Any, ...]]:
    transaction = _parsed(row.get("text"))
    if transaction is None:
        moving.outcome.leave("transactions of labels", "they are not of the form that is known")
        return
    at, who = moving.instants.instant(row.get("at")), str(row.get("user") or "")
    plot = _plot(str(transaction["plotType"]), moving.rows)
    if at is None or plot is None or not who:
        why = "they have no time or person" if at is None or not who else "the plot type was not taken"
        moving.outcome.leave("labels of the history", why, len(transaction["labels"]))
        return
    # Texts of one zone and one form are in the order of their instants.
    when = at.isoformat(timespec="milliseconds")
    for label in transaction["labels"]:
        run, chunk, known = _label(label)
        if known:
            yield str(plot), run, chunk, known, who, when
        else:
            moving.outcome.leave("labels of the history", "they are not of the form that is known")


def _parsed(text: object) -> Mapping[str, Any] | None:
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("plotType"), str):
        return None
    labels = found.get("labels")
    return found if isinstance(labels, list) and len(labels) <= _MOST_LABELS else None


def _plot(text: str, plots: Collection[PlotKey]) -> PlotKey | None:
    ways = [PlotKey(text.removesuffix(end), True) for end in _CHUNK_ENDINGS if text.endswith(end)]
    return next((way for way in (*ways, PlotKey(text, False), PlotKey(text, True)) if way in plots), None)


def _label(label: object) -> tuple[str, int, str]:
    """Return run, chunk and class of a label; without a class where it has another form."""
    if not isinstance(label, dict):
        return "", 0, ""
    run, chunk = label.get("RunNum"), number_of(label.get("ChunkNum"))
    number = number_of(run)
    known, why = name_of(label.get("Label"), 40)
    if why or (number is None and not isinstance(run, str)):
        return "", 0, ""
    return str(run if number is None else number), chunk or 0, known
