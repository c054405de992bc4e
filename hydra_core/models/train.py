"""Training a model from labelled images: split, fit, calibration, thresholds, proof, export."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hydra_core
from hydra_core.base.clock import iso, now
from hydra_core.base.files import sha256_bytes
from hydra_core.models.answers import ANSWERED, Answers, image_ids
from hydra_core.models.arrays import Floats, Images, Ints
from hydra_core.models.calibration import fit_temperature, tempered
from hydra_core.models.engine import read_card
from hydra_core.models.export import Exported, export, predict_keras
from hydra_core.models.int8 import CALIBRATED, Trial
from hydra_core.models.intervals import calibration_error, with_intervals
from hydra_core.models.pictures import Provider
from hydra_core.models.pixels import preprocessing_hash
from hydra_core.models.planted import Planted, recall_by_kind
from hydra_core.models.proof import measure
from hydra_core.models.residual import GOOD, MOST_IMAGES
from hydra_core.models.spec import Calibration, Metrics, ModelCard, Threshold, TrainingError, TrainingFacts, TrainSpec
from hydra_core.models.split import GOLD, LEFT_OUT, SIDES, Split
from hydra_core.models.thresholds import by_policy, policy_of
from hydra_core.models.train_on import Fitted, Labelled, split_of, train_on, weights_hash

#: Most images on which the exported engine is compared with the trained network.
CHECKED = 512


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
    images: Images | Provider,
    class_names: Sequence[str],
    groups: Sequence[int],
    hashes: Sequence[str],
    out_dir: Path,
    progress: Callable[[str], None],
    *,
    threads: int = 1,
    emulated: Sequence[bool] | None = None,
    twins: Sequence[Hashable | None] | None = None,
    gold: Sequence[bool] | None = None,
    planted: Callable[[Ints], Planted | None] | None = None,
) -> TrainResult:
    """Train one model and write its folder.

    Called again after it was killed, it goes on after the last finished epoch with the same result in the end, or,
    when the folder had been finished, returns what lies there.

    Parameters
    ----------
    spec
        How to train.
    images
        uint8, shape (n, h, w, 3), as made by `pixels.model_input` for ``spec.input``; or a function from indices to
        such an array, where they are too many for memory.
    class_names, groups, hashes
        Per image: its class, its run number, and a string that is equal for equal images.
    out_dir
        The model's folder; appears complete or not at all. The state of an unfinished training lies beside it.
    progress
        Receives plain lines for a log.
    threads
        Cores to use; the same for every training of one process.
    emulated, twins, gold
        See `train_on.Labelled`. The card says how many images of each class were emulated.
    planted
        From the indices of the test images to plots with emulated faults made of them, on which the finished model is
        tried; none where None.

    Raises
    ------
    TrainingError
        When the images cannot train a network, with what is missing.
    ConfigError
        When the network cannot be built.
    ValueError
        When the shapes do not fit together.
    """
    begun = time.monotonic()
    given = Labelled(images, class_names, groups, hashes, emulated, twins, gold)
    given.check(spec.size)
    fingerprint = _fingerprint(spec, given)
    split = split_of(spec, given)
    work = work_folder(out_dir)
    if out_dir.exists():
        shutil.rmtree(work, ignore_errors=True)
        card, _ = read_card(out_dir)
        if card.training.fingerprint == fingerprint:
            progress(f"{out_dir} holds this very training already")
            return TrainResult(card, out_dir, split)
        raise TrainingError(f"{out_dir} holds another model", next_step="give the new model a new folder")
    fitted = train_on(spec, given, tell=progress, threads=threads, split=split, work=work, identity=fingerprint)
    classes = fitted.classes
    side = {name: fitted.side(name) for name in SIDES}

    answers = _answers(fitted, groups, hashes)
    temperature, why_not = fit_temperature(answers.on("validation").probs, answers.on("validation").truth)
    calibrated = answers.with_probs(tempered(answers.probs, temperature))
    thresholds = {name: by_policy(calibrated, name, policy_of(spec)) for name in classes}
    results = {
        name: _measured(
            calibrated.on(name).probs,
            [class_names[i] for i in side[name]],
            [int(groups[i]) for i in side[name]],
            [hashes[i] for i in side[name]],
            classes,
            thresholds,
        )
        for name in fitted.answers
    }
    calibration = _calibration(temperature, why_not, answers, results.get("test"))
    facts = TrainingFacts(
        fingerprint=fingerprint,
        spec=spec,
        images={name: int((split.sides == name).sum()) for name in (*SIDES, GOLD, LEFT_OUT)},
        runs={name: tuple(sorted({int(groups[i]) for i in side[name]})) for name in SIDES},
        class_images={name: dict(Counter(class_names[i] for i in side[name])) for name in SIDES},
        left_out=split.dropped,
        emulated=dict(Counter(class_names[i] for i in side["train"] if emulated is not None and emulated[i])),
        copies=split.copies,
        head=fitted.head,
        arithmetic=fitted.arithmetic,
        replicas=fitted.replicas,
        best_epoch=fitted.best_epoch,
        seconds=round(time.monotonic() - begun, 1),
        threads=threads,
        libraries=_libraries(),
        code=hydra_core.__version__,
        finished_at=iso(now()),
    )

    tried = planted(side["test"]) if planted is not None else None
    faults = recall_by_kind(tried, classes, predict_keras(fitted.model, tried.images).probs) if tried else ()

    def card_of(exported: Exported) -> ModelCard:
        return ModelCard(
            network=spec.network,
            size=spec.size,
            aspect=spec.aspect,
            masks=spec.masks,
            classes=classes,
            preprocessing=preprocessing_hash(spec.input),
            files=exported.files,
            thresholds=thresholds,
            test=results.get("test"),
            validation=results.get("validation"),
            curve=fitted.curve,
            training=facts,
            golden=exported.golden,
            calibration=calibration,
            faults=faults,
            int8=exported.int8,
        )

    check = next(side[name] for name in ("validation", "test", "train") if len(side[name]))
    good = np.array([i for i in side["train"] if class_names[i] == GOOD][:MOST_IMAGES], dtype=np.int64)
    card = export(
        fitted.model,
        given.provider(_some(check)),
        out_dir,
        card_of,
        classes=classes,
        threads=threads,
        good=given.provider(good) if len(good) else None,
        temperature=temperature,
        answers=calibrated,
        trial=_trial(given, fitted, thresholds) if spec.int8 else None,
    )
    shutil.rmtree(work, ignore_errors=True)
    progress(f"temperature {temperature:g}" + (f": {why_not}" if why_not else ""))
    if spec.int8:
        progress(f"8 bits: {card.int8.told}")
    if card.test:
        progress(f"test: accuracy {card.test.accuracy:.3f}, macro-F1 {card.test.macro_f1:.3f} on {card.test.n} images")
    return TrainResult(card, out_dir, split)


def _trial(given: Labelled, fitted: Fitted, thresholds: Mapping[str, Threshold]) -> Trial:
    labels, shown = fitted.labels, fitted.side("train")
    # Of each class the first, then of each the second, and so on.
    turn = np.zeros(len(shown), dtype=np.int64)
    for known in range(len(fitted.classes)):
        turn[labels[shown] == known] = np.arange(int((labels[shown] == known).sum()))
    calibration = np.sort(shown[np.argsort(turn, kind="stable")][:CALIBRATED])
    none = np.zeros((0, *fitted.spec.size, 3), np.uint8)
    sides = [fitted.side(name) for name in ("validation", "test")]
    validation, test = (given.provider(_some(side)) if len(side) else none for side in sides)
    wanted = np.array([thresholds[name].value for name in fitted.classes])
    return Trial(given.provider(calibration), validation, test, wanted)


def work_folder(out_dir: Path) -> Path:
    """Return where the state of an unfinished training lies: beside the model's folder, gone when that is there."""
    return out_dir.with_name(f"{out_dir.name}.training")


def _some(which: Ints) -> Ints:
    """Return at most `CHECKED` of some indices, spread over all of them."""
    return which[np.unique(np.linspace(0, len(which) - 1, min(len(which), CHECKED)).astype(np.int64))]


def _fingerprint(spec: TrainSpec, given: Labelled) -> str:
    n = len(given.classes)
    none: list[None] = [None] * n
    rows = sorted(
        [str(h), c, int(g), bool(e), repr(t), bool(k)]
        for h, c, g, e, t, k in zip(
            given.hashes or none,
            given.classes,
            given.runs,
            given.emulated or none,
            given.twins or none,
            given.gold or none,
            strict=True,
        )
    )
    # Why a network was taken changes nothing of it.
    asked = spec.model_dump(mode="json", exclude={"network_why"})
    told = [asked, weights_hash(spec), preprocessing_hash(spec.input), rows]
    return sha256_bytes(json.dumps(told, sort_keys=True).encode())


def _answers(fitted: Fitted, runs: Sequence[int], hashes: Sequence[str]) -> Answers:
    """Return what the network said of the validation and test images, at temperature 1."""
    sides = [name for name in ANSWERED if name in fitted.answers]
    which = np.concatenate([np.empty(0, np.int64), *(fitted.side(name) for name in sides)])
    none = np.empty((0, len(fitted.classes)), np.float32)
    return Answers(
        fitted.classes,
        image_ids([hashes[i] for i in which]),
        np.array([int(runs[i]) for i in which], np.int64),
        fitted.labels[which],
        np.repeat([ANSWERED.index(name) for name in sides], [len(fitted.side(name)) for name in sides]),
        np.concatenate([none, *(fitted.answers[name].probs for name in sides)]),
    )


def _calibration(temperature: float, why_not: str, answers: Answers, test: Metrics | None) -> Calibration:
    """Return what the card says of the temperature; `answers` are those at temperature 1."""
    fitted_on, tried_on = answers.on("validation"), answers.on("test")
    winner = tried_on.probs.argmax(axis=1)
    return Calibration(
        temperature=temperature,
        why_not=why_not,
        images=len(fitted_on.truth),
        wrong=int((fitted_on.probs.argmax(axis=1) != fitted_on.truth).sum()),
        before=calibration_error(tried_on.probs.max(axis=1), winner == tried_on.truth) if test else None,
        after=test.calibration_error if test else None,
    )


def _measured(
    probs: Floats,
    truth: Sequence[str],
    runs: Sequence[int],
    hashes: Sequence[str],
    classes: Sequence[str],
    thresholds: Mapping[str, Threshold],
) -> Metrics:
    metrics = measure(truth, [classes[i] for i in probs.argmax(1)], classes, hashes)
    return with_intervals(metrics, truth, runs, probs, classes, thresholds)


def _libraries() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "openvino")}
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            versions["tensorflow"] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "python": platform.python_version()}
