"""Every network: does it train, does its export agree, are its maps its decision, and where do they point?"""

from __future__ import annotations

import re
import sys
import tempfile
import time
import types
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hydra_core.models.devices import prepare
from hydra_core.models.export import Exported, export, predict_keras
from hydra_core.models.gradcam import grad_cam
from hydra_core.models.maps import class_map, contrast_map, shown
from hydra_core.models.networks import build, fine_stage
from hydra_core.models.pixels import PREPROCESSING_HASH
from hydra_core.models.residual import fit_residual
from hydra_core.models.spec import ModelCard
from hydra_core.models.steps import Steps
from tests.bench.looking_at_maps import peak_inside, rank_correlation, share_inside, stage_maps
from tests.bench.training_kept import Kept, small
from tests.bench.training_sampling import SIZE, USUAL, Case, Given, asker, macro_f1, sets, spec_of, train_case
from tests.bench.training_sets import FAULTS
from tests.colours import card

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
FEW_STEPS, STEP, TRIED = 4, 16, 8
DRAWS = 2 if small() else 3
#: The size for which InceptionV3 was made; as many plots as are shown, for more would only be drawn.
LARGE = (
    Given("large", (112, 112), (80, 8), (24, 16), None)
    if small()
    else Given("large", (299, 299), (800, 400), (240, 120), None)
)
GOOD, BAD = 0, 1


@dataclass(frozen=True)
class Trained:
    """A network that is trained to the end, with what, and further stages whose maps are looked at."""

    network: str
    case: Case
    given: Given = USUAL
    stages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.network + ("" if self.given is USUAL else f"-{self.given.size[1]}")

    @property
    def words(self) -> str:
        return self.network + ("" if self.given is USUAL else f", {self.given.size[1]} pixels")


#: From fine and early to coarse and late; the last one's own maps are the class maps.
_STAGES = ("mixed2", "mixed3", "mixed4", "mixed6", "mixed7", "mixed8")
_LONG, _SHORT = (Case("rotating", 3 if small() else epochs) for epochs in (16, 4))
TRAINED = (
    Trained("compact", _SHORT),
    Trained("tiny", _LONG),
    Trained("own", _LONG),
    Trained("inceptionv3", Case("rotating", 1 if small() else 2)),
    Trained("inceptionv3", Case("rotating", 1 if small() else 8), LARGE, _STAGES),
)
FEW = ("compact", "tiny", "own", "inceptionv3", "inceptionv3_cbam", "vgg16", "vit_tiny")


def own_module() -> str:
    """Make the network of the documents importable and return its name."""
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    module = types.ModuleType("our_networks")
    exec(compile(code[1], str(DOCUMENT), "exec"), module.__dict__)  # noqa: S102
    sys.modules["our_networks"] = module
    return "our_networks:stripes"


def fresh(network: str, size: tuple[int, int], seed: int) -> Any:
    """Return a network with fresh weights."""
    prepare(1, seed)
    return build(network, size, 2, module=own_module() if network == "own" else "")


def few_steps(network: str, kept: Kept) -> dict[str, Any]:
    """Train a few steps; export, and check what must hold for any weights."""
    given, test = sets(kept)
    which = np.sort(np.random.default_rng(1).permutation(len(given["bad"]))[: FEW_STEPS * STEP])
    labels = given["bad"][which].astype(np.int64)
    images, tried = np.asarray(given["images"][which]), np.asarray(test["images"][-TRIED:])
    model = fresh(network, SIZE, 1)
    spec = spec_of(_LONG, 1, network)
    steps = Steps(model, spec, np.ones(2, np.float32))
    seconds, losses = [], []
    for first in range(0, len(which), STEP):
        begun = time.process_time()
        losses.append(float(steps.take(images[first : first + STEP], labels[first : first + STEP], 1e-4, 0.9)))
        seconds.append(time.process_time() - begun)
    parity = _parity(model, tried, network)
    cam = predict_keras(model, tried).cam
    by_gradients = cam.shape[1] * cam.shape[2] * grad_cam(model, tried, BAD)
    return {
        "parameters": model.count_params(),
        "map": list(cam.shape[1:3]),
        "first_step_seconds": round(seconds[0], 1),
        "milliseconds_per_image": round(1000 * min(seconds[1:]) / STEP, 1),
        "finite": bool(np.isfinite(losses).all()),
        "parity": parity,
        "gradient_difference": float(np.abs(by_gradients - cam[..., BAD]).max() / np.abs(cam[..., BAD]).max()),
    }


def _parity(model: Any, images: np.ndarray, network: str) -> float:
    """Export as a training does, checks included; return the largest difference in probability."""
    with tempfile.TemporaryDirectory() as folder:

        def card_of(made: Exported) -> ModelCard:
            when = datetime(2026, 1, 1, tzinfo=UTC)
            values = card(when, network=network, size=SIZE, preprocessing=PREPROCESSING_HASH, files=made.files)
            return ModelCard.model_validate({**values, "golden": made.golden})

        where = Path(folder) / "model"
        return export(model, images, where, card_of, classes=("Good", "Bad"), threads=1).golden.parity


def train(one: Trained, kept: Kept) -> dict[str, Any]:
    """Train a network, keep its weights, and return how it went."""
    module = own_module() if one.network == "own" else ""
    model, found = train_case(one.case, 1, kept, one.network, module, one.given)
    model.save_weights(_weights(one, kept))
    return found


def _weights(one: Trained, kept: Kept) -> Path:
    return kept.folder / f"fit-{one.name}.weights.h5"


def examine(one: Trained, fit: dict[str, Any], kept: Kept) -> dict[str, Any]:
    """Return figures of a network that was trained, where its maps point, and whether they hang on its weights."""
    model = fresh(one.network, one.given.size, 1)
    model.load_weights(_weights(one, kept))
    _, test = sets(kept, one.given)
    bad = np.flatnonzero(test["bad"])
    images = np.asarray(test["images"][bad])
    stage = fine_stage(model)
    named = dict.fromkeys((*one.stages, *([stage.name] if stage is not None else [])))
    layers = {layer.name: layer for layer in model._flatten_layers() if layer.name in named}
    maps = decision_maps(model, images)
    for name in named:
        places = " x ".join(map(str, layers[name].output.shape[1:3]))
        maps[f"contrast at {name}, {places}"] = maps_at(model, layers[name], images)
    return {
        **{key: fit[key] for key in ("images", "seconds", "called")},
        "macro_f1": fit["evaluations"][-1][2],
        "stage": stage.name if stage is not None else "",
        "maps": {name: pointing(made, test["boxes"][bad], test["faults"][bad]) for name, made in maps.items()},
        "after_fresh_weights": [float(np.mean(_agreement(one, model, images[:40], seed))) for seed in range(DRAWS)],
        "macro_f1_fresh": macro_f1(test["bad"], asker(fresh(one.network, one.given.size, 9))(test["images"]).argmax(1)),
    }


def decision_maps(model: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return class maps and contrast maps of Bad, each (n, h, w)."""
    cams = predict_keras(model, images).cam
    return {
        "class": np.stack([class_map(cam, BAD) for cam in cams]),
        "contrast of class maps": np.stack([contrast_map(cam, BAD, GOOD) for cam in cams]),
    }


def shown_maps(model: Any, images: np.ndarray) -> np.ndarray:
    """Return the contrast maps that pages show of a network, (n, h, w)."""
    stage = fine_stage(model)
    if stage is None:
        return decision_maps(model, images)["contrast of class maps"]
    return maps_at(model, stage, images)


def _agreement(one: Trained, model: Any, images: np.ndarray, seed: int) -> list[float]:
    before = shown_maps(model, images)
    after = shown_maps(fresh(one.network, one.given.size, 100 + seed), images)
    # A map that is zero everywhere says nothing, and agrees with nothing.
    return [rank_correlation(a, b) if a.any() and b.any() else 0.0 for a, b in zip(before, after, strict=True)]


def maps_at(model: Any, stage: Any, images: np.ndarray) -> np.ndarray:
    """Return the contrast maps at a layer as pages show them, each (h, w), 0..1."""
    return np.stack([shown(one) for one in stage_maps(model, stage, images, BAD, GOOD)])


def pointing(maps: np.ndarray, boxes: np.ndarray, faults: np.ndarray) -> dict[str, list[float]]:
    """Return per fault: share of peaks inside, share of the map inside, area of the fault, number of plots."""
    hits = np.array([peak_inside(one, tuple(box)) for one, box in zip(maps, boxes, strict=True)])
    shares = np.array([share_inside(one, tuple(box)) for one, box in zip(maps, boxes, strict=True)])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return {
        fault: [float(values[faults == fault].mean()) for values in (hits, shares, areas)]
        + [int((faults == fault).sum())]
        for fault in FAULTS
    }


def residual_maps(kept: Kept) -> dict[str, Any]:
    """Return where the map of what differs from good plots points."""
    given, test = sets(kept)
    residual = fit_residual(np.asarray(given["images"][~given["bad"]]))
    assert residual is not None
    bad = np.flatnonzero(test["bad"])
    return {"maps": {"residual": pointing(residual.maps(test["images"][bad]), test["boxes"][bad], test["faults"][bad])}}
