"""What lies in a source folder: every file is either part of a run or named with the reason why not."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hydra_core.base.errors import HydraError
from hydra_core.intake.naming import (
    DEFAULT_RULES,
    IMAGE_SUFFIXES,
    METADATA_NAME,
    NamingRule,
    ParsedName,
    Unmatched,
    parse_path,
)
from hydra_core.intake.sources import kind_of

#: Says what a relative path means; ``Layout.assign`` is one, a list of rules another.
Namer = Callable[[PurePosixPath], ParsedName | Unmatched]
_MAX_DEPTH = 32


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
    """The files of one run, sorted by path; `waiting` files are too young and left for the next look."""

    run: int
    run_name: str
    files: tuple[SourceFile, ...]
    waiting: int = 0


@dataclass(frozen=True)
class Scan:
    """One look at a source folder: runs by number, and every file that is part of none."""

    root: Path
    runs: tuple[RunFiles, ...]
    unmatched: tuple[UnmatchedFile, ...]


def scan(
    root: Path,
    rules: Sequence[NamingRule] | Namer = DEFAULT_RULES,
    *,
    settle_s: float = 0.0,
    suffixes: Collection[str] = IMAGE_SUFFIXES,
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

    Raises
    ------
    HydraError
        When `root` is no folder that can be listed.
    """
    return _collect(root, _namer(rules), settle_s, suffixes, None, None)


def find_run(
    root: Path,
    rules: Sequence[NamingRule] | Namer,
    run: int,
    *,
    settle_s: float = 0.0,
    suffixes: Collection[str] = IMAGE_SUFFIXES,
) -> RunFiles | None:
    """Return the files of one run, or None where there are none; nothing is opened, folders of others are not listed.

    Raises
    ------
    HydraError
        When `root` is no folder that can be listed.
    """
    found = scan_run(root, run, rules, settle_s=settle_s, suffixes=suffixes)
    return found.runs[0] if found.runs else None


def scan_run(
    root: Path,
    run: int,
    rules: Sequence[NamingRule] | Namer = DEFAULT_RULES,
    *,
    settle_s: float = 0.0,
    suffixes: Collection[str] = IMAGE_SUFFIXES,
) -> Scan:
    """Like `scan`, for one run; `unmatched` holds what the walk passed on its way.

    Raises
    ------
    HydraError
        When `root` is no folder that can be listed.
    """
    first = rules[0] if not callable(rules) and rules else None

    def enter(folder_name: str) -> bool:
        other = first.run_of_folder(folder_name) if first else None
        return other is None or other == run

    return _collect(root, _namer(rules), settle_s, suffixes, run, enter)


def fingerprint(files: Iterable[SourceFile]) -> str:
    """Return a SHA-256 over path, size and modification time of `files` in any order: equal means nothing changed."""
    lines = sorted(json.dumps([str(file.relative), file.size, file.mtime_ns], ensure_ascii=False) for file in files)
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _namer(rules: Sequence[NamingRule] | Namer) -> Namer:
    if callable(rules):
        return rules
    return lambda relative: parse_path(relative, rules)


def _collect(
    root: Path,
    name: Namer,
    settle_s: float,
    suffixes: Collection[str],
    only: int | None,
    enter: Callable[[str], bool] | None,
) -> Scan:
    files: dict[int, list[SourceFile]] = {}
    waiting: dict[int, int] = {}
    names: dict[int, str] = {}
    unmatched: list[UnmatchedFile] = []
    youngest = time.time_ns() - int(settle_s * 1e9)
    for relative, entry, problem in _walk(root, suffixes, enter):
        parsed = Unmatched(problem) if problem else name(relative)
        if isinstance(parsed, Unmatched) or entry is None or parsed.run is None:
            reason = parsed.reason if isinstance(parsed, Unmatched) else "the naming rule that fits gives no run number"
            unmatched.append(UnmatchedFile(_printable(relative), reason))
            continue
        if only is not None and parsed.run != only:
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError as error:
            unmatched.append(UnmatchedFile(_printable(relative), f"the file cannot be looked at ({error.strerror})"))
            continue
        names.setdefault(parsed.run, parsed.run_name)
        if settle_s > 0 and facts.st_mtime_ns > youngest:
            waiting[parsed.run] = waiting.get(parsed.run, 0) + 1
        else:
            source = SourceFile(relative, facts.st_size, facts.st_mtime_ns, parsed)
            files.setdefault(parsed.run, []).append(source)
    runs = tuple(
        RunFiles(run, names[run], tuple(sorted(files.get(run, ()), key=_path_of)), waiting.get(run, 0))
        for run in sorted(names)
    )
    return Scan(root, runs, tuple(sorted(unmatched, key=lambda file: file.relative)))


def _walk(
    root: Path, suffixes: Collection[str], enter: Callable[[str], bool] | None
) -> Iterator[tuple[PurePosixPath, os.DirEntry[str] | None, str]]:
    """Yield (relative path, entry, problem) for everything that is no plain folder, in name order."""
    if not root.is_dir():
        raise HydraError(
            f"the source folder {root} does not exist or is no folder",
            next_step="check the path in the site's configuration",
        )
    stack = [PurePosixPath()]
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
        below = []
        for entry in entries:
            relative = folder / entry.name
            if entry.is_symlink():
                yield relative, entry, "a symbolic link: links are not followed"
            elif entry.is_dir(follow_symlinks=False):
                if relative.suffix.lower() in suffixes:
                    yield relative, entry, "a folder that is named like an image"
                elif len(relative.parts) >= _MAX_DEPTH:
                    yield relative, entry, f"folders are nested deeper than {_MAX_DEPTH}"
                elif enter is None or enter(entry.name):
                    below.append(relative)
            elif not entry.is_file(follow_symlinks=False):
                yield relative, entry, f"not a regular file but {_kind(entry)}"
            elif entry.name != METADATA_NAME:
                yield relative, entry, ""
        stack.extend(reversed(below))


def _path_of(file: SourceFile) -> PurePosixPath:
    return file.relative


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return "something that vanished"


def _printable(relative: PurePosixPath) -> str:
    return str(relative).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
