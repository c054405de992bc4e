"""The training loop: balanced batches, warm-up and cosine, the best weights on the validation runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hydra_core.models.arrays import Images, Ints
from hydra_core.models.lazy import tensorflow
from hydra_core.models.proof import measure
from hydra_core.models.spec import Epoch, TrainingError, TrainSpec

#: A smaller fall of the validation loss at the same macro-F1 is no reason to go on.
WORTHWHILE = 0.01

_EVALUATION_BATCH = 32


def prepare(threads: int, seed: int) -> None:
    """Fix the seeds and the cores of TensorFlow for this process; the same input then gives the same weights."""
    tf, keras = tensorflow()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            raise TrainingError(
                f"TensorFlow already runs in this process with another number of cores than {threads}",
                next_step="train one model per process, or all with the same number of cores",
            ) from error


def epoch_indices(labels: Ints, spec: TrainSpec) -> Iterator[Ints]:
    """Yield, epoch after epoch, which images to show, in order; the length is a multiple of the batch.

    ``rotating`` takes equally many of each class and goes through all images of a class before it shows one again.
    """
    rng = np.random.default_rng(spec.seed)
    pools = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    if spec.sampling == "all":
        pools = [np.arange(len(labels))]
    least = math.ceil(spec.min_steps * spec.batch / len(pools))
    share = max(min(len(pool) for pool in pools), least)
    steps = math.ceil(share * len(pools) / spec.batch)
    share = math.ceil(steps * spec.batch / len(pools))
    queues: list[list[int]] = [[] for _ in pools]
    while True:
        picked: list[int] = []
        for pool, queue in zip(pools, queues, strict=True):
            while len(queue) < share:
                queue.extend(rng.permutation(pool).tolist())
            picked.extend(queue[:share])
            del queue[:share]
        yield rng.permutation(picked)[: steps * spec.batch]


def shifted(images: Images, rng: np.random.Generator, most: int) -> Images:
    """Move each image (n, h, w, 3) by up to `most` pixels each way; what moves in repeats the edge."""
    if most == 0:
        return images
    _, height, width, _ = images.shape
    wide = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    moves = rng.integers(0, 2 * most + 1, (len(images), 2))
    return np.stack([one[y : y + height, x : x + width] for one, (y, x) in zip(wide, moves, strict=True)])


def rate_at(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: a linear warm-up over the first tenth (50 steps at most), then a half cosine."""
    warm = max(1, min(50, steps // 10))
    return peak * min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def fit(
    model: Any,
    spec: TrainSpec,
    images: Images,
    labels: Ints,
    train: Ints,
    validation: Ints,
    progress: Callable[[str], None],
) -> tuple[tuple[Epoch, ...], int]:
    """Train `model` in place; at the end it has the weights of its best epoch.

    The best epoch has the largest macro-F1 on the validation images, then the smallest loss. Without validation
    images all epochs are run and the last weights stay.

    Parameters
    ----------
    model
        Of `networks.build`.
    images
        uint8, shape (n, h, w, 3).
    labels
        int, shape (n,): class index.
    train, validation
        Indices into `images`.
    progress
        Receives one plain line per epoch.

    Returns
    -------
    tuple
        The learning curve and the number of the best epoch (from 1).

    Raises
    ------
    TrainingError
        When the loss is no longer a number.
    """
    tf, keras = tensorflow()
    optimizer = keras.optimizers.Adam(spec.learning_rate)
    variables = model.trainable_variables

    @tf.function  # type: ignore[untyped-decorator]
    def step(batch: Any, wanted: Any, rate: Any) -> Any:
        optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            logits = tf.reduce_mean(model(batch, training=True)["cam"], axis=(1, 2))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def probabilities(batch: Any) -> Any:
        return model(batch, training=False)["probs"]

    rng = np.random.default_rng(spec.seed + 1)
    most = round(spec.shift * min(spec.size) / 128)
    stream = epoch_indices(labels[train], spec)
    curve: list[Epoch] = []
    best: tuple[float, float] = (-1.0, 0.0)
    best_epoch, last_gain, best_weights = 0, 0, None
    begun, done = time.monotonic(), 0
    for number in range(1, spec.epochs + 1):
        order = train[next(stream)]
        steps = len(order) // spec.batch
        losses = []
        for k in range(steps):
            pick = order[k * spec.batch : (k + 1) * spec.batch]
            batch = shifted(images[pick], rng, most).astype(np.float32)
            rate = rate_at(done, steps * spec.epochs, spec.learning_rate)
            losses.append(float(step(batch, labels[pick], np.float32(rate))))
            done += 1
        loss = float(np.mean(losses))
        if not math.isfinite(loss):
            raise TrainingError(
                f"the training loss is not a number after epoch {number}",
                next_step="train with a smaller learning rate",
            )
        point = Epoch(
            epoch=number,
            images=len(order),
            loss=loss,
            validation_loss=None,
            validation_accuracy=None,
            validation_macro_f1=None,
        )
        if len(validation):
            point = _judged(point, probabilities, images, labels, validation)
            score = (point.validation_macro_f1 or 0.0, -(point.validation_loss or 0.0))
            if score > (best[0], best[1] + WORTHWHILE):
                last_gain = number
            if score > best:
                best, best_epoch, best_weights = score, number, model.get_weights()
        else:
            best_epoch = last_gain = number
        curve.append(point)
        progress(_line(point, spec.epochs, (time.monotonic() - begun) / number))
        # Early on the running statistics of batch normalisation lag, and validation says little.
        if number - last_gain >= spec.patience and 3 * number >= spec.epochs:
            progress(f"no progress for {spec.patience} epochs: stopped early")
            break
    if best_weights is not None:
        model.set_weights(best_weights)
    return tuple(curve), best_epoch


def _judged(point: Epoch, probabilities: Callable[[Any], Any], images: Images, labels: Ints, validation: Ints) -> Epoch:
    pieces = [validation[i : i + _EVALUATION_BATCH] for i in range(0, len(validation), _EVALUATION_BATCH)]
    probs = np.concatenate([np.asarray(probabilities(images[piece].astype(np.float32))) for piece in pieces])
    truth = labels[validation]
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


def _line(point: Epoch, epochs: int, seconds_per_epoch: float) -> str:
    left = round((epochs - point.epoch) * seconds_per_epoch)
    judged = "no validation runs"
    if point.validation_accuracy is not None:
        judged = f"validation accuracy {point.validation_accuracy:.3f}"
    time_left = f"at most {left // 60} min {left % 60:02d} s left"
    return f"epoch {point.epoch}/{epochs}  loss {point.loss:.4f}  {judged}  {time_left}"
