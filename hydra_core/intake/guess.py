"""``hydra try FOLDER``: find out by itself which part of the paths is the run, the plot type and the chunk.

Nothing is opened: only the relative paths count, and a labels table where there is one. In order:

1. a folder level that says the same as the labels is the class, and is left out of what follows; 2. a run pattern
given by the user; 3. the default naming rules (the folder's own name counts: it may be ``Run050001``); 4. the same
file names in several folders: names of digits are run numbers and the folder is the plot type, else each folder is a
run; 5. ``<PlotType>_<chunk>`` of several plot types in one folder: one run; 6. else there are no runs: each folder is
a plot type, cut into blocks. Files of histograms are read apart, see `guess_histograms`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.base.words import counted
from hydra_core.intake.guess_histograms import HistogramKind, guess_histograms, plain_name
from hydra_core.intake.naming import (
    DEFAULT_RULES,
    MAX_NUMBER,
    ParsedName,
    Unmatched,
    parse_path,
    path_problem,
    plot_name_problem,
    reads_of,
)
from hydra_core.intake.scan import natural

Kind = Literal["run-pattern", "rules", "run-in-name", "folder-is-run", "one-run", "blocks"]
#: The share of files that must fit before a reading of the paths is believed.
_ENOUGH = 0.8
_CHUNK = re.compile(r"(?P<plot>.*?[^0-9_].*?)_(?P<chunk>[0-9]{1,9})\Z")

_WORDS: Mapping[Kind | HistogramKind, str] = {
    "run-pattern": "the run number was found by the pattern you gave",
    "rules": "the paths follow Hydra's naming rules",
    "run-in-name": "the same numbers name files in several folders: the number is the run, the folder the plot type",
    "folder-is-run": "the same file names are in several folders: each folder is a run, each name a plot type",
    "one-run": "the names end with chunk numbers and hold no run: the folder is taken as one run",
    "blocks": "no run number was found: the images are cut into blocks in name order, and each block is shown as a run",
    "histograms-numbered": "the names of the files of histograms end with the run number",
    "histograms-items": "no run number was found: each file of histograms is a run of its own, shown by its name",
}
#: Readings in which the run is a number that the producer gave.
_REAL = frozenset({"run-pattern", "rules", "run-in-name", "histograms-numbered"})


@dataclass(frozen=True)
class Layout:
    """How the files of a folder are read.

    Attributes
    ----------
    kind
        Which reading fitted; where there are images, that of the images.
    names
        What each file's path means.
    left_out
        Why an image or a file of histograms has no place, by path.
    class_level
        The place of the class among the folders (0 = the outermost), None where no folder is a class.
    block
        Images a block, where there are no runs.
    histogram_kind
        Which reading fitted the files of histograms; None where there are none.
    """

    folder: str
    kind: Kind | HistogramKind
    names: Mapping[PurePosixPath, ParsedName]
    left_out: Mapping[PurePosixPath, str]
    class_level: int | None
    block: int
    histogram_kind: Kind | HistogramKind | None = None

    def assign(self, relative: PurePosixPath) -> ParsedName | Unmatched:
        """Say what a path means; `scan.scan` takes this as its rules."""
        if found := self.names.get(relative):
            return found
        if reason := self.left_out.get(relative) or path_problem(relative):
            return Unmatched(reason)
        if reads_of(relative) is None:
            return Unmatched(f"not an image or histogram file ({relative.suffix[:20] or 'no ending'})")
        return Unmatched("the file was not there when the folder was looked at")

    def explain(self) -> list[str]:
        """Return lines for the terminal: what was found, counts, an example, and which flags change it."""
        runs = sorted({name.run for name in self.names.values() if name.run is not None})
        images = [name for name in self.names.values() if name.reads == "images"]
        files = len(self.names) - len(images)
        lines = [f"{_WORDS[self.kind]}."]
        if self.histogram_kind is not None and self.histogram_kind != self.kind:
            lines.append(f"{_WORDS[self.histogram_kind]}.")
        if self.class_level is not None:
            lines.append("The folders say the same as the labels: they are classes, not plot types.")
        span = f" ({runs[0]} to {runs[-1]})" if len(runs) > 1 else ""
        plots = Counter(str(name.plot) for name in images)
        counts = [f"{len(images)} images, {counted(len(plots), 'plot type')}"] if images else []
        counts += [counted(files, "file") + " of histograms"] if files else []
        lines.append(f"{', '.join([*counts, counted(len(runs), 'run')])}{span}.")
        if plots:
            listed = ", ".join(f"{plot} ({number})" for plot, number in plots.most_common(5))
            lines.append(f"Plot types: {listed}{' ...' if len(plots) > 5 else ''}.")
        for path, name in sorted(self.names.items())[:1]:
            chunk = "" if name.chunk is None else f", chunk {name.chunk}"
            before = f"put before their names: {name.plot.name}/" if name.plot.name else "under their own names"
            what = f"plot type {name.plot.name}" if name.reads == "images" else f"histograms, {before}"
            lines.append(f"Example: {path} is {what}, run {name.run}{chunk}.")
        if self.left_out:
            path, reason = next(iter(self.left_out.items()))
            lines.append(f"{counted(len(self.left_out), 'file')} left out, e.g. {str(path)!a}: {reason}.")
        lines.append("Change it with --plot-type NAME (all images are one plot type),")
        lines.append(
            "--run-pattern 'REGEX' (its first group is the run number), --block N (images a block), --labels FILE."
        )
        return lines


def guess_layout(
    files: Sequence[PurePosixPath],
    folder: str,
    *,
    labels: Mapping[str, str] | None = None,
    plot_type: str | None = None,
    run_pattern: str | None = None,
    block: int = 50,
) -> Layout:
    """Find the run, the plot type and the chunk of each image, and the run of each file of histograms, of a folder.

    Parameters
    ----------
    files
        All relative paths below the folder, in any order; what is neither is passed over.
    folder
        The folder's own name: the plot type of images that lie directly in it.
    labels
        Class by relative path, from `read_labels_csv`.
    plot_type
        The name of the one plot type that all images have; histograms keep their names.
    run_pattern
        A regular expression searched in each path; its group ``run`` (or its first group) is the run number.
    block
        Images a block, where there are no runs.

    Raises
    ------
    HydraError
        When there is neither, or `run_pattern` or `plot_type` cannot be used.
    """
    usable, left_out = _usable(files)
    if not usable:
        raise HydraError(
            f"no PNG, JPEG or WebP image and no ROOT or HDF5 file was found in the folder {folder}",
            next_step="name the folder that holds them",
        )
    if plot_type is not None and (problem := plot_name_problem(plot_type)):
        raise HydraError(f"--plot-type cannot be used: {problem}", next_step="give another name")
    if block < 1:
        raise HydraError("--block must be at least 1", next_step="give the number of images a block")
    level = _class_level(usable, labels or {})
    short = {path: _without(path, level) for path in usable}
    kind, histogram_kind, names = _read_all(short, folder, run_pattern, block, one_type=plot_type is not None)
    for path in usable:
        if path not in names:
            used = (histogram_kind or kind) if reads_of(path) == "histograms" else kind
            left_out[path] = f"it does not fit what the others follow ({_WORDS[used]})"
    if plot_type is not None:
        images = {path: name for path, name in names.items() if name.reads == "images"}
        names = {**names, **_renamed(images, plot_type)}
    return Layout(folder, kind, names, left_out, level, block, histogram_kind)


def _read_all(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, run_pattern: str | None, block: int, *, one_type: bool
) -> tuple[Kind | HistogramKind, Kind | HistogramKind | None, dict[PurePosixPath, ParsedName]]:
    """Return (reading of the images, or of the rest where there are none; of files of histograms; the names)."""
    images = {path: name for path, name in short.items() if reads_of(path) == "images"}
    files = {path: name for path, name in short.items() if path not in images}
    if run_pattern is not None:
        return "run-pattern", "run-pattern" if files else None, _by_pattern(short, folder, run_pattern)
    if not files:
        kind, names = _read(images, folder, block, one_type=one_type)
        return kind, None, names
    histogram_kind, histograms = guess_histograms(files, folder)
    if not images:
        return histogram_kind, histogram_kind, histograms
    kind, names = _read(images, folder, block, one_type=one_type)
    # Runs that are merely counted are put behind the others, so that they do not look like the same runs.
    if histogram_kind not in _REAL:
        histograms = _behind(histograms, names)
    elif kind not in _REAL:
        names = _behind(names, histograms)
    return kind, histogram_kind, {**names, **histograms}


def _behind(
    names: Mapping[PurePosixPath, ParsedName], others: Mapping[PurePosixPath, ParsedName]
) -> dict[PurePosixPath, ParsedName]:
    last = max((name.run for name in others.values() if name.run is not None), default=0)
    return {path: name if name.run is None else replace(name, run=name.run + last) for path, name in names.items()}


def _usable(files: Sequence[PurePosixPath]) -> tuple[list[PurePosixPath], dict[PurePosixPath, str]]:
    known = [path for path in files if reads_of(path) is not None]
    left_out = {path: problem for path in known if (problem := path_problem(path))}
    return sorted({path for path in known if path not in left_out}, key=_natural), left_out


def _read(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, block: int, *, one_type: bool
) -> tuple[Kind, dict[PurePosixPath, ParsedName]]:
    enough = _ENOUGH * len(short)
    readings: tuple[tuple[Kind, Callable[[], dict[PurePosixPath, ParsedName]]], ...] = (
        ("rules", lambda: _by_rules(short, folder)),
        ("run-in-name", lambda: _by_shared_names(short, folder, numbers=True)),
        ("folder-is-run", lambda: _by_shared_names(short, folder, numbers=False)),
        ("one-run", lambda: {} if one_type else _as_one_run(short, folder, block)),
    )
    for kind, reading in readings:
        names = reading()
        if len(names) >= enough:
            return kind, names
    return "blocks", _in_blocks(short, folder, block, one_type=one_type)


def _class_level(images: Sequence[PurePosixPath], labels: Mapping[str, str]) -> int | None:
    """Return the folder level that equals the label for nearly all labelled images."""
    labelled = [(path, labels[str(path)]) for path in images if str(path) in labels]
    for level in range(max((len(path.parts) - 1 for path, _ in labelled), default=0)):
        same = sum(1 for path, label in labelled if len(path.parts) > level + 1 and path.parts[level] == label)
        if same >= 0.95 * len(labelled) and len({label for _, label in labelled}) > 1:
            return level
    return None


def _without(path: PurePosixPath, level: int | None) -> PurePosixPath:
    if level is None or len(path.parts) < level + 2:
        return path
    return PurePosixPath(*path.parts[:level], *path.parts[level + 1 :])


def _by_pattern(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, run_pattern: str
) -> dict[PurePosixPath, ParsedName]:
    try:
        pattern = re.compile(run_pattern)
    except re.error as error:
        raise HydraError(f"--run-pattern is no regular expression: {error}", next_step="mend the pattern") from error
    if not pattern.groups:
        raise HydraError("--run-pattern has no group", next_step="put the run number in brackets, as in 'run_([0-9]+)'")
    group = "run" if "run" in pattern.groupindex else 1
    names = {}
    for path in short:
        match = pattern.search(str(path))
        digits = (match[group] or "") if match else ""
        if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:20]) <= MAX_NUMBER):
            continue
        rest = path.with_name(path.name.replace(digits, "", 1)) if digits in path.stem else path
        ending = _CHUNK.fullmatch(rest.stem.rstrip("_.-"))
        chunk = int(ending["chunk"]) if ending else None
        if reads_of(path) == "histograms":
            names[path] = plain_name(int(digits), digits, chunk, "run-pattern")
        else:
            names[path] = _name(int(digits), digits, _type_of(short[path], folder), chunk, "run-pattern")
    if not names:
        raise HydraError("--run-pattern finds a run number in no path", next_step=f"try it on {next(iter(short))}")
    return names


def _by_rules(short: Mapping[PurePosixPath, PurePosixPath], folder: str) -> dict[PurePosixPath, ParsedName]:
    names = {}
    for path, shortened in short.items():
        parsed = parse_path(PurePosixPath(folder.strip("/.") or "folder") / shortened, DEFAULT_RULES)
        if isinstance(parsed, ParsedName) and parsed.run is not None:
            names[path] = parsed
    return names


def _by_shared_names(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, *, numbers: bool
) -> dict[PurePosixPath, ParsedName]:
    """Read folders that hold the same file names: as plot types (names are runs) or as runs (names are plot types)."""
    stems = Counter(path.stem for path in short.values())
    folders = sorted({path.parent for path in short.values()}, key=_natural)
    shared = sum(1 for path in short.values() if stems[path.stem] > 1)
    digits = sum(1 for path in short.values() if _is_run(path.stem))
    if len(folders) < 2 or shared < _ENOUGH * len(short) or numbers != (digits >= _ENOUGH * len(short)):
        return {}
    names = {}
    for path, shortened in short.items():
        if not numbers:
            run = folders.index(shortened.parent) + 1
            ending = _CHUNK.fullmatch(shortened.stem)
            plot, chunk = (ending["plot"], int(ending["chunk"])) if ending else (shortened.stem, None)
            names[path] = _name(run, str(shortened.parent), plot, chunk, "folder-is-run")
        elif _is_run(shortened.stem):
            names[path] = _name(int(shortened.stem), shortened.stem, _type_of(shortened, folder), None, "run-in-name")
    return names


def _as_one_run(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, block: int
) -> dict[PurePosixPath, ParsedName]:
    found = {path: ending for path, name in short.items() if (ending := _CHUNK.fullmatch(name.stem))}
    types = Counter(ending["plot"] for ending in found.values())
    chunks = Counter(int(ending["chunk"]) for ending in found.values())
    shared = len(types) > 1 and sum(number for number in chunks.values() if number > 1) >= _ENOUGH * len(found)
    if len({path.parent for path in short.values()}) > 1 or not (shared or (len(types) == 1 and len(found) <= block)):
        return {}
    return {path: _name(1, folder, ending["plot"], int(ending["chunk"]), "one-run") for path, ending in found.items()}


def _in_blocks(
    short: Mapping[PurePosixPath, PurePosixPath], folder: str, block: int, *, one_type: bool
) -> dict[PurePosixPath, ParsedName]:
    counts: Counter[str] = Counter()
    names = {}
    for path in sorted(short, key=lambda path: _natural(short[path])):
        plot = folder if one_type else _type_of(short[path], folder)
        place = counts[plot]
        counts[plot] += 1
        run = place // block + 1
        names[path] = _name(run, f"block {run}", plot, place % block + 1, "blocks")
    return names


def _renamed(names: Mapping[PurePosixPath, ParsedName], plot_type: str) -> dict[PurePosixPath, ParsedName]:
    """Put all images into one plot type; images that come to lie on one place of a run are numbered through."""
    places = Counter((name.run, name.chunk) for name in names.values())
    if max(places.values()) == 1:
        return {path: replace(name, plot=PlotKey(plot_type, name.plot.chunked)) for path, name in names.items()}
    chunks: Counter[int | None] = Counter()
    renamed = {}
    for path in sorted(names, key=_natural):
        run = names[path].run
        chunks[run] += 1
        renamed[path] = replace(names[path], plot=PlotKey(plot_type, chunked=True), chunk=chunks[run])
    return renamed


def _type_of(path: PurePosixPath, folder: str) -> str:
    return str(path.parent) if path.parent.parts else folder


def _is_run(stem: str) -> bool:
    return stem.isascii() and stem.isdigit() and 0 < int(stem[:20]) <= MAX_NUMBER


def _name(run: int, run_name: str, plot: str, chunk: int | None, rule: str) -> ParsedName:
    return ParsedName(run, run_name[:190], PlotKey(_plot_name(plot), chunk is not None), None, chunk, None, None, rule)


def _plot_name(text: str) -> str:
    """Return a text that passes `plot_name_problem`, whatever a folder is called."""
    cleaned = (
        "".join(character for character in text if character.isprintable())
        .strip()[:150]
        .strip()
        .removesuffix(":chunks")
    )
    return "images" if plot_name_problem(cleaned) else cleaned


def _natural(path: PurePosixPath) -> list[tuple[int, int, str]]:
    return natural(str(path))
