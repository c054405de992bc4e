"""What a deployment holds, as plain values that two of them can be compared by.

Left out is what may differ between two ways to the same end: times, numbers of tries, what a task cost, trained
weights, and what counts things as they were when it was written (`next_step`, the label shown beside an image).
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.files import TEMP_PREFIX, sha256_bytes
from hydra_core.intake.block import Block

_ITEM = """
    SELECT passes.name AS pass, runs.number AS run, revisions.revision, plot_types.name AS plot, plot_types.chunked,
           items.chunk, {columns}
    FROM items
    JOIN revisions ON revisions.id = items.revision_id
    JOIN runs ON runs.id = revisions.run_id
    JOIN passes ON passes.id = runs.pass_id
    JOIN plot_types ON plot_types.id = items.plot_type_id
    {joins}
    ORDER BY 1, 2, 3, 4, 5, 6, 7
"""
_QUERIES = {
    "passes": "SELECT name, first_run, last_run, state FROM passes ORDER BY name",
    "revisions": """
        SELECT passes.name, runs.number, runs.name, revision, revisions.state, judging_sets.number, conditions, notes,
               item_count, flagged_count, unreadable_count, severity, maps_sha IS NOT NULL
        FROM runs
        JOIN passes ON passes.id = runs.pass_id
        LEFT JOIN revisions ON revisions.run_id = runs.id
        LEFT JOIN judging_sets ON judging_sets.id = judging_set_id
        ORDER BY 1, 2, 4
    """,
    "items": _ITEM.format(
        columns="items.block_index, items.status, items.reason, image_sha, duplicate_of, items.source", joins=""
    ),
    "evidence": _ITEM.format(
        columns="judge, evidence.status, evidence.sentence, numbers, models.name",
        joins="JOIN evidence ON evidence.item_id = items.id LEFT JOIN models ON models.id = evidence.model_id",
    ),
    "verdicts": _ITEM.format(
        columns="class_name, verdicts.state, verdicts.severity, round(confidence, 3), round(threshold, 3), reasons,"
        " judging_sets.number, models.name",
        joins="JOIN verdicts ON verdicts.item_id = items.id JOIN judging_sets ON judging_sets.id = "
        "verdicts.judging_set_id LEFT JOIN models ON models.id = verdicts.model_id",
    ),
    "incidents": """
        SELECT passes.name, plot_types.name, plot_types.chunked, class_name, incidents.state, severity,
               incidents.first_run, first_chunk, incidents.last_run, last_chunk, count
        FROM incidents
        JOIN passes ON passes.id = pass_id
        JOIN plot_types ON plot_types.id = plot_type_id
        ORDER BY 1, 2, 3, 7, 8
    """,
    "images": "SELECT sha256, bytes, width, height FROM images ORDER BY sha256",
    "requests": "SELECT sha256, kind, file_name, claimed_by, status, reason FROM requests ORDER BY sha256",
    "labels": """
        SELECT plot_types.name, image_sha, class_name, who FROM labels
        JOIN plot_types ON plot_types.id = plot_type_id ORDER BY 1, 2, 3
    """,
    "models": "SELECT name, network, status FROM models ORDER BY name",
    "claims": """
        SELECT plot_types.name, mark, training_claims.state FROM training_claims
        JOIN plot_types ON plot_types.id = plot_type_id ORDER BY 1, 2
    """,
    "judging sets": "SELECT number, rules FROM judging_sets ORDER BY number",
    "unmatched": "SELECT path, reason FROM unmatched ORDER BY path",
}
_CARD_LEFT_OUT = frozenset({"made_at", "next_step", "label"})
_PAGE_LEFT_OUT = frozenset({"made_at", "task"})


def final_state(root: Path, engine: Engine | None = None) -> dict[str, Any]:
    """Return what the deployment below `root` holds; its database is the SQLite file there, or that of `engine`."""
    if engine is None:
        with closing(sqlite3.connect(f"file:{root / 'hydra.sqlite'}?mode=ro", uri=True)) as connection:
            found: dict[str, Any] = {
                name: [tuple(row) for row in connection.execute(query)] for name, query in _QUERIES.items()
            }
    else:
        with engine.connect() as opened:
            found = {name: [tuple(row) for row in opened.exec_driver_sql(query)] for name, query in _QUERIES.items()}
    found["archive"] = _archive(root / "archive")
    found["site"] = _site(root / "site")
    found["folders"] = {
        name: sorted(str(path.relative_to(root)) for path in _files(root / name))
        for name in ("staging", "inbox", "quarantine", "requests", "models")
    }
    return found


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare part by part, so that a failure says which part and how.

    What a killed writer left unfinished is not looked at: it has a name of its own that nothing reads.
    """
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if isinstance(value, dict):
            names = value.keys() | found[name].keys()
            differ = [(key, found[name].get(key), value.get(key)) for key in sorted(names)]
            assert [entry for entry in differ if entry[1] != entry[2]] == [], name
        assert found[name] == value, name


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(TEMP_PREFIX) for part in path.parts)
    ]


def _archive(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in _files(folder):
        name = str(path.relative_to(folder))
        if path.name.endswith(".maps.h5"):
            found[name] = "maps"
            continue
        with Block.open(path) as block:
            found[name] = [
                (
                    item.plot,
                    item.chunk,
                    item.status,
                    sha256_bytes(block.data(number)) if block.has_image(number) else "",
                )
                for number, item in enumerate(block.items)
            ]
    return found


def _site(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in _files(folder):
        name = str(path.relative_to(folder))
        text = path.read_text(encoding="utf-8") if path.suffix in (".json", ".js") else ""
        if path.name == "run.json":
            found[name] = _page(json.loads(text))
        elif path.name.endswith("-runs.js") or path.name == "links.js":
            # Which runs and revisions there are; the other shards tell times as well.
            found[name] = text
        elif path.parent == folder / "images" or path.name.startswith("map"):
            found[name] = sha256_bytes(path.read_bytes())
        else:
            found[name] = path.suffix
    return found


def _page(page: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in page.items() if name not in _PAGE_LEFT_OUT}
    kept["cards"] = [
        {name: value for name, value in card.items() if name not in _CARD_LEFT_OUT} for card in page["cards"]
    ]
    return json.loads(re.sub(r"(\d\.\d{3})\d+", r"\1", json.dumps(kept)))
