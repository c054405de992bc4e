"""The picture and the lists of tables in ``docs/database.md``, made from the tables themselves.

``python -m tests.database_document`` writes both again; a test holds them to the tables.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import sqlalchemy as sa

from hydra_core.store.schema import Base

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "database.md"
PICTURE = ROOT / "docs" / "images" / "database.svg"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

#: Modules of `store/schema` from left to right, with what stands above them; who is referred to stands further left.
COLUMNS = {
    "plots": "What there is to look at",
    "ledger": "Passes and runs",
    "judged": "Images and verdicts",
    "learned": "Models",
    "asked": "People and requests",
    "earlier": "From an earlier Hydra",
}
_WIDTH, _GAP, _SIDE, _TOP = 214, 66, 24, 84
_HEAD, _ROW, _BETWEEN = 26, 17, 22


@dataclass(frozen=True)
class Table:
    """A table, the sentence that says what a row is, and the module that it is written in."""

    table: sa.Table
    sentence: str
    module: str

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def height(self) -> int:
        return _HEAD + _ROW * len(self.table.columns) + 6

    @cached_property
    def key(self) -> list[str]:
        """The columns that make a second writing of the same row change nothing."""
        primary = [column.name for column in self.table.primary_key.columns]
        if primary != ["id"]:
            return primary
        order = {column.name: number for number, column in enumerate(self.table.columns)}
        unique = [one for one in self.table.constraints if isinstance(one, sa.UniqueConstraint)]
        found = [[column.name for column in one.columns] for one in unique]
        return min(found, key=lambda names: (-len(names), order[names[0]]), default=[])


def tables() -> dict[str, list[Table]]:
    """Return the tables by module, in the order of `COLUMNS`; within a module as they are written there."""
    found: dict[str, list[Table]] = {name: [] for name in COLUMNS}
    for kind in sorted(Base.__subclasses__(), key=lambda one: inspect.getsourcelines(one)[1]):
        sentence = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
        found[kind.__module__.rpartition(".")[2]].append(Table(kind.__table__, sentence, kind.__module__))
    return found


@dataclass(frozen=True)
class _Place:
    column: int
    x: int
    y: int


def picture() -> str:
    """Return the entity-relationship picture as SVG, for light and dark surroundings."""
    found = tables()
    places: dict[str, _Place] = {}
    for column, group in enumerate(found.values()):
        y = _TOP
        for one in group:
            places[one.name] = _Place(column, _SIDE + column * (_WIDTH + _GAP), y)
            y += one.height + _BETWEEN
    # A reference between tables of one column leaves on its right and comes back.
    width = 2 * _SIDE + len(found) * _WIDTH + (len(found) - 1) * _GAP + _GAP // 2
    height = max(places[group[-1].name].y + group[-1].height for group in found.values() if group) + _SIDE
    boxes = [line for group in found.values() for one in group for line in _box(one, places)]
    edges = [line for group in found.values() for one in group for line in _edges(one, places)]
    titles = [
        f'<text class="title" x="{_SIDE + number * (_WIDTH + _GAP)}" y="{_TOP - 20}">{escape(title)}</text>'
        for number, title in enumerate(COLUMNS.values())
    ]
    return "\n".join([*_opening(width, height), *titles, *edges, *boxes, "</svg>", ""])


def _opening(width: int, height: int) -> list[str]:
    count = len(Base.metadata.tables)
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        "aria-labelledby=\"title what\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif\" "
        'font-size="12.5">',
        '<title id="title">The tables of the database</title>',
        f'<desc id="what">{count} tables in columns, with what they hold; lines lead from a column to the '
        "table that it refers to, where that stands in the same column or the next one.</desc>",
        "<style>",
        ".paper { fill: #ffffff; stroke: #c4cad3; }",
        ".box { fill: #ffffff; stroke: #8a94a3; }",
        ".c0 { --c: #1f6f4a; } .c1 { --c: #2b6cb0; } .c2 { --c: #a4561a; }",
        ".c3 { --c: #7b3fa0; } .c4 { --c: #b02a56; } .c5 { --c: #5f6b7a; }",
        ".head { fill: var(--c); } .edge { fill: none; stroke: var(--c); stroke-width: 1.3; opacity: 0.6; }",
        "text { fill: #1a202c; } .name { fill: #ffffff; font-weight: 600; }",
        ".title { font-size: 15px; font-weight: 600; }",
        ".kind { fill: #5f6b7a; text-anchor: end; font-size: 11px; } .key { font-weight: 700; }",
        ".to { fill: var(--c); text-anchor: end; font-size: 11px; font-weight: 600; }",
        "@media (prefers-color-scheme: dark) {",
        "  .paper { fill: #161b22; stroke: #3b4350; } .box { fill: #1d242d; stroke: #566070; }",
        "  .c0 { --c: #5fc493; } .c1 { --c: #6cb0f0; } .c2 { --c: #e6a065; }",
        "  .c3 { --c: #c79be8; } .c4 { --c: #f08bae; } .c5 { --c: #aab4c2; }",
        "  text { fill: #e6edf3; } .name { fill: #10151b; } .kind { fill: #aab4c2; } .to { fill: var(--c); }",
        "}",
        "</style>",
        f'<rect class="paper" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="10"/>',
    ]


def _box(one: Table, places: dict[str, _Place]) -> list[str]:
    place = places[one.name]
    lines = [
        f'<g class="c{place.column}"><rect class="box" x="{place.x}" y="{place.y}" width="{_WIDTH}" '
        f'height="{one.height}" rx="4"/>',
        f'<path class="head" d="M{place.x} {place.y + _HEAD}v-{_HEAD - 4}a4 4 0 0 1 4-4h{_WIDTH - 8}a4 4 0 0 1 4 4'
        f'v{_HEAD - 4}z"/><text class="name" x="{place.x + 9}" y="{place.y + 18}">{escape(one.name)}</text></g>',
    ]
    for number, column in enumerate(one.table.columns):
        y = place.y + _HEAD + 15 + number * _ROW
        key = ' class="key"' if column.name in one.key else ""
        lines.append(f'<text{key} x="{place.x + 9}" y="{y}">{escape(column.name)}</text>')
        to = _target(column)
        style = f"to c{places[to].column}" if to else "kind"
        lines.append(f'<text class="{style}" x="{place.x + _WIDTH - 9}" y="{y}">{escape(to or _kind(column))}</text>')
    return lines


def _target(column: sa.Column[object]) -> str:
    return next((key.column.table.name for key in column.foreign_keys), "")


def _kind(column: sa.Column[object]) -> str:
    name = re.sub(r"\(.*", "", type(column.type).__name__)
    words = {
        "UtcTime": "time", "Sha256": "SHA-256", "Name": "name", "Text": "text", "String": "word", "Integer": "number",
        "JSON": "JSON", "Boolean": "yes or no", "Double": "number", "BigInteger": "number",
    }  # fmt: skip
    return words.get(name, name.lower())


def _edges(one: Table, places: dict[str, _Place]) -> list[str]:
    """Return a curve from each column that refers to a table to that table's head.

    Over more than one column it would run behind other tables; there the colour of the name says where to look.
    """
    here, lines = places[one.name], []
    for number, column in enumerate(one.table.columns):
        there = places.get(_target(column))
        if there is None or abs(there.column - here.column) > 1:
            continue
        y, to = here.y + _HEAD + 11 + number * _ROW, there.y + _HEAD // 2
        if there.column < here.column:
            start, end, out, back = here.x, there.x + _WIDTH, here.x - _GAP, there.x + _WIDTH + _GAP
        elif there.column > here.column:
            start, end, out, back = here.x + _WIDTH, there.x, here.x + _WIDTH + _GAP, there.x - _GAP
        else:
            start = end = here.x + _WIDTH
            out = back = start + _GAP // 2
        lines.append(
            f'<path class="edge c{there.column}" d="M{start} {y}C{out} {y} {back} {to} {end} {to}"/>'
            f'<circle class="head c{there.column}" cx="{end}" cy="{to}" r="3"/>'
        )
    return lines


def lists() -> str:
    """Return the lists of tables in Markdown: what a row is, and the key by which it is written once."""
    parts = []
    for module, group in tables().items():
        parts += [f"### {COLUMNS[module]}", "", "| table | a row is | written once by |", "|---|---|---|"]
        for one in group:
            key = ", ".join(f"`{name}`" for name in one.key) or "rows are only added"
            parts.append(f"| `{one.name}` | {_plain(one.sentence)} | {key} |")
        parts.append("")
    return "\n".join(parts)


def _plain(sentence: str) -> str:
    text = re.sub(r"``(.+?)``", r"`\1`", sentence).rstrip(".").replace("|", "\\|")
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def with_lists(text: str) -> str:
    """Return the document with its lists of tables as they are to be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{lists()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_lists(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
