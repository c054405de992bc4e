"""Judging in bf16 where the processor has it, with the decisions of f32.

bf16 is about twice as fast and moves a probability by a few hundredths. So every image is judged in bf16 first, and
those near a decision once more in f32: where two classes are close, or a probability is close to its threshold. If no
probability moves by more than `engine.bf16_drift`, each decision is the one that f32 makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from hydra_core.base.errors import DataError
from hydra_core.models.arrays import Bools, Floats, Images
from hydra_core.models.engine import BF16_DRIFT, Engine, Precision, Prediction, bf16_drift, start
from hydra_core.models.lazy import openvino
from hydra_core.models.residual import Residual
from hydra_core.models.spec import ModelCard
from hydra_core.models.trusted import Trusted, read_folder

#: What a site may ask for; ``auto`` is bf16 on processors that have it, else f32.
Wish = Literal["f32", "bf16", "auto"]

#: After so many images it is known whether bf16 saves anything with this model.
_TRIAL = 32


@lru_cache(maxsize=1)
def machine_has_bf16() -> bool:
    """Say whether this processor computes in bf16 itself; without it OpenVINO imitates it, several times slower."""
    return "BF16" in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def precision_for(wish: Wish) -> Precision:
    """Return the arithmetic that this machine uses for a wish."""
    if wish == "auto":
        return "bf16" if machine_has_bf16() else "f32"
    return wish


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
    at_threshold = (np.abs(probs - thresholds) <= drift).any(axis=1)
    return np.asarray(close | at_threshold, dtype=np.bool_)


class Judge:
    """A model that judges in the arithmetic of this machine, with the decisions of f32. Made by `open_judge`.

    Attributes
    ----------
    judged, again
        Images judged so far, and how many of them once more in f32.
    """

    def __init__(
        self, trusted: Trusted, threads: int, wish: Wish, thresholds: Mapping[str, float], golden: int
    ) -> None:
        self._trusted, self._threads, self._golden = trusted, threads, golden
        own = {name: found.value for name, found in trusted.card.thresholds.items()}
        used = {**own, **thresholds}
        self._thresholds = np.array([used[name] for name in trusted.card.classes])
        self._quick: Engine | None = None
        self._exact: Engine | None = None
        self.judged = self.again = 0
        if precision_for(wish) == "bf16":
            try:
                self._quick = start(trusted, threads=threads, precision="bf16", golden=golden)
            except DataError:
                # It drifts by more than what is reckoned with, or is damaged: f32 will tell.
                self._quick = None
        if self._quick is None:
            self._in_f32()

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._trusted.card

    @property
    def identity(self) -> str:
        """SHA-256 of ``model.json``."""
        return self._trusted.identity

    @property
    def residual(self) -> Residual | None:
        """What good plots look like."""
        return self._trusted.residual

    def predict(self, images: Images) -> Prediction:
        """Judge images: parameters and errors as of `engine.Engine.predict`."""
        if self._quick is None:
            return self._in_f32().predict(images)
        found = self._quick.predict(images)
        near = near_a_decision(found.probs, self._thresholds, bf16_drift(self.card))
        self.judged += len(images)
        self.again += int(near.sum())
        if near.any():
            exact = self._in_f32().predict(images[near])
            for mine, better in zip(vars(found).values(), vars(exact).values(), strict=True):
                mine[near] = better
        if self.judged >= _TRIAL and 2 * self.again > self.judged:
            self._quick = None
        return found

    def _in_f32(self) -> Engine:
        if self._exact is None:
            self._exact = start(self._trusted, threads=self._threads, golden=self._golden)
        return self._exact


def open_judge(
    folder: Path,
    *,
    threads: int,
    wish: Wish = "f32",
    thresholds: Mapping[str, float] | None = None,
    golden: int = 2,
) -> Judge:
    """Open a model folder for judging, after the checks of `engine.load`.

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
    return Judge(read_folder(folder, for_training=False), threads, wish, thresholds or {}, golden)
