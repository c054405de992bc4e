"""Groups of plot types, and the texts by which ``plots.toml`` and ``people.toml`` name plot types."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from hydra_core.base.names import PlotKey
from hydra_core.config.strict import Strict

#: What a plot type's own `group` is.
DETECTOR = "detector"


def _composed(value: str) -> str:
    return unicodedata.normalize("NFC", value)


#: Names are compared letter by letter, so that each letter is written in one way.
GroupName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_composed),
]
#: The group that a plot type names, or none.
OwnGroup = Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$"), AfterValidator(_composed)]
#: ``NAME``, ``NAME:chunks``, ``NAME:run`` or a pattern with ``*``, ``?`` or ``[...]``.
PlotText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_composed)]


class PlotGroup(Strict):
    """Plot types, or groups of them, that people look at together: a detector, a run period, a working group."""

    name: GroupName
    kind: Annotated[str, StringConstraints(min_length=1, max_length=40)] = DETECTOR
    plots: tuple[PlotText, ...] = ()
    """Plot types of it: names, `NAME:chunks` or `NAME:run` where both exist, or patterns."""
    groups: tuple[GroupName, ...] = ()
    """Groups that are part of it."""


def plots_named(texts: Iterable[str], known: Collection[PlotKey]) -> set[PlotKey]:
    """Return the plot types that texts of a configuration file name; a text may well name none.

    Examples
    --------
    >>> sorted(map(str, plots_named(["CDC*", "FDC:run"], [PlotKey("CDC_time", True), PlotKey("FDC", True)])))
    ['CDC_time:chunks']
    """
    forms: dict[str, set[PlotKey]] = {}
    for plot in known:
        for form in (plot.name, f"{plot.name}:{'chunks' if plot.chunked else 'run'}"):
            forms.setdefault(form, set()).add(plot)
    found: set[PlotKey] = set()
    for text in texts:
        # A name may itself hold the signs of a pattern.
        if text in forms:
            found |= forms[text]
        elif any(sign in text for sign in "*?["):
            found |= {plot for form, plots in forms.items() if fnmatchcase(form, text) for plot in plots}
    return found


def merged_groups(detectors: Mapping[str, Sequence[PlotText]], groups: Sequence[PlotGroup]) -> tuple[PlotGroup, ...]:
    """Return all groups: those that plot types name, with what ``[[group]]`` says of them, then the others.

    Parameters
    ----------
    detectors
        Group that a plot type names -> the texts of those plot types.
    """
    told = {group.name: group for group in groups}
    found = [
        told[name].model_copy(update={"plots": (*dict.fromkeys((*told[name].plots, *plots)),)})
        if name in told
        else PlotGroup(name=name, plots=tuple(plots))
        for name, plots in detectors.items()
    ]
    return (*found, *(group for group in groups if group.name not in detectors))


def circle_among(groups: Sequence[PlotGroup]) -> list[str]:
    """Return the names along a circle of groups that are part of each other, the first one last again; or nothing."""
    parts = {group.name: group.groups for group in groups}
    sound: set[str] = set()
    for start in parts:
        # The way down to where we are, with what is still to be looked at on each step.
        way = [(start, iter(parts[start]))]
        while way:
            name, rest = way[-1]
            below = next((one for one in rest if one in parts and one not in sound), None)
            if below is None:
                sound.add(name)
                way.pop()
                continue
            names = [one for one, _ in way]
            if below in names:
                return [*names[names.index(below) :], below]
            way.append((below, iter(parts[below])))
    return []
