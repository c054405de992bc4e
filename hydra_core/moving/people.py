"""The people of the original, with their roles and the plot types that they may label."""

from __future__ import annotations

from collections.abc import Mapping

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Person
from hydra_core.moving.foreign import name_of, number_of
from hydra_core.moving.groups import plot_text
from hydra_core.moving.original import Original
from hydra_core.moving.outcome import Outcome, quoted

_LONGEST_NAME, _LONGEST_ROLE = 120, 40
LABELER = "Labeler"


def read_people(original: Original, plots: Mapping[int, PlotKey], outcome: Outcome) -> tuple[Person, ...]:
    """Return the people of the original, for ``people.toml``; what cannot be taken is counted.

    Who could label some plot types can label those, and who could label none that came over cannot label. A labeler of
    the newer tables without plot types can label all, and is counted.

    Parameters
    ----------
    plots
        Number of a plot type there -> plot type.
    """
    roles = _roles(original, outcome)
    rights = _rights(original, plots, outcome)
    people = []
    for name in sorted({*roles, *rights}):
        held = dict.fromkeys(roles.get(name, ()))
        may_label = rights.get(name)
        if may_label:
            held[LABELER] = None
        elif may_label is not None:
            held.pop(LABELER, None)
        elif LABELER in held and rights:
            outcome.leave(f"rights of {quoted(name)}", "a role and no plot types there: may label all of them here")
        plots_named = tuple(plot_text(plot) for plot in sorted(may_label or ()))
        people.append(Person(name=name, accounts=(name,), roles=tuple(held), plots=plots_named))
    outcome.take("people", len(people))
    return tuple(people)


def _roles(original: Original, outcome: Outcome) -> dict[str, list[str]]:
    """Return the roles of each person of the newer tables."""
    names = _names(original, "HydraUsers", "person", _LONGEST_NAME, outcome)
    roles = _names(original, "HydraRoles", "role", _LONGEST_ROLE, outcome)
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for row in original.rows("UserRoles"):
        name, role = names.get(number_of(row.get("user")) or 0), roles.get(number_of(row.get("role")) or 0)
        if name is None or role is None:
            outcome.leave("roles of people", "the person or the role is not there")
        else:
            found[name].append(role)
    return found


def _names(original: Original, table: str, what: str, longest: int, outcome: Outcome) -> dict[int, str]:
    found: dict[int, str] = {}
    for row in original.rows(table):
        number, (name, why) = number_of(row.get("id")), name_of(row.get("name"), longest)
        if why or number is None:
            outcome.leave(f"{what} {quoted(name)}", why or "there is no number")
        else:
            found[number] = name
    return found


def _rights(original: Original, plots: Mapping[int, PlotKey], outcome: Outcome) -> dict[str, set[PlotKey]]:
    """Return the plot types that each person of the older table may label; a person may be left with none."""
    found: dict[str, set[PlotKey]] = {}
    for row in original.rows("User_Permissions"):
        name, why = name_of(row.get("user"), _LONGEST_NAME)
        if why:
            outcome.leave(f"rights of {quoted(name)}", why)
            continue
        mine = found.setdefault(name, set())
        plot = plots.get(number_of(row.get("plot_type")) or 0)
        if plot is None:
            outcome.leave(f"rights of {quoted(name)}", "the plot type was not taken")
        else:
            mine.add(plot)
    return found
