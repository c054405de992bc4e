"""Judging with what the machine has, a GPU and bf16 for instance, with the decisions of f32 on a processor.

bf16 is about twice as fast and moves a probability by a few hundredths. So every image is judged in bf16 first, and
those near a decision once more in f32: where two classes are close, or the best one is close to its threshold. If no
probability moves by more than `engine.bf16_drift`, each decision is the one that f32 makes. In the same way 8 bits are
used with models that were shown to allow it (`int8`), with the drift that was measured then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np

from hydra_core.base.errors import ConfigError, DataError
from hydra_core.base.telling import Tell
from hydra_core.config.inference import EngineName
from hydra_core.models.arrays import Bools, Floats, Images
from hydra_core.models.devices import arithmetic_for, gpus, has_vnni, processor_flags
from hydra_core.models.engine import BATCH, BF16_DRIFT, Engine, Precision, Prediction, bf16_drift, start
from hydra_core.models.gpu import GPU_BATCH, sees_gpu
from hydra_core.models.lazy import openvino
from hydra_core.models.trusted import OUTPUTS, Trusted, read_folder

#: What a site may ask for; ``auto`` is bf16 on processors that have it, else int8 for models that may, else f32.
Wish = Literal["f32", "bf16", "int8", "auto"]


class Predicts(Protocol):
    """What says something of images."""

    def predict(self, images: Images, *, stage: bool = False) -> Prediction:
        """Judge images: uint8, shape (n, h, w, 3); see `engine.Engine.predict`."""


#: A network that is started in one arithmetic.
Started = TypeVar("Started", bound=Predicts)

#: After so many images it is known whether bf16 saves anything with this model.
_TRIAL = 32


@lru_cache(maxsize=1)
def machine_has_bf16() -> bool:
    """Say whether this processor computes in bf16 itself; without it OpenVINO imitates it, several times slower."""
    return "BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@lru_cache(maxsize=1)
def machine_has_vnni() -> bool:
    """Say whether this processor is made for 8 bits; without it they are slower, and some sums overflow."""
    return has_vnni(processor_flags())


def precision_for(wish: Wish, *, int8: bool = False) -> Precision:
    """Return the arithmetic that this machine uses for a wish.

    Parameters
    ----------
    int8
        Whether the model has an 8-bit engine.
    """
    if wish == "auto" and machine_has_bf16():
        return "bf16"
    if wish == "auto" or wish == "int8":
        return "int8" if int8 and machine_has_vnni() else "f32"
    return wish


def tensorflow_precision_for(wish: Wish) -> Precision:
    """Return the arithmetic that TensorFlow uses for a wish on the devices of this job."""
    if wish == "auto":
        return "bf16" if arithmetic_for("auto") == "mixed_bfloat16" else "f32"
    return "f32" if wish == "int8" else wish


@cache
def engine_for(wanted: EngineName, tell: Tell = print) -> Literal["openvino", "tensorflow"]:
    """Return what judges in this process: for ``auto`` TensorFlow where it finds a GPU of this job.

    Where there is no sign of a GPU, TensorFlow is not imported. A GPU that TensorFlow cannot use is told once.
    """
    if wanted != "auto":
        return wanted
    if not sees_gpu():
        return "openvino"
    if gpus():
        return "tensorflow"
    tell("this job has a GPU, but TensorFlow finds none that it can use: the processor judges")
    return "openvino"


def images_at_a_time(wanted: EngineName) -> int:
    """Return how many images are best handed over at a time; nothing heavy is imported for it."""
    return GPU_BATCH if wanted == "tensorflow" or (wanted == "auto" and sees_gpu()) else BATCH


def near_a_decision(probs: Floats, thresholds: Floats, drift: float = BF16_DRIFT) -> Bools:
    """Return which images could be decided otherwise if each probability moved by up to `drift`.

    Parameters
    ----------
    probs
        float (n, c).
    thresholds
        float (c,): from which probability on each class is confirmed.

    Returns
    -------
    numpy.ndarray
        bool (n,).
    """
    ranked = np.sort(probs, axis=1)
    # Both of the two best may move, towards each other.
    close = ranked[:, -1] - ranked[:, -2] <= 2 * drift
    # Elsewhere the best one stays the best, and only its threshold is asked about.
    at_threshold = np.abs(ranked[:, -1] - thresholds[probs.argmax(axis=1)]) <= drift
    return np.asarray(close | at_threshold, dtype=np.bool_)


def log_odds(probs: Floats) -> Floats:
    """Return log(p / (1 - p)), cut at 5 (0.993): how sure of a sure answer decides nothing."""
    # With less than 1e-9 left, float32 knows no difference any more.
    known = np.clip(np.asarray(probs, np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.clip(np.log(known / (1 - known)), -5, 5))


def near_in_8_bits(probs: Floats, thresholds: Floats, band: float) -> Bools:
    """Return which images could be decided otherwise if each log odds moved by up to `band`; see `near_a_decision`."""
    return near_a_decision(log_odds(probs), log_odds(thresholds), band)


class Judge:
    """A model that judges with what the machine has, with the decisions of f32. Made by `judge_of`.

    Attributes
    ----------
    card
        What the model says of itself.
    identity
        SHA-256 of ``model.json``.
    residual
        What good plots look like; None where too few were known at the training.
    judged, again
        Images judged so far, and how many of them once more in f32.
    front
        Returns the engine in f32 by OpenVINO, whose features finer maps are made of; started when first asked for.
    """

    def __init__(
        self,
        trusted: Trusted,
        thresholds: Mapping[str, float],
        *,
        quick: Predicts | None,
        precision: Precision,
        exact: Callable[[], Predicts],
        front: Callable[[], Engine],
        by: str = "",
    ) -> None:
        self.card, self.identity, self.residual = trusted.card, trusted.identity, trusted.residual
        self.front, self.judged, self.again = front, 0, 0
        own = {name: found.value for name, found in trusted.card.thresholds.items()}
        used = {**own, **thresholds}
        self._thresholds = np.array([used[name] for name in trusted.card.classes])
        self._quick, self._quick_precision, self._exact, self._by = quick, precision, exact, by

    @property
    def way(self) -> str:
        """How it judges an image at first, in words for a log: ``int8``, ``bf16 in TensorFlow``."""
        return ("f32" if self._quick is None else self._quick_precision) + self._by

    def predict(self, images: Images, *, stage: bool = False) -> Prediction:
        """Judge images: parameters and errors as of `engine.Engine.predict`; features only where f32 alone judges."""
        if self._quick is None:
            return self._exact().predict(images, stage=stage)
        found = self._quick.predict(images)
        near = self._near(found.probs)
        self.judged += len(images)
        self.again += int(near.sum())
        if near.any():
            exact = self._exact().predict(images[near])
            for name in OUTPUTS:
                getattr(found, name)[near] = getattr(exact, name)
        if self.judged >= _TRIAL and 2 * self.again > self.judged:
            self._quick = None
        return found

    def _near(self, probs: Floats) -> Bools:
        if self._quick_precision == "int8":
            return near_in_8_bits(probs, self._thresholds, self.card.int8.band)
        return near_a_decision(probs, self._thresholds, bf16_drift(self.card))


def open_judge(
    folder: Path,
    *,
    threads: int,
    wish: Wish = "f32",
    thresholds: Mapping[str, float] | None = None,
    golden: int = 2,
) -> Judge:
    """Open a model folder for judging on a processor, after the checks of `engine.load`.

    Parameters
    ----------
    folder
        As written by `export.export`.
    threads
        Cores this job was given.
    wish
        The arithmetic asked for.
    thresholds
        Class -> from which probability on it is confirmed; those of the card where not given.
    golden
        How many images of the golden batch are judged again.

    Raises
    ------
    DataError
        As of `engine.load`.
    """
    trusted = read_folder(folder, for_training=False)
    return judge_of(trusted, threads=threads, wish=wish, thresholds=thresholds, golden=golden)


def judge_of(
    trusted: Trusted,
    *,
    threads: int,
    wish: Wish = "f32",
    thresholds: Mapping[str, float] | None = None,
    golden: int = 2,
    engine: EngineName = "openvino",
    tell: Tell = print,
) -> Judge:
    """Start a model whose files are trusted; parameters as of `open_judge`.

    Parameters
    ----------
    engine
        What judges: see `engine_for`. For ``auto`` the processor judges, and a line says so, where TensorFlow cannot
        build the network here, or the GPU fails at once.
    tell
        Receives a line where something else judges than what could be expected.

    Raises
    ------
    DataError
        As of `engine.load`, and of `keras_engine.start`.
    ConfigError, DeviceError
        When TensorFlow was asked for by name, and cannot build the network or the device fails.
    """
    given = thresholds or {}

    def by_openvino(precision: Precision) -> Engine:
        return start(trusted, threads=threads, precision=precision, golden=golden)

    if engine_for(engine, tell) == "tensorflow":
        from hydra_core.models.keras_engine import DeviceError

        by_tensorflow = partial(_with_tensorflow, trusted, threads, golden)
        used = tensorflow_precision_for(wish)
        try:
            quick = _quick(by_tensorflow, used)
            exact = _in_f32(by_tensorflow, quick)
            front = cache(partial(by_openvino, "f32"))
            by = " in TensorFlow"
            return Judge(trusted, given, quick=quick, precision=used, exact=exact, front=front, by=by)
        except (ConfigError, DeviceError) as error:
            if engine == "tensorflow":
                raise
            tell(f"{error.cause}: the processor judges with it")
    used = precision_for(wish, int8=trusted.int8 is not None)
    quicker = _quick(by_openvino, used)
    # Second looks and heat maps share it.
    engine_in_f32 = _in_f32(by_openvino, quicker)
    return Judge(trusted, given, quick=quicker, precision=used, exact=engine_in_f32, front=engine_in_f32)


def _quick(start: Callable[[Precision], Started], precision: Precision) -> Started | None:
    if precision == "f32":
        return None
    try:
        return start(precision)
    except DataError:
        # It drifts by more than what is reckoned with, or is damaged: f32 will tell.
        return None


def _in_f32(start: Callable[[Precision], Started], quick: Predicts | None) -> Callable[[], Started]:
    """Return what gives the network in f32: started when first asked for, or now where nothing quicker judges."""
    if quick is not None:
        return cache(partial(start, "f32"))
    # Of what is started the files need not stay in memory.
    started = start("f32")
    return lambda: started


def _with_tensorflow(trusted: Trusted, threads: int, golden: int, precision: Precision) -> Predicts:
    from hydra_core.models.keras_engine import start as start_in_tensorflow

    return start_in_tensorflow(trusted, threads=threads, precision=precision, golden=golden)
