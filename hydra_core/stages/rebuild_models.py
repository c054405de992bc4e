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
from hydra_core.labels.request_kinds import ModelRequest, PromoteRequest, ThresholdRequest
from hydra_core.models.engine import load, read_card
from hydra_core.models.paired import Paired
from hydra_core.models.spec import ModelCard
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.promotion import set_by, why_judging, why_live
from hydra_core.stages.proving import decide
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
    site: Site,
    engine: Engine,
    revisions: Sequence[FoundRevision],
    folders: Sequence[Path],
    asked: Sequence[ModelRequest],
    problems: list[str],
) -> list[str]:
    """Enter every model, choose those that are live, and make the judging sets; return in words what was chosen.

    The model that the newest request named is live again, unless a page that came later names another one. A model that
    a page names was live once: of those of a plot type the one with the newest judging set is live again. Where neither
    names any, the newest one that its own test figures let pass. Each way it must give the outputs of its golden
    batch. Nothing is done where there are judging sets already.

    Parameters
    ----------
    asked
        The requests about models that were accepted, in the order in which they were made.
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
        states |= _choose(site, mine, _wanted(mine, asked, told), problems)
        said += [f"{one.name} is {states[one.name][0]}: {states[one.name][1]}" for one in mine]
    return said + writing(engine, lambda connection: _enter(connection, site, found, states, told, asked))


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


def _wanted(models: Sequence[_Found], asked: Sequence[ModelRequest], told: _Told) -> tuple[_Found, str] | None:
    """Return the model of one plot type that was made live by request last, with the reason; None where none is."""
    by_name = {one.name: one for one in models}
    for request in reversed(asked):
        if isinstance(request, PromoteRequest) and (found := by_name.get(request.items[0].model)) is not None:
            later = [one.name for one in models if one.seen and told.since[one.seen[-1]] > request.made_at]
            return (found, why_live(request)) if set(later) <= {found.name} else None
    return None


def _choose(
    site: Site, models: Sequence[_Found], wanted: tuple[_Found, str] | None, problems: list[str]
) -> dict[str, tuple[str, str]]:
    """Return what becomes of the models of one plot type, newest first: name -> (status, reason)."""
    states: dict[str, tuple[str, str]] = {}
    used = sorted((one for one in models if one.seen), key=lambda one: (one.seen[-1], one.finished_at), reverse=True)
    live = False
    asked = [wanted[0]] if wanted is not None else []
    for one in [*asked, *(other for other in used or models if other not in asked)]:
        if live:
            break
        if not used and one not in asked and (refusal := _refusal(site, one.card)):
            states[one.name] = ("rejected", f"{REASON}: {refusal}")
            continue
        try:
            load(one.folder, threads=1)
        except DataError as error:
            problems.append(error.cause)
            states[one.name] = ("rejected", f"{REASON}: {error.cause}")
            continue
        why = f"judging set {one.seen[-1]} used it" if one.seen else "its test figures pass, and no page names another"
        if wanted is not None and one in asked:
            why = wanted[1]
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
    decision = decide(site, card, Paired(card.test), None)
    return "" if decision.live else decision.reason


def _enter(
    connection: Connection,
    site: Site,
    found: Sequence[_Found],
    states: Mapping[str, tuple[str, str]],
    told: _Told,
    asked: Sequence[ModelRequest],
) -> list[str]:
    rules = rules_in_force(site)
    by_request = {
        (item.model, item.class_name) for one in asked if isinstance(one, ThresholdRequest) for item in one.items
    }
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
                if known is not None and known.value != value and (one.name, class_name) not in by_request:
                    changed = ThresholdRow(class_name, value, "as the pages show it", 0)
                    add_threshold(connection, row.id, changed, who="rebuild-db")
    for request in asked:
        for item in request.items if isinstance(request, ThresholdRequest) else ():
            model = rows.get(item.model)
            if model is not None and item.class_name in thresholds_of(connection, model.id):
                add_threshold(connection, model.id, set_by(item), who=request.who, at=request.made_at)
    waiting = [one for one in asked if isinstance(one, PromoteRequest)]
    for number, names in sorted(told.models.items()):
        used = [(rows[one.name], _in_set(one, number, told)) for one in found if one.name in names and one.name in rows]
        reason, back_to_id = f"{REASON}: as the pages of its runs show it", None
        # Pages tell seconds.
        came = [one for one in waiting if one.made_at.replace(microsecond=0) <= told.since[number]]
        if mine := [one for one in came if one.items[0].model in names]:
            reason, back_to_id = _reason(mine[-1]), _back_to_id(mine[-1], rows)
            waiting = waiting[waiting.index(mine[-1]) + 1 :]
        restore_judging_set(
            connection,
            number=number,
            reason=reason,
            back_to_id=back_to_id,
            rules=rules,
            at=told.since[number],
            models=used,
        )
    reason, back_to_id = f"{REASON}: the models that are live", None
    for late in waiting:
        if states.get(late.items[0].model, ("",))[0] == "live":
            reason, back_to_id = _reason(late), _back_to_id(late, rows)
    chosen = add_judging_set(connection, reason, rules, back_to_id=back_to_id)
    return [f"judging sets: {len(judging_set_ids(connection))}, in force is {chosen.number}"]


def _reason(request: PromoteRequest) -> str:
    return why_judging(request.items[0], request.items[0].model, why_live(request))


def _back_to_id(request: PromoteRequest, rows: Mapping[str, ModelRow]) -> int | None:
    item = request.items[0]
    return rows[item.model].id if item.action == "rollback" and item.model in rows else None


def _of_card(card: ModelCard) -> list[ThresholdRow]:
    return [ThresholdRow(known, kept.value, kept.method, kept.positives) for known, kept in card.thresholds.items()]


def _in_set(one: _Found, number: int, told: _Told) -> dict[str, float]:
    known = {name: kept.value for name, kept in one.card.thresholds.items()}
    return {**known, **told.thresholds.get((number, one.name), {})}
