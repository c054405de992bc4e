"""Training a model from labelled images: split, fit, proof, thresholds, export."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hydra_core
from hydra_core.base.clock import iso, now
from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import Images
from hydra_core.models.engine import Prediction, read_card
from hydra_core.models.export import Exported, export, predict_keras
from hydra_core.models.fit import fit, prepare
from hydra_core.models.networks import build
from hydra_core.models.pixels import PREPROCESSING_HASH
from hydra_core.models.proof import max_f1_threshold, measure
from hydra_core.models.spec import Metrics, ModelCard, TrainingError, TrainingFacts, TrainSpec
from hydra_core.models.split import LEFT_OUT, SIDES, Split, split_by_group


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes
    ----------
    card
        What the model says of itself, test results included.
    folder
        Where it lies.
    split
        Which image went to which side.
    """

    card: ModelCard
    folder: Path
    split: Split


def train(
    spec: TrainSpec,
    images: Images,
    class_names: Sequence[str],
    groups: Sequence[int],
    hashes: Sequence[str],
    out_dir: Path,
    progress: Callable[[str], None],
    *,
    threads: int = 1,
) -> TrainResult:
    """Train one model and write its folder.

    Called again after it was killed, it trains again with the same result, or, when the folder had been finished,
    returns what lies there.

    Parameters
    ----------
    spec
        How to train.
    images
        uint8, shape (n, h, w, 3), as made by `pixels.model_input` for ``spec.size``.
    class_names, groups, hashes
        Per image: its class, its run number, and a string that is equal for equal images.
    out_dir
        The model's folder; appears complete or not at all.
    progress
        Receives plain lines for a log.
    threads
        Cores to use; the same for every training of one process.

    Raises
    ------
    TrainingError
        When the images cannot train a network, with what is missing.
    ValueError
        When the shapes do not fit together.
    """
    begun = time.monotonic()
    n = len(images)
    if images.dtype != np.uint8 or images.shape[1:] != (*spec.size, 3):
        height, width = spec.size
        raise ValueError(f"images must be uint8 (n, {height}, {width}, 3), not {images.dtype} {images.shape}")
    if not n == len(class_names) == len(groups) == len(hashes):
        raise ValueError("class_names, groups and hashes must have one entry per image")
    fingerprint = _fingerprint(spec, class_names, groups, hashes)
    split = split_by_group(
        groups,
        class_names,
        seed=spec.seed,
        fractions=spec.fractions,
        hashes=hashes,
        min_examples=spec.min_examples,
    )
    if out_dir.exists():
        card, _ = read_card(out_dir)
        if card.training.fingerprint == fingerprint:
            progress(f"{out_dir} holds this very training already")
            return TrainResult(card, out_dir, split)
        raise TrainingError(f"{out_dir} holds another model", next_step="give the new model a new folder")
    _say_split(split, class_names, progress)
    _refuse_hopeless(split, class_names, groups)
    classes = split.classes
    place = {name: i for i, name in enumerate(classes)}
    labels = np.array([place.get(name, -1) for name in class_names])
    side = {name: np.flatnonzero(split.sides == name) for name in SIDES}

    prepare(threads, spec.seed)
    model = build(spec.network, spec.size, len(classes))
    curve, best_epoch = fit(model, spec, images, labels, side["train"], side["validation"], progress)

    outputs = {name: predict_keras(model, images[side[name]]) for name in ("validation", "test") if len(side[name])}
    results = {
        name: _measured(output, [class_names[i] for i in side[name]], classes, [hashes[i] for i in side[name]])
        for name, output in outputs.items()
    }
    none = np.empty((0, len(classes)))
    val_probs = outputs["validation"].probs if "validation" in outputs else none
    thresholds = {name: max_f1_threshold(val_probs[:, i], labels[side["validation"]] == i) for name, i in place.items()}
    facts = TrainingFacts(
        fingerprint=fingerprint,
        spec=spec,
        images={name: int((split.sides == name).sum()) for name in (*SIDES, LEFT_OUT)},
        runs={name: tuple(sorted({int(groups[i]) for i in side[name]})) for name in SIDES},
        class_images={name: dict(Counter(class_names[i] for i in side[name])) for name in SIDES},
        left_out=split.dropped,
        best_epoch=best_epoch,
        seconds=round(time.monotonic() - begun, 1),
        threads=threads,
        libraries=_libraries(),
        code=hydra_core.__version__,
        finished_at=iso(now()),
    )

    def card_of(exported: Exported) -> ModelCard:
        return ModelCard(
            network=spec.network,
            size=spec.size,
            classes=classes,
            preprocessing=PREPROCESSING_HASH,
            files=exported.files,
            thresholds=thresholds,
            test=results.get("test"),
            validation=results.get("validation"),
            curve=curve,
            training=facts,
            golden=exported.golden,
        )

    check = next(side[name] for name in ("validation", "test", "train") if len(side[name]))
    card = export(model, images[check], out_dir, card_of, threads=threads)
    if card.test:
        progress(f"test: accuracy {card.test.accuracy:.3f}, macro-F1 {card.test.macro_f1:.3f} on {card.test.n} images")
    return TrainResult(card, out_dir, split)


def _fingerprint(spec: TrainSpec, class_names: Sequence[str], groups: Sequence[int], hashes: Sequence[str]) -> str:
    rows = sorted([h, c, int(g)] for h, c, g in zip(hashes, class_names, groups, strict=True))
    return sha256_bytes(json.dumps([spec.model_dump(mode="json"), PREPROCESSING_HASH, rows], sort_keys=True).encode())


def _say_split(split: Split, class_names: Sequence[str], progress: Callable[[str], None]) -> None:
    for name, reason in split.dropped.items():
        progress(f"class {name} is left out: {reason}")
    if split.copies:
        progress(f"{split.copies} images are left out: an equal one lies on another side of the split")
    for name in SIDES:
        counts = Counter(class_names[i] for i in np.flatnonzero(split.sides == name))
        told = ", ".join(f"{c} {counts[c]}" for c in split.classes)
        progress(f"{name}: {counts.total()} images ({told})")


def _refuse_hopeless(split: Split, class_names: Sequence[str], groups: Sequence[int]) -> None:
    if len(split.classes) >= 2:
        return
    have = ", ".join(f"{name} ({count})" for name, count in sorted(Counter(class_names).items())) or "none"
    why = "; ".join(f"{name}: {reason}" for name, reason in split.dropped.items())
    raise TrainingError(
        f"a network needs two classes or more, each seen in two runs; there are labels of {len(set(groups))} run(s): "
        f"{have}" + (f" ({why})" if why else ""),
        next_step="label more images of other runs, good ones and bad ones",
    )


def _measured(output: Prediction, truth: Sequence[str], classes: Sequence[str], hashes: Sequence[str]) -> Metrics:
    return measure(truth, [classes[i] for i in output.probs.argmax(1)], classes, hashes)


def _libraries() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "openvino")}
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            versions["tensorflow"] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "python": platform.python_version()}
