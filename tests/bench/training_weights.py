"""Which weights should a training end with: the best on validation, or the average of the last steps?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.models.arrays import AnyArray
from hydra_core.models.asked import TrainSpec
from hydra_core.models.checkpoint import Checkpoint, Progress
from hydra_core.models.devices import prepare
from hydra_core.models.fit import Shown, _after, _judged, fit
from hydra_core.models.networks import build
from hydra_core.models.split import Split
from hydra_core.models.train_on import Fitted, Labelled, predicted, split_of
from tests.bench.training_kept import Kept, small
from tests.bench.training_sampling import SIZE, asker, sets

#: Those of a site that sets nothing.
EPOCHS = 2 if small() else 24
WAYS = ("best", "averaged")
NAMES = ("Good", "Bad")


@dataclass(frozen=True)
class Case:
    """A set of so many good and bad plots, training and validation together; each seed draws another set."""

    good: int
    bad: int
    seed: int

    @property
    def name(self) -> str:
        return f"weights-{self.good}x{self.bad}-seed{self.seed}"


SETS = ((40, 8),) if small() else ((160, 80), (400, 16))
CASES = tuple(Case(good, bad, seed) for good, bad in SETS for seed in (1, 2, 3))


@dataclass(frozen=True)
class _Epochs(Checkpoint):
    """Keeps nothing, and lets somebody look after each epoch."""

    look: Callable[[Progress], None]

    def save(self, progress: Progress, arrays: Mapping[str, Sequence[AnyArray]]) -> None:
        self.look(progress)

    def load(self) -> None:
        return None


def both_ways(spec: TrainSpec, given: Labelled, split: Split) -> dict[str, Fitted]:
    """Train once; return what either setting of `keep` makes of it.

    Taking the average changes nothing of the steps themselves, so the two differ by the choice of weights alone. What
    ``best`` would not have seen, as it stops early, does not count for it.
    """
    place = {name: number for number, name in enumerate(split.classes)}
    labels = np.array([place.get(name, -1) for name in given.classes])
    side = {name: np.flatnonzero(split.sides == name) for name in ("train", "validation", "test")}
    shown = Shown(given.provider, labels, side["train"], side["validation"], place.get(spec.balance_to))
    specs = {way: spec.model_copy(update={"keep": way}) for way in WAYS}
    prepare(1, spec.seed)
    model = build(spec.network, spec.size, len(place), bn_momentum=spec.bn_momentum)
    ask = asker(model)
    best, weights = Progress(), model.get_weights()

    def look(progress: Progress) -> None:
        nonlocal best, weights
        if not best.stopped:
            best, is_best = _after(best, _judged(progress.curve[-1], ask, shown), specs["best"], 0.0)
            weights = model.get_weights() if is_best else weights

    curve, last = fit(model, specs["averaged"], shown, lambda _line: None, checkpoint=_Epochs(Path(), "", look))

    def fitted(way: str, progress: Progress) -> Fitted:
        return Fitted(
            model=model,
            spec=specs[way],
            split=split,
            labels=labels,
            curve=progress.curve,
            best_epoch=progress.best_epoch,
            arithmetic="float32",
            replicas=1,
            head="maps",
            answers={name: predicted(model, given.provider, side[name]) for name in ("validation", "test")},
            seconds=0.0,
        )

    averaged = fitted("averaged", Progress(curve=curve, best_epoch=last))
    model.set_weights(weights)
    return {"best": fitted("best", best), "averaged": averaged}


def told(ways: Mapping[str, Fitted]) -> dict[str, Any]:
    """Return what either way says of the test, and what it took."""
    found = {}
    for way, fitted in ways.items():
        probs, truth = fitted.answers["test"].probs, fitted.labels[fitted.side("test")]
        picked = np.clip(probs[np.arange(len(truth)), truth].astype(np.float64), 1e-7, 1)
        found[way] = {
            "called": probs.argmax(1).tolist(),
            "loss": float(-np.log(picked).mean()),
            "images": sum(point.images for point in fitted.curve),
            "epoch": fitted.best_epoch,
        }
    return found


def train_case(case: Case, kept: Kept) -> dict[str, Any]:
    """Train on a small emulated set, of which a fifth of the runs validate; test on many plots of other runs."""
    given, test = sets(kept)
    rng = np.random.default_rng([case.seed, 31])
    good, bad = (rng.permutation(np.flatnonzero(given["bad"] == kind)) for kind in (False, True))
    which = np.sort(np.concatenate([good[: case.good], bad[: case.bad]]))
    spec = TrainSpec(size=SIZE, epochs=EPOCHS, seed=case.seed, arithmetic="float32", fractions=(0.8, 0.2, 0.0))
    named = [NAMES[one] for one in given["bad"][which].astype(int)]
    mine = Labelled(given["images"][which], named, given["runs"][which].tolist())
    split = split_of(spec, mine)
    whole = Labelled(
        np.concatenate([mine.images, test["images"]]),
        [*mine.classes, *(NAMES[one] for one in test["bad"].astype(int))],
        [*mine.runs, *test["runs"].tolist()],
    )
    sides = np.concatenate([split.sides, np.full(len(test["bad"]), "test")])
    ways = both_ways(spec, whole, replace(split, sides=sides))
    validation = ways["best"].labels[ways["best"].side("validation")]
    bad_ones = int((validation == split.classes.index("Bad")).sum())
    return {"classes": list(split.classes), "validation_bad": bad_ones, "ways": told(ways)}
