"""The directory: classes, groups, people and their rights, a mirror of ``plots.toml`` and ``people.toml``.

The files are the truth. The rows are there so that queries can join them, and are renewed whenever they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.groups import plots_named
from hydra_core.config.site import Site
from hydra_core.store.plot_types import all_plot_types, plot_type_ids
from hydra_core.store.schema import (
    Base,
    PersonAccount,
    PersonPlotType,
    PersonRole,
    PersonRow,
    PlotClassRow,
    PlotGroupParent,
    PlotGroupRow,
    PlotGroupType,
    PlotTypeRow,
    ValidClass,
)
from hydra_core.store.session import hold_database, reading, writing

_Pairs = frozenset[tuple[str, str]]
_PlotPairs = frozenset[tuple[str, PlotKey]]


@dataclass(frozen=True)
class Directory:
    """All that the two files say of plot types and people, by names.

    Attributes
    ----------
    plots
        Plot type -> (display, contact, description); also those that the files do not name.
    classes
        Class -> (colour, problem, normal, position).
    valid
        (class, plot type), of plot types whose labels may not name every class.
    groups
        Group -> kind.
    members
        (group, plot type).
    parents
        (group, group that it is part of).
    people
        Person -> whether the person may label every plot type.
    accounts, roles
        (person, account), (person, role).
    rights
        (person, plot type that the person may label), of people who may not label every one.
    """

    plots: Mapping[PlotKey, tuple[str, str, str]]
    classes: Mapping[str, tuple[str, bool, bool, int]]
    valid: _PlotPairs
    groups: Mapping[str, str]
    members: _PlotPairs
    parents: _Pairs
    people: Mapping[str, bool]
    accounts: _Pairs
    roles: _Pairs
    rights: _PlotPairs


def told_directory(site: Site, known: Collection[PlotKey]) -> Directory:
    """Return what the files of a site say.

    Parameters
    ----------
    known
        The plot types of the database, whether the files name them or not.
    """
    listed = {plot.key: plot for plot in site.plots.plots}
    keys = {*known, *listed}
    words = {key: (plot.display, plot.contact, plot.description) for key, plot in listed.items()}
    groups = site.plots.all_groups
    people = site.people.people
    return Directory(
        plots={key: words.get(key, ("", "", "")) for key in keys},
        classes={one.name: (one.colour, one.problem, one.normal, n) for n, one in enumerate(site.plots.classes)},
        valid=frozenset((name, key) for key, plot in listed.items() for name in plot.classes),
        groups={group.name: group.kind for group in groups},
        members=frozenset((group.name, key) for group in groups for key in plots_named(group.plots, keys)),
        parents=frozenset((part, group.name) for group in groups for part in group.groups),
        people={one.name: not one.plots for one in people},
        accounts=frozenset((one.name, account) for one in people for account in one.accounts),
        roles=frozenset((one.name, role) for one in people for role in one.roles),
        rights=frozenset((one.name, key) for one in people for key in plots_named(one.plots, keys)),
    )


def stored_directory(connection: Connection) -> Directory:
    """Return what the database says."""
    plots = {row: key for key, row in all_plot_types(connection).items()}
    of_groups = sa.select(PlotGroupRow.id, PlotGroupRow.name, PlotGroupRow.kind)
    groups = {row.id: row for row in connection.execute(of_groups)}
    of_people = sa.select(PersonRow.id, PersonRow.name, PersonRow.any_plot_type)
    people = {row.id: row for row in connection.execute(of_people)}

    def pairs(left: Any, right: Any) -> list[tuple[Any, Any]]:
        return [(row[0], row[1]) for row in connection.execute(sa.select(left, right))]

    words = sa.select(PlotTypeRow.id, PlotTypeRow.display, PlotTypeRow.contact, PlotTypeRow.description)
    classes = sa.select(
        PlotClassRow.name, PlotClassRow.colour, PlotClassRow.problem, PlotClassRow.normal, PlotClassRow.position
    )
    members = pairs(PlotGroupType.group_id, PlotGroupType.plot_type_id)
    parents = pairs(PlotGroupParent.group_id, PlotGroupParent.parent_id)
    accounts = pairs(PersonAccount.person_id, PersonAccount.account)
    roles = pairs(PersonRole.person_id, PersonRole.role)
    rights = pairs(PersonPlotType.person_id, PersonPlotType.plot_type_id)
    return Directory(
        plots={plots[row.id]: (row.display, row.contact, row.description) for row in connection.execute(words)},
        classes={row.name: (row.colour, row.problem, row.normal, row.position) for row in connection.execute(classes)},
        valid=frozenset((name, plots[row]) for name, row in pairs(ValidClass.class_name, ValidClass.plot_type_id)),
        groups={row.name: row.kind for row in groups.values()},
        members=frozenset((groups[group].name, plots[row]) for group, row in members),
        parents=frozenset((groups[group].name, groups[parent].name) for group, parent in parents),
        people={row.name: row.any_plot_type for row in people.values()},
        accounts=frozenset((people[one].name, text) for one, text in accounts),
        roles=frozenset((people[one].name, text) for one, text in roles),
        rights=frozenset((people[one].name, plots[row]) for one, row in rights),
    )


def save_directory(connection: Connection, site: Site) -> bool:
    """Make the database say what the files say; return whether anything had to be changed.

    Plot types that ``plots.toml`` lists enter as active, also before the first run that brings them. What was decided
    about a plot type stays as it is.
    """
    stored = stored_directory(connection)
    if stored == told_directory(site, stored.plots):
        return False
    # Two that renew it at the same moment would each enter what the other one has not yet.
    hold_database(connection)
    told = told_directory(site, all_plot_types(connection))
    plots = plot_type_ids(connection, told.plots)
    _save_plots(connection, told, plots)
    _save_groups(connection, told, plots)
    _save_people(connection, told, plots)
    return True


def renew_directory(engine: Engine, site: Site) -> None:
    """As `save_directory`, without taking a turn among the writers while nothing has changed."""
    with reading(engine) as connection:
        stored = stored_directory(connection)
    if stored != told_directory(site, stored.plots):
        writing(engine, lambda connection: save_directory(connection, site))


def _save_plots(connection: Connection, told: Directory, plots: Mapping[PlotKey, int]) -> None:
    stored = stored_directory(connection).plots
    changed = [
        {"this_id": plots[key], "display": display, "contact": contact, "description": description}
        for key, (display, contact, description) in told.plots.items()
        if stored[key] != (display, contact, description)
    ]
    if changed:
        connection.execute(sa.update(PlotTypeRow).where(PlotTypeRow.id == sa.bindparam("this_id")), changed)
    valid = {(name, plots[key]): () for name, key in told.valid}
    # Rows that name a class go before it, and come after it.
    _match(connection, ValidClass, ("class_name", "plot_type_id"), (), valid, insert=False)
    _match(connection, PlotClassRow, ("name",), ("colour", "problem", "normal", "position"), _by(told.classes))
    _match(connection, ValidClass, ("class_name", "plot_type_id"), (), valid)


def _save_groups(connection: Connection, told: Directory, plots: Mapping[PlotKey, int]) -> None:
    _match(connection, PlotGroupRow, ("name",), ("kind",), _by({name: (kind,) for name, kind in told.groups.items()}))
    groups = _rows(connection, PlotGroupRow.name, PlotGroupRow.id)
    members = _each((groups[group], plots[key]) for group, key in told.members)
    _match(connection, PlotGroupType, ("group_id", "plot_type_id"), (), members)
    parents = _each((groups[group], groups[parent]) for group, parent in told.parents)
    _match(connection, PlotGroupParent, ("group_id", "parent_id"), (), parents)


def _save_people(connection: Connection, told: Directory, plots: Mapping[PlotKey, int]) -> None:
    every = _by({name: (every,) for name, every in told.people.items()})
    _match(connection, PersonRow, ("name",), ("any_plot_type",), every)
    people = _rows(connection, PersonRow.name, PersonRow.id)
    accounts = _each((people[name], account) for name, account in told.accounts)
    _match(connection, PersonAccount, ("person_id", "account"), (), accounts)
    _match(connection, PersonRole, ("person_id", "role"), (), _each((people[name], role) for name, role in told.roles))
    rights = _each((people[name], plots[key]) for name, key in told.rights)
    _match(connection, PersonPlotType, ("person_id", "plot_type_id"), (), rights)


def _rows(connection: Connection, name: Any, row: Any) -> dict[str, int]:
    return {found[0]: found[1] for found in connection.execute(sa.select(name, row))}


def _by(values: Mapping[str, tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {(name,): found for name, found in values.items()}


def _each(keys: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return dict.fromkeys(keys, ())


def _match(
    connection: Connection,
    table: type[Base],
    key: tuple[str, ...],
    rest: tuple[str, ...],
    wanted: Mapping[tuple[Any, ...], tuple[Any, ...]],
    *,
    insert: bool = True,
) -> None:
    """Delete, change and enter rows until a table holds what is wanted: key -> the other columns."""
    columns = table.__table__.c
    found = {
        tuple(row[: len(key)]): tuple(row[len(key) :])
        for row in connection.execute(sa.select(*(columns[name] for name in (*key, *rest))))
    }
    # Parameters must not be called like columns.
    this = sa.and_(*(columns[name] == sa.bindparam(f"this_{name}") for name in key))

    def named(one: tuple[Any, ...]) -> dict[str, Any]:
        return {f"this_{name}": value for name, value in zip(key, one, strict=True)}

    gone = [named(one) for one in found if one not in wanted]
    if gone:
        connection.execute(sa.delete(table).where(this), gone)
    new = [dict(zip((*key, *rest), (*one, *more), strict=True)) for one, more in wanted.items() if one not in found]
    if new and insert:
        connection.execute(sa.insert(table), new)
    changed = [
        {**named(one), **dict(zip(rest, more, strict=True))}
        for one, more in wanted.items()
        if one in found and found[one] != more
    ]
    if changed:
        connection.execute(sa.update(table).where(this), changed)
