"""What heat maps are worth: do they point at the planted fault, and do they depend on what the network has learned.

Run by ``make bench``; writes ``docs/results/heatmaps.md``. Networks are trained for it, some minutes each.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydra_core.base.clock import now
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.faults import FAULTS, apply_fault
from hydra_core.emulate.items import fault_cells
from hydra_core.emulate.plots import make_item, rng_for
from hydra_core.intake.histograms.draw import draw_png, region_box
from hydra_core.intake.images import read_image
from hydra_core.models.asked import TrainSpec
from hydra_core.models.export import predict_keras
from hydra_core.models.lazy import tensorflow
from hydra_core.models.maps import class_map, contrast_map, shown
from hydra_core.models.networks import build, fine_stage
from hydra_core.models.pixels import model_input
from hydra_core.models.residual import fit_residual
from hydra_core.models.train_on import Labelled, train_on
from tests.bench.looking_at_maps import Box, peak_inside, rank_correlation, share_inside, stage_maps

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "heatmaps.md"
SIZE = (128, 128)
SEED = 7
KINDS = {
    "CDC_occupancy": ("dead_board", "board_at_30_percent", "hot_channel", "swapped_cable"),
    "ECAL_occupancy": ("dead_board", "dead_sector", "hot_channel"),
    "RF_timing": ("shifted_peak", "doubled_peak", "noise"),
}
GOOD_TRAIN, BAD_TRAIN, GOOD_TEST, BAD_TEST, EPOCHS = 320, 60, 120, 60, 40
#: Good plots whose mean map is taken off another.
USUAL = 64
DRAWS = 5


@dataclass(frozen=True)
class Runs:
    """Runs of which good plots and bad ones come alike: else a network learns the runs, for gains drift.

    They lie some days apart, so that it learns too that drift is nothing bad.
    """

    first: int
    count: int
    apart: int = 25

    def run(self, number: int) -> int:
        return self.first + self.apart * (number % self.count)


TAUGHT, TESTED = Runs(130_000, GOOD_TRAIN // 4), Runs(133_000, BAD_TEST)


@dataclass(frozen=True)
class Planted:
    """Plots of one fault, where in them it is, and of which runs they are."""

    images: np.ndarray
    boxes: list[Box]
    runs: list[int]


def good_plots(name: str, n: int, runs: Runs) -> np.ndarray:
    kind = demo_plot(name)
    drawn = (draw_png(make_item(kind, SEED, runs.run(i // 4), i % 4), scale=kind.scale) for i in range(n))
    return np.stack([model_input(read_image(data), SIZE) for data in drawn])


def bad_plots(name: str, fault: str, n: int, runs: Runs) -> Planted:
    kind, images, boxes, numbers = demo_plot(name), [], [], []
    for i in range(n):
        # A step that shares no factor with the number of runs spreads few plots over all of them.
        run = runs.run(7 * i)
        before = make_item(kind, SEED, run, 4 + KINDS[name].index(fault))
        cells = fault_cells(kind, fault, 7 * i + runs.first)
        after = apply_fault(fault, before, cells, rng_for(SEED, "fault", name, fault, run))
        changed = np.abs(after.values - before.values) > 4 * np.sqrt(after.values + before.values + 1)
        local = FAULTS[fault].scope != "all" and fault != "hot_channel"
        box = region_box(after, cells if local or not changed.any() else changed, scale=kind.scale)
        if box is not None:
            images.append(model_input(read_image(draw_png(after, scale=kind.scale)), SIZE))
            boxes.append(box)
            numbers.append(run)
    return Planted(np.stack(images), boxes, numbers)


def finer_maps(model: Any, images: np.ndarray, which: int, against: int) -> np.ndarray:
    return stage_maps(model, fine_stage(model), images, which, against)


def trained_network(name: str) -> tuple[Any, int, int, float, dict[str, Planted], np.ndarray]:
    good = good_plots(name, GOOD_TRAIN, TAUGHT)
    taught = {fault: bad_plots(name, fault, BAD_TRAIN, TAUGHT) for fault in KINDS[name]}
    bad = np.concatenate([planted.images for planted in taught.values()])
    images = np.concatenate([good, bad])
    classes = ["Good"] * len(good) + ["Bad"] * len(bad)
    runs = [TAUGHT.run(i // 4) for i in range(len(good))] + [run for one in taught.values() for run in one.runs]
    spec = TrainSpec(network="compact", size=SIZE, epochs=EPOCHS, near=0.0, seed=1)
    fitted = train_on(spec, Labelled(images, classes, runs), tell=lambda _line: None, threads=1)
    fine = fitted.classes.index("Good")
    right = predict_keras(fitted.model, good_plots(name, GOOD_TEST, TESTED)).probs.argmax(1) == fine
    tested = {fault: bad_plots(name, fault, BAD_TEST, TESTED) for fault in KINDS[name]}
    return fitted.model, fitted.classes.index("Bad"), fine, right.mean(), tested, good


def randomised(model: Any, seed: int) -> list[tuple[str, Any]]:
    """Return networks of which more and more layers, from the last to the first, have fresh weights."""
    _, keras = tensorflow()
    keras.utils.set_random_seed(seed)
    fresh = build("compact", SIZE, 2)
    mixed = build("compact", SIZE, 2)
    mixed.set_weights(model.get_weights())
    inner, source = mixed.get_layer("body").layers, fresh.get_layer("body").layers
    pairs = [(mixed.get_layer("cam"), fresh.get_layer("cam")), *zip(inner[::-1], source[::-1], strict=True)]
    pairs = [(mine, new) for mine, new in pairs if mine.weights]
    told: list[tuple[str, Any]] = []
    for number, (mine, new) in enumerate(pairs, start=1):
        mine.set_weights(new.get_weights())
        if number in (1, 3, 7, len(pairs)):
            copy = build("compact", SIZE, 2)
            copy.set_weights(mixed.get_weights())
            told.append((f"{number} of {len(pairs)}", copy))
    return told


@pytest.mark.bench
@pytest.mark.timeout(5400)
def test_heat_maps_are_measured() -> None:
    """Train, plant, look, and write the tables."""
    table, checks, falls = [], [], []
    for name in KINDS:
        model, bad, other, right, tested, good = trained_network(name)
        residual = fit_residual(good)
        assert residual is not None
        usual = finer_maps(model, good[:USUAL], bad, other).mean(axis=0)
        for fault, planted in tested.items():
            said = predict_keras(model, planted.images)
            finer = finer_maps(model, planted.images, bad, other)
            maps = {
                "class": np.stack([class_map(cam, bad) for cam in said.cam]),
                "contrast": np.stack([contrast_map(cam, bad, other) for cam in said.cam]),
                "finer": np.stack([shown(one) for one in finer]),
                "less": np.stack([shown(one - usual) for one in finer]),
                "residual": residual.maps(planted.images),
            }
            figures = [
                (
                    np.mean([peak_inside(one, box) for one, box in zip(made, planted.boxes, strict=True)]),
                    np.mean([share_inside(one, box) for one, box in zip(made, planted.boxes, strict=True)]),
                )
                for made in maps.values()
            ]
            area = np.mean([(box[2] - box[0]) * (box[3] - box[1]) for box in planted.boxes])
            found = (said.probs.argmax(1) == bad).mean()
            cells = " | ".join(f"{hit:.2f} / {share:.2f}" for hit, share in figures)
            table.append(f"| {name} | {fault} | {found:.2f} | {area:.3f} | {cells} |")
        checks.append(f"| {name} | {right:.3f} |")
        images = next(iter(tested.values())).images
        before = [shown(one) for one in finer_maps(model, images, bad, other)]
        drawn: dict[str, list[float]] = {}
        for seed in range(DRAWS):
            for told, network in randomised(model, seed):
                after = finer_maps(network, images, bad, other)
                values = [rank_correlation(a, shown(b)) for a, b in zip(before, after, strict=True)]
                drawn.setdefault(told, []).append(float(np.mean(values)))
        falls += [(name, told, float(np.mean(values)), max(map(abs, values))) for told, values in drawn.items()]
    lines = [
        "# What heat maps are worth",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. Emulated plots, network `compact` at 128 pixels, one for each plot type, "
        f"trained on {GOOD_TRAIN} good plots and {BAD_TRAIN} of each fault, all of the same runs; {BAD_TEST} plots of "
        f"each fault and {GOOD_TEST} good ones, of later runs, are looked at.",
        "",
        "## Do they point at the fault",
        "",
        "Peak inside the planted fault / share of the map inside it. The *area* is the share of the picture that the "
        "fault covers: what a map that says nothing would reach. *Found*: plots that the network calls Bad. Class map "
        "and *contrast of class maps* come out of the last layer; the *contrast map* is the one that pages show: each "
        "place of the first layer with 16 x 16 places, weighed by the gradient of Bad rather than Good there. "
        f"*Less good*: the contrast map less the mean of those of {USUAL} good plots that trained. The residual map is "
        "made of good plots alone.",
        "",
        "| plot type | fault | found | area | class map | contrast of class maps | contrast map | less good "
        "| residual map |",
        "|---|---|---|---|---|---|---|---|---|",
        *table,
        "",
        "| plot type | good plots of later runs that the network calls Good |",
        "|---|---|",
        *checks,
        "",
        "## Do they depend on what was learned",
        "",
        "Rank correlation of the contrast maps that pages show with those of the same network after its last layers "
        "got fresh weights (Adebayo et al. 2018): the mean of several draws, and the one furthest from 0. Maps that "
        "stay the same would show the picture and not the reasons. A single draw can agree by chance, or be the "
        "negative. The residual map asks no network, so it has no such check.",
        "",
        f"| plot type | layers with fresh weights | rank correlation, mean of {DRAWS} draws | furthest from 0 |",
        "|---|---|---|---|",
        *(f"| {name} | {told} | {value:.2f} | {most:.2f} |" for name, told, value, most in falls),
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    for name in KINDS:
        values = [value for plot, _, value, _ in falls if plot == name]
        assert values[-1] < 0.7, f"fresh weights leave the maps of {name} as they were: {values}"
