"""Why a file is read as it is, or not at all: every rule that was tried, and what is wrong with the file itself."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hydra_core.intake.conditions import conditions_for, metadata_files
from hydra_core.intake.images import ImageLimits, Unreadable, inspect_image
from hydra_core.intake.naming import Naming, ParsedName, Unmatched, path_problem, reads_of, wrong_kind
from hydra_core.intake.naming_rule import NamingRule, compiled
from hydra_core.intake.pattern_hint import hint
from hydra_core.intake.scan import Namer, Scan
from hydra_core.intake.sources import SourceProblem, open_source, read_source

_MAGIC: Mapping[str, bytes] = {"a ROOT file": b"root", "an HDF5 file": b"\x89HDF\r\n\x1a\n"}
_EXAMPLES = 3


@dataclass(frozen=True)
class Trial:
    """A rule that was tried on a path, and how far the path came in it."""

    rule: NamingRule
    outcome: str
    fits: bool = False


@dataclass(frozen=True)
class Explanation:
    """What is known of one path.

    Attributes
    ----------
    found
        What its name says.
    trials
        The rules that were tried, in order; the last one fits, where one does. Empty for a listing.
    problem
        Why the file would not be taken whatever its name says, or an empty string.
    content
        What the file holds, or why it will be unreadable; empty where there is no such file.
    conditions
        The ``metadata.json`` that hold for it, and what is wrong with them.
    """

    relative: PurePosixPath
    found: ParsedName | Unmatched
    trials: tuple[Trial, ...]
    problem: str = ""
    content: str = ""
    conditions: tuple[str, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether a look at the source would take the file."""
        return isinstance(self.found, ParsedName) and not self.problem


def explain_file(
    root: Path, relative: PurePosixPath, namer: Namer, *, settle_s: float = 0.0, limits: ImageLimits | None = None
) -> Explanation:
    """Say how a file is read; it need not exist.

    Parameters
    ----------
    root
        The source folder.
    relative
        The path of the file below it.
    settle_s
        A file younger than this many seconds may still be written.
    """
    found = namer(relative)
    trials = try_rules(relative, namer.rules) if isinstance(namer, Naming) else ()
    if path_problem(relative):
        return Explanation(relative, found, ())
    problem = _problem(root, relative, settle_s)
    exists = os.path.lexists(root / relative)
    content = _content(root, relative, limits or ImageLimits()) if exists and not problem else ""
    metadata = metadata_files(root, relative.parent) if root.is_dir() else []
    problems = conditions_for(root, relative.parent).problems if metadata else ()
    return Explanation(relative, found, trials, problem, content, (*map(str, metadata), *problems))


def try_rules(relative: PurePosixPath, rules: Sequence[NamingRule]) -> tuple[Trial, ...]:
    """Try rules in their order, up to the first that fits."""
    trials = []
    for rule in rules:
        if wrong_kind(rule, relative):
            trials.append(
                Trial(rule, f"is for files of {rule.reads}" if rule.reads == "histograms" else "is for images")
            )
        elif compiled(rule.pattern).fullmatch(relative.as_posix()):
            trials.append(Trial(rule, "fits", fits=True))
            break
        else:
            trials.append(Trial(rule, hint(rule, relative)))
    return tuple(trials)


def _problem(root: Path, relative: PurePosixPath, settle_s: float) -> str:
    path = root / relative
    ways = [root.joinpath(*relative.parts[:depth]) for depth in range(1, len(relative.parts) + 1)]
    if link := next((way for way in ways if way.is_symlink()), None):
        return f"{link.relative_to(root)} is a symbolic link: links are not followed"
    try:
        facts = path.stat()
    except OSError:
        return ""
    if path.is_dir():
        return "a folder, not a file"
    if settle_s > 0 and facts.st_mtime > time.time() - settle_s:
        return f"younger than {settle_s:g} s: it may still be written, and is left for the next look"
    return ""


def _content(root: Path, relative: PurePosixPath, limits: ImageLimits) -> str:
    try:
        if reads_of(relative) == "histograms":
            return _histogram_content(root, relative)
        image = inspect_image(read_source(root, relative, limits.max_bytes), limits)
    except (SourceProblem, Unreadable) as problem:
        return f"unreadable: {problem.reason}"
    return f"{image.format}, {image.width} x {image.height} pixels, {image.mode}"


def _histogram_content(root: Path, relative: PurePosixPath) -> str:
    handle = open_source(root, relative)
    try:
        head = os.read(handle, 8)
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    kind = next((words for words, magic in _MAGIC.items() if head.startswith(magic)), "")
    return f"{kind}, {size} bytes" if kind else f"unreadable: neither a ROOT file nor an HDF5 file ({size} bytes)"


@dataclass(frozen=True)
class Group:
    """Things of a folder that belong together: a plot type, a rule, or a reason; how many, and a few of them."""

    name: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class FolderSummary:
    """A look at a folder, counted.

    Attributes
    ----------
    rules, plots, runs
        Files by the rule that took them, by plot type (for histograms: by what is put before their names), by run.
    unmatched
        Files that are part of no run, by reason.
    waiting
        Files that are too young to be read.
    """

    rules: tuple[Group, ...]
    plots: tuple[Group, ...]
    runs: tuple[Group, ...]
    unmatched: tuple[Group, ...]
    waiting: int


def summarise(found: Scan) -> FolderSummary:
    """Count what a look at a folder found; the runs in their order, everything else with the most frequent first."""
    files = [file for run in found.runs for file in run.files]
    return FolderSummary(
        rules=_groups([(file.parsed.rule, str(file.relative)) for file in files]),
        plots=_groups([(_plot_words(file.parsed), str(file.relative)) for file in files]),
        runs=tuple(
            Group(run.run_name, len(run.files), tuple(str(file.relative) for file in run.files[:_EXAMPLES]))
            for run in found.runs
        ),
        unmatched=_groups([(file.reason, file.relative) for file in found.unmatched]),
        waiting=sum(run.waiting for run in found.runs),
    )


def _plot_words(parsed: ParsedName) -> str:
    if parsed.reads == "images":
        return str(parsed.plot)
    return f"histograms, {parsed.plot.name}/..." if parsed.plot.name else "histograms under their own names"


def _groups(pairs: Sequence[tuple[str, str]]) -> tuple[Group, ...]:
    counts = Counter(name for name, _ in pairs)
    examples: dict[str, list[str]] = {}
    for name, example in pairs:
        kept = examples.setdefault(name, [])
        if len(kept) < _EXAMPLES:
            kept.append(example)
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(Group(name, counts[name], tuple(examples[name])) for name in ordered)
