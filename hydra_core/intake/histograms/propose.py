"""Entries of ``plots.toml`` for the histograms of a file: a start that a person goes through."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hydra_core.base.errors import ConfigError
from hydra_core.base.names import PlotKey
from hydra_core.base.words import toml_value
from hydra_core.config.plots import PlotType
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.intake.histograms.plain_text import plain_text
from hydra_core.intake.histograms.reference import FEWEST_ENTRIES, scale_of
from hydra_core.intake.naming import ParsedName, Unmatched, histogram_plot

Found = tuple[str, str, Histogram]
_HEADING = """\
# Plot types found in a file of histograms. Keep this in plots.toml of the site, then go through it:
# delete what nobody wants to see, fill in contact and description, look at the ranges.
# With only_listed = true in [intake.histograms] of site.toml, histograms outside the list are not taken.
# The ranges are those of one file: choose a good run.
"""
_ADDED = "# Added from another file of histograms.\n"
_TO_FILL_IN = ('contact = ""', '# description = "what one sees in it"')


@dataclass(frozen=True)
class _Entry:
    """One plot type, or why there is none, and its text."""

    plot: PlotKey | None
    text: str


def propose(found: Iterable[Found], *, prefix: str = "", chunked: bool) -> str:
    """Return ``plots.toml`` entries for histograms, one ``[[plot]]`` each, in the order of their names.

    Empty histograms, and those whose name cannot be that of a plot type, are there as comments with the reason.

    Parameters
    ----------
    found
        Path inside the file, class and contents of each histogram; of one path the first is taken.
    prefix
        What stands before the path in a plot type's name (the part of the file's name that the naming rule calls
        ``plot``); empty for nothing.
    chunked
        Whether the plot types come once a chunk.
    """
    return "\n".join([_HEADING, *(entry.text for entry in _entries(found, prefix, chunked))])


def merge_proposal(existing: str, found: Iterable[Found], *, prefix: str = "", chunked: bool) -> str:
    """Return an existing ``plots.toml`` with entries appended for plot types that it does not hold.

    What is there stays as it is, comments included; a plot type that an earlier proposal put there as a comment is
    not proposed again as long as it can only be a comment.

    Raises
    ------
    ConfigError
        When the existing text is not TOML, or gives its plot types in a form that nothing can be appended to.
    """
    known = _known(existing)
    fresh = [
        entry
        for entry in _entries(found, prefix, chunked)
        if (entry.plot is None and entry.text not in existing) or (entry.plot is not None and entry.plot not in known)
    ]
    if not fresh:
        return existing
    before = existing.rstrip("\n") + "\n\n" if existing.strip() else ""
    merged = before + "\n".join([_ADDED if before else _HEADING, *(one.text for one in fresh)])
    try:
        tomllib.loads(merged)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"nothing can be appended to this plots.toml: {error}",
            next_step="write its plot types as [[plot]] tables, or print the proposal and paste it by hand",
        ) from error
    return merged


def plot_entry(plot: PlotType) -> str:
    """Return a plot type as a ``[[plot]]`` table; what has its default is left out, but for ``chunked``."""
    return _table(plot, ())


def _table(plot: PlotType, further: Sequence[str]) -> str:
    values = {**plot.model_dump(exclude_defaults=True, exclude_none=True), "name": plot.name, "chunked": plot.chunked}
    ordered = [(key, values[key]) for key in PlotType.model_fields if key in values]
    lines = [
        "[[plot]]",
        *(f"{key} = {toml_value(value)}" for key, value in ordered if not isinstance(value, dict)),
        *further,
    ]
    for table, inner in ordered:
        if isinstance(inner, dict):
            lines += [f"[plot.{table}]", *(f"{key} = {toml_value(value)}" for key, value in inner.items())]
    return "\n".join(lines) + "\n"


def _entries(found: Iterable[Found], prefix: str, chunked: bool) -> list[_Entry]:
    file = ParsedName(None, "", PlotKey(prefix, chunked), None, None, None, None, "", "histograms")
    entries: dict[PlotKey | str, _Entry] = {}
    ordered = sorted(found, key=lambda one: one[0])
    titles = Counter(_display(path, hist) for path, _, hist in ordered)
    for path, class_name, hist in ordered:
        named = histogram_plot(file, path)
        display = _display(path, hist)
        # What many plots are called tells none of them apart on a page.
        display = display if titles[display] == 1 else ""
        entry = (
            _left_out(path, named) if isinstance(named, Unmatched) else _entry(named, path, class_name, hist, display)
        )
        entries.setdefault(path if isinstance(named, Unmatched) else named, entry)
    return list(entries.values())


def _left_out(path: str, why: Unmatched) -> _Entry:
    return _Entry(None, f"# {path!a} is left out: {_comment(why.reason)}\n")


def _display(path: str, hist: Histogram) -> str:
    return plain_text(hist.title, 80) or plain_text(path.rpartition("/")[2], 80)


def _entry(key: PlotKey, path: str, class_name: str, hist: Histogram, display: str) -> _Entry:
    folder = path.rpartition("/")[0]
    plot = PlotType(
        name=key.name,
        chunked=key.chunked,
        display=display if display != key.name else "",
        group=plain_text(folder.split("/")[0], 60),
        draw=scale_of(hist),
    )
    text = _table(plot, _TO_FILL_IN)
    bins = f"{hist.x.bins} bins" if hist.y is None else f"{hist.x.bins} x {hist.y.bins} bins"
    head = f"# {_comment(class_name) or 'histogram'}, {bins}"
    filled = np.nan_to_num(hist.values) if hist.ratio is None else hist.ratio.denominator
    if not filled.any():
        commented = "".join(f"# {line}\n" for line in text.rstrip("\n").split("\n"))
        return _Entry(None, f"{head}; left out, since it is empty in this file:\n{commented}")
    few = "; too few for a fixed range of contents" if hist.entries < FEWEST_ENTRIES else ""
    return _Entry(key, f"{head}, {hist.entries:g} entries{few}\n{text}")


def _known(existing: str) -> set[PlotKey]:
    try:
        plots = tomllib.loads(existing).get("plot", [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"plots.toml is not valid TOML: {error}", next_step="mend that line") from error
    found = set()
    for plot in plots if isinstance(plots, list) else []:
        name = plot.get("name") if isinstance(plot, dict) else None
        if isinstance(name, str):
            found.add(PlotKey(unicodedata.normalize("NFC", name), plot.get("chunked", True) is True))
    return found


def _comment(text: str) -> str:
    """Return a text that can stand in a comment of TOML."""
    return "".join(mark if mark.isprintable() else "�" for mark in text)
