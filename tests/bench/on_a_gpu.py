"""What a GPU gives: images a second of the largest network, and how long it takes to be as good as asked.

``section`` is a part of the page of trainings. Where this process has no GPU it says that nothing was measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

import numpy as np

from hydra_core.models.asked import TrainSpec
from hydra_core.models.augment import augmented
from hydra_core.models.devices import arithmetic_for, gpus, prepare, strategy_here
from hydra_core.models.gpu import GPU_BATCH, sees_gpu
from hydra_core.models.keras_engine import KerasEngine
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build, learning_rate_of
from hydra_core.models.pictures import pieces
from hydra_core.models.sampling import epoch_order
from hydra_core.models.schedule import average_decay, rate_at
from hydra_core.models.steps import Steps
from tests.bench.training_kept import Kept
from tests.bench.training_sampling import PLOT, asker, crossing, macro_f1
from tests.bench.training_sets import Runs, occupancy

NOT_MEASURED = "not measured: no GPU was at hand"
LEVEL = 0.99
NAME = "gpu"


@dataclass(frozen=True)
class Asked:
    """What is measured, at full size where nothing else is said."""

    network: str = "inceptionv3_cbam"
    size: tuple[int, int] = (299, 299)
    good: int = 2000
    bad: int = 400
    test_good: int = 480
    test_bad: int = 240
    steps: int = 600
    every: int = 20
    timed: int = 40
    seed: int = 1


def here() -> bool:
    """Say whether this process has a GPU that TensorFlow can use."""
    return sees_gpu() and gpus() > 0


def measured(kept: Kept) -> dict[str, Any] | None:
    """Return what a GPU gives, measured now if it is not kept; None where there is no GPU and nothing is kept."""
    return kept.result(NAME, lambda: measure(Asked(), kept)) if here() else kept.find(NAME)


def measure(asked: Asked, kept: Kept) -> dict[str, Any]:
    """Measure training and judging on the devices of this process.

    Returns
    -------
    dict
        ``cards`` their names; ``arithmetic``; ``training`` images a second by images in a batch; ``judging`` images a
        second by arithmetic; ``evaluations``: images, seconds on the wall and macro-F1 on the test set, in order.
    """
    given, test = (
        kept.arrays(f"{NAME}-{name}", lambda many=many, runs=runs: occupancy(PLOT, *many, runs, asked.size))
        for name, many, runs in (
            ("train", (asked.good, asked.bad), Runs(140_000, asked.good // 4)),
            ("test", (asked.test_good, asked.test_bad), Runs(142_000, asked.test_good // 4)),
        )
    )
    tf, _ = tensorflow()
    cards = tf.config.list_physical_devices("GPU")
    return {
        "network": asked.network,
        "size": list(asked.size),
        "cards": [tf.config.experimental.get_device_details(card).get("device_name", "unnamed") for card in cards],
        "arithmetic": arithmetic_for("auto"),
        "shown": [asked.good, asked.bad, asked.test_good, asked.test_bad],
        "training": {str(batch): _training_speed(asked, batch, given["images"]) for batch in (16, GPU_BATCH)},
        "judging": {name: _judging_speed(asked, name, given["images"]) for name in ("float32", "mixed_bfloat16")},
        "evaluations": _learning(asked, given, test),
    }


def _fresh(asked: Asked, batch: int) -> tuple[Any, Steps, TrainSpec]:
    prepare(1, asked.seed)
    spec = TrainSpec(network=asked.network, size=asked.size, batch=batch, min_steps=1, keep="averaged", seed=asked.seed)
    strategy = strategy_here()
    with strategy.scope():
        model = build(asked.network, asked.size, 2, arithmetic=arithmetic_for(spec.arithmetic))
    return model, Steps(model, spec, np.ones(2, np.float32), strategy), spec


def _training_speed(asked: Asked, batch: int, images: np.ndarray) -> float:
    _, steps, _ = _fresh(asked, batch)
    some, labels = np.ascontiguousarray(images[:batch]), np.arange(batch) % 2
    # The first steps compile, and look for the quickest way to compute.
    for _ in range(3):
        float(steps.take(some, labels, 1e-5, 0.9))
    begun = time.perf_counter()
    losses = [steps.take(some, labels, 1e-5, 0.9) for _ in range(asked.timed)]
    float(losses[-1])
    return asked.timed * batch / (time.perf_counter() - begun)


def _judging_speed(asked: Asked, arithmetic: str, images: np.ndarray) -> float:
    prepare(1, asked.seed)
    engine = KerasEngine(build(asked.network, asked.size, 2, arithmetic=arithmetic), asked.size)
    some = np.ascontiguousarray(images[:GPU_BATCH])
    engine.predict(some)
    begun = time.perf_counter()
    for _ in range(asked.timed):
        engine.predict(some)
    return asked.timed * len(some) / (time.perf_counter() - begun)


def _learning(asked: Asked, given: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> list[list[float]]:
    """Train as a training does; return images, seconds and macro-F1. Looking does not count as time, compiling does."""
    begun = time.perf_counter()
    model, steps, spec = _fresh(asked, 16)
    ask = asker(model)
    labels, rng = given["bad"].astype(np.int64), np.random.default_rng(asked.seed)
    peak, wanted = learning_rate_of(asked.network), asked.steps * spec.batch
    epochs = (epoch_order(labels, spec, number, anchor=1) for number in count(1))
    order = np.fromiter(islice(chain.from_iterable(epochs), wanted), np.int64)
    looking, found = 0.0, []
    for number, pick in enumerate(pieces(order, spec.batch)):
        batch = augmented(np.ascontiguousarray(given["images"][pick]), spec, rng)
        decay = average_decay(number, spec.average_over)
        loss = steps.take(batch, labels[pick], rate_at(number, asked.steps, peak), decay)
        if (number + 1) % asked.every:
            continue
        float(loss)
        since = time.perf_counter()
        with steps.averaged():
            score = macro_f1(test["bad"], ask(test["images"]).argmax(1))
        found.append([spec.batch * (number + 1), round(since - begun - looking, 2), score])
        looking += time.perf_counter() - since
    return found


def section(kept: Kept) -> list[str]:
    """Return the lines of the page, without its title."""
    found = kept.find(NAME)
    if found is None:
        return [f"InceptionV3 with attention at 299 pixels, images a second and time to {LEVEL}: {NOT_MEASURED}.", ""]
    good, bad, test_good, test_bad = found["shown"]
    reached = crossing(found["evaluations"], LEVEL)
    best = max((score for _, _, score in found["evaluations"]), default=0.0)
    to_level = f"{reached[1]:.0f} s, {reached[0]:,} images" if reached else f"not reached; the best was {best:.3f}"
    judging = (f"| judging, {name}, batches of {GPU_BATCH} | {speed:.0f} |" for name, speed in found["judging"].items())
    training = (f"| training, batches of {batch} | {speed:.0f} |" for batch, speed in found["training"].items())
    return [
        f"{found['network']} at {found['size'][1]} pixels on {', '.join(found['cards']) or 'no card'}, trained in "
        f"{found['arithmetic']}; transfers to the card count.",
        "",
        "| what | images a second |",
        "|---|---|",
        *training,
        *judging,
        "",
        f"Time on the wall to a macro-F1 of {LEVEL}, compiling included, from fresh weights with `rotating` on "
        f"{good:,} good and {bad} bad emulated plots, tested on {test_good} and {test_bad}: {to_level}.",
        "",
    ]
