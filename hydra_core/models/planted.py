"""Emulated faults in plots that a model never saw: how often it notices each kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hydra_core.models.arrays import Floats, Images
from hydra_core.models.intervals import share_interval
from hydra_core.models.spec import FaultRecall

#: The kind of plots as they are, to set the others against.
NO_FAULT = "none"


@dataclass(frozen=True, eq=False)
class Planted:
    """Plots with emulated faults.

    Attributes
    ----------
    images
        uint8, shape (n, h, w, 3), n at least 1, as the network takes them.
    kinds
        Per image: what was done, `NO_FAULT` for plots as they are.
    normal
        Classes that mean that nothing is wrong.
    """

    images: Images
    kinds: tuple[str, ...]
    normal: Collection[str]


def recall_by_kind(planted: Planted, classes: Sequence[str], probs: Floats) -> tuple[FaultRecall, ...]:
    """Return by kind of fault, in the order of `planted`, how many plots were not called good.

    Parameters
    ----------
    probs
        Shape (n, c): what the model said, in the order of `classes`.
    """
    noticed = [classes[winner] not in planted.normal for winner in probs.argmax(axis=1)]
    counts: dict[str, list[bool]] = {}
    for kind, one in zip(planted.kinds, noticed, strict=True):
        counts.setdefault(kind, []).append(one)
    return tuple(
        FaultRecall(kind=kind, images=len(ones), found=sum(ones), interval=share_interval(sum(ones), len(ones)))
        for kind, ones in counts.items()
    )
