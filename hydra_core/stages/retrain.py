"""Node ``retrain``: take labels in, train the one plot type that is most due, and let the result prove itself."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.files import temp_beside
from hydra_core.base.names import PlotKey
from hydra_core.base.telling import teller
from hydra_core.config.site import Site
from hydra_core.config.training import PlotInput, PlotTraining
from hydra_core.labels.inbox import receive
from hydra_core.models.arrays import Images
from hydra_core.models.asked import InputSpec
from hydra_core.models.default_network import warning
from hydra_core.models.engine import load, read_card
from hydra_core.models.pictures import room_for
from hydra_core.models.spec import ModelCard, TrainingError, TrainSpec
from hydra_core.models.split import GOLD, SIDES
from hydra_core.stages.chosen_network import chosen_network
from hydra_core.stages.claiming import BeingTrainedError, claimed
from hydra_core.stages.context import Outcome, RunContext
from hydra_core.stages.emulated_bad import emulated_images
from hydra_core.stages.gold import taught_and_gold
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.labelled import fill
from hydra_core.stages.planted_faults import planted_faults
from hydra_core.stages.promotion import EFFECTS
from hydra_core.stages.proving import Contender, Proof, Show, Told, from_archive, prove
from hydra_core.store.labelbook import LabelledImage, archived_label_count, label_count, labelled_plot_types
from hydra_core.store.ledger import all_passes
from hydra_core.store.model_history import went_live
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.predictions import save_predictions
from hydra_core.store.registry import (
    ModelRow,
    ThresholdRow,
    add_judging_set,
    add_model,
    find_model,
    finish_claim,
    live_model,
    newest_claim,
    set_model_status,
)
from hydra_core.store.session import hold_database, reading, writing
from hydra_core.store.training_reports import save_report

if TYPE_CHECKING:
    from hydra_core.models.train import TrainResult

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DueType:
    """A plot type whose labels are worth a training; `mark` counts the labels it would start from."""

    plot: PlotKey
    plot_type_id: int
    mark: int


def due_types(connection: Connection, site: Site) -> list[DueType]:
    """Return the plot types with enough new labels on archived images, most labels first."""
    training = site.settings.training
    names = {row: key for key, row in all_plot_types(connection).items()}
    found = []
    for plot_type_id in labelled_plot_types(connection):
        claim = newest_claim(connection, plot_type_id)
        least = max(training.min_labels, (claim.mark if claim else 0) + training.min_new)
        if label_count(connection, plot_type_id) < least and (claim is None or claim.state != "running"):
            continue
        mark = archived_label_count(connection, plot_type_id)
        # Cut off, or under way at this moment: who claims it is told which.
        begun = claim is not None and claim.state == "running"
        enough = mark >= training.min_labels and mark - (claim.mark if claim else 0) >= training.min_new
        if enough or begun:
            found.append(DueType(names[plot_type_id], plot_type_id, mark))
    return sorted(found, key=lambda due: (-due.mark, due.plot))


def retrain(context: RunContext, progress: Progress | None = None) -> Outcome:
    """Take the inbox in and train at most one plot type; others wait for the next call."""
    progress = progress or teller()
    for received in receive(context.site, context.engine, EFFECTS):
        progress(f"{received.file}: {received.said}")
    with reading(context.engine) as connection:
        due = due_types(connection, context.site)
    if len(due) > 1:
        names = ", ".join(str(one.plot) for one in due)
        progress(f"{len(due)} plot types are due for a training, one after the other: {names}")
    owner = f"{context.pass_row.name}/{context.run}"
    for one in due:
        try:
            with claimed(context.site, context.engine, one.plot, one.plot_type_id, one.mark, owner) as wanted:
                if wanted:
                    return Outcome(train_type(context.site, context.engine, one, progress, threads=context.threads))
        except BeingTrainedError as busy:
            progress(busy.cause)
    return Outcome("no plot type is due for a training")


def train_type(site: Site, engine: Engine, due: DueType, progress: Progress, *, threads: int) -> str:
    """Train, prove and enter one model, whose claim the caller holds; return in a sentence what became of it."""
    from hydra_core.models.train import train, work_folder

    with reading(engine) as connection:
        taught, golden = taught_and_gold(connection, due.plot_type_id)
        passes = {row.id: row.name for row in all_passes(connection)}
    spec = training_spec(site, due.plot)
    name = _name(due)
    for sentence in filter(None, (spec.network_why, warning(spec.network, spec.size))):
        progress(sentence)
    images = [*taught, *golden]
    progress(f"training {name} on {len(taught)} labelled images: {_counts(taught)}")
    with reading(engine) as connection:
        faults = emulated_images(site, connection, due.plot, taught, passes, spec.input, seed=spec.seed)
        trial = planted_faults(site, connection, due.plot, images, passes, spec.input, seed=spec.seed)
    if faults:
        progress(f"no label names a problem: {len(faults)} emulated images of {spec.balance_to} train as well")
    folder = site.model_folder(due.plot, name)
    for left in folder.parent.glob(work_folder(folder.with_name("*")).name):
        if left != work_folder(folder):
            # Of a training that was cut off, and that this one takes the place of.
            shutil.rmtree(left, ignore_errors=True)
    with room_for(len(images) + len(faults), spec.size, work_folder(folder)) as pixels:
        fill(pixels, site, images, passes, spec.input)
        for number, fault in enumerate(faults, len(images)):
            pixels[number] = fault.image
        learn = partial(
            train,
            spec,
            pixels,
            [image.class_name for image in images] + [spec.balance_to] * len(faults),
            [image.run for image in images] + [images[fault.source].run for fault in faults],
            [image.image_sha for image in images] + [fault.image_sha for fault in faults],
            folder,
            progress,
            threads=threads,
            emulated=[False] * len(images) + [True] * len(faults),
            gold=[False] * len(taught) + [True] * len(golden) + [False] * len(faults),
            planted=trial,
        )
        try:
            result = _trained(engine, name, folder, learn)
        except TrainingError as refusal:
            shutil.rmtree(work_folder(folder), ignore_errors=True)
            return _refused(engine, due, refusal)
        of_side = result.split.sides[: len(images)]
        sides = [
            (image.image_sha, image.class_name, str(side))
            for image, side in zip(images, of_side, strict=True)
            if side in (*SIDES, GOLD)
        ]
        opened = load(folder, threads=threads)
        candidate = Contender(result.card.classes, result.card.input, opened.predict)
        told = Told(images, _shown(pixels, spec.input, from_archive(site, engine, images)))
        asked = {side: np.flatnonzero(of_side == side).tolist() for side in ("validation", "test", GOLD)}
        line = None
        while line is None:
            with reading(engine) as connection:
                live = live_model(connection, due.plot_type_id)
            proof = prove(site, engine, result.card, candidate, live, told, asked, threads=threads)
            line = _enter(site, engine, due, name, result.card, sides, live, proof)
    return line


def _trained(engine: Engine, name: str, folder: Path, learn: Callable[[], TrainResult]) -> TrainResult:
    try:
        return learn()
    except TrainingError:
        with reading(engine) as connection:
            known = find_model(connection, name)
        if known is not None or not folder.exists():
            raise
    # A call that was killed left it complete and not entered, and the gold set or a setting has changed since.
    aside = temp_beside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)
    return learn()


def _shown(pixels: Images, form: InputSpec, others: Show) -> Show:
    """Return how images are shown: from `pixels` where a network takes them in the form that they have there."""
    return lambda which, spec: np.ascontiguousarray(pixels[which]) if spec == form else others(which, spec)


def training_spec(site: Site, plot: PlotKey) -> TrainSpec:
    """Return how networks of a plot type are trained at this site."""
    settings = site.settings.training
    entry = site.plot_type(plot)
    seen = entry.input or PlotInput()
    own = entry.training or PlotTraining()
    choice = chosen_network(site, entry)
    return TrainSpec(
        network=choice.network,
        network_module=settings.network_module,
        weights=settings.weights,
        size=choice.size,
        aspect=seen.aspect,
        masks=seen.masks,
        network_why=choice.why,
        epochs=settings.epochs,
        sampling=own.sampling or settings.sampling,
        balance_to=next((known.name for known in site.plots.classes if known.problem), "Bad"),
        class_weights=settings.class_weights,
        label_smoothing=settings.label_smoothing,
        augment=own.augment,
        keep=settings.keep,
        arithmetic=settings.arithmetic,
        thresholds=own.thresholds or settings.thresholds,
        false_alarms=own.false_alarms or settings.false_alarms,
        recall=own.recall or settings.recall,
        run_block=settings.run_block,
        near=settings.near,
        int8=settings.int8,
        seed=settings.seed,
    )


def _refused(engine: Engine, due: DueType, refusal: TrainingError) -> str:
    outcome = f"{due.plot} was not trained: {refusal.cause}"
    writing(
        engine,
        lambda connection: finish_claim(connection, due.plot_type_id, due.mark, "refused", outcome, None),
    )
    return outcome


def _counts(images: list[LabelledImage]) -> str:
    counted = Counter(image.class_name for image in images)
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))


def _name(due: DueType) -> str:
    return f"{due.plot.slug}-{due.mark:06d}"


def _enter(
    site: Site,
    engine: Engine,
    due: DueType,
    name: str,
    card: ModelCard,
    sides: list[tuple[str, str, str]],
    live: ModelRow | None,
    proof: Proof,
) -> str | None:
    """Enter a model and what became of it; None where another one has gone live since the two were compared."""
    decision = proof.decision
    _, identity = read_card(site.model_folder(due.plot, name))
    thresholds = [
        ThresholdRow(known, found.value, found.method, found.positives) for known, found in card.thresholds.items()
    ]

    def save(connection: Connection) -> str | None:
        # A model may be promoted by hand at this very moment: never two live ones.
        hold_database(connection)
        known = find_model(connection, name)
        if known is not None and known.status != "candidate":
            return f"{name} is {known.status}: {known.reason}"
        earlier = live_model(connection, due.plot_type_id)
        if (earlier.id if earlier else None) != (live.id if live else None):
            return None
        model = add_model(connection, due.plot_type_id, name, identity, card.network, thresholds, sides)
        save_predictions(connection, model.id, proof.mine)
        if earlier is not None:
            save_predictions(connection, earlier.id, proof.rivals)
            save_report(connection, earlier.id)
        save_report(connection, model.id)
        if decision.live:
            if earlier is not None:
                set_model_status(connection, earlier.id, "retired", f"replaced by {name}")
            set_model_status(connection, model.id, "live", decision.reason)
            chosen = add_judging_set(connection, went_live(name, decision.reason), rules_in_force(site))
            line = f"{name} is live in judging set {chosen.number}: {decision.reason}"
        else:
            set_model_status(connection, model.id, "rejected", decision.reason)
            line = f"{name} stays out: {decision.reason}"
        finish_claim(connection, due.plot_type_id, due.mark, "done", line, model.id)
        return line

    return writing(engine, save)
