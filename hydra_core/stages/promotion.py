"""Requests about models: one goes live or back, a threshold is set; all checks come first, then one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError, HydraError, RequestError
from hydra_core.config.site import Site
from hydra_core.labels.inbox import Act, Prepare
from hydra_core.labels.request import parse_request
from hydra_core.labels.request_kinds import ModelRequest, PromoteItem, PromoteRequest, ThresholdItem, ThresholdRequest
from hydra_core.stages.gate_today import Proven, gate_now, proven_model
from hydra_core.stages.judging import rules_in_force
from hydra_core.store.labelbook import accepted_since
from hydra_core.store.model_history import live_again, live_before, live_models, went_live
from hydra_core.store.registry import (
    ModelRow,
    ThresholdRow,
    add_judging_set,
    add_threshold,
    find_model,
    get_model,
    live_model,
    set_model_status,
    thresholds_of,
)
from hydra_core.store.session import reading


def known_model(connection: Connection, name: str) -> ModelRow:
    """Return the model of that name.

    Raises
    ------
    HydraError
        When there is none.
    """
    found = find_model(connection, name)
    if found is None:
        raise HydraError(f"there is no model {name!r}", next_step="'hydra models list' shows the names")
    return found


def way_back(connection: Connection, plot_type_id: int) -> ModelRow:
    """Return the model that was live before the one that is live now.

    Raises
    ------
    HydraError
        When there is none.
    """
    live = live_model(connection, plot_type_id)
    found = live_before(connection, plot_type_id, live.id if live else None)
    if found is None:
        raise HydraError(
            "no other model was live for this plot type before", next_step="'hydra models list' shows what there is"
        )
    return found


def prepare_promotion(site: Site, engine: Engine, request: ModelRequest) -> Act:
    """Look at the model that a request lets go live, or back, with every check there is; return how it is done.

    The gate is not asked on the way back: what was live before is known, and the way back must be short.

    Raises
    ------
    RequestError
        When there is no such model, it is live already, its folder does not prove itself, or the gate refuses; and
        for a way back when it is not the one that was live before.
    """
    if not isinstance(request, PromoteRequest):
        raise TypeError(f"a request of kind {request.kind} promotes nothing")
    item = request.items[0]
    with reading(engine) as connection:
        model = _known(connection, item.model)
        live = live_model(connection, model.plot_type_id)
        before = live_before(connection, model.plot_type_id, live.id if live else None)
    if model.status == "live":
        raise RequestError(f"{model.name} is live already", next_step="'hydra models show' tells since when")
    if item.action == "rollback":
        if before is None or before.id != model.id:
            raise RequestError(
                f"the way back does not lead to {model.name}"
                + (f" but to {before.name}" if before else ": no other model was live for this plot type before"),
                next_step="'hydra models list' shows what there is; a promotion takes any model",
            )
        _proven(site, model)
        reason, told = why_live(request), "again "
        said = f", instead of {live.name}" if live else ""
    else:
        decision = gate_now(site, engine, model, live, _proven(site, model))
        if not decision.live and not item.despite_gate:
            raise RequestError(
                f"the gate keeps {model.name} out: {decision.reason}",
                next_step="look at 'hydra models show'; a promotion despite the gate lets it go live, with the reason",
            )
        against = "" if decision.live else f" (against the gate: {decision.reason})"
        reason, told = f"{why_live(request)}{against}", ""
        said = f": {'' if decision.live else 'against the gate: '}{decision.reason}"

    def act(connection: Connection) -> str:
        def same_type(other: PromoteItem | ThresholdItem) -> bool:
            found = find_model(connection, other.model)
            return found is not None and found.plot_type_id == model.plot_type_id

        _refuse_late(site, connection, request, same_type)
        _swap(connection, model, live, reason)
        why = why_judging(item, model.name, reason)
        back_to_id = model.id if item.action == "rollback" else None
        chosen = add_judging_set(connection, why, rules_in_force(site), back_to_id=back_to_id)
        return f"{model.name} is live {told}in judging set {chosen.number}{said}"

    return act


def prepare_thresholds(site: Site, engine: Engine, request: ModelRequest) -> Act:
    """Return how the thresholds of a request are set.

    Raises
    ------
    RequestError
        When there is no such model or class.
    """
    if not isinstance(request, ThresholdRequest):
        raise TypeError(f"a request of kind {request.kind} sets no threshold")
    items = request.items

    def check(connection: Connection) -> None:
        for item in items:
            classes = thresholds_of(connection, _known(connection, item.model).id)
            if item.class_name not in classes:
                raise RequestError(
                    f"{item.model} knows no class {item.class_name!r}",
                    next_step=f"it knows {', '.join(sorted(classes))}",
                )

    with reading(engine) as connection:
        check(connection)

    def act(connection: Connection) -> str:
        check(connection)
        lines = []
        for item in items:

            def same_class(other: PromoteItem | ThresholdItem, item: ThresholdItem = item) -> bool:
                return isinstance(other, ThresholdItem) and (other.model, other.class_name) == (
                    item.model,
                    item.class_name,
                )

            _refuse_late(site, connection, request, same_class)
            lines.append(_set(connection, request, item))
        reason = "; ".join(
            f"threshold of {item.class_name} of {item.model} set to {item.value:g} by {request.who}: {item.why}"
            for item in items
        )
        models = [_known(connection, item.model) for item in items]
        idle = [f"{one.name} is {one.status}" for one in models if one.status != "live"]
        if len(idle) == len(models):
            return f"{'; '.join(lines)}; {', '.join(dict.fromkeys(idle))}, so no verdict changes"
        chosen = add_judging_set(connection, reason, rules_in_force(site))
        return f"{'; '.join(lines)}, in judging set {chosen.number}"

    return act


#: What is done with the requests about models that an inbox brings.
EFFECTS: Mapping[str, Prepare] = MappingProxyType({"promote": prepare_promotion, "threshold": prepare_thresholds})


def why_live(request: PromoteRequest) -> str:
    """Return by whom and why a model goes live, or back, by request."""
    item = request.items[0]
    return f"{'taken back' if item.action == 'rollback' else 'promoted'} by {request.who}: {item.why}"


def why_judging(item: PromoteItem, name: str, reason: str) -> str:
    """Return the reason of the judging set that a request about a model begins."""
    return (live_again if item.action == "rollback" else went_live)(name, reason)


def set_by(item: ThresholdItem) -> ThresholdRow:
    """Return a threshold that a request sets, as the database keeps it."""
    return ThresholdRow(item.class_name, item.value, f"by hand: {item.why}", 0)


def _known(connection: Connection, name: str) -> ModelRow:
    try:
        return known_model(connection, name)
    except HydraError as error:
        raise RequestError(error.cause, next_step=error.next_step) from error


def _proven(site: Site, model: ModelRow) -> Proven:
    try:
        return proven_model(site, model)
    except DataError as error:
        raise RequestError(error.cause, next_step=error.next_step) from error


def _refuse_late(
    site: Site,
    connection: Connection,
    request: ModelRequest,
    same: Callable[[PromoteItem | ThresholdItem], bool],
) -> None:
    """Refuse a request that was not made after all that were accepted: in that order they tell again what is live."""
    for sha, at in accepted_since(connection, request.kind, request.made_at):
        later = parse_request((site.requests_kept / f"{sha}.json").read_bytes())
        if not isinstance(later, PromoteRequest | ThresholdRequest) or later == request:
            continue
        if any(same(other) for other in later.items):
            raise RequestError(
                f"it was not made after the decision of {later.who} of {at:%Y-%m-%d %H:%M} UTC, which counts",
                next_step="look at 'hydra models show', and ask again if it is still wanted",
            )


def _set(connection: Connection, request: ThresholdRequest, item: ThresholdItem) -> str:
    model = _known(connection, item.model)
    before = thresholds_of(connection, model.id)[item.class_name].value
    add_threshold(connection, model.id, set_by(item), who=request.who, at=request.made_at)
    return f"{item.class_name} of {model.name} is confirmed from {item.value:g} on, before from {before:g}"


def _swap(connection: Connection, model: ModelRow, live: ModelRow | None, reason: str) -> None:
    """Let `model` take the place of `live`, which was live when everything was checked."""
    found = live_models(connection, model.plot_type_id)
    if [one.id for one in found] != ([live.id] if live else []) or get_model(connection, model.id) != model:
        raise RequestError(
            f"the models of {model.plot} changed while {model.name} was looked at",
            next_step="look at 'hydra models list' and ask again",
        )
    for one in found:
        set_model_status(connection, one.id, "retired", f"replaced by {model.name}, {reason}")
    set_model_status(connection, model.id, "live", reason)
