"""Names from outside are data: the two functions through which they become part of a path."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from hydra_core.base.errors import HydraError

_NUMBERS = re.compile(r"([0-9]+)")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}\Z")
_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_.+-]+")
_HASHED = re.compile(r".*-[0-9a-f]{10}\Z")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z", re.IGNORECASE)


def reading_order(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return a sort key that puts names where people look for them: ``Board2`` before ``Board10``, ``b`` beside ``B``.

    Examples
    --------
    >>> sorted(["ADC10", "adc2", "ADC1"], key=reading_order)
    ['ADC1', 'adc2', 'ADC10']
    """
    # Text and number take turns, so that no number is ever compared with a text.
    parts = _NUMBERS.split(name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def slug(name: str) -> str:
    """Return a file name for any text: itself where it is harmless, else cleaned and made unique by a hash.

    Two different names never give the same slug (up to a collision of 40 bits of SHA-256).

    Examples
    --------
    >>> slug("CDC_occupancy")
    'CDC_occupancy'
    >>> slug("../x").endswith("x-71ef9d16f2")
    False
    """
    # A name that looks as if it had been made unique here is cleaned too, or it could be the slug of another one.
    if _SAFE.match(name) and not _RESERVED.match(name) and not name.endswith(".") and not _HASHED.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    cleaned = _UNSAFE_CHARACTERS.sub("_", name).strip("._-")[:60] or "name"
    return f"{cleaned}-{digest}"


def safe_join(root: Path, *parts: str) -> Path:
    """Join `parts` to `root` and refuse anything that would leave it.

    Raises
    ------
    HydraError
        When a part is absolute, holds a NUL, or the result (links resolved) lies outside `root`.
    """
    for part in parts:
        if "\0" in part or part.startswith(("/", "\\")):
            raise HydraError(f"the name {part!r} cannot be used inside {root}", next_step="rename it")
    joined = root.joinpath(*parts)
    try:
        inside = joined.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, UnicodeError):
        # A link that leads to itself, or characters that no file name can have.
        inside = False
    if not inside:
        raise HydraError(f"the name {'/'.join(parts)!r} would leave {root}", next_step="rename it")
    return joined


@dataclass(frozen=True, order=True)
class PlotKey:
    """What makes two images the same kind of plot: the name, and whether it comes once a chunk or once a run."""

    name: str
    chunked: bool

    def __str__(self) -> str:
        return f"{self.name}:chunks" if self.chunked else self.name

    @property
    def slug(self) -> str:
        """The key as a file name."""
        return slug(self.name) + ("~chunks" if self.chunked else "")

    @classmethod
    def parse(cls, text: str) -> PlotKey:
        """Read the form that ``str`` writes: ``NAME`` or ``NAME:chunks``."""
        return cls(text.removesuffix(":chunks"), True) if text.endswith(":chunks") else cls(text, False)
