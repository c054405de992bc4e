"""One naming rule: a regular expression with named groups over a relative path, and the rules that hold by default."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: File name endings of images, lower case.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
#: File name endings of files that hold histograms, lower case.
HISTOGRAM_SUFFIXES = (".root", ".h5", ".hdf5")
#: Groups with a meaning; every other named group is kept as a fact.
KNOWN_GROUPS = frozenset({"run", "plot", "pad", "chunk", "period", "version", "stamp"})
#: What a file holds: one image, or histograms that Hydra draws.
Reads = Literal["images", "histograms"]
_FIELD = re.compile(r"\{(\w+)\}")


class NamingRule(BaseModel):
    """One way in which a producer names its files.

    Attributes
    ----------
    name
        How pages and messages call the rule.
    pattern
        Regular expression that must match the whole relative path (POSIX, case-insensitive). Groups with a meaning:
        ``plot`` (needed for images), ``run``, ``pad``, ``chunk``, ``stamp``, ``period``, ``version``. Every other
        named group is kept as a fact.
    description
        What the rule is for, in words.
    needs
        What a path must hold for this rule, in words, for messages about a path that does not fit.
    reads
        Whether the files are images, or files of histograms; there the group ``plot`` may be missing, and what it
        gives is put before the names of the histograms.
    pad_in_name
        Whether the pad stays part of the plot type's name.
    blanks_become_underscores
        Whether each blank in the plot type's name becomes ``_``.
    run_folder
        Regular expression with a group ``run`` that a folder's name matches only if everything below it belongs to
        that run; lets the search for one run pass over the folders of others.
    run_name
        For sources without run numbers: the run's name, put together from groups, as in ``{campaign} {geometry}``.
    stamp_format
        How the group ``stamp`` is written, as ``strptime`` has it. The chunk is then the rank of the file's time among
        those of its run, from 0.
    leave
        Shell patterns over the path: files that match are left out, with this as the reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    pattern: str = Field(min_length=1, max_length=2000)
    description: str = ""
    needs: str = ""
    reads: Reads = "images"
    pad_in_name: bool = True
    blanks_become_underscores: bool = False
    run_folder: str = ""
    run_name: str = Field(default="", max_length=500)
    stamp_format: str = ""
    leave: tuple[str, ...] = ()

    @field_validator("pattern")
    @classmethod
    def _pattern_is_usable(cls, value: str) -> str:
        compiled(value)
        return value

    @field_validator("run_folder")
    @classmethod
    def _run_folder_is_usable(cls, value: str) -> str:
        if value and "run" not in compiled(value).groupindex:
            raise ValueError("run_folder needs a group (?P<run>...)")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> NamingRule:
        groups = set(compiled(self.pattern).groupindex)
        if self.reads == "images" and "plot" not in groups:
            raise ValueError("the pattern needs a group (?P<plot>...)")
        if "run" not in groups and not self.run_name:
            raise ValueError("the pattern needs a group (?P<run>...), or the rule a run_name")
        if ("stamp" in groups) != bool(self.stamp_format):
            raise ValueError("the group (?P<stamp>...) and stamp_format go together")
        if {"stamp", "chunk"} <= groups:
            raise ValueError("the groups stamp and chunk both say which chunk it is: give one of them")
        if unknown := sorted(set(_FIELD.findall(self.run_name)) - groups):
            raise ValueError(f"run_name asks for {', '.join(unknown)}, and the pattern has no such group")
        if self.run_name and ("{" in _FIELD.sub("", self.run_name) or "}" in _FIELD.sub("", self.run_name)):
            raise ValueError("run_name takes groups in braces and nothing else, as in '{campaign} {geometry}'")
        if self.run_name and not groups:
            raise ValueError("run_name needs named groups in the pattern")
        return self

    def run_of_folder(self, folder_name: str) -> int | None:
        """Return the run to which a folder of this name belongs whole, or None where the name does not tell."""
        match = compiled(self.run_folder).fullmatch(folder_name) if self.run_folder else None
        return number(match["run"]) if match else None

    def name_of_run(self, match: re.Match[str]) -> str:
        """Return what `run_name` gives for a path: each group's text in its place, blanks drawn together."""
        return " ".join(_FIELD.sub(lambda field: match[field[1]] or "", self.run_name).split())


#: Run and chunk numbers above this do not fit every database and the workflow's integer points.
MAX_NUMBER = 2_147_483_647


def number(digits: str | None) -> int | None:
    """Return the number that ASCII digits stand for, or None for what is none or out of range."""
    if not digits or not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return None
    value = int(digits)
    return value if value <= MAX_NUMBER else None


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, ready for use; upper and lower case are the same to it.

    Raises
    ------
    ValueError
        When it is no regular expression.
    """
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


_PERIOD = r"(?>(?=(?:.*?/)?RunPeriod-(?P<period>[^/]+)/)|)"
_VERSION = r"(?>(?=(?:.*/)?(?:[^/]*_)?(?P<version>ver[0-9]+)/)|)"


def ending(reads: Reads) -> str:
    """Return the part of a pattern that fits the endings of files of one kind."""
    suffixes = IMAGE_SUFFIXES if reads == "images" else HISTOGRAM_SUFFIXES
    return rf"\.(?:{'|'.join(suffix.removeprefix('.') for suffix in suffixes)})"


def context(reads: Reads) -> str:
    """Return the beginning of a pattern that takes the period and the version from anywhere in the path.

    It also asks for the ending right away, and tries each of these once: else a long path of another kind would cost
    a thousand times as much.
    """
    return rf"(?=.*{ending(reads)}\Z){_PERIOD}{_VERSION}"


def default_rules() -> tuple[NamingRule, ...]:
    """Return the rules that hold where a site gives none.

    In order: a folder ``Run<digits>`` (folders below it become part of the plot type's name), the nearest folder of
    digits only, ``run_<n>`` after the plot type in the file name or after its folder, ``run_<n>`` before the plot
    type. The same four for files of histograms: what the name holds besides run and chunk comes before the names of
    the histograms.
    """
    return _of_images() + _of_histograms()


_RUN_WORD = r"run[-_]?(?P<run>[0-9]+)"
_CHUNK = r"(?:_(?P<chunk>[0-9]+))?"


def _of_images() -> tuple[NamingRule, ...]:
    start, end = context("images"), _CHUNK + ending("images")
    pad = r"(?:-(?P<pad>[0-9]+))?"
    return (
        NamingRule(
            name="run-folder",
            pattern=rf"{start}(?:.*?/)??{_RUN_WORD}/(?P<plot>.+?){pad}{end}",
            run_folder=_RUN_WORD,
            description="[RunPeriod-.../].../Run<number>/<PlotType>[-<pad>][_<chunk>].png",
            needs="a folder Run<number>",
        ),
        NamingRule(
            name="number-folder",
            pattern=rf"{start}(?:.*/)?(?P<run>[0-9]+)/(?P<plot>.+?){pad}{end}",
            description="<number>/<PlotType>[-<pad>][_<chunk>].png",
            needs="a folder whose name is a number",
        ),
        NamingRule(
            name="run-after-name",
            pattern=rf"{start}(?:.*/)?(?P<plot>[^/]+?){pad}[/_.-]{_RUN_WORD}{end}",
            description="<PlotType>/run_<number>[_<chunk>].png or <PlotType>_run<number>[_<chunk>].png",
            needs="run_<number> at the end of the file name",
        ),
        NamingRule(
            name="run-before-name",
            pattern=rf"{start}(?:.*/)?{_RUN_WORD}[_.-](?P<plot>[^/]*?[^/0-9][^/]*?){pad}{end}",
            description="run<number>_<PlotType>[-<pad>][_<chunk>].png",
            needs="run<number>_ at the beginning of the file name",
        ),
    )


def _of_histograms() -> tuple[NamingRule, ...]:
    start, end = context("histograms"), _CHUNK + ending("histograms")
    return (
        NamingRule(
            name="histograms-run-folder",
            pattern=rf"{start}(?:.*?/)??{_RUN_WORD}/(?P<plot>.+?){end}",
            reads="histograms",
            run_folder=_RUN_WORD,
            description="[RunPeriod-.../].../Run<number>/<prefix>[_<chunk>].root",
            needs="a folder Run<number>",
        ),
        NamingRule(
            name="histograms-number-folder",
            pattern=rf"{start}(?:.*/)?(?P<run>[0-9]+)/(?P<plot>.+?){end}",
            reads="histograms",
            description="<number>/<prefix>[_<chunk>].root",
            needs="a folder whose name is a number",
        ),
        NamingRule(
            name="histograms-run-after-name",
            pattern=rf"{start}(?:.*/)?(?:(?P<plot>[^/]+?)[_.-])?{_RUN_WORD}{end}",
            reads="histograms",
            description="[<prefix>_]run_<number>[_<chunk>].root",
            needs="run_<number> at the end of the file name",
        ),
        NamingRule(
            name="histograms-run-before-name",
            pattern=rf"{start}(?:.*/)?{_RUN_WORD}[_.-](?P<plot>[^/]*?[^/0-9][^/]*?){end}",
            reads="histograms",
            description="run<number>_<prefix>[_<chunk>].root",
            needs="run<number>_ at the beginning of the file name",
        ),
    )


DEFAULT_RULES = default_rules()
