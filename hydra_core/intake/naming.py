"""Which run, plot type and chunk a file belongs to, by the first naming rule that fits its relative path.

Decision on pads: ``CDC-03_0001.png`` is pad 03 of a canvas. Each pad is a picture of its own, so by default the pad
stays in the name of the plot type (``CDC-03``) and is given apart as well; a rule with ``pad_in_name = false`` puts
all pads of a canvas into one plot type.

A file of histograms holds many plot types: the rule gives what comes before their names (the prefix, often nothing),
and `histogram_plot` makes the name of each.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath

from hydra_core.base.names import PlotKey
from hydra_core.intake.naming_rule import (
    DEFAULT_RULES,
    HISTOGRAM_SUFFIXES,
    IMAGE_SUFFIXES,
    KNOWN_GROUPS,
    MAX_NUMBER,
    NamingRule,
    Reads,
    compiled,
    default_rules,
    number,
)

__all__ = [
    "DEFAULT_RULES",
    "HISTOGRAM_SUFFIXES",
    "IMAGE_SUFFIXES",
    "MAX_NUMBER",
    "METADATA_NAME",
    "SOURCE_SUFFIXES",
    "Naming",
    "NamingRule",
    "ParsedName",
    "Reads",
    "Unmatched",
    "default_rules",
    "file_plot",
    "histogram_plot",
    "parse_path",
    "path_problem",
    "plot_name_problem",
    "reads_of",
    "shortened",
    "wrong_kind",
]

#: File name endings of everything that may hold plots.
SOURCE_SUFFIXES = IMAGE_SUFFIXES + HISTOGRAM_SUFFIXES
#: The file whose conditions hold for its folder and everything below.
METADATA_NAME = "metadata.json"
_MAX_PATH = 1024
_MAX_PART = 255
_MAX_PLOT = 150
#: What the database holds of a plot type's name, and of a run's, in characters.
_MAX_COLUMN = 190
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class ParsedName:
    """What a file's path says.

    Attributes
    ----------
    run
        The run number; None where the path holds none: then `run_name` alone tells runs apart.
    run_name
        How people call the run: the digits as written in the path (``050001``), or the name given by a rule or layout.
    plot
        The plot type. Of a file of histograms: the prefix of their names, which may be empty.
    chunk
        The chunk number; None for a plot drawn once a run, and where `stamp` is still to be ranked.
    rule
        The name of the rule that matched.
    reads
        Whether the file is an image or holds histograms.
    facts
        What the rule's further groups took, by their names.
    stamp
        The time that stands for a chunk number until all files of the run are known.
    """

    run: int | None
    run_name: str
    plot: PlotKey
    pad: str | None
    chunk: int | None
    period: str | None
    version: str | None
    rule: str
    reads: Reads = "images"
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)
    stamp: datetime | None = None


@dataclass(frozen=True)
class Unmatched:
    """Why a path names no plot."""

    reason: str


@dataclass(frozen=True)
class Naming:
    """The rules of a source in the order in which they are tried, and what it leaves out: a function from paths."""

    rules: tuple[NamingRule, ...] = DEFAULT_RULES
    leave: tuple[str, ...] = ()

    def __call__(self, relative: PurePosixPath) -> ParsedName | Unmatched:
        """Say what a path means."""
        return parse_path(relative, self.rules, self.leave)

    def run_of_folder(self, folder_name: str) -> int | None:
        """Return the run to which a folder of this name belongs whole, as far as the first rule promises it."""
        return self.rules[0].run_of_folder(folder_name) if self.rules else None


def parse_path(
    relative: PurePosixPath, rules: Sequence[NamingRule] = DEFAULT_RULES, leave: Sequence[str] = ()
) -> ParsedName | Unmatched:
    """Say what the path of a file means, by the first rule that fits.

    Names are brought to Unicode NFC, so two spellings that look the same are one plot type and one run. Never raises
    for any path.

    Parameters
    ----------
    relative
        The path below the root of the source.
    rules
        The rules, in the order in which they are tried. An image is never read by a rule for histograms, nor the
        other way round.
    leave
        Shell patterns over the path (upper or lower case): files that are left out.
    """
    if reason := path_problem(relative):
        return Unmatched(reason)
    text = relative.as_posix()
    if pattern := _left_out(text, leave):
        return Unmatched(f"left out: the site leaves {pattern!r}")
    kind = reads_of(relative)
    for rule in rules:
        if kind not in (None, rule.reads):
            continue
        if match := compiled(rule.pattern).fullmatch(text):
            if pattern := _left_out(text, rule.leave):
                return Unmatched(f"left out: the rule {rule.name} leaves {pattern!r}")
            return _from_match(rule, match)
    if kind is None:
        return Unmatched(f"not an image or histogram file ({relative.suffix[:20] or 'no ending'})")
    return Unmatched("no naming rule fits: no run was found in the folders or the file name")


def reads_of(relative: PurePosixPath) -> Reads | None:
    """Return what a file holds by the ending of its name, or None where the ending does not tell."""
    suffix = relative.suffix.lower()
    if suffix in HISTOGRAM_SUFFIXES:
        return "histograms"
    return "images" if suffix in IMAGE_SUFFIXES else None


def wrong_kind(rule: NamingRule, relative: PurePosixPath) -> bool:
    """Whether a rule is for images and the file one of histograms, or the other way round."""
    return reads_of(relative) not in (None, rule.reads)


def path_problem(relative: PurePosixPath) -> str:
    """Return why a path may not be used at all, or an empty string."""
    text = str(relative)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        return "the path leaves its folder"
    if len(text) > _MAX_PATH or any(len(part.encode("utf-8", "surrogatepass")) > _MAX_PART for part in relative.parts):
        return "the path is too long"
    if not text.isprintable() and (problem := _text_problem(text)):
        return problem
    if any(part.startswith(".") for part in relative.parts):
        return "hidden: a name that starts with a dot belongs to a file still being written, or to a tool"
    return ""


def _text_problem(text: str) -> str:
    if any(unicodedata.category(character) == "Cs" for character in text):
        return "the name is not valid UTF-8"
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "the name holds control characters"
    if _BIDI.intersection(text):
        return "the name holds marks that turn the writing direction"
    return ""


def plot_name_problem(name: str, *, limit: int | None = _MAX_PLOT) -> str:
    """Return why a text cannot be the name of a plot type, or an empty string.

    Parameters
    ----------
    limit
        Most characters; None where a longer name is cut later.
    """
    if not name or name != name.strip():
        return "the plot type's name is empty or begins or ends with a blank"
    if limit is not None and len(name) > limit:
        return f"the plot type's name is longer than {limit} characters"
    if name.endswith(":chunks"):
        return "the plot type's name ends with ':chunks', which is kept for chunked plot types"
    return _text_problem(name)


def histogram_plot(parsed: ParsedName, path_in_file: str) -> PlotKey | Unmatched:
    """Return the plot type of one histogram of a file.

    Its name is the prefix of the file, where there is one, and the path of the histogram in the file, joined by ``/``.
    Real paths are long, so a name may have 190 characters, and a longer one is cut and made unique by a hash: the same
    path always gives the same name.

    Parameters
    ----------
    parsed
        What the file's own path says.
    path_in_file
        Folders and name inside the file, joined by ``/``, without a cycle number.
    """
    prefix = parsed.plot.name
    name = unicodedata.normalize("NFC", path_in_file)
    if reason := plot_name_problem(name, limit=None):
        return Unmatched(reason)
    return PlotKey(shortened(f"{prefix}/{name}" if prefix else name), parsed.plot.chunked)


def file_plot(parsed: ParsedName, relative: PurePosixPath) -> PlotKey:
    """Return the plot type under which a problem of a whole file of histograms is shown, as ``hd_root.root``.

    It is the same for the files of all runs and chunks: the prefix, or what is left of the file's name without the
    digits of run and chunk, and the ending.
    """
    ending = relative.suffix.lower() if relative.suffix.lower() in HISTOGRAM_SUFFIXES else ".histograms"
    name = parsed.plot.name or _without_numbers(relative.stem, parsed)
    name = unicodedata.normalize("NFC", name)
    if plot_name_problem(name):
        name = "histograms"
    return PlotKey(shortened(name + ending), parsed.plot.chunked)


def _without_numbers(stem: str, parsed: ParsedName) -> str:
    """Return a file's name without the numbers of its run and chunk, the word ``run``, and what stood between."""
    numbers = {str(value) for value in (parsed.run, parsed.chunk) if value is not None}
    pieces = re.split(r"([0-9]+)", stem)
    left = "".join("" if piece.isascii() and (piece.lstrip("0") or "0") in numbers else piece for piece in pieces)
    words = [word for word in re.split(r"[_.-]+", left) if word and word.lower() != "run"]
    return "_".join(words)


def shortened(name: str) -> str:
    """Return a name that the database holds (190 characters): itself, or its beginning and a hash of all of it."""
    if len(name) <= _MAX_COLUMN:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{name[: _MAX_COLUMN - 13].rstrip()}~{digest}"


def _left_out(text: str, leave: Sequence[str]) -> str:
    lower = text.lower()
    return next((pattern for pattern in leave if fnmatch.fnmatchcase(lower, pattern.lower())), "")


def _from_match(rule: NamingRule, match: re.Match[str]) -> ParsedName | Unmatched:
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    digits, chunk_digits, pad = found.get("run"), found.get("chunk"), found.get("pad")
    run, chunk = number(digits), number(chunk_digits)
    if digits is not None and not run:
        return Unmatched(f"{digits[:30]!r} is not a run number: it must be a whole number from 1 to {MAX_NUMBER}")
    if chunk_digits is not None and chunk is None:
        return Unmatched(f"{chunk_digits[:30]!r} is not a chunk number: it must be a whole number up to {MAX_NUMBER}")
    run_name = shortened(unicodedata.normalize("NFC", rule.name_of_run(match) or digits or ""))
    if not run_name:
        return Unmatched(f"the rule {rule.name} fits, but the path gives the run neither a number nor a name")
    stamp = None
    if "stamp" in found and (stamp := _time(found["stamp"], rule.stamp_format)) is None:
        return Unmatched(f"{found['stamp'][:60]!r} is not a time as the rule {rule.name} expects it")
    plot = _plot_of(rule, found, chunked=chunk is not None or stamp is not None)
    if isinstance(plot, Unmatched):
        return plot
    facts = {name: unicodedata.normalize("NFC", text) for name, text in found.items() if name not in KNOWN_GROUPS}
    return ParsedName(
        run,
        run_name,
        plot,
        pad,
        chunk,
        found.get("period"),
        found.get("version"),
        rule.name,
        rule.reads,
        facts,
        stamp,
    )


def _plot_of(rule: NamingRule, found: Mapping[str, str], *, chunked: bool) -> PlotKey | Unmatched:
    name = found.get("plot", "")
    if "pad" in found and rule.pad_in_name:
        name = f"{name}-{found['pad']}"
    if rule.blanks_become_underscores:
        name = name.strip().replace(" ", "_")
    name = unicodedata.normalize("NFC", name)
    optional = rule.reads == "histograms" and not name
    if not optional and (reason := plot_name_problem(name)):
        return Unmatched(reason)
    return PlotKey(name, chunked)


def _time(text: str, form: str) -> datetime | None:
    try:
        # Times are only ranked against each other, so the zone does not matter.
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except (ValueError, OverflowError, re.error):
        return None
