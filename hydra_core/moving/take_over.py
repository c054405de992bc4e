"""Taking a database of the original over: what becomes configuration, then labels, models and verdicts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from hydra_core.base.names import PlotKey
from hydra_core.base.telling import Tell
from hydra_core.config.site import Site
from hydra_core.intake.images import ImageLimits
from hydra_core.labels.request import write_decisions
from hydra_core.labels.request_kinds import EARLIEST
from hydra_core.moving.classes import Classes, read_classes
from hydra_core.moving.groups import read_groups
from hydra_core.moving.history import opened_history
from hydra_core.moving.instants import Instants
from hydra_core.moving.label_files import enter_kept
from hydra_core.moving.labels import Labels
from hydra_core.moving.models import take_models
from hydra_core.moving.moving import Moving
from hydra_core.moving.original import Original
from hydra_core.moving.outcome import Outcome
from hydra_core.moving.people import read_people
from hydra_core.moving.plot_types import PlotTypes, read_plot_types, with_classes
from hydra_core.moving.site_files import SiteFiles, site_files
from hydra_core.moving.stored_images import StoredImages
from hydra_core.moving.their_tables import KNOWN, LEFT, plain
from hydra_core.moving.verdicts import take_verdicts
from hydra_core.store.earlier import begin_import, end_import
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.session import open_engine, writing
from hydra_core.store.upgrade import upgrade

_WHO = "the original Hydra"


@dataclass(frozen=True)
class Directory:
    """What of the original becomes configuration, and what of it could not be taken."""

    types: PlotTypes
    classes: Classes
    files: SiteFiles
    outcome: Outcome


@dataclass(frozen=True)
class ImageFolder:
    """Where images of the original lie, and how many digits a run number has at least in their paths."""

    root: Path | None
    run_digits: int


def read_directory(original: Original) -> Directory:
    """Read plot types, classes, groups and people."""
    outcome = Outcome()
    _tell_what_lacks(original, outcome)
    classes = read_classes(original, outcome)
    types = with_classes(read_plot_types(original, outcome), classes.valid)
    plots = {number: theirs.plot for number, theirs in types.theirs.items()}
    groups = read_groups(original, plots, {one.key for one in types.listed}, outcome)
    people = read_people(original, plots, outcome)
    return Directory(types, classes, site_files(classes.listed, types.listed, groups, people), outcome)


def take_over(
    site: Site, engine: Engine, original: Original, found: Directory, zone: ZoneInfo, images: ImageFolder, tell: Tell
) -> Outcome:
    """Take plot types, labels, models and verdicts over into the database of a site.

    What is there already stays; a call that was stopped is gone on with by the next one, and a call after the last one
    changes nothing.

    Parameters
    ----------
    zone
        Where the clock stood by which the original wrote its times.
    """
    outcome = Outcome(found.outcome.taken.copy(), found.outcome.left.copy())
    keys = {theirs.plot for theirs in found.types.theirs.values()}
    moving = Moving(
        site=site,
        engine=engine,
        original=original,
        import_id=writing(engine, lambda connection: begin_import(connection, original.source)),
        types=found.types.theirs,
        classes=found.classes.names,
        rows=writing(engine, lambda connection: plot_type_ids(connection, keys)),
        instants=Instants(zone, outcome),
        outcome=outcome,
        tell=tell,
    )
    _ignore(moving, found.types.ignored)
    models = take_models(moving)
    tell(f"{len(models)} models read")
    with tempfile.TemporaryDirectory(prefix="hydra-import-") as folder, opened_history(moving, Path(folder)) as history:
        Labels(moving, _stored_images(moving, images), images.run_digits, history).take()
    take_verdicts(moving, models)
    taken = dict(sorted(outcome.taken.items()))
    writing(engine, lambda connection: end_import(connection, moving.import_id, taken, outcome.lines()))
    return outcome


def rehearse(
    site: Site, original: Original, found: Directory, zone: ZoneInfo, images: ImageFolder, tell: Tell
) -> Outcome:
    """As `take_over`, into a database that is thrown away: what would come of it, and nothing is changed."""
    with tempfile.TemporaryDirectory(prefix="hydra-rehearsal-") as folder:
        paths = site.settings.paths.model_copy(update={"data_root": Path(folder)})
        other = site.model_copy(update={"settings": site.settings.model_copy(update={"paths": paths})})
        engine = open_engine(f"sqlite:///{Path(folder) / 'hydra.sqlite'}")
        try:
            upgrade(engine)
            return take_over(other, engine, original, found, zone, images, tell)
        finally:
            engine.dispose()


def _tell_what_lacks(original: Original, outcome: Outcome) -> None:
    for name in KNOWN:
        lacking = original.lacks(name)
        if name not in original.tables:
            outcome.leave(f"table {name}", "that database has no such table")
        # A column that only some versions have is no loss where a newer one stands for it.
        elif missing := [column for column in lacking if (name, column) not in _ONLY_SOME]:
            outcome.leave(f"table {name}", f"it has no column for: {', '.join(missing)}")
    reasons = {plain(name): why for name, why in LEFT.items()}
    for name in original.others:
        why = reasons.get(plain(name), "this program does not know the table")
        outcome.leave(f"table {name}", why, original.count(name))


#: Columns of KNOWN that most versions do not have.
_ONLY_SOME = frozenset(
    {("Plot_Types", "group"), ("Users_Plots", "at"), ("Users_Plots_History", "id"), ("RunHistory", "id")}
)


def _ignore(moving: Moving, ignored: Sequence[PlotKey]) -> None:
    """Decide that plot types are left out; what anybody decides here, now or before, counts more."""
    what = "plot types that are hidden there"
    listed = {plot.key for plot in moving.site.plots.plots}
    moving.outcome.leave(what, "plots.toml of this site lists them", sum(one in listed for one in ignored))
    items = [{"plot_type": str(plot), "action": "ignore"} for plot in ignored if plot not in listed]
    if not items:
        return
    data = write_decisions(_WHO, EARLIEST, items, f"taken over from {moving.original.source}")
    if why := enter_kept(moving.site, moving.engine, data):
        moving.outcome.leave(what, why, len(items))
    else:
        moving.outcome.take("plot types that are ignored", len(items))


def _stored_images(moving: Moving, images: ImageFolder) -> StoredImages | None:
    if images.root is None:
        return None
    intake = moving.site.settings.intake
    limits = ImageLimits(max_bytes=intake.max_bytes, max_pixels=intake.max_pixels)
    return StoredImages(images.root, moving.original.run_periods(), limits, images.run_digits)
