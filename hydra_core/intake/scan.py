"""What lies in a source folder: every file is either part of a run or named with the reason why not."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from hydra_core.base.errors import HydraError
from hydra_core.intake.naming import (
    DEFAULT_RULES,
    IMAGE_SUFFIXES,
    METADATA_NAME,
    SOURCE_SUFFIXES,
    Naming,
    NamingRule,
    ParsedName,
    Unmatched,
    path_problem,
)
from hydra_core.intake.sources import kind_of

#: Says what a relative path means; ``Naming``, ``Listing`` and ``Layout.assign`` are such, a list of rules stands for
#: one.
Namer = Callable[[PurePosixPath], ParsedName | Unmatched]
#: The source folder itself, as a path below it.
HERE = PurePosixPath()
_MAX_DEPTH = 32
_NEVER_YOUNG = 2**64
#: File names that a producer might write; whether a folder is a run's is asked by them.
_MADE_UP = ("plot.png", "plot_0001.png", "plot_plot_0001.png")


@dataclass(frozen=True)
class SourceFile:
    """A file that belongs to a run: path below the root, size in bytes, modification time in ns, what its name says."""

    relative: PurePosixPath
    size: int
    mtime_ns: int
    parsed: ParsedName


@dataclass(frozen=True)
class UnmatchedFile:
    """A file that is part of no run; `relative` is printable text, not a path to open."""

    relative: str
    reason: str


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, sorted by path.

    Attributes
    ----------
    run
        The run number; None where the source has no numbers: then `run_name` tells runs apart.
    files
        Empty where the folder of a run holds ``metadata.json`` alone.
    waiting
        How many files are too young and left for the next look.
    folder
        The deepest folder that holds all of it.
    """

    run: int | None
    run_name: str
    files: tuple[SourceFile, ...]
    waiting: int = 0
    folder: PurePosixPath = HERE


@dataclass(frozen=True)
class Scan:
    """One look at a source folder: runs by number, then those with names alone, and every file that is part of none."""

    root: Path
    runs: tuple[RunFiles, ...]
    unmatched: tuple[UnmatchedFile, ...]


def scan(
    root: Path,
    rules: Sequence[NamingRule] | Namer = DEFAULT_RULES,
    *,
    settle_s: float = 0.0,
    suffixes: Collection[str] = SOURCE_SUFFIXES,
    below: PurePosixPath = HERE,
) -> Scan:
    """Walk `root` once, without following links, and sort its files into runs.

    Parameters
    ----------
    root
        The source folder; it may itself be reached through a link.
    rules
        Naming rules, or a function that names a path.
    settle_s
        A file younger than this many seconds may still be written: it is counted as waiting.
    suffixes
        Endings of the files that are looked for; a folder named so is reported.
    below
        Look only into this folder of `root`; paths stay relative to `root`.

    Raises
    ------
    HydraError
        When `root` is no folder that can be listed.
    """
    return _collect(root, _namer(rules), settle_s, suffixes, None, None, below)


def scan_run(
    root: Path,
    run: int | str,
    rules: Sequence[NamingRule] | Namer = DEFAULT_RULES,
    *,
    settle_s: float = 0.0,
    suffixes: Collection[str] = SOURCE_SUFFIXES,
    below: PurePosixPath = HERE,
) -> Scan:
    """Like `scan`, for one run; nothing is opened, folders of others are not listed.

    What the walk passed on its way is in `unmatched`.

    Parameters
    ----------
    run
        The run number, or the name of a run without a number.

    Raises
    ------
    HydraError
        When `root` is no folder that can be listed.
    """
    namer = _namer(rules)
    enter = None
    if isinstance(namer, Naming) and isinstance(run, int):
        folders = namer

        def enter(folder_name: str) -> bool:
            return folders.run_of_folder(folder_name) in (None, run)

    return _collect(root, namer, settle_s, suffixes, run, enter, below)


def fingerprint(files: Iterable[SourceFile]) -> str:
    """Return a SHA-256 over path, size and modification time of `files` in any order: equal means nothing changed."""
    lines = sorted(json.dumps([str(file.relative), file.size, file.mtime_ns], ensure_ascii=False) for file in files)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts ``run_9`` before ``run_10``."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(1, int(part), part) if index % 2 else (0, 0, part) for index, part in enumerate(parts)]


def _namer(rules: Sequence[NamingRule] | Namer) -> Namer:
    return rules if callable(rules) else Naming(tuple(rules))


#: What tells runs apart: the number, or the name of one that has none.
_Key = int | str


def _key(parsed: ParsedName) -> _Key | None:
    return parsed.run if parsed.run is not None else parsed.run_name or None


@dataclass
class _Gathering:
    """What is known of a run while the walk goes on."""

    name: str
    files: list[SourceFile] = field(default_factory=list)
    waiting: int = 0
    folders: set[PurePosixPath] = field(default_factory=set)
    stamps: set[datetime] = field(default_factory=set)

    def done(self, key: _Key) -> RunFiles:
        """Return the run, with a chunk number for each time that stood in its place."""
        rank = {stamp: chunk for chunk, stamp in enumerate(sorted(self.stamps))}
        files = sorted(self.files, key=lambda file: file.relative)
        ranked = tuple(
            file if file.parsed.stamp is None else _numbered(file, rank[file.parsed.stamp]) for file in files
        )
        number = key if isinstance(key, int) else None
        return RunFiles(number, self.name, ranked, self.waiting, _common(self.folders))


def _numbered(file: SourceFile, chunk: int) -> SourceFile:
    return replace(file, parsed=replace(file.parsed, chunk=chunk))


def _common(folders: Collection[PurePosixPath]) -> PurePosixPath:
    """Return the deepest folder that holds all of some folders."""
    low, high = min(folders).parts, max(folders).parts
    depth = next((n for n, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), None)
    return PurePosixPath(*low[: min(len(low), len(high)) if depth is None else depth])


def _collect(
    root: Path,
    name: Namer,
    settle_s: float,
    suffixes: Collection[str],
    only: _Key | None,
    enter: Callable[[str], bool] | None,
    below: PurePosixPath,
) -> Scan:
    runs: dict[_Key, _Gathering] = {}
    described: list[tuple[PurePosixPath, os.DirEntry[str]]] = []
    unmatched: list[UnmatchedFile] = []
    others: set[PurePosixPath] = set()
    youngest = time.time_ns() - int(settle_s * 1e9) if settle_s > 0 else _NEVER_YOUNG

    def goes_into(folder: PurePosixPath) -> bool:
        if enter is None or enter(folder.name):
            return True
        others.add(folder)
        return False

    for relative, entry, problem in _walk(root, suffixes, goes_into, below):
        if not problem and entry is not None and entry.name == METADATA_NAME:
            described.append((relative.parent, entry))
            continue
        parsed = Unmatched(problem) if problem else name(relative)
        key = None if isinstance(parsed, Unmatched) else _key(parsed)
        if isinstance(parsed, Unmatched) or entry is None or key is None:
            reason = parsed.reason if isinstance(parsed, Unmatched) else "the naming rule that fits gives no run"
            unmatched.append(UnmatchedFile(printable(relative), reason))
            continue
        if only is not None and key != only:
            others.add(relative.parent)
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError as error:
            unmatched.append(UnmatchedFile(printable(relative), f"the file cannot be looked at ({error.strerror})"))
            continue
        run = runs.setdefault(key, _Gathering(parsed.run_name))
        run.folders.add(relative.parent)
        if parsed.stamp is not None:
            run.stamps.add(parsed.stamp)
        if facts.st_mtime_ns > youngest:
            run.waiting += 1
        else:
            run.files.append(SourceFile(relative, facts.st_size, facts.st_mtime_ns, parsed))
    folders = others.union(*(run.folders for run in runs.values()))
    _add_described(
        runs, described, name, only, {up for folder in folders for up in (folder, *folder.parents)}, youngest
    )
    ordered = sorted(runs, key=lambda key: (0, key, []) if isinstance(key, int) else (1, 0, natural(key)))
    found = tuple(runs[key].done(key) for key in ordered)
    return Scan(root, found, tuple(sorted(unmatched, key=lambda file: file.relative)))


def _add_described(
    runs: dict[_Key, _Gathering],
    described: Sequence[tuple[PurePosixPath, os.DirEntry[str]]],
    name: Namer,
    only: _Key | None,
    above: set[PurePosixPath],
    youngest: int,
) -> None:
    """Add the runs of which there is only ``metadata.json``: they arrived as well, without any plot.

    A folder above another run's (one of `above`) describes many runs and is none itself.
    """
    for folder, entry in sorted(described, key=lambda found: len(found[0].parts), reverse=True):
        parsed = next((found for made in _MADE_UP if isinstance(found := name(folder / made), ParsedName)), None)
        key = _key(parsed) if parsed else None
        if parsed is None or key is None or key in runs or folder in above:
            continue
        above.update((folder, *folder.parents))
        if only is not None and key != only:
            continue
        try:
            young = entry.stat(follow_symlinks=False).st_mtime_ns > youngest
        except OSError:
            continue
        if not young:
            runs[key] = _Gathering(parsed.run_name, folders={folder})


def _walk(
    root: Path, suffixes: Collection[str], enter: Callable[[PurePosixPath], bool], below: PurePosixPath
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str] | None, str]]:
    """Yield (relative path, entry, problem) for everything that is no plain folder, in name order."""
    if not root.is_dir():
        raise HydraError(
            f"the source folder {root} does not exist or is no folder",
            next_step="check the path in the site's configuration",
        )
    if below.parts and (problem := _way_problem(root, below)):
        yield below, None, problem
        return
    stack = [below]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if not folder.parts:
                raise HydraError(f"the source folder {root} cannot be listed: {error.strerror}") from error
            yield folder, None, f"the folder cannot be listed ({error.strerror})"
            continue
        deeper = []
        for entry in entries:
            relative = folder / entry.name
            if entry.is_symlink():
                yield relative, entry, "a symbolic link: links are not followed"
            elif entry.is_dir(follow_symlinks=False):
                if relative.suffix.lower() in suffixes:
                    kind = "an image" if relative.suffix.lower() in IMAGE_SUFFIXES else "a file of histograms"
                    yield relative, entry, f"a folder that is named like {kind}"
                elif len(relative.parts) >= _MAX_DEPTH:
                    yield relative, entry, f"folders are nested deeper than {_MAX_DEPTH}"
                elif enter(relative):
                    deeper.append(relative)
            elif not entry.is_file(follow_symlinks=False):
                yield relative, entry, f"not a regular file but {_kind(entry)}"
            else:
                yield relative, entry, ""
        stack.extend(reversed(deeper))


def _way_problem(root: Path, below: PurePosixPath) -> str:
    """Return why a folder below the root may not be entered: links are not followed, neither here."""
    if reason := path_problem(below):
        return reason
    ways = [root.joinpath(*below.parts[:depth]) for depth in range(1, len(below.parts) + 1)]
    if any(way.is_symlink() for way in ways):
        return "a symbolic link: links are not followed"
    return "" if ways[-1].is_dir() else "the folder is no longer there"


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return "something that vanished"


def printable(relative: PurePosixPath) -> str:
    """Return a path as text that can be shown and stored, whatever its bytes are."""
    return str(relative).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
