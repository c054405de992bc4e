"""What a model said of its validation and test images, kept with it (``answers.npz``)."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hydra_core.base.files import sha256_bytes
from hydra_core.models.arrays import AnyArray, Floats, Images, Ints

#: The sides whose answers are kept; their numbers are those in the file.
ANSWERED = ("validation", "test")

#: Most bytes of the file; of more answers an even selection is kept.
MOST_BYTES = 32 << 20

#: The arrays of `Answers.to_bytes`.
ANSWERS_ARRAYS = ("classes", "images", "runs", "truth", "sides", "probs")

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model said of n images.

    Attributes
    ----------
    classes
        In the order of the model's outputs.
    images
        uint8 (n, 32): SHA-256 of the images.
    runs
        int64 (n,).
    truth
        int16 (n,): index of the true class.
    sides
        uint8 (n,): index in `ANSWERED`.
    probs
        float32 (n, c): probabilities.
    """

    classes: tuple[str, ...]
    images: Images
    runs: Ints
    truth: Ints
    sides: Ints
    probs: Floats

    def on(self, side: str) -> Answers:
        """Return the answers of one side, ``validation`` or ``test``."""
        return self._of(np.flatnonzero(self.sides == ANSWERED.index(side)))

    def with_probs(self, probs: Floats) -> Answers:
        """Return the same images with other probabilities."""
        return replace(self, probs=probs.astype(np.float32))

    def to_bytes(self) -> bytes:
        """Return them as an uncompressed NPZ archive; equal ones give equal bytes."""
        row = 32 + 8 + 2 + 1 + 4 * len(self.classes)
        n, most = len(self.truth), MOST_BYTES // row
        kept = self if n <= most else self._of(np.linspace(0, n - 1, most).astype(np.int64))
        stream = io.BytesIO()
        np.savez(
            stream,
            classes=np.array(kept.classes),
            images=kept.images.astype(np.uint8),
            runs=kept.runs.astype(np.int64),
            truth=kept.truth.astype(np.int16),
            sides=kept.sides.astype(np.uint8),
            probs=kept.probs.astype(np.float32),
        )
        return stream.getvalue()

    def _of(self, which: Ints) -> Answers:
        return Answers(
            self.classes,
            self.images[which],
            self.runs[which],
            self.truth[which],
            self.sides[which],
            self.probs[which],
        )


def image_ids(hashes: Sequence[str]) -> Images:
    """Return SHA-256 as bytes: uint8 (n, 32). A text that is no SHA-256 in hexadecimal digits is hashed itself."""
    whole = (h if re.fullmatch(r"[0-9a-f]{64}", h) else sha256_bytes(h.encode()) for h in hashes)
    return np.frombuffer(b"".join(bytes.fromhex(one) for one in whole), np.uint8).reshape(-1, 32)


def answers_of(arrays: dict[str, AnyArray]) -> Answers:
    """Return what `Answers.to_bytes` wrote, from its arrays.

    Raises
    ------
    ValueError
        When the arrays do not fit together or hold what is no probability.
    """
    classes, probs = arrays["classes"], arrays["probs"]
    if classes.ndim != 1 or classes.dtype.kind != "U" or len(classes) < 1:
        raise ValueError("it names no classes")
    n = len(probs)
    forms = {
        "images": (np.uint8, (n, 32)),
        "runs": (np.int64, (n,)),
        "truth": (np.int16, (n,)),
        "sides": (np.uint8, (n,)),
        "probs": (np.float32, (n, len(classes))),
    }
    for name, (kind, shape) in forms.items():
        if arrays[name].dtype != kind or arrays[name].shape != shape:
            raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}, not {np.dtype(kind)} {shape}")
    if n and not (arrays["truth"].min() >= 0 and arrays["truth"].max() < len(classes)):
        raise ValueError("a true class is none of the classes")
    if n and arrays["sides"].max() >= len(ANSWERED):
        raise ValueError("a side is neither validation nor test")
    # Written so that what is no number fails too.
    if not ((probs >= 0).all() and (np.abs(probs.sum(axis=1) - 1) < _SUM_TOLERANCE).all()):
        raise ValueError("it holds what is no probability")
    return Answers(tuple(str(name) for name in classes), *(arrays[name] for name in ANSWERS_ARRAYS[1:]))
