"""The rules of a request that need the site and the database: who may send it, and whether what it names is there."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.errors import RequestError
from hydra_core.base.names import PlotKey
from hydra_core.config.plots import IGNORE, LONGEST_NAME
from hydra_core.config.site import Site
from hydra_core.labels.label_rules import check_labels
from hydra_core.labels.request_kinds import (
    AnyRequest,
    GoldRequest,
    LabelRequest,
    NewsRequest,
    PinRequest,
    PlotTypeItem,
    PlotTypeRequest,
)
from hydra_core.store.kept import NewKept, known_images
from hydra_core.store.labelbook import NewLabel, current_labels
from hydra_core.store.news import News
from hydra_core.store.plot_types import KnownType, NewDecision, TypeStatus, all_plot_types
from hydra_core.store.training_reports import Answer

#: How far the clock of whoever writes a request may be ahead of ours.
CLOCK_SKEW = timedelta(days=1)
_BECOMES: dict[str, TypeStatus] = {"accept": "active", "ignore": "ignored", "rename": "renamed"}


@dataclass(frozen=True)
class Entries:
    """What an accepted request enters."""

    labels: tuple[NewLabel, ...] = ()
    decisions: tuple[NewDecision, ...] = ()
    pins: tuple[NewKept, ...] = ()
    gold: tuple[NewKept, ...] = ()
    news: tuple[News, ...] = ()
    answers: tuple[Answer, ...] = ()


def check_request(site: Site, connection: Connection, request: AnyRequest, owner: str | None) -> Entries:
    """Return what a request enters; one about models enters nothing by itself.

    Parameters
    ----------
    owner
        The account that owns the file; None for a request that was accepted before, whoever sent it.

    Raises
    ------
    RequestError
        Naming the first rule that the request breaks.
    """
    if owner is not None:
        _check_sender(site, request, owner)
    if isinstance(request, LabelRequest):
        plot_types = all_plot_types(connection)
        labels = tuple(_labels(site, request, plot_types))
        if owner is not None:
            check_labels(site, connection, request, owner, plot_types)
        return Entries(labels=labels, answers=_answers(request, labels))
    if isinstance(request, PlotTypeRequest):
        return Entries(decisions=tuple(_decisions(site, request, all_plot_types(connection))))
    if isinstance(request, PinRequest):
        return Entries(pins=tuple(_pins(request, connection)))
    if isinstance(request, GoldRequest):
        return Entries(gold=tuple(_gold(request, connection, accepted=owner is None)))
    if isinstance(request, NewsRequest):
        return Entries(news=(News(request.text, request.who, request.made_at, request.until),))
    return Entries()


def _check_sender(site: Site, request: AnyRequest, owner: str) -> None:
    listed = any(owner in person.accounts and request.roles.intersection(person.roles) for person in site.people.people)
    if not listed and not site.people.anyone_may_label:
        raise RequestError(
            f"its owner {owner} may not {request.asks_to} at this site",
            next_step=f"add the account to people.toml in {site.folder}, with the role {_either(request.roles)}",
        )
    if request.made_at > now() + CLOCK_SKEW:
        raise RequestError(
            f"its made_at {request.made_at.isoformat()} is in the future, where it would beat every later request",
            next_step="set the clock of the machine that wrote it, and send it again",
        )


def _either(names: Collection[str]) -> str:
    return " or ".join(sorted(names))


def _labels(site: Site, request: LabelRequest, plot_types: Mapping[PlotKey, int]) -> list[NewLabel]:
    classes = {known.name for known in site.plots.classes} | {IGNORE}
    labels: dict[tuple[PlotKey, str], NewLabel] = {}
    for number, item in enumerate(request.items, start=1):
        key = PlotKey.parse(item.plot_type)
        if key not in plot_types:
            raise _no_plot_type(number, item.plot_type, plot_types)
        if item.class_name not in classes:
            raise RequestError(
                f"item {number}: there is no class {item.class_name!r}; known are {', '.join(sorted(classes))}",
                next_step="add the class to plots.toml, or mend the label",
            )
        label = NewLabel(plot_types[key], item.image, item.class_name, request.who, request.made_at)
        if labels.setdefault((key, item.image), label) != label:
            raise RequestError(
                f"item {number} gives an image another class than an item before it", next_step="leave one of the two"
            )
    return list(labels.values())


def _answers(request: LabelRequest, labels: Sequence[NewLabel]) -> tuple[Answer, ...]:
    if request.report is None:
        return ()
    return tuple(Answer(request.report, one.image_sha, one.class_name, one.who, one.made_at) for one in labels)


def _no_plot_type(number: int, text: str, known: Collection[PlotKey]) -> RequestError:
    near = difflib.get_close_matches(text, [str(key) for key in known], n=3)
    names = f", for instance {' or '.join(map(repr, near))}" if near else ""
    return RequestError(f"item {number}: there is no plot type {text!r}", next_step=f"'hydra plots' names them{names}")


def _decisions(site: Site, request: PlotTypeRequest, plot_types: Mapping[PlotKey, int]) -> list[NewDecision]:
    listed = {plot.key for plot in site.plots.plots}
    decisions: dict[PlotKey, NewDecision] = {}
    for number, item in enumerate(request.items, start=1):
        key = PlotKey.parse(item.plot_type)
        if key not in plot_types and key not in listed:
            raise _no_plot_type(number, item.plot_type, [*plot_types, *listed])
        if key in listed and item.action != "accept":
            raise RequestError(
                f"item {number}: plots.toml lists {item.plot_type!r}, and what it lists counts before any decision",
                next_step=f"take it out of plots.toml in {site.folder}, and send the request again",
            )
        decision = NewDecision(
            plot=key,
            status=_BECOMES[item.action],
            who=request.who,
            made_at=request.made_at,
            renamed_to=_other_name(number, key, item),
            drawing=item.drawing.model_dump(mode="json", exclude_unset=True) if item.drawing else None,
        )
        if decisions.setdefault(key, decision) != decision:
            raise RequestError(
                f"item {number} decides otherwise about {item.plot_type!r} than an item before it",
                next_step="leave one of the two",
            )
    return list(decisions.values())


def _other_name(number: int, key: PlotKey, item: PlotTypeItem) -> PlotKey | None:
    if item.name is None:
        return None
    target = PlotKey.parse(unicodedata.normalize("NFC", item.name))
    if target == key:
        raise RequestError(f"item {number} renames {str(key)!r} to itself", next_step="give another name")
    if target.chunked != key.chunked:
        raise RequestError(
            f"item {number}: {str(key)!r} comes {_times(key)}, so it cannot become {str(target)!r}, "
            f"which comes {_times(target)}",
            next_step=f"give a new name that comes {_times(key)}: NAME{':chunks' if key.chunked else ''}",
        )
    name = target.name
    if not name.strip() or len(name) > LONGEST_NAME or name.endswith(":chunks") or not name.isprintable():
        raise RequestError(
            f"item {number}: {item.name[:40]!r} cannot name a plot type",
            next_step=f"use a name of 1 to {LONGEST_NAME} characters that can be printed",
        )
    return target


def _times(key: PlotKey) -> str:
    return "once a chunk" if key.chunked else "once a run"


def refuse_circles(known: Mapping[PlotKey, KnownType], decisions: Sequence[NewDecision]) -> None:
    """See that no plot type is renamed, over however many steps, to itself.

    Parameters
    ----------
    known
        All plot types, with the decisions entered.

    Raises
    ------
    RequestError
        Naming the circle.
    """
    for one in decisions:
        way = [one.plot]
        while (found := known.get(way[-1])) is not None and found.renamed_to is not None:
            way.append(found.renamed_to)
            if way.count(way[-1]) > 1:
                raise RequestError(
                    f"its renames go in a circle: {' to '.join(map(repr, map(str, way)))}",
                    next_step="accept the plot type whose name is to stay; then the others can be renamed to it",
                )


def _pins(request: PinRequest, connection: Connection) -> list[NewKept]:
    known = known_images(connection, {item.image for item in request.items})
    pins: dict[str, NewKept] = {}
    for number, item in enumerate(request.items, start=1):
        if item.image not in known:
            raise _no_image(number, item.image)
        pin = NewKept("pin", item.image, item.action == "pin", request.who, item.why, request.made_at)
        _refuse_other(number, pins.setdefault(item.image, pin), pin)
    return list(pins.values())


def _gold(request: GoldRequest, connection: Connection, *, accepted: bool) -> list[NewKept]:
    """Return the members of gold sets that a request names.

    Parameters
    ----------
    accepted
        The request was accepted before: its images had labels then, which may be entered after it this time.
    """
    plot_types = all_plot_types(connection)
    known = known_images(connection, {item.image for item in request.items})
    labels: dict[PlotKey, dict[str, str]] = {}
    members: dict[str, NewKept] = {}
    for number, item in enumerate(request.items, start=1):
        key = PlotKey.parse(item.plot_type)
        if key not in plot_types:
            raise _no_plot_type(number, item.plot_type, plot_types)
        if item.image not in known:
            raise _no_image(number, item.image)
        if item.action == "add" and not accepted:
            if key not in labels:
                labels[key] = current_labels(connection, plot_types[key])
            if labels[key].get(item.image, IGNORE) == IGNORE:
                raise RequestError(
                    f"item {number}: the image {item.image[:12]}… of {item.plot_type!r} has no label of a class",
                    next_step="label it first: what a gold image shows has to be known",
                )
        member = NewKept("gold", item.image, item.action == "add", request.who, item.why, request.made_at)
        _refuse_other(number, members.setdefault(item.image, member), member)
    return list(members.values())


def _no_image(number: int, image: str) -> RequestError:
    return RequestError(
        f"item {number}: no run has brought an image {image[:12]}…",
        next_step="take the SHA-256 that its card or run.json shows",
    )


def _refuse_other(number: int, before: NewKept, one: NewKept) -> None:
    if before != one:
        raise RequestError(
            f"item {number} says another thing about an image than an item before it",
            next_step="leave one of the two",
        )
