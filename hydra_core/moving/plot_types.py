"""The plot types of the original: which of them come over, and under which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hydra_core.base.names import PlotKey
from hydra_core.config.groups import OwnGroup
from hydra_core.config.plots import LONGEST_NAME, PlotType
from hydra_core.moving.foreign import fraction_of, name_of, number_of, truth_of, words_of
from hydra_core.moving.original import Original, Row
from hydra_core.moving.outcome import Outcome, quoted

_LONGEST_GROUP = 120


@dataclass(frozen=True)
class TheirType:
    """A plot type as the original has it.

    Attributes
    ----------
    name, file_type
        As its files are named.
    plot
        What it is here.
    """

    name: str
    file_type: str
    plot: PlotKey
    active_model: int | None


@dataclass(frozen=True)
class PlotTypes:
    """The plot types that come over.

    Attributes
    ----------
    theirs
        Number there -> plot type; two numbers may be one plot type here.
    listed
        What becomes part of ``plots.toml``.
    ignored
        Plot types that the original hides everywhere.
    """

    theirs: Mapping[int, TheirType]
    listed: tuple[PlotType, ...]
    ignored: tuple[PlotKey, ...]


def read_plot_types(original: Original, outcome: Outcome) -> PlotTypes:
    """Return the plot types of the original; what cannot be taken is counted."""
    theirs: dict[int, TheirType] = {}
    listed: dict[PlotKey, PlotType] = {}
    shown: set[PlotKey] = set()
    for row in original.rows("Plot_Types"):
        number = number_of(row.get("id"))
        name, why = name_of(row.get("name"), LONGEST_NAME)
        if name.endswith(":chunks"):
            why = "its name ends with ':chunks', which means something else here"
        if why or number is None:
            outcome.leave(f"plot type {quoted(name)}", why or "it has no number")
            continue
        plot = PlotKey(name, truth_of(row.get("chunked")) is True)
        if name != row["name"]:
            outcome.leave(f"plot type {quoted(name)}", "letters of its name are written in another way (NFC)")
        if plot in listed:
            outcome.leave(f"plot type {quoted(plot)}", "it is there more than once, which is one plot type here")
        theirs[number] = TheirType(
            str(row["name"]), str(row.get("file_type") or "png"), plot, number_of(row.get("active"))
        )
        listed.setdefault(plot, _entry(plot, row, outcome))
        if not truth_of(row.get("ignored")):
            shown.add(plot)
    _tell_case_twins(listed, outcome)
    outcome.take("plot types", len(listed))
    ignored = tuple(sorted(plot for plot in listed if plot not in shown))
    return PlotTypes(theirs, tuple(listed[plot] for plot in sorted(shown)), ignored)


def with_classes(found: PlotTypes, valid: Mapping[int, tuple[str, ...]]) -> PlotTypes:
    """Return plot types that say which classes their labels may name.

    Parameters
    ----------
    valid
        Number of a plot type there -> classes.
    """
    classes: dict[PlotKey, dict[str, None]] = {}
    for number, names in valid.items():
        if number in found.theirs:
            classes.setdefault(found.theirs[number].plot, {}).update(dict.fromkeys(names))
    listed = tuple(one.model_copy(update={"classes": tuple(classes.get(one.key, ()))}) for one in found.listed)
    return replace(found, listed=listed)


def _entry(plot: PlotKey, row: Row, outcome: Outcome) -> PlotType:
    words = {name: words_of(row.get(name)) for name in ("display", "contact", "description")}
    for name, text in words.items():
        if text != str(row.get(name) or ""):
            outcome.leave(f"plot type {quoted(plot)}", f"its {name} was cut, or written in another way")
    if len(words["display"]) > LONGEST_NAME:
        words["display"] = ""
        outcome.leave(f"plot type {quoted(plot)}", f"the name on pages has more than {LONGEST_NAME} characters")
    return PlotType(name=plot.name, chunked=plot.chunked, group=_group(plot, row, outcome),
                    collect=_collect(plot, row, outcome), **words)  # fmt: skip


def _group(plot: PlotKey, row: Row, outcome: Outcome) -> OwnGroup:
    if not row.get("group"):
        return ""
    name, why = name_of(row["group"], _LONGEST_GROUP)
    if name.isdecimal():
        why = "it is a number; groups are read from their own tables"
    if why:
        outcome.leave(f"group of plot type {quoted(plot)}", why)
    return "" if why else name


def _collect(plot: PlotKey, row: Row, outcome: Outcome) -> float:
    if row.get("collect") is None:
        return 1.0
    share = fraction_of(row["collect"])
    if share is None or not 0 <= share <= 1:
        outcome.leave(f"plot type {quoted(plot)}", "the share to collect is not between 0 and 1; all is collected")
        return 1.0
    return share


def _tell_case_twins(plots: Mapping[PlotKey, PlotType], outcome: Outcome) -> None:
    alike: dict[tuple[str, bool], list[PlotKey]] = {}
    for plot in plots:
        alike.setdefault((plot.name.casefold(), plot.chunked), []).append(plot)
    for twins in alike.values():
        if len(twins) > 1:
            names = " and ".join(quoted(plot) for plot in twins[:3])
            outcome.leave(f"plot types {names}", "they differ in case alone and stay different plot types", len(twins))
