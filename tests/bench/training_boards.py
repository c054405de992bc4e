"""From a few emulated outages of single boards: which outages does a network recognise that it never saw?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from hydra_core.models.arrays import Images
from hydra_core.models.asked import TrainSpec
from hydra_core.models.devices import prepare
from hydra_core.models.fit import Shown, fit
from hydra_core.models.networks import build
from hydra_core.models.pictures import provider_of
from tests.bench.training_kept import Kept, small
from tests.bench.training_sampling import SIZE, asker
from tests.bench.training_sets import BOARDS, Runs, boards_of_24, shown, with_boards

PLOT = "BCAL_occupancy"
GOOD, TEST_GOOD, COPIES = (20, 8, 1) if small() else (200, 200, 2)
EPOCHS = 1 if small() else 8
#: Positions of boards among the emulated outages, and copies of each.
SETS = ((1, 18), (3, 6), (6, 4), (12, 2))
#: What emulated boards count where not all of them are dead: half of them are, the others take turns.
REDUCED = (0.3, 0.5, 0.1)
RATE = 0.3
TRAIN, TEST = Runs(130_000, 120), Runs(132_000, 120)


@dataclass(frozen=True)
class Case:
    """Which emulated outages are shown."""

    positions: int
    copies: int
    reduced: bool

    @property
    def seeds(self) -> tuple[int, ...]:
        """Three for the case that the claim is about, the widest one."""
        return (1, 2, 3) if self.positions == max(SETS)[0] and not small() else (1,)

    @property
    def name(self) -> str:
        return f"boards-{self.positions:02}x{self.copies:02}-{'reduced' if self.reduced else 'dead'}"


CASES = tuple(Case(*one, reduced) for reduced in (False, True) for one in SETS)


def test_set() -> dict[str, np.ndarray]:
    """Return plots to recognise: ``images``; ``boards`` int (n, 2), -1 for none; ``rates`` float (n,)."""
    kind = boards_of_24(PLOT)
    wanted: list[tuple[tuple[int, ...], float]] = [((), 0.0)] * TEST_GOOD
    for rate in (0.0, RATE):
        wanted += [((board,), rate) for board in range(BOARDS)] * COPIES
    wanted += [(pair, 0.0) for pair in combinations(range(BOARDS), 2)]
    images = np.stack(
        [
            shown(with_boards(kind, boards, rate, TEST.run(i), i // TEST.count), kind, SIZE)
            for i, (boards, rate) in enumerate(wanted)
        ]
    )
    boards = np.array([(*boards, -1, -1)[:2] for boards, _ in wanted])
    return {"images": images, "boards": boards, "rates": np.array([rate for _, rate in wanted])}


def training_images(case: Case, positions: np.ndarray) -> tuple[Images, np.ndarray]:
    """Return good plots and emulated outages of some boards, with labels (1: bad)."""
    kind = boards_of_24(PLOT)
    made = [shown(with_boards(kind, (), 0, TRAIN.run(i), i // TRAIN.count), kind, SIZE) for i in range(GOOD)]
    for i in range(case.positions * case.copies):
        # Half of the copies are dead; the position changes slower than the rate, so each board meets both.
        rate = REDUCED[i // 2 % len(REDUCED)] if case.reduced and i % 2 else 0.0
        board = int(positions[i // case.copies])
        made.append(shown(with_boards(kind, (board,), rate, TRAIN.run(7 * i), 8), kind, SIZE))
    return np.stack(made), (np.arange(len(made)) >= GOOD).astype(np.int64)


def train_case(case: Case, seed: int, kept: Kept) -> dict[str, Any]:
    """Train one network; return which boards it was shown and which test plots it flags."""
    positions = np.random.default_rng([seed, 5]).permutation(BOARDS)[: case.positions]
    images, labels = training_images(case, positions)
    spec = TrainSpec(size=SIZE, epochs=EPOCHS, seed=seed, keep="averaged", arithmetic="float32")
    prepare(1, seed)
    model = build(spec.network, SIZE, 2)
    everything = Shown(provider_of(images), labels, np.arange(len(labels)), np.empty(0, np.int64), 1)
    curve, _ = fit(model, spec, everything, lambda _line: None)
    flagged = asker(model)(kept.arrays("boards-test", test_set)["images"]).argmax(1)
    return {
        "positions": positions.tolist(),
        "steps": sum(point.images for point in curve) // spec.batch,
        "flagged": "".join(map(str, flagged)),
    }


def counts(result: dict[str, Any], test: dict[str, np.ndarray]) -> dict[str, tuple[int, int]]:
    """Return (flagged, all) for each group of test plots."""
    flagged = np.array(list(map(int, result["flagged"]))) == 1
    seen = np.isin(test["boards"], result["positions"]).sum(axis=1)
    many = (test["boards"] >= 0).sum(axis=1)
    dead = test["rates"] == 0
    groups = {
        "good": many == 0,
        "single, shown": (many == 1) & dead & (seen == 1),
        "single, not shown": (many == 1) & dead & (seen == 0),
        "all doubles": many == 2,
        "doubles, none shown": (many == 2) & (seen == 0),
        "30 %, shown": (many == 1) & ~dead & (seen == 1),
        "30 %, not shown": (many == 1) & ~dead & (seen == 0),
    }
    return {name: (int(flagged[which].sum()), int(which.sum())) for name, which in groups.items()}
