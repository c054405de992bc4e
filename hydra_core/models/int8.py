"""Whether a model may judge in 8 bits: only where that is shown to change no decision, and worth it.

Validation and test images are of different runs, and none was used to make the 8-bit engine. How far it moves the log
odds of a probability on one side says what has to be judged again in f32 on the other; then no decision of either may
differ.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hydra_core.base.errors import DataError
from hydra_core.models.arrays import Floats, Images
from hydra_core.models.engine import BATCH, Engine, Precision
from hydra_core.models.precision import log_odds, machine_has_vnni, near_in_8_bits
from hydra_core.models.quantise import quantise
from hydra_core.models.spec import INT8_BIN, INT8_XML, Int8

#: Where none of so many decisions changes, fewer than 1 in 100 do, with 95 % confidence.
LEAST_IMAGES = 300
#: Of validation and of test images: the largest change on fewer says little of others.
LEAST_OF_A_SIDE = 100
#: What is judged again lies within this many times the largest change that was seen.
MARGIN = 1.5
#: Other processors may round otherwise, however little was moved here.
LEAST_BAND = 1e-2
#: Two engines are opened for less gain than this in vain.
WORTH = 1.3
#: Training images that show the ranges of the layers.
CALIBRATED = 128


_ENGINES: tuple[tuple[str, str, Precision], ...] = (
    ("engine.xml", "engine.bin", "f32"),
    (INT8_XML, INT8_BIN, "int8"),
)


@dataclass(frozen=True)
class Trial:
    """What an 8-bit engine is made with and tried on.

    Attributes
    ----------
    calibration
        uint8, shape (n, h, w, 3): training images of all classes, n >= 1.
    validation, test
        uint8, shape (m, h, w, 3): none of them among the images of `calibration`.
    thresholds
        float (c,): from which probability on each class is confirmed.
    """

    calibration: Images
    validation: Images
    test: Images
    thresholds: Floats


@dataclass(frozen=True)
class Answered:
    """What f32 and 8 bits say of the same images: probabilities (n, c)."""

    exact: Floats
    quick: Floats

    @property
    def drift(self) -> float:
        """Largest change of a log odds."""
        return float(np.abs(log_odds(self.exact) - log_odds(self.quick)).max())

    @property
    def moved(self) -> float:
        """Largest change of a probability."""
        return float(np.abs(self.exact - self.quick).max())


def make_int8(
    folder: Path,
    trial: Trial,
    *,
    threads: int,
    make: Callable[[Path, Path, Images], None] = quantise,
) -> Int8:
    """Write ``engine-int8.xml`` and ``.bin`` beside ``engine.xml`` if they pass; otherwise leave nothing.

    Parameters
    ----------
    folder
        Holds ``engine.xml`` and ``engine.bin``, the temperature in them already.
    threads
        Cores to use.
    make
        Writes the 8-bit engine: from, to, images.

    Returns
    -------
    Int8
        For the card; its `why_not` is empty where the engine passed.
    """
    why_not = _unfit(trial)
    if why_not:
        return Int8(why_not=why_not)
    target = folder / INT8_XML
    try:
        make(folder / "engine.xml", target, trial.calibration)
        found = _tried(folder, trial, threads)
    except (DataError, RuntimeError, ValueError) as error:
        found = Int8(why_not=f"it could not be made: {str(error).splitlines()[0][:200]}")
    if found.why_not:
        for name in (INT8_XML, INT8_BIN):
            (folder / name).unlink(missing_ok=True)
    return found


def _unfit(trial: Trial) -> str:
    if not machine_has_vnni():
        return "the processor of the training has no VNNI, so it cannot show what 8 bits gain"
    sides = (len(trial.validation), len(trial.test))
    if sum(sides) < LEAST_IMAGES or min(sides) < LEAST_OF_A_SIDE:
        return (
            f"{sides[0]} validation and {sides[1]} test images are too few to show that no decision changes: "
            f"{LEAST_IMAGES} are needed, {LEAST_OF_A_SIDE} of each"
        )
    return ""


def _tried(folder: Path, trial: Trial, threads: int) -> Int8:
    size = (int(trial.test.shape[1]), int(trial.test.shape[2]))
    engines = [
        Engine.compile(
            (folder / xml).read_bytes(), (folder / data).read_bytes(), size=size, threads=threads, precision=precision
        )
        for xml, data, precision in _ENGINES
    ]
    seconds = []
    answers = []
    for engine in engines:
        engine.predict(trial.test[:BATCH])
        # Other programs of the machine do not count.
        begun = time.process_time()
        answers.append([engine.predict(images).probs for images in (trial.validation, trial.test)])
        seconds.append(time.process_time() - begun)
    validation, test = (Answered(exact, quick) for exact, quick in zip(*answers, strict=True))
    return judged(validation, test, trial.thresholds, speed=seconds[0] / max(seconds[1], 1e-9))


def judged(validation: Answered, test: Answered, thresholds: Floats, *, speed: float) -> Int8:
    """Return whether 8 bits may judge, from what they said.

    Parameters
    ----------
    thresholds
        float (c,): from which probability on each class is confirmed.
    speed
        How many times as fast as f32 the 8-bit engine is, without what is judged again.
    """
    changed = _changed(test, thresholds, MARGIN * validation.drift) + _changed(
        validation, thresholds, MARGIN * test.drift
    )
    drift = max(validation.moved, test.moved)
    band = max(MARGIN * max(validation.drift, test.drift), LEAST_BAND)
    quick = np.concatenate([validation.quick, test.quick])
    again = float(near_in_8_bits(quick, thresholds, band).mean())
    faster = 1 / (1 / speed + again)
    why_not = ""
    if changed:
        why_not = f"{changed} of {len(quick)} decisions differ from those of f32, what is judged again included"
    elif faster < WORTH:
        # Rounded down, so that what is too little never reads like what would do.
        gain = math.floor(100 * faster) / 100
        why_not = (
            f"it is only {gain:g} times as fast as f32, with the {again:.0%} of the images that are judged again; "
            f"{WORTH:g} times would be worth it"
        )
    return Int8(why_not=why_not, images=len(quick), drift=drift, band=band, again=again, faster=faster)


def _changed(answered: Answered, thresholds: Floats, band: float) -> int:
    near = near_in_8_bits(answered.quick, thresholds, band)[:, None]
    final = np.where(near, answered.exact, answered.quick)
    exact, found = (_decisions(probs, thresholds) for probs in (answered.exact, final))
    return int((exact != found).any(axis=1).sum())


def _decisions(probs: Floats, thresholds: Floats) -> Floats:
    """Return the class and whether it is confirmed: (n, 2)."""
    winner = probs.argmax(axis=1)
    confirmed = probs[np.arange(len(probs)), winner] >= thresholds[winner]
    return np.stack([winner, confirmed], axis=1)
