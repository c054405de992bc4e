"""Two real histograms of 360 runs with the experts' lists of bad runs: what can be learned from so few?"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.reader import read_many
from hydra_core.models.asked import TrainSpec
from hydra_core.models.pixels import model_input
from hydra_core.models.residual import fit_residual
from hydra_core.models.split import Split
from hydra_core.models.train_on import Labelled, train_on
from tests.bench.training_kept import small

SIZE = (64, 64) if small() else (128, 128)
EPOCHS, STEPS = (1, 2) if small() else (8, 24)
SCALES = {
    "Digis/hWireTBin_p11b": DrawScale(y=(0.0, 0.4), normalise="entries"),
    "Segments/hSTimeCombined": DrawScale(y=(0.0, 0.2), normalise="entries"),
}


@dataclass(frozen=True)
class Case:
    """A histogram, the experts' list that says which runs are bad, and which half of the runs trains."""

    path: str
    column: str
    trains: str

    @property
    def name(self) -> str:
        return f"runs-{self.path.rpartition('/')[2]}-{self.trains}"


CASES = tuple(
    Case(path, column, trains)
    for path, column in (
        ("Digis/hWireTBin_p11b", "bad_Digis_hWireTBin_p11b"),
        # The list for segments is of another histogram of the same detector part.
        ("Segments/hSTimeCombined", "bad_Segments_hSnSegments"),
    )
    for trains in ("older", "newer")
)


def load(case: Case) -> dict[str, np.ndarray]:
    """Return runs in the order of time: ``images``, ``runs``, ``bad``, ``entries``; runs without the plot left out."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "csc_1d_runs"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["run"]))
    images, kept, entries = [], [], []
    files = [(PurePosixPath(f"run_{row['run']}.root"), None) for row in rows]
    for row, content in zip(rows, read_many(folder / "root", files, take=(case.path,)), strict=True):
        for found in content.histograms:
            images.append(model_input(draw_rgb(found.hist, scale=SCALES[case.path]), SIZE))
            kept.append(row)
            entries.append(float(np.nansum(found.hist.values)))
    return {
        "images": np.stack(images),
        "runs": np.array([int(row["run"]) for row in kept]),
        "bad": np.array([row[case.column] == "1" for row in kept]),
        "entries": np.array(entries),
    }


def train_case(case: Case) -> dict[str, Any]:
    """Train on one half of the runs, test on the other; rank the other half without any label too."""
    series = load(case)
    older = np.arange(len(series["runs"])) < len(series["runs"]) // 2
    trains = older if case.trains == "older" else ~older
    split = Split(np.where(trains, "train", "test"), ("Bad", "Good"), {}, 0)
    names = ["Bad" if bad else "Good" for bad in series["bad"]]
    spec = TrainSpec(size=SIZE, epochs=EPOCHS, min_steps=STEPS, seed=1, arithmetic="float32")
    given = Labelled(series["images"], names, series["runs"].tolist())
    fitted = train_on(spec, given, split=split, tell=lambda _line: None)
    test = np.flatnonzero(~trains)
    scores = fitted.answers["test"].probs[:, 0]
    return {
        "runs": series["runs"][test].tolist(),
        "bad": series["bad"][test].tolist(),
        "entries": series["entries"][test].tolist(),
        "train_bad": int(series["bad"][trains].sum()),
        "train": int(trains.sum()),
        "score": scores.astype(float).tolist(),
        "residual": _differences(series["images"][trains], series["images"][test]),
        "residual_of_good": _differences(series["images"][trains & ~series["bad"]], series["images"][test]),
    }


def _differences(known: np.ndarray, tested: np.ndarray) -> list[float]:
    """Return the largest difference of each tested plot, in units of what is usual in the known ones."""
    residual = fit_residual(known)
    assert residual is not None
    found: list[float] = (residual.differences(tested).max(axis=(1, 2)).astype(float) / residual.usual).tolist()
    return found
