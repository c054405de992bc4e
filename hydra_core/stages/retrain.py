"""Node ``retrain``: take labels in, train the one plot type that is most due, and let the result prove itself."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.plots import IGNORE
from hydra_core.config.site import Site
from hydra_core.config.training import PlotInput, PlotTraining
from hydra_core.intake.block import Block
from hydra_core.labels.inbox import receive
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Prediction, load, read_card
from hydra_core.models.pictures import room_for
from hydra_core.models.proof import Decision, gate, measure
from hydra_core.models.spec import Metrics, ModelCard, TrainingError, TrainSpec
from hydra_core.models.telling import teller
from hydra_core.stages.context import Outcome, RunContext
from hydra_core.stages.emulated_bad import emulated_images
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.networks import network_input, open_network
from hydra_core.store.labelbook import LabelledImage, archived_label_count, labelled_images, labelled_plot_types
from hydra_core.store.ledger import all_passes
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.registry import (
    ModelRow,
    ThresholdRow,
    add_judging_set,
    add_model,
    claim_training,
    find_model,
    finish_claim,
    live_model,
    newest_claim,
    set_model_status,
    training_images,
)
from hydra_core.store.session import hold_database, reading, writing

Progress = Callable[[str], None]
Predict = Callable[[NDArray[np.uint8]], Prediction]


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
        mark = archived_label_count(connection, plot_type_id)
        claim = newest_claim(connection, plot_type_id)
        interrupted = claim is not None and claim.state == "running" and claim.mark == mark
        enough = mark >= training.min_labels and mark - (claim.mark if claim else 0) >= training.min_new
        if enough or interrupted:
            found.append(DueType(names[plot_type_id], plot_type_id, mark))
    return sorted(found, key=lambda due: (-due.mark, due.plot))


def retrain(context: RunContext, progress: Progress | None = None) -> Outcome:
    """Take the inbox in and train at most one plot type; others wait for the next call."""
    progress = progress or teller()
    for received in receive(context.site, context.engine):
        progress(f"{received.file}: {received.said}")
    with reading(context.engine) as connection:
        due = due_types(connection, context.site)
    owner = f"{context.pass_row.name}/{context.run}"
    for one in due:
        if writing(context.engine, partial(_claim, one, owner)):
            return Outcome(train_type(context.site, context.engine, one, progress, threads=context.threads))
    return Outcome("no plot type is due for a training")


def _claim(due: DueType, owner: str, connection: Connection) -> bool:
    return claim_training(connection, due.plot_type_id, due.mark, owner)


def train_type(site: Site, engine: Engine, due: DueType, progress: Progress, *, threads: int) -> str:
    """Train, prove and enter one model; return in a sentence what became of it."""
    from hydra_core.models.train import train, work_folder

    with reading(engine) as connection:
        images = [image for image in labelled_images(connection, due.plot_type_id) if image.class_name != IGNORE]
        passes = {row.id: row.name for row in all_passes(connection)}
        live = live_model(connection, due.plot_type_id)
    spec = training_spec(site, due.plot)
    name = _name(due)
    progress(f"training {name} on {len(images)} labelled images: {_counts(images)}")
    with reading(engine) as connection:
        faults = emulated_images(site, connection, due.plot, images, passes, spec.input, seed=spec.seed)
    if faults:
        progress(f"no label names a problem: {len(faults)} emulated images of {spec.balance_to} train as well")
    folder = site.model_folder(due.plot, name)
    with room_for(len(images) + len(faults), spec.size, work_folder(folder)) as pixels:
        _fill(pixels, site, images, passes, spec.input)
        for number, fault in enumerate(faults, len(images)):
            pixels[number] = fault.image
        try:
            result = train(
                spec,
                pixels,
                [image.class_name for image in images] + [spec.balance_to] * len(faults),
                [image.run for image in images] + [images[fault.source].run for fault in faults],
                [image.image_sha for image in images] + [fault.image_sha for fault in faults],
                folder,
                progress,
                threads=threads,
                emulated=[False] * len(images) + [True] * len(faults),
            )
        except TrainingError as refusal:
            shutil.rmtree(work_folder(folder), ignore_errors=True)
            return _refused(engine, due, refusal)
        sides = [
            (image.image_sha, image.class_name, side)
            for image, side in zip(images, result.split.sides[: len(images)], strict=True)
            if side in ("train", "validation", "test")
        ]
        tested = [number for number, side in enumerate(result.split.sides) if side == "test"]
        decision = _decide(site, engine, due, live, result.card, images, pixels, tested, threads)
    return _enter(site, engine, due, name, result.card, sides, decision)


def training_spec(site: Site, plot: PlotKey) -> TrainSpec:
    """Return how networks of a plot type are trained at this site."""
    settings = site.settings.training
    entry = site.plot_type(plot)
    seen = entry.input or PlotInput()
    own = entry.training or PlotTraining()
    return TrainSpec(
        network=entry.network or settings.network,
        network_module=settings.network_module,
        weights=settings.weights,
        size=seen.size or settings.size,
        aspect=seen.aspect,
        masks=seen.masks,
        epochs=settings.epochs,
        sampling=own.sampling or settings.sampling,
        balance_to=next((known.name for known in site.plots.classes if known.problem), "Bad"),
        class_weights=settings.class_weights,
        label_smoothing=settings.label_smoothing,
        augment=own.augment,
        keep=settings.keep,
        arithmetic=settings.arithmetic,
        run_block=settings.run_block,
        near=settings.near,
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


def _fill(
    pixels: NDArray[np.uint8], site: Site, images: list[LabelledImage], passes: dict[int, str], spec: InputSpec
) -> None:
    """Write the images, as a network with this input takes them, into `pixels` (n, h, w, 3)."""
    places: dict[tuple[int, int, int], list[int]] = {}
    for number, image in enumerate(images):
        places.setdefault((image.pass_id, image.run, image.revision), []).append(number)
    for (pass_id, run, revision), numbers in places.items():
        path = site.archive_file(passes[pass_id], run, revision, images[numbers[0]].generation)
        with Block.open(path) as block:
            for number in numbers:
                pixels[number] = network_input(block, images[number].block_index, spec)


def _decide(
    site: Site,
    engine: Engine,
    due: DueType,
    live: ModelRow | None,
    card: ModelCard,
    images: list[LabelledImage],
    pixels: NDArray[np.uint8],
    tested: list[int],
    threads: int,
) -> Decision:
    """Compare the candidate with the live model on test images that neither of the two was trained on."""
    settings = site.settings.training
    problems = [known.name for known in site.plots.classes if known.problem]
    if not settings.problem_required:
        problems = list(card.classes)
    if card.test is None:
        return Decision(False, "too few runs were labelled to keep one aside for a test")
    rival: Metrics | None = None
    mine = card.test
    if live is not None:
        with reading(engine) as connection:
            seen = {sha for sha, _, side in training_images(connection, live.id) if side == "train"}
        fair = [number for number in tested if images[number].image_sha not in seen]
        if not fair:
            return Decision(False, "the live model was trained on every test image, so the two cannot be compared")
        folder = site.model_folder(due.plot, _name(due))
        candidate = load(folder, threads=threads)
        mine = _measured(candidate.predict, card.classes, images, pixels, fair)
        network = open_network(site, live, threads)
        if network.input != card.input:
            return Decision(False, "the live model takes the plots in another form, so the two cannot be compared")
        rival = _measured(network.predict, network.classes, images, pixels, fair)
    return gate(
        mine,
        rival,
        knows=card.classes,
        problem_classes=problems,
        floor=settings.min_macro_f1,
        emulated=card.training.emulated,
    )


def _measured(
    predict: Predict, classes: tuple[str, ...], images: list[LabelledImage], pixels: NDArray[np.uint8], which: list[int]
) -> Metrics:
    answers = predict(pixels[which]).probs.argmax(axis=1)
    return measure(
        [images[number].class_name for number in which],
        [classes[answer] for answer in answers],
        classes,
        [images[number].image_sha for number in which],
    )


def _name(due: DueType) -> str:
    return f"{due.plot.slug}-{due.mark:06d}"


def _enter(
    site: Site,
    engine: Engine,
    due: DueType,
    name: str,
    card: ModelCard,
    sides: list[tuple[str, str, str]],
    decision: Decision,
) -> str:
    _, identity = read_card(site.model_folder(due.plot, name))
    thresholds = [
        ThresholdRow(known, found.value, found.method, found.positives) for known, found in card.thresholds.items()
    ]

    def save(connection: Connection) -> str:
        # A model may be promoted by hand at this very moment: never two live ones.
        hold_database(connection)
        known = find_model(connection, name)
        if known is not None and known.status != "candidate":
            return f"{name} is {known.status}: {known.reason}"
        model = add_model(connection, due.plot_type_id, name, identity, card.network, thresholds, sides)
        if decision.live:
            earlier = live_model(connection, due.plot_type_id)
            if earlier is not None:
                set_model_status(connection, earlier.id, "retired", f"replaced by {name}")
            set_model_status(connection, model.id, "live", decision.reason)
            chosen = add_judging_set(connection, f"{name} went live: {decision.reason}", rules_in_force(site))
            line = f"{name} is live in judging set {chosen.number}: {decision.reason}"
        else:
            set_model_status(connection, model.id, "rejected", decision.reason)
            line = f"{name} stays out: {decision.reason}"
        finish_claim(connection, due.plot_type_id, due.mark, "done", line, model.id)
        return line

    return writing(engine, save)
