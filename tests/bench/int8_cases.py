"""Models of several networks and kinds of plots, asked for an engine in 8 bits; and images that none of it ever saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import apply_fault
from hydra_core.emulate.items import fault_cells
from hydra_core.emulate.plots import make_item, rng_for
from hydra_core.models import export, int8
from hydra_core.models.asked import TrainSpec
from hydra_core.models.engine import load
from hydra_core.models.int8 import Trial
from hydra_core.models.precision import log_odds, open_judge
from hydra_core.models.spec import INT8_XML, Int8
from hydra_core.models.train import train
from hydra_core.models.train_on import Labelled
from tests.bench import training_run_series, training_wafers
from tests.bench.training_kept import Kept, small
from tests.bench.training_sets import SEED, Runs, boards_of_24, occupancy, shown, with_boards
from tests.decisions import decisions

PLOT = "BCAL_occupancy"
SIDE = 64 if small() else 128
#: Every model is given a fifth of the wafers less than there are, another one each time.
FOLDS = 5
RUNS, NEW_RUNS, LATE_RUNS = 130_000, 140_000, 145_000
#: Half of what is usual, in nA.
LOW_CURRENT = 75.0
#: Faults that no training shows.
OTHER_FAULTS = ("dead_sector", "hot_channel", "noise", "low_gain")
#: So large a fault that all networks learn it in few steps.
HALF = tuple(range(12))
#: A threshold by hand, which the gate was not asked about.
BY_HAND = 0.9
MIXED = "mixtures of two"


@dataclass(frozen=True)
class Sets:
    """What a model is made with, and images that nothing of it saw, by what they are."""

    given: Labelled
    fresh: dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One training."""

    name: str
    words: str
    spec: TrainSpec
    sets: Callable[[Kept], Sets]


def measured(case: Case, kept: Kept) -> dict[str, Any]:
    """Train with a gate; count on fresh images the decisions that are not those of f32.

    An engine that is refused for too few images, or as not worth it, is made all the same.
    """
    sets = case.sets(kept)
    given, folder = sets.given, kept.folder / f"model-{case.name}"
    gate: list[Int8] = []

    def asked(where: Path, trial: Trial, *, threads: int) -> Int8:
        gate.append(int8.make_int8(where, trial, threads=threads))
        if not gate[0].why_not:
            return gate[0]
        with patch.multiple(int8, LEAST_IMAGES=1, LEAST_OF_A_SIDE=1, WORTH=0.0):
            return int8.make_int8(where, trial, threads=threads)

    rows = (given.images, given.classes, given.runs, [f"image {number}" for number in range(len(given.runs))])
    with patch.object(export, "make_int8", asked):
        card = train(case.spec.model_copy(update={"int8": True}), *rows, folder, print, threads=1).card
    found = {
        "sides": {name: card.training.images[name] for name in ("train", "validation", "test")},
        "accuracy": card.test.accuracy if card.test else None,
        "told": gate[0].told,
        "passed": not gate[0].why_not,
        "all_the_same": card.int8.model_dump(),
        "fresh": {},
    }
    if INT8_XML in card.files:
        found["fresh"] = {name: _compared(folder, images) for name, images in _shown(sets.fresh).items()}
    return found


def _shown(fresh: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return fresh images, and mixtures of two of the first kind, among which there are many close calls."""
    plain = next(iter(fresh.values()))
    rng = np.random.default_rng(1)
    shares = rng.uniform(0, 1, (len(plain), 1, 1, 1))
    mixed = shares * plain + (1 - shares) * plain[rng.permutation(len(plain))]
    return {**fresh, MIXED: mixed.astype(np.uint8)}


def _compared(folder: Path, images: np.ndarray) -> dict[str, Any]:
    exact, quick = (load(folder, threads=1, precision=one).predict(images).probs for one in ("f32", "int8"))
    found: dict[str, Any] = {
        "images": len(images),
        "drift": float(np.abs(log_odds(exact) - log_odds(quick)).max()),
        "moved": float(np.abs(exact - quick).max()),
    }
    for name, value in (("card", None), ("by_hand", BY_HAND)):
        card = load(folder, threads=1, golden=1).card
        assert card is not None
        thresholds = {known: value or own.value for known, own in card.thresholds.items()}
        judge = open_judge(folder, threads=1, wish="int8", thresholds=thresholds)
        final = judge.predict(images).probs
        wanted = np.array([thresholds[known] for known in card.classes])
        said = {"alone": quick, "differ": final}
        right = decisions(exact, wanted)
        found[name] = {
            **{key: int((decisions(probs, wanted) != right).any(axis=1).sum()) for key, probs in said.items()},
            # What f32 went on with alone counts as judged again.
            "again": len(images) - judge.judged + judge.again,
        }
    return found


def wafers(fold: int) -> Callable[[Kept], Sets]:
    """Return a function to the sets of one fifth of the wafers as fresh ones."""

    def sets(_kept: Kept) -> Sets:
        images, classes, _ = training_wafers.load()
        order = np.random.default_rng(5).permutation(len(classes))
        parts = [order[first::FOLDS] for first in range(FOLDS)]
        fresh = parts.pop(fold)
        mine = np.concatenate(parts)
        given = Labelled(images[mine], [classes[i] for i in mine], list(range(len(mine))))
        return Sets(given, {"other wafers": images[fresh]})

    return sets


def run_series(kept: Kept) -> Sets:
    """Return a histogram of real runs: the older two thirds to train with, the newest third fresh."""
    series = kept.arrays("int8-runs", lambda: training_run_series.load(training_run_series.CASES[0]))
    order = np.argsort(series["runs"])
    older, newest = np.split(order, [2 * len(order) // 3])
    classes = ["Bad" if bad else "Good" for bad in series["bad"][older]]
    images = np.asarray(series["images"])
    return Sets(Labelled(images[older], classes, series["runs"][older].tolist()), {"newer runs": images[newest]})


def emulated(kept: Kept) -> Sets:
    """Return emulated plots: fresh ones of other runs, and of late runs with a low current and other faults."""
    good, bad, new, late = (48, 24, 40, 20) if small() else (1000, 500, 1500, 600)
    size = (SIDE, SIDE)
    known = kept.arrays("int8-emulated", lambda: occupancy(PLOT, good, bad, Runs(RUNS, good // 4), size))
    fresh = kept.arrays("int8-new", lambda: occupancy(PLOT, new - new // 3, new // 3, Runs(NEW_RUNS, new // 4), size))
    changed = kept.arrays("int8-late", lambda: {"images": _late(late, size)})
    given = Labelled(np.asarray(known["images"]), _named(known["bad"]), known["runs"].tolist())
    changes = {"other runs": np.asarray(fresh["images"]), "low current, other faults": np.asarray(changed["images"])}
    return Sets(given, changes)


def _late(count: int, size: tuple[int, int]) -> np.ndarray:
    kind = demo_plot(PLOT)
    images = np.empty((count, *size, 3), np.uint8)
    for number in range(count):
        run = LATE_RUNS + number
        hist = make_item(kind, SEED, run, 0, current_na=LOW_CURRENT)
        if number % 2:
            fault = OTHER_FAULTS[number // 2 % len(OTHER_FAULTS)]
            rng = rng_for(SEED, "late", run)
            hist = apply_fault(fault, hist, fault_cells(kind, fault, int(rng.integers(0, 48))), rng)
        images[number] = shown(hist, kind, size)
    return images


def halves(side: int) -> Callable[[Kept], Sets]:
    """Return a function to emulated plots of which every other one counts less in one half."""

    def sets(kept: Kept) -> Sets:
        known, new = (72, 24) if small() else (700, 400)
        images = kept.arrays(f"int8-halves-{side}", lambda: {"images": _halves(known + new, (side, side))})["images"]
        classes = _named(np.arange(known) % 2 == 1)
        given = Labelled(np.asarray(images[:known]), classes, list(range(known)))
        return Sets(given, {"other runs": np.asarray(images[known:])})

    return sets


def _halves(count: int, size: tuple[int, int]) -> np.ndarray:
    kind = boards_of_24(PLOT)
    # From hardly to be seen to plain, so that some decisions are close.
    rates = [1 - number % 40 / 50 for number in range(count)]
    made = (with_boards(kind, HALF if i % 2 else (), rates[i], RUNS + i, 0) for i in range(count))
    return np.stack([shown(hist, kind, size) for hist in made])


def _named(bad: np.ndarray) -> list[str]:
    return ["Bad" if one else "Good" for one in bad]


def _spec(network: str, side: int, epochs: int, **more: Any) -> TrainSpec:
    shared = {"network": network, "size": (side, side), "near": 0.0, "arithmetic": "float32"}
    return TrainSpec.model_validate({**shared, "epochs": 1 if small() else epochs, **more})


#: The sides of the gate get a little less than their share, and have to be large enough for it.
_GATED = {"fractions": (0.44, 0.28, 0.28)}
_HALVED = {"fractions": (0.3, 0.35, 0.35)}
REAL = (
    *(
        Case(
            f"wafers-{fold}",
            f"compact, wafers {fold + 1}",
            _spec("compact", SIDE, 16, seed=1 + fold, **_GATED),
            wafers(fold),
        )
        for fold in range(FOLDS)
    ),
    Case("runs", "compact, runs", _spec("compact", SIDE, 8, **_GATED), run_series),
)
EMULATED = (
    Case("emulated", "compact, emulated faults", _spec("compact", SIDE, 6, **_GATED), emulated),
    *(
        Case(f"halves-{network}", f"{network}, {side} pixels", _spec(network, side, 2, **_HALVED), halves(side))
        for network, side in (("inceptionv3_cbam", 128), ("vgg16", 96), ("vit_tiny", 96))
    ),
)
