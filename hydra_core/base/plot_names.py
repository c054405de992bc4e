"""Plot types as people name them in a command: a name, told apart where two have it, or a pattern."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey

_FORMS = {":chunks": True, ":run": False}


@dataclass(frozen=True)
class Named:
    """The plot types that a text names; a `pattern` may name any number, another text names one."""

    plots: tuple[PlotKey, ...]
    pattern: bool = False


def argument_of(plot: PlotKey, known: Collection[PlotKey]) -> str:
    """Return the text that names a plot type among those known: ``NAME``, ``NAME:chunks`` or ``NAME:run``."""
    both = PlotKey(plot.name, not plot.chunked) in known
    return f"{plot.name}:run" if both and not plot.chunked else str(plot)


def find_named(text: str, known: Collection[PlotKey]) -> Named:
    """Return the plot types that a person means.

    Parameters
    ----------
    text
        A name; ``NAME:chunks`` or ``NAME:run`` where one type of that name comes per chunk and one per run; or a
        pattern with ``*``, ``?`` or ``[…]``, which names all that fit.

    Raises
    ------
    HydraError
        When there is none, or a name is that of two.
    """
    if not any(plot.name in (text, _form(text)[0]) for plot in known):
        text = unicodedata.normalize("NFC", text)
    same = sorted(plot for plot in known if plot.name == text)
    if len(same) > 1:
        raise HydraError(
            f"the plot type {text!r} is there twice: per chunk and per run",
            next_step=f"write '{text}:chunks' or '{text}:run'",
        )
    base, chunked = _form(text)
    if not same and chunked is not None:
        same = [plot for plot in known if plot == PlotKey(base, chunked)]
    if same:
        return Named(tuple(same))
    if not any(sign in text for sign in "*?["):
        raise HydraError(f"there is no plot type {text!r}", next_step=_near(text, known))
    fitting = {plot for plot in known if fnmatchcase(plot.name, text)}
    fitting |= {plot for plot in known if plot.chunked == chunked and fnmatchcase(plot.name, base)}
    if not fitting:
        raise HydraError(f"no plot type fits the pattern {text!r}", next_step=_near(text, known))
    return Named(tuple(sorted(fitting)), pattern=True)


def find_one(text: str, known: Collection[PlotKey]) -> PlotKey:
    """Return the one plot type that a person means; see `find_named`.

    Raises
    ------
    HydraError
        When there is none, a name is that of two, or the text is a pattern.
    """
    found = find_named(text, known)
    if found.pattern:
        raise HydraError(f"one plot type is meant, and {text!r} is a pattern", next_step="name the plot type")
    return found.plots[0]


def _form(text: str) -> tuple[str, bool | None]:
    for ending, chunked in _FORMS.items():
        if text.endswith(ending):
            return text.removesuffix(ending), chunked
    return text, None


def _near(text: str, known: Collection[PlotKey]) -> str:
    texts = {argument_of(plot, known): plot.name for plot in known}
    close = difflib.get_close_matches(text, [*texts, *texts.values()], n=5, cutoff=0.5)
    close = [one for one in texts if one in close or texts[one] in close]
    if close:
        return f"did you mean {' or '.join(map(repr, close[:4]))}?"
    return "'hydra plots' lists those that are known"
