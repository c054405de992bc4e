"""The part of ``hydra try`` that reads the names of ROOT and HDF5 files: which run each of them is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

from hydra_core.base.names import PlotKey
from hydra_core.intake.naming import (
    DEFAULT_RULES,
    ParsedName,
    parse_path,
    plot_name_problem,
    shortened,
)
from hydra_core.intake.naming_rule import number
from hydra_core.intake.scan import natural

HistogramKind = Literal["rules", "histograms-numbered", "histograms-items"]
_NUMBERED = re.compile(r"(?P<word>.*?)[_.-]?(?P<run>[0-9]{3,20})(?:_(?P<chunk>[0-9]{1,9}))?\Z", re.DOTALL)
#: The share of files that must fit before a reading of the names is believed.
_ENOUGH = 0.8


def guess_histograms(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str
) -> tuple[HistogramKind, dict[PurePosixPath, ParsedName]]:
    """Say which run each file of histograms is; nothing is opened.

    In order: 1. the default naming rules; 2. the same word and a number, as ``hd_root_050001_003.root``; 3. each file
    is a run of its own, counted in natural order and shown by its name.

    Parameters
    ----------
    short
        The path by which each file is read, by its whole path.
    folder
        The folder's own name, which may hold the run.
    """
    enough = _ENOUGH * len(short)
    by_rules = _by_rules(short, folder)
    if len(by_rules) >= enough:
        return "rules", _told_apart(by_rules, short)
    numbered = _numbered(short)
    if len(numbered) >= enough:
        return "histograms-numbered", _told_apart(numbered, short)
    return "histograms-items", _items(short)


def plain_name(run: int, run_name: str, chunk: int | None, rule: str) -> ParsedName:
    """Return the name of a file of histograms that puts nothing before their names."""
    plot = PlotKey("", chunk is not None)
    return ParsedName(run, shortened(run_name), plot, None, chunk, None, None, rule, "histograms")


def _by_rules(short: Mapping[PurePosixPath, PurePosixPath], folder: str) -> dict[PurePosixPath, ParsedName]:
    names = {}
    for path, shortened_path in short.items():
        parsed = parse_path(PurePosixPath(folder.strip("/.") or "folder") / shortened_path, DEFAULT_RULES)
        if isinstance(parsed, ParsedName) and parsed.run is not None:
            names[path] = parsed
    return names


def _numbered(short: Mapping[PurePosixPath, PurePosixPath]) -> dict[PurePosixPath, ParsedName]:
    found = {path: match for path, name in short.items() if (match := _NUMBERED.fullmatch(name.stem))}
    words = Counter(match["word"] for match in found.values())
    names = {}
    for path, match in found.items():
        run = number(match["run"])
        if run and match["word"] == words.most_common(1)[0][0]:
            names[path] = plain_name(run, match["run"], number(match["chunk"]), "histograms-numbered")
    return names


def _items(short: Mapping[PurePosixPath, PurePosixPath]) -> dict[PurePosixPath, ParsedName]:
    ordered = sorted(short, key=lambda path: natural(str(short[path])))
    return {
        path: plain_name(place, str(short[path]), None, "histograms-items")
        for place, path in enumerate(ordered, start=1)
    }


def _told_apart(
    names: dict[PurePosixPath, ParsedName], short: Mapping[PurePosixPath, PurePosixPath]
) -> dict[PurePosixPath, ParsedName]:
    """Put the folder before the names of the histograms where several files of a run would else give the same ones."""
    places = Counter((name.run, name.plot, name.chunk) for name in names.values())
    if max(places.values(), default=1) == 1:
        return names
    return {path: _in_folder(name, short[path].parent) for path, name in names.items()}


def _in_folder(name: ParsedName, folder: PurePosixPath) -> ParsedName:
    prefix = "/".join([*folder.parts, *([name.plot.name] if name.plot.name else [])])
    if not prefix or plot_name_problem(prefix):
        return name
    return replace(name, plot=PlotKey(prefix, name.plot.chunked))
