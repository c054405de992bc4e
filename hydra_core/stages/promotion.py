"""A model goes live by hand, or back; a threshold is set: each in one transaction, after all checks."""

from __future__ import annotations

import math

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import DataError, HydraError
from hydra_core.config.site import Site
from hydra_core.models.engine import load, read_card
from hydra_core.models.proof import Decision, gate
from hydra_core.models.spec import ModelCard
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.networks import check_identity
from hydra_core.store.model_history import live_before, live_models
from hydra_core.store.registry import (
    JudgingSetRow,
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
from hydra_core.store.session import hold_database, reading, writing

#: What the database keeps of how a threshold came about.
_MOST_METHOD = 100


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


def promote(site: Site, engine: Engine, name: str, *, who: str, why: str, despite_gate: bool = False) -> str:
    """Let a model go live for its plot type; return in a sentence what became of it.

    Parameters
    ----------
    who, why
        Kept in the reason of the model and of the new judging set.
    despite_gate
        Go live even where the gate refuses; its words are kept in the reason.

    Raises
    ------
    HydraError
        When there is no such model, it is live already, or the gate refuses.
    DataError
        When its folder does not prove itself.
    """
    why = _said(why)
    with reading(engine) as connection:
        model = known_model(connection, name)
        live = live_model(connection, model.plot_type_id)
    if model.status == "live":
        raise HydraError(f"{name} is live already", next_step="'hydra models show' tells since when")
    decision = gate_now(site, model, live, proven_card(site, model))
    if not decision.live and not despite_gate:
        raise HydraError(
            f"the gate keeps {name} out: {decision.reason}",
            next_step="look at 'hydra models show'; --despite-gate lets it go live, and the reason is kept",
        )
    against = "" if decision.live else f" (against the gate: {decision.reason})"
    chosen = _swap(site, engine, model, live, f"promoted by {who}: {why}{against}")
    told = "" if decision.live else "against the gate: "
    return f"{name} is live in judging set {chosen.number}: {told}{decision.reason}"


def roll_back(site: Site, engine: Engine, plot_type_id: int, *, who: str, why: str) -> str:
    """Let the model go live that was live before; return in a sentence what became of it.

    The gate is not asked: what was live before is known, and the way back must be short.

    Raises
    ------
    HydraError
        When no other model was ever live for the plot type.
    DataError
        When its folder does not prove itself.
    """
    why = _said(why)
    with reading(engine) as connection:
        live = live_model(connection, plot_type_id)
        model = live_before(connection, plot_type_id, live.id if live else None)
    if model is None:
        raise HydraError(
            "no other model was live for this plot type before", next_step="'hydra models list' shows what there is"
        )
    proven_card(site, model)
    chosen = _swap(site, engine, model, live, f"taken back by {who}: {why}")
    return f"{model.name} is live again in judging set {chosen.number}" + (f", instead of {live.name}" if live else "")


def set_threshold(site: Site, engine: Engine, name: str, class_name: str, value: float, *, who: str, why: str) -> str:
    """Set from which confidence on a class of a model is confirmed; return in a sentence what became of it.

    Raises
    ------
    HydraError
        When there is no such model or class, the value is no share, or the reason does not fit.
    """
    method = f"by hand: {_said(why)}"
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise HydraError(f"a threshold lies from 0 to 1, not {value:g}", next_step="give a number like 0.8")
    if len(method) > _MOST_METHOD:
        raise HydraError(
            f"the reason has {len(why.strip())} characters, too many for a threshold",
            next_step=f"say it in {_MOST_METHOD - len('by hand: ')}",
        )

    def save(connection: Connection) -> str:
        hold_database(connection)
        model = known_model(connection, name)
        before = thresholds_of(connection, model.id)
        if class_name not in before:
            raise HydraError(f"{name} knows no class {class_name!r}", next_step=f"it knows {', '.join(sorted(before))}")
        add_threshold(connection, model.id, ThresholdRow(class_name, value, method, 0), who=who)
        line = f"{class_name} of {name} is confirmed from {value:g} on, before from {before[class_name].value:g}"
        if model.status != "live":
            return f"{line}; the model is {model.status}, so no verdict changes"
        reason = f"threshold of {class_name} of {name} set to {value:g} by {who}: {why.strip()}"
        chosen = add_judging_set(connection, reason, rules_in_force(site))
        return f"{line}, in judging set {chosen.number}"

    return writing(engine, save)


def proven_card(site: Site, model: ModelRow) -> ModelCard:
    """Open a model with every check there is, weights and whole golden batch included, and return its card.

    Raises
    ------
    DataError
        When its folder does not prove itself, or holds another model than the database means.
    """
    folder = site.model_folder(model.plot, model.name)
    opened = load(folder, threads=1)
    check_identity(folder, model, opened.identity)
    card, _ = read_card(folder)
    return card


def gate_now(site: Site, model: ModelRow, live: ModelRow | None, card: ModelCard) -> Decision:
    """Return what the gate says of a model today, by the figures on its card and on that of the live one.

    A model that was kept out at its training stays out: the gate had looked at more then than cards hold.
    """
    if model.status == "rejected":
        return Decision(False, model.reason)
    settings = site.settings.training
    if card.test is None:
        return Decision(False, "too few runs were labelled to keep one aside for a test")
    rival = None
    if live is not None:
        try:
            rival = read_card(site.model_folder(live.plot, live.name))[0].test
        except DataError as error:
            return Decision(False, f"the live model cannot be compared: {error.cause}")
        if rival is None:
            return Decision(False, "the live model was never tested, so the two cannot be compared")
    problems = [known.name for known in site.plots.classes if known.problem]
    if not settings.problem_required:
        problems = list(card.classes)
    return gate(
        card.test,
        rival,
        knows=card.classes,
        problem_classes=problems,
        floor=settings.min_macro_f1,
        emulated=card.training.emulated,
    )


def _said(why: str) -> str:
    if not why.strip():
        raise HydraError("what verdicts are made with changes only with a reason", next_step="say it with --why TEXT")
    return " ".join(why.split())


def _swap(site: Site, engine: Engine, model: ModelRow, live: ModelRow | None, reason: str) -> JudgingSetRow:
    """Let `model` take the place of `live`, which was live when everything was checked."""

    def save(connection: Connection) -> JudgingSetRow:
        # Alone, so that of two who do this at once the second sees what the first did.
        hold_database(connection)
        found = live_models(connection, model.plot_type_id)
        if [one.id for one in found] != ([live.id] if live else []) or get_model(connection, model.id) != model:
            raise HydraError(
                f"the models of {model.plot} changed while {model.name} was looked at",
                next_step="look at 'hydra models list' and call the command again",
            )
        for one in found:
            set_model_status(connection, one.id, "retired", f"replaced by {model.name}, {reason}")
        set_model_status(connection, model.id, "live", reason)
        return add_judging_set(connection, f"{model.name} went live: {reason}", rules_in_force(site))

    return writing(engine, save)
