"""Models and judging sets again, from model folders and from what pages say of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError
from hydra_core.base.names import PlotKey, slug
from hydra_core.config.site import Site
from hydra_core.models.engine import load, read_card
from hydra_core.models.proof import gate
from hydra_core.models.spec import ModelCard
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.survey import FoundRevision
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import ModelRow, ThresholdRow, add_judging_set, add_threshold, thresholds_of
from hydra_core.store.restore import judging_set_ids, restore_judging_set, restore_model
from hydra_core.store.session import reading, writing

REASON = "rebuilt from the archive"
_MARK = re.compile(r".*-(\d{6,})\Z", re.DOTALL)
_FOLDER = re.compile(r".*-(\d{6,})-[0-9a-f]{10}\Z")


@dataclass(frozen=True)
class _Found:
    """A model folder; `seen` are the judging sets of the pages that name it."""

    plot: PlotKey
    plot_type_id: int
    name: str
    folder: Path
    card: ModelCard
    identity: str
    seen: tuple[int, ...]

    @property
    def finished_at(self) -> datetime:
        found = datetime.fromisoformat(self.card.training.finished_at)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def mark(self) -> int | None:
        match = _MARK.match(self.name)
        return int(match[1]) if match and self.name == f"{self.plot.slug}-{match[1]}" else None


@dataclass(frozen=True)
class _Told:
    """What all pages say together: model names by set, thresholds by set and model, when a set was first used."""

    models: Mapping[int, set[str]]
    thresholds: Mapping[tuple[int, str], Mapping[str, float]]
    since: Mapping[int, datetime]


def rebuild_models(
    site: Site, engine: Engine, revisions: Sequence[FoundRevision], folders: Sequence[Path], problems: list[str]
) -> list[str]:
    """Enter every model, choose those that are live, and make the judging sets; return in words what was chosen.

    A model that a page names was live once: of those of a plot type the one with the newest judging set is live again.
    Where no page names any, the newest one that its own test figures let pass. Either way it must give the outputs of
    its golden batch. Nothing is done where there are judging sets already.
    """
    with reading(engine) as connection:
        if judging_set_ids(connection):
            return []
        types = {key.slug: (key, number) for key, number in all_plot_types(connection).items()}
    told = _told(revisions)
    found = [one for folder in folders if (one := _read(folder, types, told, problems)) is not None]
    named = {one.name for one in found}
    for number, names in sorted(told.models.items()):
        problems += [f"the model {name}, which judging set {number} used, has no folder" for name in names - named]
    said: list[str] = []
    states: dict[str, tuple[str, str]] = {}
    for plot in sorted({one.plot for one in found}):
        mine = sorted((one for one in found if one.plot == plot), key=lambda one: one.finished_at, reverse=True)
        states |= _choose(site, mine, problems)
        said += [f"{one.name} is {states[one.name][0]}: {states[one.name][1]}" for one in mine]
    return said + writing(engine, lambda connection: _enter(connection, site, found, states, told))


def _told(revisions: Sequence[FoundRevision]) -> _Told:
    models: dict[int, set[str]] = {}
    thresholds: dict[tuple[int, str], dict[str, float]] = {}
    since: dict[int, datetime] = {}
    for one in revisions:
        if one.page is None or one.page.judging_set < 1:
            continue
        number = one.page.judging_set
        since[number] = min(since.get(number, one.at), one.at)
        models.setdefault(number, set()).update(one.page.models)
        for (name, class_name), value in one.page.thresholds.items():
            thresholds.setdefault((number, name), {})[class_name] = value
    return _Told(models, thresholds, since)


def _read(folder: Path, types: Mapping[str, tuple[PlotKey, int]], told: _Told, problems: list[str]) -> _Found | None:
    try:
        card, identity = read_card(folder)
    except DataError as error:
        problems.append(error.cause)
        return None
    if folder.parent.name not in types:
        problems.append(f"{folder} is a model of a plot type that no archived run has")
        return None
    plot, number = types[folder.parent.name]
    name = _name(folder.name, plot, {name for names in told.models.values() for name in names})
    if name is None:
        problems.append(f"{folder}: the name of its model cannot be told from that of the folder")
        return None
    seen = tuple(sorted(at for at, names in told.models.items() if name in names))
    return _Found(plot, number, name, folder, card, identity, seen)


def _name(folder: str, plot: PlotKey, told: set[str]) -> str | None:
    """Return the name that leads to a folder: one that a page tells, that of a training, or the folder's own."""
    match = _FOLDER.match(folder)
    trained = [f"{plot.slug}-{match[1]}"] if match else []
    return next((name for name in (*sorted(told), *trained, folder) if slug(name) == folder), None)


def _choose(site: Site, models: Sequence[_Found], problems: list[str]) -> dict[str, tuple[str, str]]:
    """Return what becomes of the models of one plot type, newest first: name -> (status, reason)."""
    states: dict[str, tuple[str, str]] = {}
    used = sorted((one for one in models if one.seen), key=lambda one: (one.seen[-1], one.finished_at), reverse=True)
    live = False
    for one in used or models:
        if live:
            break
        if not used and (refusal := _refusal(site, one.card)):
            states[one.name] = ("rejected", f"{REASON}: {refusal}")
            continue
        try:
            load(one.folder, threads=1)
        except DataError as error:
            problems.append(error.cause)
            states[one.name] = ("rejected", f"{REASON}: {error.cause}")
            continue
        why = f"judging set {one.seen[-1]} used it" if one.seen else "its test figures pass, and no page names another"
        states[one.name] = ("live", f"{REASON}: {why}")
        live = True
    for one in models:
        why = "it judged earlier runs" if one.seen else "no page shows that it was ever in use"
        states.setdefault(one.name, ("retired", f"{REASON}: {why}"))
    return states


def _refusal(site: Site, card: ModelCard) -> str:
    """Return why a model would not have gone live by its own figures, or an empty string."""
    if card.test is None:
        return "it was never tested on runs of its own"
    settings = site.settings.training
    problems = [known.name for known in site.plots.classes if known.problem]
    if not settings.problem_required:
        problems = list(card.classes)
    decision = gate(
        card.test,
        None,
        knows=card.classes,
        problem_classes=problems,
        floor=settings.min_macro_f1,
        emulated=card.training.emulated,
    )
    return "" if decision.live else decision.reason


def _enter(
    connection: Connection,
    site: Site,
    found: Sequence[_Found],
    states: Mapping[str, tuple[str, str]],
    told: _Told,
) -> list[str]:
    rules = rules_in_force(site)
    rows: dict[str, ModelRow] = {}
    for one in sorted(found, key=lambda one: one.finished_at):
        row = restore_model(
            connection,
            plot_type_id=one.plot_type_id,
            name=one.name,
            card_sha=one.identity,
            network=one.card.network,
            status=states[one.name][0],
            reason=states[one.name][1],
            at=one.finished_at,
            thresholds=_of_card(one.card),
            mark=one.mark,
        )
        rows[one.name] = row
        if one.seen:
            for class_name, value in sorted(told.thresholds.get((one.seen[-1], one.name), {}).items()):
                known = thresholds_of(connection, row.id).get(class_name)
                if known is not None and known.value != value:
                    changed = ThresholdRow(class_name, value, "as the pages show it", 0)
                    add_threshold(connection, row.id, changed, who="rebuild-db")
    for number, names in sorted(told.models.items()):
        used = [(rows[one.name], _in_set(one, number, told)) for one in found if one.name in names and one.name in rows]
        reason = f"{REASON}: as the pages of its runs show it"
        restore_judging_set(connection, number=number, reason=reason, rules=rules, at=told.since[number], models=used)
    chosen = add_judging_set(connection, f"{REASON}: the models that are live", rules)
    return [f"judging sets: {len(judging_set_ids(connection))}, in force is {chosen.number}"]


def _of_card(card: ModelCard) -> list[ThresholdRow]:
    return [ThresholdRow(known, kept.value, kept.method, kept.positives) for known, kept in card.thresholds.items()]


def _in_set(one: _Found, number: int, told: _Told) -> dict[str, float]:
    known = {name: kept.value for name, kept in one.card.thresholds.items()}
    return {**known, **told.thresholds.get((number, one.name), {})}
