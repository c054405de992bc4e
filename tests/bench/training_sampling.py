"""How many images and processor seconds each sampling scheme needs until a network is as good as asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from hydra_core.models.arrays import Floats, Images
from hydra_core.models.asked import TrainSpec
from hydra_core.models.augment import augmented
from hydra_core.models.devices import prepare
from hydra_core.models.fit import COUNTED
from hydra_core.models.intervals import confusion_of_runs, draws
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build, learning_rate_of
from hydra_core.models.pictures import pieces
from hydra_core.models.sampling import epoch_order
from hydra_core.models.schedule import average_decay, rate_at
from hydra_core.models.steps import Steps
from tests.bench.training_kept import Kept, small
from tests.bench.training_sets import Runs, occupancy

PLOT = "BCAL_occupancy"
SIZE = (96, 96) if small() else (128, 128)
GOOD, BAD = (80, 8) if small() else (4000, 400)
TEST_GOOD, TEST_BAD = (24, 16) if small() else (720, 320)
SEEDS = (1,) if small() else (1, 2, 3)
TRAIN_RUNS, TEST_RUNS = Runs(130_000, GOOD // 4), Runs(132_000, TEST_GOOD // 4)
LEVELS = (0.95, 0.98, 0.99)
BATCH = 16
#: Evaluations: every so many images at first, and later.
FINE, FINE_UNTIL, COARSE = (32, 96, 64) if small() else (400, 3200, 1600)


@dataclass(frozen=True)
class Given:
    """Sets to train and to test with: how large pictures are, and how many good and bad ones there are."""

    name: str
    size: tuple[int, int]
    train: tuple[int, int]
    test: tuple[int, int]
    #: Evaluations: every so many images at first, and later; none before the end where None.
    looks: tuple[int, int] | None


USUAL = Given("sampling", SIZE, (GOOD, BAD), (TEST_GOOD, TEST_BAD), (FINE, COARSE))


@dataclass(frozen=True)
class Case:
    """One way of training: a scheme, how many epochs of it, how much of the set may be seen, and which seeds."""

    sampling: str
    epochs: int
    part: int | None = None
    seeds: tuple[int, ...] = SEEDS

    @property
    def name(self) -> str:
        return f"sampling-{self.sampling}-{self.epochs}" + (f"-of-{self.part}" if self.part else "")


#: Epochs of plain training, and images that a balanced scheme shows in as many.
EPOCHS = 4
SHORT = 2 * BAD * EPOCHS
CASES = (
    Case("normal", EPOCHS),
    Case("normal", 1, SHORT),
    Case("undersample", EPOCHS),
    Case("rotating", EPOCHS),
    Case("undersample", EPOCHS // 2),
    Case("rotating", EPOCHS // 2),
    Case("normal", EPOCHS // 2, seeds=(1,)),
    Case("oversample", EPOCHS // 4, seeds=(1,)),
)


@dataclass
class Watch:
    """Looks now and then how good a network with averaged weights is; the time that this takes does not count."""

    model: Any
    test: dict[str, Any]
    looks: tuple[int, int] | None
    spent: float = 0.0
    evaluations: list[tuple[int, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ask = asker(self.model)
        self._since = time.process_time()

    def after(self, images: int, steps: Steps, latest: Callable[[], Iterator[Images]], *, last: bool) -> None:
        """Look, if it is time to, with statistics of the latest batches."""
        every = self.looks[images > FINE_UNTIL] if self.looks else 0
        if not last and (not every or images % every >= BATCH):
            return
        self.spent += time.process_time() - self._since
        with steps.averaged():
            steps.count_anew(latest())
            called = self._ask(self.test["images"]).argmax(1)
        self.evaluations.append((images, round(self.spent, 2), macro_f1(self.test["bad"], called)))
        self._since = time.process_time()


def asker(model: Any) -> Callable[[Images], Floats]:
    """Return a compiled function from images (n, h, w, 3) to probabilities (n, c)."""
    tf, _ = tensorflow()

    @tf.function(input_signature=[tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8)], autograph=False)
    def probabilities(batch: Any) -> Any:
        return model(tf.cast(batch, tf.float32), training=False)["probs"]

    def ask(images: Images) -> Floats:
        parts = pieces(np.arange(len(images)), 32)
        return np.concatenate([np.asarray(probabilities(np.ascontiguousarray(images[part]))) for part in parts])

    return ask


def macro_f1(bad: np.ndarray, called: np.ndarray) -> float:
    """Return the mean F1 of Good (0) and Bad (1)."""
    counts = confusion_of_runs(bad.astype(np.int64), called, np.zeros(len(bad), np.int64), 2)[0]
    both = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * np.diag(counts) / np.maximum(both, 1)))


def sets(kept: Kept, given: Given = USUAL) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the training set and the test set."""
    return (
        kept.arrays(f"{given.name}-train", lambda: occupancy(PLOT, *given.train, TRAIN_RUNS, given.size)),
        kept.arrays(f"{given.name}-test", lambda: occupancy(PLOT, *given.test, TEST_RUNS, given.size)),
    )


def spec_of(case: Case, seed: int, network: str = "compact", size: tuple[int, int] = SIZE) -> TrainSpec:
    """Return what is asked of a training; averaged weights need no validation that chooses among epochs."""
    values: dict[str, Any] = {"network": network, "sampling": case.sampling, "epochs": case.epochs, "seed": seed}
    return TrainSpec(**values, size=size, batch=BATCH, min_steps=1, keep="averaged", arithmetic="float32")


def train_case(
    case: Case, seed: int, kept: Kept, network: str = "compact", module: str = "", of: Given = USUAL
) -> tuple[Any, dict[str, Any]]:
    """Train one network as `fit` does, looking more often; return it with its curve, and what it says of the test."""
    given, test = sets(kept, of)
    labels = given["bad"].astype(np.int64)
    which = np.arange(len(labels))
    if case.part:
        which = np.random.default_rng(seed).permutation(len(labels))[: case.part]
    spec = spec_of(case, seed, network, of.size)
    order = np.concatenate([which[epoch_order(labels[which], spec, e + 1, anchor=1)] for e in range(spec.epochs)])
    rng = np.random.default_rng([seed, 21])
    prepare(1, seed)
    model = build(network, of.size, 2, module=module)
    steps, watch = Steps(model, spec, np.ones(2, np.float32)), Watch(model, test, of.looks)
    peak = learning_rate_of(network)

    def latest(seen: int) -> Iterator[Images]:
        first = max(0, seen - COUNTED * BATCH)
        return (np.ascontiguousarray(given["images"][pick]) for pick in pieces(order[first:seen], BATCH))

    for number, pick in enumerate(pieces(order, BATCH)):
        batch = augmented(np.ascontiguousarray(given["images"][pick]), spec, rng)
        rate = rate_at(number, len(order) // BATCH, peak)
        steps.take(batch, labels[pick], rate, average_decay(number, spec.average_over))
        seen = BATCH * (number + 1)
        watch.after(seen, steps, partial(latest, seen), last=seen == len(order))
    steps.keep_average()
    steps.count_anew(latest(len(order)))
    return model, {
        "images": len(order),
        "seconds": watch.spent,
        "evaluations": watch.evaluations,
        "called": "".join(map(str, asker(model)(test["images"]).argmax(1))),
    }


def crossing(evaluations: list[list[float]], level: float) -> tuple[int, float] | None:
    """Return images and seconds until the level is reached at two evaluations in a row; None for never.

    The later of the two counts as proof and the first as the time, and the last evaluation alone proves nothing.
    """
    for one, after in pairwise(evaluations):
        if one[2] >= level and after[2] >= level:
            return int(one[0]), float(one[1])
    return None


def end_figures(results: list[dict[str, Any]], test: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws over test runs of the figures of several seeds together."""
    counts = sum(_counts(one, test) for one in results)
    return draws(np.asarray(counts))


def _counts(result: dict[str, Any], test: dict[str, np.ndarray]) -> np.ndarray:
    called = np.array(list(map(int, result["called"])))
    return confusion_of_runs(test["bad"].astype(np.int64), called, test["runs"], 2)
