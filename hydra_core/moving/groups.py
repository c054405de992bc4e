"""The groups of the original, and the groups that they are part of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from hydra_core.base.names import PlotKey
from hydra_core.config.groups import PlotGroup, circle_among
from hydra_core.moving.foreign import name_of, number_of
from hydra_core.moving.original import Original
from hydra_core.moving.outcome import Outcome, quoted

_LONGEST_NAME, _LONGEST_KIND = 120, 40


@dataclass
class _Growing:
    kind: str
    plots: dict[str, None] = field(default_factory=dict)
    parts: dict[str, None] = field(default_factory=dict)


def read_groups(
    original: Original, plots: Mapping[int, PlotKey], listed: Collection[PlotKey], outcome: Outcome
) -> tuple[PlotGroup, ...]:
    """Return the groups of the original, for ``plots.toml``; what cannot be taken is counted.

    Parameters
    ----------
    plots
        Number of a plot type there -> plot type.
    listed
        The plot types that are on pages; others are left out of groups.
    """
    names, groups = _groups(original, outcome)
    for row in original.rows("PlotType_Groupings"):
        name, plot = names.get(number_of(row.get("group")) or 0), plots.get(number_of(row.get("plot_type")) or 0)
        if name is None or plot is None:
            outcome.leave("plot types of groups", "the group or the plot type is not there")
        elif plot in listed:
            groups[name].plots[plot_text(plot)] = None
    for above, part in _parts(original, names, outcome):
        groups[above].parts[part] = None
        # One at a time: of a circle the part that closes it is left out, and the others stay.
        if circle_among(_written(groups)):
            del groups[above].parts[part]
            outcome.leave(f"group {quoted(part)} in group {quoted(above)}", "they would be part of each other")
    outcome.take("groups", len(groups))
    return _written(groups)


def plot_text(plot: PlotKey) -> str:
    """Return how a configuration file names a plot type whatever other types there are."""
    return f"{plot.name}:{'chunks' if plot.chunked else 'run'}"


def _groups(original: Original, outcome: Outcome) -> tuple[dict[int, str], dict[str, _Growing]]:
    names: dict[int, str] = {}
    groups: dict[str, _Growing] = {}
    for row in original.rows("PlotGroups"):
        number, (name, why) = number_of(row.get("id")), name_of(row.get("name"), _LONGEST_NAME)
        kind, wrong_kind = name_of(row.get("kind") or "detector", _LONGEST_KIND)
        if why or wrong_kind or number is None:
            outcome.leave(f"group {quoted(name)}", why or wrong_kind or "it has no number")
            continue
        if name in groups and groups[name].kind != kind:
            # Here a name is one group; there the same name may be a detector and a campaign.
            name = f"{name[: _LONGEST_NAME - len(kind) - 3]} ({kind})"
        names[number] = name
        groups.setdefault(name, _Growing(kind))
    return names, groups


def _parts(original: Original, names: Mapping[int, str], outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield (group, group that is part of it)."""
    for row in original.rows("SuperGroups"):
        above, part = (names.get(number_of(row.get(column)) or 0) for column in ("above", "group"))
        if above is None or part is None:
            outcome.leave("groups of groups", "one of the two groups is not there")
        else:
            yield above, part


def _written(groups: Mapping[str, _Growing]) -> tuple[PlotGroup, ...]:
    return tuple(
        PlotGroup(name=name, kind=group.kind, plots=tuple(group.plots), groups=tuple(group.parts))
        for name, group in groups.items()
    )
