"""A network that judges plots by their colour, a card for its folder, and plots of every colour."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.config.load import load_site
from hydra_core.config.retention import RetentionSection
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Prediction, read_card
from hydra_core.models.spec import ModelCard
from hydra_core.stages import classify as classify_stage
from hydra_core.stages import missing_heat as missing_stage
from hydra_core.stages import rebuild_models
from hydra_core.stages.judging import rules_in_force
from hydra_core.store.ledger import get_pass
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import ThresholdRow, add_judging_set, add_model, live_model, set_model_status
from hydra_core.store.session import open_engine, reading, writing
from tests.small_deployment import Deployment

CDC = PlotKey("CDC", True)
CLASSES = ("Good", "Bad")
GOOD, BAD, UNSURE = "#336699", "#cc0000", "#00aa00"
_HASH = "0" * 64


def plot(colour: str, seed: int) -> bytes:
    """Return a PNG of a frame with bars of one colour in it."""
    image = Image.new("RGB", (120, 90), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((15, 10, 110, 75), outline="black")
    for number, height in enumerate(np.random.default_rng(seed).integers(20, 55, 12).tolist()):
        draw.rectangle((20 + 7 * number, 75 - height, 25 + 7 * number, 74), fill=colour)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class ColourNetwork:
    """Red is Bad, blue is Good, green it cannot tell."""

    size: tuple[int, int] = (24, 32)
    classes: tuple[str, ...] = CLASSES
    residual: None = None
    own_head: bool = False

    @property
    def way(self) -> str:
        return "f32"

    @property
    def input(self) -> InputSpec:
        return InputSpec(size=self.size)

    def predict(self, images: NDArray[np.uint8], *, stage: bool = False) -> Prediction:
        mean = images.reshape(len(images), -1, 3).astype(float).mean(axis=1)
        bad = np.select([mean.argmax(axis=1) == 0, mean.argmax(axis=1) == 2], [0.9, 0.1], 0.5)
        probs = np.stack([1 - bad, bad], axis=1).astype(np.float32)
        cam = np.zeros((len(images), 3, 4, 2), dtype=np.float32)
        cam[:, 1, 2, 1] = 5
        return Prediction(probs, np.zeros((len(images), 2), np.float32), cam)

    def evidence(self, *_: NDArray[Any] | None) -> NDArray[np.float32] | None:
        """It has no stage for maps."""
        return None


def colour_network(*_: Any, **__: Any) -> ColourNetwork:
    return ColourNetwork()


def card(finished_at: datetime, **values: Any) -> dict[str, Any]:
    """Return a model's card as ``model.json`` holds it; without test figures."""
    nothing = {"precision": None, "recall": None, "f1": None, "support": 4}
    threshold = {"value": 0.75, "method": "max F1", "n": 9, "positives": 4, "f1": 1.0}
    plain = {
        "network": "tiny",
        "size": (24, 32),
        "classes": CLASSES,
        "preprocessing": _HASH,
        "files": dict.fromkeys(("engine.bin", "engine.xml", "golden.npz", "model.weights.h5"), _HASH),
        "thresholds": dict.fromkeys(CLASSES, threshold),
        "test": {
            "classes": CLASSES,
            "n": 8,
            "accuracy": 1.0,
            "macro_f1": 1.0,
            "per_class": dict.fromkeys(CLASSES, nothing),
            "confusion": ((4, 0), (0, 4)),
            "images": _HASH,
        },
        "validation": None,
        "curve": (),
        "training": {
            "fingerprint": _HASH,
            "spec": {},
            "images": {},
            "runs": {},
            "class_images": {},
            "left_out": {},
            "best_epoch": 1,
            "seconds": 1.0,
            "threads": 1,
            "libraries": {},
            "code": "0",
            "finished_at": finished_at.isoformat(),
        },
        "golden": {"images": 1, "parity": 0.0},
    }
    return {**plain, **values}


def write_card(folder: Path, day: int, **values: Any) -> str:
    """Write the card of a model that was trained on a day of 2026-01; return its identity."""
    made = ModelCard.model_validate(card(datetime(2026, 1, day, tzinfo=UTC), **values))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(made.model_dump_json(), encoding="utf-8")
    return read_card(folder)[1]


def go_live(deployment: Deployment, name: str, day: int = 1, plots: Sequence[PlotKey] = (CDC,)) -> int:
    """Let a colour network judge some plot types from now on; return the number of the judging set."""

    def work(connection: Connection) -> int:
        for key in plots:
            folder = deployment.site.model_folder(key, name)
            identity = write_card(folder, day)
            kind = plot_type_ids(connection, [key])[key]
            if (earlier := live_model(connection, kind)) is not None:
                set_model_status(connection, earlier.id, "retired", "replaced")
            thresholds = [ThresholdRow(known, 0.75, "max F1", 4) for known in CLASSES]
            model = add_model(connection, kind, name, identity, "tiny", thresholds, [])
            set_model_status(connection, model.id, "live", "a test")
        return add_judging_set(connection, f"{name} is live", rules_in_force(deployment.site)).number

    return writing(deployment.engine, work)


#: Chunk -> colour of CDC in `judged_runs`; the blue ones need nobody's look.
COLOURS = {0: GOOD, 1: GOOD, 2: GOOD, 3: BAD, 4: UNSURE, 5: GOOD, 6: GOOD, 7: GOOD}
ORDINARY = (0, 1, 2, 5, 6, 7)


def judge_by_colour(patch: pytest.MonkeyPatch) -> None:
    """Let every model be a network that judges by colour."""
    patch.setattr(classify_stage, "open_network", colour_network)
    patch.setattr(missing_stage, "open_network", colour_network)
    patch.setattr(rebuild_models, "load", lambda *_, **__: None)


def play(deployment: Deployment, runs: Sequence[int]) -> None:
    """Take runs of coloured plots through every stage: CDC by chunk, RICH without a model, Fresh that is new."""
    for run in runs:
        deployment.put(run, "metadata.json", b'{"beam_current_nA": 100}')
        for chunk, colour in COLOURS.items():
            deployment.put(run, f"CDC_{chunk:04d}.png", plot(colour, 100 * run + chunk))
        deployment.put(run, "RICH.png", plot(GOOD, run))
        deployment.put(run, "Fresh_0000.png", plot(GOOD, 7 * run))
        deployment.want(run)
        deployment.work(run)


def open_copy(kept: Path, folder: Path) -> Deployment:
    """Return a copy of a deployment at another place."""
    shutil.copytree(kept, folder)
    site = load_site(folder)
    engine = open_engine(site.database_url)
    with reading(engine) as connection:
        return Deployment(site, engine, get_pass(connection, "p/v1"))


def with_rules(deployment: Deployment, *rules: dict[str, Any]) -> Deployment:
    """Return the deployment with retention rules."""
    section = RetentionSection.model_validate({"rule": rules})
    settings = deployment.site.settings.model_copy(update={"retention": section})
    return replace(deployment, site=deployment.site.model_copy(update={"settings": settings}))
