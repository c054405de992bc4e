"""A small history with names that are hard to read, for tests that ask questions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.store.counts import recount
from hydra_core.store.schema import (
    EarlierLabel,
    EarlierVerdict,
    Evidence,
    Image,
    Import,
    Incident,
    Item,
    JudgingSet,
    Label,
    Model,
    ModelThreshold,
    NewsItem,
    Pass,
    PersonAccount,
    PersonRole,
    PersonRow,
    PlotClassRow,
    PlotGroupParent,
    PlotGroupRow,
    PlotGroupType,
    PlotTypeRow,
    Prediction,
    Request,
    Revision,
    Run,
    StageTiming,
    Verdict,
    VerdictCount,
)
from hydra_core.store.session import writing
from tests.store_samples import digest

#: A Saturday.
NOW = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
PASS = "2026-01/ver02"
#: Plot type row -> (name, chunked, detector row).
PLOTS = {
    1: ("CDC_occupancy", True, 1),
    2: ("CDC_time", False, 1),
    3: ("FCAL hits", False, 2),
    4: ("bad", False, 3),
    5: ("=cmd|' /C calc'!A0", False, None),
}
DETECTORS = {1: "CDC", 2: "Forward calorimeter", 3: "bad"}
#: Run -> hours before `NOW` at which it was judged.
RUNS = {101: 72.0, 102: 20.0, 103: 3.0, 104: 1.0}
#: (run, plot type row) -> what is not as it should be.
FAULTS = {
    (101, 3): ("missing", None, 2),
    (102, 1): ("confirmed", "Bad", 3),
    (103, 1): ("confirmed", "Bad", 3),
    (103, 2): ("unconfirmed", "Hot channel", 2),
    (104, 4): ("unreadable", None, 2),
}
PEOPLE = ("Ada", "Zoë O'Neil")


def _put(connection: Connection, table: type[Any], *found: dict[str, Any]) -> None:
    if found:
        connection.execute(sa.insert(table), list(found))


def _directory(connection: Connection) -> None:
    at = NOW - timedelta(days=30)
    for row, (name, chunked, group) in PLOTS.items():
        contact = {"contact": "Ada, 1234"} if group == 1 else {}
        _put(connection, PlotTypeRow, {"id": row, "name": name, "chunked": chunked, "first_seen_at": at, **contact})
    _put(connection, PlotGroupRow, *({"id": row, "name": name, "kind": "detector"} for row, name in DETECTORS.items()))
    _put(connection, PlotGroupRow, {"id": 9, "name": "central", "kind": "shift"})
    _put(
        connection,
        PlotGroupType,
        *({"group_id": group, "plot_type_id": row} for row, (_, _, group) in PLOTS.items() if group),
    )
    _put(connection, PlotGroupParent, {"group_id": 1, "parent_id": 9})
    for place, name in enumerate(("Good", "Bad", "Hot channel")):
        colour = {"colour": "#123456", "problem": bool(place), "normal": not place, "position": place}
        _put(connection, PlotClassRow, {"name": name, **colour})
    for row, name in enumerate(PEOPLE, start=1):
        _put(connection, PersonRow, {"id": row, "name": name, "any_plot_type": True})
        _put(connection, PersonAccount, {"person_id": row, "account": name.lower()[:3]})
        _put(connection, PersonRole, {"person_id": row, "role": "Labeler"})


def _models(connection: Connection) -> None:
    at = NOW - timedelta(days=10)
    for row, status in ((1, "live"), (2, "candidate")):
        model = {"id": row, "plot_type_id": 1, "name": f"CDC_occupancy-{row}", "status": status, "network": "compact"}
        made = at + timedelta(days=row)
        _put(connection, Model, {**model, "card_sha": digest(str(row)), "reason": "", "made_at": made})
        threshold = {"model_id": row, "class_name": "Bad", "method": "recall", "examples": 9, "set_by": "hydra"}
        _put(connection, ModelThreshold, {**threshold, "value": 0.5, "set_at": at})
        _put(connection, ModelThreshold, {**threshold, "value": 0.75, "set_at": made})
    for number, said in enumerate(("Bad", "Bad", "Good")):
        one = {"model_id": 1, "image_sha": digest(f"test-{number}"), "side": "test", "label": "Bad", "class_name": said}
        _put(connection, Prediction, {**one, "confidence": 0.9, "probs": {said: 0.9}})
    _put(connection, JudgingSet, {"id": 1, "number": 1, "reason": "the first", "rules": {}, "made_at": at})


def _run(connection: Connection, number: int, hours: float, revision: int = 1) -> None:
    at = NOW - timedelta(hours=hours)
    run = {"id": number, "pass_id": 1, "number": number, "name": str(number), "folder": ""}
    if revision == 1:
        _put(connection, Run, {**run, "arrived_at": at})
    row = number * 10 + revision
    faults = [fault for (of, _), fault in FAULTS.items() if of == number]
    state = {"run_id": number, "revision": revision, "fingerprint": digest(str(row)), "state": "published"}
    counts = {"item_count": 6, "flagged_count": len(faults), "severity": max((one[2] for one in faults), default=0)}
    times = {"wanted_at": at, "judged_at": at, "published_at": at, "judging_set_id": 1}
    _put(connection, Revision, {"id": row, **state, **counts, **times, "conditions": {"beam": 10}, "notes": []})
    cost = {"submit": 1, "wall_s": 2.5, "cpu_s": 1.5, "max_rss_mb": 100.0, "images": 6, "finished_at": at}
    _put(connection, StageTiming, {"revision_id": row, "task": "judge", **cost})
    places = [(plot, chunk) for plot, (_, chunked, _) in PLOTS.items() for chunk in ((0, 1) if chunked else (-1,))]
    for index, (plot, chunk) in enumerate(places):
        _item(connection, (row, number), (plot, chunk), index, at)


def _item(connection: Connection, of: tuple[int, int], place: tuple[int, int], index: int, at: datetime) -> None:
    (revision, run), (plot, chunk) = of, place
    state, class_name, severity = FAULTS.get((run, plot), ("confirmed", "Good", 0))
    there = state not in ("missing", "unreadable")
    image = digest(f"{revision}-{plot}-{chunk}")
    if there:
        _put(connection, Image, {"sha256": image, "bytes": 9, "width": 4, "height": 4, "first_seen_at": at})
    row = revision * 10 + index
    text = {"reason": "", "duplicate_of": "", "source": f"{run}/{index}.png", "status": "ok" if there else state}
    item = {"id": row, "revision_id": revision, "plot_type_id": plot, "chunk": chunk, "block_index": index, **text}
    _put(connection, Item, {**item, "image_sha": image if there else None})
    sure = 0.875 if class_name else None
    said = {"class_name": class_name, "state": state, "severity": severity, "confidence": sure, "threshold": 0.5}
    words = {"reasons": [f"Looks {class_name}."], "next_step": "", "code_version": "0", "task": "by hand"}
    known = {"judging_set_id": 1, "model_id": 1 if plot == 1 else None, "made_at": at}
    _put(connection, Verdict, {"item_id": row, **said, **words, **known})
    evidence = {"judge": "content", "status": "filled", "numbers": {"ink": 0.5}, "sentence": "There is something."}
    _put(connection, Evidence, {"item_id": row, **evidence})


def _told(connection: Connection) -> None:
    for number, (who, class_name, hours) in enumerate(
        [("Ada", "Good", 50.0), ("Ada", "Bad", 30.0), ("Zoë O'Neil", "Bad", 2.0), ("Ada", "Hot channel", 1.0)]
    ):
        at = NOW - timedelta(hours=hours)
        sent = {"claimed_by": who, "owner": who[:3].lower(), "made_at": at, "received_at": at, "status": "accepted"}
        sha = digest(f"request-{number}")
        file = {"sha256": sha, "kind": "label", "file_name": f"{number}.json", "reason": ""}
        _put(connection, Request, {**file, **sent})
        # The first two are of one image: the second corrects the first.
        image = digest(f"labelled-{max(number, 1)}")
        label = {"request_sha": sha, "plot_type_id": 1 if number < 3 else 3, "image_sha": image}
        _put(connection, Label, {**label, "class_name": class_name, "who": who, "made_at": at})
    at = NOW - timedelta(days=1)
    news = {"sha256": digest("news"), "kind": "news", "file_name": "news.json", "claimed_by": "Ada", "owner": "ada"}
    _put(connection, Request, {**news, "made_at": at, "received_at": at, "status": "accepted", "reason": ""})
    _put(connection, NewsItem, {"request_sha": digest("news"), "text": "beam is back", "who": "Ada", "begins_at": at})
    known = {"source": "mysql://elsewhere/hydra", "taken": {}, "not_taken": [], "began_at": at}
    _put(connection, Import, {"id": 1, **known})
    there = {"import_id": 1, "number": 1, "plot_type_id": 1, "period": "2020-01", "run": 7, "chunk": -1}
    _put(connection, EarlierVerdict, {"id": 1, "origin": "RunTime", **there, "class_name": "Bad", "made_at": at})
    _put(connection, EarlierLabel, {**there, "class_name": "Bad", "who": "Ada", "path": "", "reason": "no file"})


def count_verdicts(connection: Connection) -> None:
    """Count the verdicts anew, as whoever writes some does."""
    connection.execute(sa.delete(VerdictCount))
    names = ("revision_id", "plot_type_id", "state", "class_name", "severity")
    columns = (Item.revision_id, Item.plot_type_id, Verdict.state, Verdict.class_name, Verdict.severity)
    said = connection.execute(sa.select(*columns).join(Item, Item.id == Verdict.item_id)).all()
    counted = Counter((*row[:3], row[3] or "", row[4]) for row in said)
    found = [dict(zip((*names, "count"), (*key, count), strict=True)) for key, count in counted.items()]
    _put(connection, VerdictCount, *found)


def fill(engine: Engine) -> None:
    """Fill an empty database: four runs of a pass, the newest with two revisions, five faults and four labels."""

    def work(connection: Connection) -> None:
        _directory(connection)
        _models(connection)
        one = {"id": 1, "name": PASS, "workflow": "hydra/x", "first_run": 1, "last_run": 999, "state": "open"}
        _put(connection, Pass, {**one, "source": "incoming", "created_at": NOW - timedelta(days=9)})
        for number, hours in RUNS.items():
            _run(connection, number, hours)
        _run(connection, 104, RUNS[104] - 0.5, revision=2)
        span = {"pass_id": 1, "first_chunk": 0, "last_chunk": 1, "state": "confirmed", "class_name": "Bad"}
        _put(
            connection,
            Incident,
            {**span, "plot_type_id": 1, "severity": 3, "first_run": 102, "last_run": 103, "count": 4},
            {**span, "plot_type_id": 4, "severity": 2, "first_run": 104, "last_run": 104, "count": 1},
        )
        _told(connection)
        count_verdicts(connection)
        recount(connection)

    writing(engine, work)
