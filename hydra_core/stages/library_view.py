"""The model library as its page shows it: facts from the cards, states from the database."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.errors import DataError
from hydra_core.base.words import counted
from hydra_core.config.site import Site
from hydra_core.models.answers import Answers
from hydra_core.models.engine import read_card
from hydra_core.models.figures import calibration_told, fault_name, few_runs_told, figures, span, told
from hydra_core.models.spec import ModelCard
from hydra_core.models.trusted import read_answers
from hydra_core.report.site_views import LibraryView, ModelView
from hydra_core.stages.gold_words import gold_figures
from hydra_core.stages.wording import shown_name
from hydra_core.store.labelbook import archived_label_count
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import (
    ModelRow,
    ThresholdRow,
    all_models,
    newest_claim,
    newest_judging_set,
    thresholds_of,
)

#: Bins of confidence in a cell of the confusion matrix.
CONFIDENCE_BINS = 20

_RANK = {"live": 0, "candidate": 1, "rejected": 2, "retired": 3}


def library_view(connection: Connection, site: Site) -> LibraryView:
    """Return every model, and what each plot type without one still lacks."""
    rows = all_models(connection)
    models = [
        _with_gold(_model(site, row, thresholds_of(connection, row.id)), gold_figures(connection, row)) for row in rows
    ]
    live = {row.plot for row in rows if row.status == "live"}
    without = []
    for key, plot_type_id in all_plot_types(connection).items():
        if key not in live:
            lack = _lack(connection, plot_type_id, site.settings.training.min_labels)
            without.append((shown_name(site, key), lack))
    newest = newest_judging_set(connection)
    return LibraryView(
        experiment=site.settings.site.experiment,
        updated_at=now(),
        models=tuple(sorted(models, key=lambda one: (_RANK.get(one.status, 9), one.plot))),
        without=tuple(without),
        judging_set=newest.number if newest else 0,
    )


def _with_gold(view: ModelView, rows: tuple[tuple[str, str], ...]) -> ModelView:
    return replace(view, facts=(*view.facts, *rows)) if view.facts else view


def _lack(connection: Connection, plot_type_id: int, needed: int) -> str:
    claim = newest_claim(connection, plot_type_id)
    if claim is not None and claim.outcome:
        return claim.outcome
    count = archived_label_count(connection, plot_type_id, at_most=needed)
    if count < needed:
        return f"{count} of {needed} labels"
    return f"{needed} labels or more: the next training takes them"


def _model(site: Site, row: ModelRow, thresholds: dict[str, ThresholdRow]) -> ModelView:
    try:
        card, _ = read_card(site.model_folder(row.plot, row.name))
        answers = read_answers(site.model_folder(row.plot, row.name))
    except DataError as error:
        return _without_card(site, row, f"its files cannot be used: {error.cause}")
    return _view(site, row, card, answers, thresholds)


def _view(
    site: Site, row: ModelRow, card: ModelCard, answers: Answers | None, thresholds: dict[str, ThresholdRow]
) -> ModelView:
    facts = card.training
    test = card.test
    return ModelView(
        name=row.name,
        plot=shown_name(site, row.plot),
        plot_slug=row.plot.slug,
        status=row.status,
        reason=row.reason,
        network=row.network,
        made_at=row.made_at,
        classes=card.classes,
        training_images=facts.images.get("train", 0),
        validation_images=facts.images.get("validation", 0),
        test_images=facts.images.get("test", 0),
        test_runs=facts.runs.get("test", ()),
        accuracy=test.accuracy if test else None,
        macro_f1=test.macro_f1 if test else None,
        thresholds=tuple(
            (name, found.value, found.method, found.examples) for name, found in sorted(thresholds.items())
        ),
        confusion=test.confusion if test else (),
        curve=tuple(
            (one.epoch, one.loss, one.validation_loss, one.validation_accuracy)
            for one in card.curve
            if one.validation_loss is not None and one.validation_accuracy is not None
        ),
        facts=(
            *figures(test, classes=False),
            *few_runs_told(len(facts.runs.get("test", ()))),
            ("network input", f"{card.size[1]} x {card.size[0]} pixels"),
            *((("why this network", facts.spec.network_why),) if facts.spec.network_why else ()),
            ("sampling", facts.spec.sampling),
            ("best epoch", str(facts.best_epoch)),
            ("training time", f"{facts.seconds:.0f} s on {counted(facts.threads, 'core')}"),
            ("seed", str(facts.spec.seed)),
            ("8 bits", card.int8.told),
            ("left out", "; ".join(f"{name}: {why}" for name, why in facts.left_out.items()) or "no class"),
            ("libraries", ", ".join(f"{name} {version}" for name, version in facts.libraries.items())),
            ("code", facts.code),
            ("card", row.card_sha[:16]),
        ),
        confidences=confidence_counts(answers) if answers is not None and test is not None else (),
        fares=tuple(
            (
                name,
                *(told(one.recall, None), span(one.recall_interval)),
                *(told(one.precision, None), span(one.precision_interval)),
                one.support,
            )
            for name, one in (test.per_class if test else {}).items()
        ),
        reliability=tuple((one.confidence, one.right, one.images) for one in (test.reliability if test else ())),
        calibration=calibration_told(card),
        faults=tuple(
            (fault_name(one.kind), one.found, one.images, one.interval.low, one.interval.high) for one in card.faults
        ),
    )


def confidence_counts(answers: Answers) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return test images by true class, called class, and confidence of the called one in bins of equal width."""
    test = answers.on("test")
    classes, winner = len(answers.classes), test.probs.argmax(axis=1)
    best = test.probs.max(axis=1, initial=0)
    place = np.clip((best * CONFIDENCE_BINS).astype(np.int64), 0, CONFIDENCE_BINS - 1)
    counts = np.zeros((classes, classes, CONFIDENCE_BINS), np.int64)
    np.add.at(counts, (test.truth, winner, place), 1)
    return tuple(tuple(tuple(int(n) for n in cell) for cell in line) for line in counts)


def _without_card(site: Site, row: ModelRow, reason: str) -> ModelView:
    return ModelView(
        row.name,
        shown_name(site, row.plot),
        row.plot.slug,
        row.status,
        f"{row.reason}; {reason}",
        row.network,
        row.made_at,
        (),
        0,
        0,
        0,
        (),
        None,
        None,
        (),
        (),
        (),
    )
