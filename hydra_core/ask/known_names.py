"""Names of the database inside a question, found whatever characters they hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase

from hydra_core.ask.question import Named
from hydra_core.store.query import Names

#: What a name stands for where several have it and nothing says which: the first of these.
KINDS = ("detector", "plot", "class", "model", "pass", "person")
_END = re.compile(r"(?![\w])|(?<=\W)")


class KnownNames:
    """The names of a database, ready to be looked for.

    Parameters
    ----------
    names
        As the database knows them.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._patterns: dict[str, list[tuple[re.Pattern[str], str, Named]]] = {}
        for one in _all(names):
            for text in dict.fromkeys((one.name, unicodedata.normalize("NFC", one.name))):
                # A question has one blank where people put several.
                written = " ".join(text.split())
                if written:
                    pattern = re.compile(re.escape(written), re.IGNORECASE)
                    self._patterns.setdefault(one.kind, []).append((pattern, written, one))

    def texts(self) -> list[str]:
        """Return all names, to look for one that is like a word that nobody knows."""
        return sorted({one.name for found in self._patterns.values() for _, _, one in found})

    def at(self, text: str, position: int, kind: str = "") -> tuple[int, tuple[Named, ...]]:
        """Return the longest name at a position: how many characters it has (0: none), and what it stands for.

        Parameters
        ----------
        kind
            Only names of this kind.
        """
        best: list[tuple[int, str, Named]] = []
        for one_kind in (kind,) if kind else KINDS:
            for pattern, written, one in self._patterns.get(one_kind, ()):
                found = pattern.match(text, position)
                if found is None or not _END.match(text, found.end()):
                    continue
                if best and len(found[0]) < best[0][0]:
                    continue
                if best and len(found[0]) > best[0][0]:
                    best = []
                best.append((len(found[0]), written, one))
        if not best:
            return 0, ()
        length = best[0][0]
        exact = [entry for entry in best if entry[1] == text[position : position + length]] or best
        first = exact[0][2].kind
        return length, tuple(dict.fromkeys(one for _, _, one in exact if one.kind == first))

    def fitting(self, pattern: str) -> tuple[Named, ...]:
        """Return the plot types that fit a pattern with ``*``."""
        rows = {row for plot, row in self._names.plots.items() if fnmatchcase(plot.name, pattern)}
        return (Named("plot", pattern, frozenset(rows)),) if rows else ()


def _all(names: Names) -> Iterable[Named]:
    for name, rows in names.groups.items():
        yield Named("detector", name, rows)
    by_name: dict[str, set[int]] = {}
    for plot, row in names.plots.items():
        by_name.setdefault(plot.name, set()).add(row)
        by_name.setdefault(f"{plot.name}:{'chunks' if plot.chunked else 'run'}", set()).add(row)
    for name, rows_of in names.display.items():
        by_name.setdefault(name, set()).update(rows_of)
    for name, found in by_name.items():
        yield Named("plot", name, frozenset(found))
    for name in names.classes:
        yield Named("class", name)
    for name in names.models:
        yield Named("model", name)
    for name in names.passes:
        yield Named("pass", name)
    for name in names.people:
        yield Named("person", name)
