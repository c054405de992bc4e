"""The names that a database knows: few, so that a question is understood before rows are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.errors import HydraError
from hydra_core.base.names import PlotKey
from hydra_core.base.plot_names import find_named
from hydra_core.config.groups import DETECTOR
from hydra_core.store.query.catalogue import nearest
from hydra_core.store.schema import (
    Model,
    Pass,
    PersonRow,
    PlotClassRow,
    PlotGroupParent,
    PlotGroupRow,
    PlotGroupType,
    PlotTypeRow,
    Request,
)


@dataclass(frozen=True)
class Names:
    """What there is to ask about, by name.

    Attributes
    ----------
    plots
        Plot type -> row.
    display
        What pages call a plot type -> its row, where that is another word.
    groups
        Group, a detector or another one -> rows of its plot types, of groups that are part of it too.
    detectors
        Those of the groups that are detectors.
    people
        Whoever is listed or has sent a request.
    """

    plots: Mapping[PlotKey, int]
    display: Mapping[str, frozenset[int]]
    groups: Mapping[str, frozenset[int]]
    detectors: frozenset[str]
    classes: tuple[str, ...]
    people: tuple[str, ...]
    models: tuple[str, ...]
    passes: tuple[str, ...]


def load_names(connection: Connection) -> Names:
    """Return the names that a database knows; tables of runs and images are not looked at."""
    types = connection.execute(sa.select(PlotTypeRow.id, PlotTypeRow.name, PlotTypeRow.chunked, PlotTypeRow.display))
    plots, display = {}, dict[str, set[int]]()
    for row in types:
        plots[PlotKey(row.name, bool(row.chunked))] = int(row.id)
        if row.display and row.display != row.name:
            display.setdefault(row.display, set()).add(int(row.id))
    kinds = {row.name: row.kind for row in connection.execute(sa.select(PlotGroupRow.name, PlotGroupRow.kind))}
    senders = sa.select(Request.claimed_by).where(Request.status == "accepted").distinct()
    people = {*_all(connection, PersonRow.name), *connection.execute(senders).scalars()}
    classes = connection.execute(sa.select(PlotClassRow.name).order_by(PlotClassRow.position)).scalars()
    return Names(
        plots=dict(sorted(plots.items())),
        display={name: frozenset(found) for name, found in sorted(display.items())},
        groups=_members(connection),
        detectors=frozenset(name for name, kind in kinds.items() if kind == DETECTOR),
        classes=tuple(classes),
        people=tuple(sorted(people)),
        models=_all(connection, Model.name),
        passes=_all(connection, Pass.name),
    )


def plots_of(names: Names, patterns: Iterable[str] = (), groups: Iterable[str] = ()) -> frozenset[int] | None:
    """Return the rows of the plot types that fit one of the patterns and are in one of the groups; None: of all.

    Parameters
    ----------
    patterns
        Names, ``NAME:chunks``, ``NAME:run``, or patterns with ``*``, ``?`` or ``[…]``.
    groups
        Names of detectors or other groups.

    Raises
    ------
    HydraError
        When there is no such plot type or group.
    """
    found: frozenset[int] | None = None
    asked = tuple(groups)
    for name in asked:
        if name not in names.groups:
            raise HydraError(
                f"there is no detector or group {name!r}",
                next_step=nearest(name, list(names.groups))
                if names.groups
                else 'plots.toml names them: group = "NAME"',
            )
        found = (found or frozenset()) | names.groups[name]
    fitting = [find_named(text, names.plots.keys()).plots for text in patterns]
    if fitting:
        named = frozenset(names.plots[plot] for plots in fitting for plot in plots)
        found = named if found is None else found & named
    return found


def _all(connection: Connection, column: sa.ColumnClause[str]) -> tuple[str, ...]:
    return tuple(sorted(connection.execute(sa.select(column)).scalars()))


def _members(connection: Connection) -> dict[str, frozenset[int]]:
    names = {row.id: row.name for row in connection.execute(sa.select(PlotGroupRow.id, PlotGroupRow.name))}
    own: dict[int, set[int]] = {row: set() for row in names}
    for row in connection.execute(sa.select(PlotGroupType.group_id, PlotGroupType.plot_type_id)):
        own[row.group_id].add(int(row.plot_type_id))
    parts: dict[int, list[int]] = {row: [] for row in names}
    for row in connection.execute(sa.select(PlotGroupParent.group_id, PlotGroupParent.parent_id)):
        parts[row.parent_id].append(row.group_id)

    def below(group: int) -> frozenset[int]:
        seen, waiting = {group}, [group]
        while waiting:
            for part in parts[waiting.pop()]:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)
        return frozenset(plot for one in seen for plot in own[one])

    return {name: below(row) for row, name in sorted(names.items(), key=lambda pair: pair[1])}
