"""The training loop: epoch after epoch, until the weights are the ones to keep."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydra_core.base.telling import Tell
from hydra_core.models.arrays import AnyArray, Ints
from hydra_core.models.asked import TrainSpec
from hydra_core.models.augment import augmented
from hydra_core.models.checkpoint import Checkpoint, Progress
from hydra_core.models.networks import learning_rate_of
from hydra_core.models.pictures import Provider, pieces
from hydra_core.models.proof import measure
from hydra_core.models.sampling import class_weights, epoch_order
from hydra_core.models.schedule import average_decay, rate_at
from hydra_core.models.spec import Epoch, TrainingError
from hydra_core.models.steps import Steps
from hydra_core.models.telling import epoch_line

#: A smaller fall of the validation loss at the same macro-F1 is no reason to go on.
WORTHWHILE = 0.01

#: Batches from which batch normalisation takes its statistics before a network is judged.
COUNTED = 8

_EVALUATION_BATCH = 32
_AUGMENT = 21


class NotFiniteError(TrainingError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Shown:
    """What a network learns from.

    Attributes
    ----------
    images
        Indices -> uint8, shape (n, h, w, 3).
    labels
        int, shape (n,): class index; negative for images on no side.
    train, validation
        Indices of the images on those sides.
    anchor
        Class to which ``undersample`` balances; the rarest where None.
    """

    images: Provider
    labels: Ints
    train: Ints
    validation: Ints
    anchor: int | None = None


def fit(
    model: Any, spec: TrainSpec, shown: Shown, tell: Tell, *, strategy: Any = None, checkpoint: Checkpoint | None = None
) -> tuple[tuple[Epoch, ...], int]:
    """Train `model` in place; at the end it has the weights that ``spec.keep`` asks for.

    The best epoch has the largest macro-F1 on the validation images, then the smallest loss. Without validation
    images all epochs are run and the last weights stay.

    Parameters
    ----------
    model
        Of `networks.build`.
    tell
        Receives one plain line per epoch.
    strategy
        TensorFlow's, in whose scope `model` was built; none for one device.
    checkpoint
        Where the state is kept after each epoch; a training that is found there goes on, with the same weights in
        the end as if it had never stopped.

    Returns
    -------
    tuple
        The learning curve and the number of the best epoch (from 1).

    Raises
    ------
    NotFiniteError
        When the loss is no longer a number.
    """
    classes = int(model.output["probs"].shape[-1])
    labels = shown.labels[shown.train]
    weights = class_weights(labels, spec, classes, anchor=shown.anchor)
    steps = Steps(model, spec, weights, strategy)
    progress, best = _taken_up(steps, checkpoint, tell)

    def order_of(number: int) -> Ints:
        return shown.train[epoch_order(labels, spec, number, anchor=shown.anchor)]

    def count_anew(order: Ints) -> None:
        steps.count_anew(shown.images(pick) for pick in pieces(order[: COUNTED * spec.batch], spec.batch))

    begun, before = time.monotonic(), progress.epoch
    while progress.epoch < spec.epochs and not progress.stopped:
        started = time.monotonic()
        number = progress.epoch + 1
        order = order_of(number)
        point = Epoch(
            epoch=number,
            images=len(order),
            loss=_epoch(steps, spec, shown, order, number),
            validation_loss=None,
            validation_accuracy=None,
            validation_macro_f1=None,
        )
        with steps.averaged():
            count_anew(order)
            if len(shown.validation):
                point = _judged(point, steps.probabilities, shown)
            progress, is_best = _after(progress, point, spec, time.monotonic() - started)
            if is_best and spec.keep == "best":
                best = model.get_weights()
        if checkpoint is not None:
            checkpoint.save(progress, {**steps.state(), "best": best})
        left = (spec.epochs - number) * (time.monotonic() - begun) / (number - before)
        tell(epoch_line(point, spec.epochs, left))
    if progress.stopped:
        tell(f"no progress for {spec.patience} epochs: stopped early")
    if spec.keep == "averaged":
        steps.keep_average()
        count_anew(order_of(progress.epoch))
    elif best:
        model.set_weights(best)
    return progress.curve, progress.best_epoch


def _taken_up(steps: Steps, checkpoint: Checkpoint | None, tell: Tell) -> tuple[Progress, list[AnyArray]]:
    found = checkpoint.load() if checkpoint is not None else None
    if found is None:
        return Progress(), []
    progress, arrays = found
    best = arrays.pop("best", [])
    if not steps.restore(arrays):
        return Progress(), []
    tell(f"goes on after epoch {progress.epoch}, where it was stopped")
    return progress, best


def _epoch(steps: Steps, spec: TrainSpec, shown: Shown, order: Ints, number: int) -> float:
    """Train one epoch and return its mean loss."""
    rng = np.random.default_rng([spec.seed, _AUGMENT, number])
    peak = spec.learning_rate or learning_rate_of(spec.network)
    per_epoch = len(order) // spec.batch
    losses = []
    for k, pick in enumerate(pieces(order, spec.batch)):
        done = (number - 1) * per_epoch + k
        batch = augmented(shown.images(pick), spec, rng)
        rate = rate_at(done, per_epoch * spec.epochs, peak)
        losses.append(steps.take(batch, shown.labels[pick], rate, average_decay(done, spec.average_over)))
    loss = float(np.mean([float(one) for one in losses]))
    if not math.isfinite(loss):
        raise NotFiniteError(
            f"the training loss is not a number after epoch {number}",
            next_step="train with a smaller learning rate",
        )
    return loss


def _judged(point: Epoch, probabilities: Callable[[Any], Any], shown: Shown) -> Epoch:
    probs = np.concatenate(
        [np.asarray(probabilities(shown.images(piece))) for piece in pieces(shown.validation, _EVALUATION_BATCH)]
    )
    truth = shown.labels[shown.validation]
    names = [str(c) for c in range(probs.shape[1])]
    metrics = measure([names[t] for t in truth], [names[c] for c in probs.argmax(1)], names)
    picked = np.clip(probs[np.arange(len(truth)), truth].astype(np.float64), 1e-7, 1.0)
    return point.model_copy(
        update={
            "validation_loss": float(-np.log(picked).mean()),
            "validation_accuracy": metrics.accuracy,
            "validation_macro_f1": metrics.macro_f1,
        }
    )


def _after(progress: Progress, point: Epoch, spec: TrainSpec, seconds: float) -> tuple[Progress, bool]:
    """Return where the training stands after an epoch, and whether that was the best one."""
    number, best, gain = point.epoch, progress.best, progress.last_gain
    if point.validation_macro_f1 is None:
        is_best, gain, best_epoch = False, number, number
    else:
        score = (point.validation_macro_f1, -(point.validation_loss or 0.0))
        if score > (best[0], best[1] + WORTHWHILE):
            gain = number
        is_best = score > best
        best = max(best, score)
        best_epoch = number if is_best else progress.best_epoch
    # Early on the rate is high, and what is gained comes in leaps.
    idle = number - gain >= spec.patience and 3 * number >= spec.epochs
    after = Progress(
        epoch=number,
        curve=(*progress.curve, point),
        best=best,
        best_epoch=number if spec.keep == "averaged" else best_epoch,
        last_gain=gain,
        seconds=progress.seconds + seconds,
        stopped=idle and spec.keep == "best" and number < spec.epochs,
    )
    return after, is_best
