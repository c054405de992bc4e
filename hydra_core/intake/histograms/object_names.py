"""Names of objects inside a file: told apart, chosen by patterns, and harmless to print."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from hydra_core.intake.histograms.select import selected

#: Longer names and titles are cut.
MAX_TEXT = 1000
_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r", " "))


def clean_name(text: str) -> str:
    r"""Return a name with every character that cannot be seen written as an escape (``\x07``), at most 1000 long.

    Bytes that are no UTF-8 are read as Latin-1, as older programs wrote them.
    """
    if text.isascii() and text.isprintable():
        return _shortened(text)
    return _shortened("".join(_visible(letter) for letter in _decoded(text)))


def clean_title(text: str) -> str:
    """Return a title on one line, otherwise as `clean_name`."""
    return clean_name(text.translate(_BREAKS)).strip()


@dataclass(frozen=True)
class Choice:
    """Which histograms of a file are wanted: those that a pattern of `take` names and none of `leave`.

    Patterns are those of a shell (``*``, ``?``, ``[abc]``); ``*`` also stands for ``/``.
    """

    take: tuple[str, ...] = ("*",)
    leave: tuple[str, ...] = ()

    def wants(self, path: str) -> bool:
        """Whether the histogram of that path is wanted."""
        return selected(path, self.take, self.leave)


@dataclass
class PathBook:
    """The paths that are taken already in a file."""

    _count: dict[str, int] = field(default_factory=dict)

    def claim(self, path: str) -> str:
        """Return `path`, or ``path#2``, ``path#3`` ... when it is taken; what is returned is then taken too."""
        found = path
        while found in self._count:
            self._count[path] += 1
            found = f"{path}#{self._count[path]}"
        self._count[found] = 1
        return found


def _decoded(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("latin-1")
        except UnicodeEncodeError:
            return text
    return text


def _visible(letter: str) -> str:
    if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
