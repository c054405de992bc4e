"""Which run, plot type and chunk a file belongs to: regular expressions with named groups over its relative path.

Decision on pads: ``CDC-03_0001.png`` is pad 03 of a canvas. Each pad is a picture of its own, so by default the pad
stays in the name of the plot type (``CDC-03``) and is given apart as well; a rule with ``pad_in_name = false`` puts
all pads of a canvas into one plot type.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hydra_core.base.names import PlotKey

#: File name endings of images, lower case.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
#: The file whose conditions hold for its folder and everything below.
METADATA_NAME = "metadata.json"
#: Run and chunk numbers above this do not fit every database and the workflow's integer points.
MAX_NUMBER = 2_147_483_647
_MAX_PATH = 1024
_MAX_PART = 255
_MAX_PLOT = 150
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_GROUPS = frozenset({"run", "plot", "pad", "chunk", "period", "version"})


class NamingRule(BaseModel):
    """One way in which a producer names its files.

    Attributes
    ----------
    name
        How pages and messages call the rule.
    pattern
        Regular expression that must match the whole relative path (POSIX, case-insensitive). Groups: ``plot``
        (needed), ``run``, ``pad``, ``chunk``, ``period``, ``version``.
    description
        What the rule is for, in words.
    pad_in_name
        Whether the pad stays part of the plot type's name.
    run_folder
        Regular expression with a group ``run`` that a folder's name matches only if everything below it belongs to
        that run; lets the search for one run pass over the folders of others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    pattern: str = Field(min_length=1, max_length=2000)
    description: str = ""
    pad_in_name: bool = True
    run_folder: str = ""

    @field_validator("pattern")
    @classmethod
    def _pattern_is_usable(cls, value: str) -> str:
        groups = set(_compiled(value).groupindex)
        if "plot" not in groups:
            raise ValueError("the pattern needs a group (?P<plot>...)")
        if unknown := sorted(groups - _GROUPS):
            raise ValueError(f"unknown groups {', '.join(unknown)}; allowed: {', '.join(sorted(_GROUPS))}")
        return value

    @field_validator("run_folder")
    @classmethod
    def _run_folder_is_usable(cls, value: str) -> str:
        if value and "run" not in _compiled(value).groupindex:
            raise ValueError("run_folder needs a group (?P<run>...)")
        return value

    def run_of_folder(self, folder_name: str) -> int | None:
        """Return the run to which a folder of this name belongs whole, or None where the name does not tell."""
        match = _compiled(self.run_folder).fullmatch(folder_name) if self.run_folder else None
        return _number(match["run"]) if match else None


@dataclass(frozen=True)
class ParsedName:
    """What a file's path says.

    Attributes
    ----------
    run
        The run number; None where the path holds none.
    run_name
        How people call the run: the digits as written in the path (``050001``), or the name given by a layout.
    chunk
        The chunk number; None for a plot drawn once a run.
    rule
        The name of the rule that matched.
    """

    run: int | None
    run_name: str
    plot: PlotKey
    pad: str | None
    chunk: int | None
    period: str | None
    version: str | None
    rule: str


@dataclass(frozen=True)
class Unmatched:
    """Why a path names no plot."""

    reason: str


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error


def default_rules(suffixes: Sequence[str] = IMAGE_SUFFIXES) -> tuple[NamingRule, ...]:
    """Return the rules that hold where a site gives none, for files with one of `suffixes`.

    In order: a folder ``Run<digits>`` (folders below it become part of the plot type's name), the nearest folder of
    digits only, ``run_<n>`` after the plot type in the file name or after its folder, ``run_<n>`` before the plot
    type.
    """
    context = r"(?:(?=(?:.*?/)?RunPeriod-(?P<period>[^/]+)/)|)(?:(?=(?:.*/)?(?:[^/]*_)?(?P<version>ver[0-9]+)/)|)"
    chunk = r"(?:_(?P<chunk>[0-9]+))?"
    ending = rf"{chunk}(?:{'|'.join(re.escape(suffix) for suffix in suffixes)})"
    pad = r"(?:-(?P<pad>[0-9]+))?"
    run_word = r"run[-_]?(?P<run>[0-9]+)"
    return (
        NamingRule(
            name="run-folder",
            pattern=rf"{context}(?:.*?/)??{run_word}/(?P<plot>.+?){pad}{ending}",
            run_folder=run_word,
            description="[RunPeriod-.../].../Run<number>/<PlotType>[-<pad>][_<chunk>].png",
        ),
        NamingRule(
            name="number-folder",
            pattern=rf"{context}(?:.*/)?(?P<run>[0-9]+)/(?P<plot>.+?){pad}{ending}",
            description="<number>/<PlotType>[-<pad>][_<chunk>].png",
        ),
        NamingRule(
            name="run-after-name",
            pattern=rf"{context}(?:.*/)?(?P<plot>[^/]+?){pad}[/_.-]{run_word}{ending}",
            description="<PlotType>/run_<number>[_<chunk>].png or <PlotType>_run<number>[_<chunk>].png",
        ),
        NamingRule(
            name="run-before-name",
            pattern=rf"{context}(?:.*/)?{run_word}[_.-](?P<plot>[^/]*?[^/0-9][^/]*?){pad}{ending}",
            description="run<number>_<PlotType>[-<pad>][_<chunk>].png",
        ),
    )


DEFAULT_RULES = default_rules()


def parse_path(relative: PurePosixPath, rules: Sequence[NamingRule] = DEFAULT_RULES) -> ParsedName | Unmatched:
    """Say what the path of a file means, by the first rule that fits.

    The plot type's name is brought to Unicode NFC, so two spellings that look the same are one plot type. Never
    raises for any path.

    Parameters
    ----------
    relative
        The path below the root of the source.
    rules
        The rules, in the order in which they are tried.
    """
    if reason := path_problem(relative):
        return Unmatched(reason)
    text = relative.as_posix()
    for rule in rules:
        if match := _compiled(rule.pattern).fullmatch(text):
            return _from_match(rule, match)
    if relative.suffix.lower() not in IMAGE_SUFFIXES:
        return Unmatched(f"not an image file ({relative.suffix[:20] or 'no ending'})")
    return Unmatched("no naming rule fits: no run number in the folders or the file name")


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


def plot_name_problem(name: str) -> str:
    """Return why a text cannot be the name of a plot type, or an empty string."""
    if not name or name != name.strip():
        return "the plot type's name is empty or begins or ends with a blank"
    if len(name) > _MAX_PLOT:
        return f"the plot type's name is longer than {_MAX_PLOT} characters"
    if name.endswith(":chunks"):
        return "the plot type's name ends with ':chunks', which is kept for chunked plot types"
    return _text_problem(name)


def _number(digits: str | None) -> int | None:
    """Return the number that ASCII digits stand for, or None for what is none or out of range."""
    if not digits or not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return None
    value = int(digits)
    return value if value <= MAX_NUMBER else None


def _from_match(rule: NamingRule, match: re.Match[str]) -> ParsedName | Unmatched:
    found = match.groupdict()
    digits, chunk_digits, pad = found.get("run"), found.get("chunk"), found.get("pad")
    run, chunk = _number(digits), _number(chunk_digits)
    if digits is not None and not run:
        return Unmatched(f"{digits[:30]!r} is not a run number: it must be a whole number from 1 to {MAX_NUMBER}")
    if chunk_digits is not None and chunk is None:
        return Unmatched(f"{chunk_digits[:30]!r} is not a chunk number: it must be a whole number up to {MAX_NUMBER}")
    name = found["plot"] or ""
    if pad is not None and rule.pad_in_name:
        name = f"{name}-{pad}"
    name = unicodedata.normalize("NFC", name)
    if reason := plot_name_problem(name):
        return Unmatched(reason)
    plot = PlotKey(name, chunk is not None)
    return ParsedName(run, digits or "", plot, pad, chunk, found.get("period"), found.get("version"), rule.name)
