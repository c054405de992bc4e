"""The classes of the original, with their colours, and which plot type may have which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import ImageColor

from hydra_core.config.plots import DEFAULT_CLASSES, IGNORE, PlotClass
from hydra_core.moving.foreign import LONGEST_CLASS, name_of, number_of
from hydra_core.moving.original import Original
from hydra_core.moving.outcome import Outcome, quoted

#: Labels of the original that say to which side of a training an image goes.
PSEUDO = frozenset({"TrainingSet", "ValidationSet"})
_GREY = "#7a7a7a"
_KNOWN = {one.name: one for one in DEFAULT_CLASSES}


@dataclass(frozen=True)
class Classes:
    """The classes that come over.

    Attributes
    ----------
    names
        Number there -> name, the label that leaves an image out and pseudo labels included.
    listed
        What becomes part of ``plots.toml``.
    valid
        Number of a plot type there -> the classes that its labels may name.
    """

    names: Mapping[int, str]
    listed: tuple[PlotClass, ...]
    valid: Mapping[int, tuple[str, ...]]


def read_classes(original: Original, outcome: Outcome) -> Classes:
    """Return the classes of the original; what cannot be taken is counted."""
    names: dict[int, str] = {}
    listed: dict[str, PlotClass] = {}
    for row in original.rows("Plot_Classifications"):
        number = number_of(row.get("id"))
        name, why = name_of(row.get("name"), LONGEST_CLASS)
        if why or number is None:
            outcome.leave(f"class {quoted(name)}", why or "it has no number")
            continue
        names[number] = name
        if name in PSEUDO:
            outcome.leave(f"class {quoted(name)}", "it is no class: what is trained on is chosen by runs here")
        elif name in listed:
            outcome.leave(f"class {quoted(name)}", "it is there more than once, which is one class here")
        elif name != IGNORE:
            listed[name] = _entry(name, row.get("colour"), outcome)
    outcome.take("classes", len(listed))
    return Classes(names, tuple(listed.values()), _valid(original, names, listed))


def _entry(name: str, colour: object, outcome: Outcome) -> PlotClass:
    known = _KNOWN.get(name, PlotClass(name=name, colour=_GREY))
    if name not in _KNOWN:
        outcome.leave(f"class {quoted(name)}", "whether it is a problem is not known: say so in plots.toml")
    found = _colour(colour)
    if found is None:
        outcome.leave(f"class {quoted(name)}", f"its colour {quoted(colour)} cannot be read")
    return known.model_copy(update={"colour": found or known.colour})


def _colour(text: object) -> str | None:
    try:
        red, green, blue = ImageColor.getrgb(str(text).strip())[:3]
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}" if max(red, green, blue) < 256 else None


def _valid(original: Original, names: Mapping[int, str], listed: Mapping[str, PlotClass]) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for row in original.rows("Valid_Classifications"):
        plot_type, known = number_of(row.get("plot_type")), names.get(number_of(row.get("known")) or 0)
        if plot_type is not None and known is not None and known in listed:
            found.setdefault(plot_type, {})[known] = None
    return {number: tuple(classes) for number, classes in found.items()}
