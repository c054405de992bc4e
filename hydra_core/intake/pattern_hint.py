"""How far a path comes in a naming rule that does not fit it, in words."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from hydra_core.intake.naming import reads_of
from hydra_core.intake.naming_rule import NamingRule

_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?")
_LONGEST_SHOWN = 60


def hint(rule: NamingRule, relative: PurePosixPath) -> str:
    """Return what a path lacks for a rule, as ``needs a folder Run<number>; none in the path``.

    Parameters
    ----------
    relative
        A path that the rule does not fit.
    """
    if reads_of(relative) is None:
        kind = "images" if rule.reads == "images" else "files of histograms"
        return f"is for {kind}, and the name ends with {relative.suffix[:20] or 'none of their endings'}"
    text = relative.as_posix()
    elements = split_pattern(rule.pattern)
    found: re.Match[str] | None = None
    fits = 0
    for count in range(1, len(elements) + 1):
        try:
            match = re.compile("".join(elements[:count]), re.IGNORECASE).match(text)
        except re.error:
            # A piece that means something only together with the next one.
            continue
        if match is None:
            break
        found, fits = match, count
    if fits == len(elements):
        return f"fits the beginning of the path, and nothing in the rule takes the rest: {text[_end(found) :]!r}"
    run = found.groupdict().get("run") if found else None
    if run is None:
        return f"needs {rule.needs or _shown(elements[fits:])}; none in the path"
    return f"finds the run {run}, and nothing after it fits {_shown(elements[fits:])}"


def split_pattern(pattern: str) -> list[str]:
    """Return the parts of a regular expression that follow one another, each with its quantifier.

    An expression with alternatives at its top is one part.
    """
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "|":
            return [pattern]
        end = _after(pattern, at)
        if quantifier := _QUANTIFIER.match(pattern, end):
            end = quantifier.end()
        parts.append(pattern[at:end])
        at = end
    return parts


def _after(pattern: str, at: int) -> int:
    """Return where the atom that begins at `at` ends."""
    if pattern[at] == "\\":
        return at + 2
    if pattern[at] == "[":
        return _after_set(pattern, at)
    if pattern[at] != "(":
        return at + 1
    inner = at + 1
    while inner < len(pattern) and pattern[inner] != ")":
        inner = _after(pattern, inner)
    return inner + 1


def _after_set(pattern: str, at: int) -> int:
    end = at + 2 if pattern[at + 1 : at + 2] == "^" else at + 1
    # A bracket that comes first is one of the characters.
    end += 1 if pattern[end : end + 1] == "]" else 0
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _shown(elements: list[str]) -> str:
    """Return the next parts of a pattern, up to one with a name."""
    shown = ""
    for element in elements:
        shown += element
        if "(?P<" in element:
            break
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + " ..."
