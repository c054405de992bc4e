"""The lists of views in ``docs/reference.md``, made from the views themselves.

``python -m tests.views_document`` writes them; a test holds them to the views.
"""

from __future__ import annotations

from pathlib import Path

from hydra_core.store.query import Column, View, views

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
BEGIN, END = "<!-- views: begin -->", "<!-- views: end -->"
_KINDS = {"truth": "true or false", "sha256": "SHA-256", "json": "JSON", "time": "time (UTC)"}


def with_lists(text: str) -> str:
    """Return the page with the lists as they should be."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{''.join(map(_section, views()))}{END}{rest.split(END)[1]}"


def _section(view: View) -> str:
    time = f" `--since` and `--until` are about `{view.time}`." if view.time else ""
    rows = "".join(_row(column) for column in view.columns)
    totals = ", ".join(f"`{column.name}` ({column.words})" for column in view.totals)
    return (
        f"### View `{view.name}`\n\nA row is {view.row}.{time}\n\n"
        f"| column | type | meaning |\n|---|---|---|\n{rows}\nCounted by columns: {totals}.\n\n"
    )


def _row(column: Column) -> str:
    kind = _KINDS.get(column.kind, column.kind) + (f", {column.unit}" if column.unit else "")
    mark = "" if column.standard else " (asked for)"
    return f"| `{column.name}`{mark} | {kind} | {column.words} |\n"


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
