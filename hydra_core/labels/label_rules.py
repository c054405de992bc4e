"""What somebody may say in a label: the classes of its plot type, and the plot types that are left to the person."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.engine import Connection

from hydra_core.base.errors import RequestError
from hydra_core.base.names import PlotKey
from hydra_core.config.groups import plots_named
from hydra_core.config.site import Site
from hydra_core.labels.request_kinds import LabelRequest
from hydra_core.store.registry import find_model


def check_labels(
    site: Site, connection: Connection, request: LabelRequest, owner: str, known: Collection[PlotKey]
) -> None:
    """Refuse labels that name a class or a plot type which they may not name.

    These rules hold for whoever sends a request now. One that was accepted before stays accepted when they change.

    Parameters
    ----------
    owner
        The account that owns the file.
    known
        The plot types of the database.

    Raises
    ------
    RequestError
        Naming the first item that breaks a rule.
    """
    own = _own_plot_types(site, owner, known)
    about = None if request.report is None else find_model(connection, request.report)
    if request.report is not None and about is None:
        raise RequestError(
            f"report: there is no model {request.report!r}", next_step="'hydra models list' shows the names"
        )
    valid: dict[PlotKey, tuple[str, ...]] = {}
    for number, item in enumerate(request.items, start=1):
        key = PlotKey.parse(item.plot_type)
        if own is not None and key not in own:
            raise RequestError(
                f"item {number}: its owner {owner} may not label {item.plot_type!r}, "
                f"but {', '.join(map(str, sorted(own))) or 'no plot type that is there'}",
                next_step=f"add it to the person's 'plots' in people.toml in {site.folder}",
            )
        names = valid.setdefault(key, site.label_names(key))
        if item.class_name not in names:
            raise RequestError(
                f"item {number}: {item.plot_type!r} has no class {item.class_name!r}; its labels are "
                f"{', '.join(names)}",
                next_step="mend the label, or add the class to the 'classes' of the plot type in plots.toml",
            )
        if about is not None and about.plot != key:
            raise RequestError(
                f"item {number}: the training report of {about.name} is about {str(about.plot)!r}, "
                f"not about {item.plot_type!r}",
                next_step="send labels of other plot types in a request of their own",
            )


def _own_plot_types(site: Site, owner: str, known: Collection[PlotKey]) -> set[PlotKey] | None:
    """Return the plot types that an account may label; None where nothing limits it."""
    people = [
        person
        for person in site.people.people
        if owner in person.accounts and LabelRequest.roles.intersection(person.roles)
    ]
    if not people or any(not person.plots for person in people):
        return None
    return {plot for person in people for plot in plots_named(person.plots, known)}
