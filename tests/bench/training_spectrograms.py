"""Real spectrograms whose title names the site: what the title does to a network, and what masking it does."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.intake.images import read_image
from hydra_core.models.asked import InputSpec, TrainSpec
from hydra_core.models.pictures import provider_of
from hydra_core.models.pixels import edge_colour, model_input
from hydra_core.models.split import Split
from hydra_core.models.train_on import Labelled, predicted, train_on
from tests.bench.training_kept import small

SIZE = (48, 64) if small() else (96, 128)
EPOCHS, STEPS = (1, 2) if small() else (4, 24)
FOLDS = 2 if small() else 5
SEEDS = (1,) if small() else (1, 2, 3)
#: The title's part of the picture.
TITLE = (0.0, 0.0, 1.0, 0.09)
TITLES = ("as given", "exchanged", "erased")
#: Where the spectrogram lies in the picture (left, top, right, bottom), and from which value of green on it is bright.
FRAME, BRIGHT = (102, 62, 672, 538), 180


@dataclass(frozen=True)
class Plot:
    """One picture, its class and its site."""

    rgb: np.ndarray
    label: str
    site: str


@dataclass(frozen=True)
class Case:
    """One training: who trains, whether the title is masked, and whether pictures are shifted by a few pixels."""

    story: str
    number: int
    masked: bool
    shifted: bool

    @property
    def name(self) -> str:
        seen = "masked" if self.masked else "whole"
        return f"spectrograms-{self.story}-{self.number}-{seen}" + ("" if self.shifted else "-still")


CASES = tuple(
    Case(story, number, masked, shifted)
    for story, numbers, moved in (
        ("telling", SEEDS, (True, False)),
        ("mixed", range(FOLDS), (True,)),
        ("site", range(FOLDS), (True, False)),
        ("height", SEEDS, (False,)),
    )
    for shifted in moved
    for number in numbers
    for masked in (False, True)
)


def load() -> list[Plot]:
    """Return all plots."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "spectrogram_plots"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [Plot(read_image((folder / row["file"]).read_bytes()), row["label"], row["ifo"]) for row in rows]


def sides(plots: list[Plot], case: Case) -> np.ndarray:
    """Say who trains.

    ``mixed`` and ``site``: all but one part in five. ``telling``: in the training the title tells the class, for all
    its Blip plots are of one site and all its Whistle plots of the other; the Blip plots of that other site test, with
    some Whistle. ``height``: likewise, among the Blip plots alone those whose height is not what the title tells test.
    """
    if case.story == "height":
        return np.where([(plot.label == "High") == (plot.site == "H1") for plot in plots], "train", "test")
    side = np.full(len(plots), "train", dtype="<U10")
    drawn = np.random.default_rng(case.number).permutation(len(plots))
    if case.story != "telling":
        side[np.random.default_rng(0).permutation(len(plots))[case.number :: FOLDS]] = "test"
        return side
    whistles = [i for i in drawn if plots[i].label == "Whistle"]
    side[whistles[: 2 * len(whistles) // 5]] = "test"
    side[[i for i, plot in enumerate(plots) if plot.label == "Blip" and plot.site == "L1"]] = "test"
    return side


def train_case(case: Case) -> dict[str, Any]:
    """Train, and test with the title as it is, with that of the other site, and with none."""
    plots = relabelled(load(), case)
    seen = InputSpec(size=SIZE, masks=(TITLE,) if case.masked else ())
    side = sides(plots, case)
    classes = tuple(sorted({plot.label for plot in plots}))
    images = np.stack([model_input(plot.rgb, seen) for plot in plots])
    given = Labelled(images, [plot.label for plot in plots], list(range(len(plots))))
    spec = TrainSpec(
        size=SIZE,
        epochs=EPOCHS,
        min_steps=STEPS,
        seed=max(1, case.number),
        augment=("shift",) if case.shifted else (),
        keep="averaged",
        arithmetic="float32",
    )
    fitted = train_on(spec, given, split=Split(side, classes, {}, 0), tell=lambda _line: None)
    test = np.flatnonzero(side == "test")
    others = {site: next(plot.rgb for plot in plots if plot.site != site) for site in ("H1", "L1")}
    called = {}
    for title in TITLES:
        shown = np.stack([model_input(retitled(plots[i], title, others), seen) for i in test])
        called[title] = predicted(fitted.model, provider_of(shown), np.arange(len(test))).probs.argmax(1).tolist()
    return {
        "truth": fitted.labels[test].tolist(),
        "sites": [plots[i].site for i in test],
        "classes": list(classes),
        "train": int((side == "train").sum()),
        "called": called,
    }


def relabelled(plots: list[Plot], case: Case) -> list[Plot]:
    """Return the plots that a story is about, with its classes."""
    blips = [plot for plot in plots if plot.label == "Blip"]
    if case.story == "site":
        # The title tells the site, and the rest of the plot hardly does.
        return [replace(plot, label=plot.site) for plot in blips]
    if case.story == "height":
        tops = [highest_bright_row(plot.rgb) for plot in blips]
        middle = np.median(tops)
        return [replace(plot, label="High" if top < middle else "Low") for plot, top in zip(blips, tops, strict=True)]
    return plots


def highest_bright_row(rgb: np.ndarray) -> int:
    """Return how far below the upper edge of the spectrogram its first bright row lies."""
    left, top, right, bottom = FRAME
    rows = (rgb[top:bottom, left:right, 1] > BRIGHT).any(axis=1)
    return int(rows.argmax())


def retitled(plot: Plot, title: str, others: dict[str, np.ndarray]) -> np.ndarray:
    """Return the picture with its own title, that of another site, or none."""
    rows = round(TITLE[3] * plot.rgb.shape[0])
    changed = plot.rgb.copy()
    if title == "exchanged":
        changed[:rows] = others[plot.site][:rows]
    elif title == "erased":
        changed[:rows] = edge_colour(plot.rgb)
    return changed
