"""What judges say: the input of the rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

ItemStatus = Literal["ok", "unreadable", "missing"]

#: Names of the judges: the NoData rule, the network, and whether the plot type is accepted.
CONTENT, CLASSIFIER, STANDING = "content", "classifier", "standing"


@dataclass(frozen=True)
class Content:
    """What the NoData rule says: whether there is anything inside the plot.

    Attributes
    ----------
    ink
        Fraction of the plot's inner area that differs from its background, 0..1.
    """

    empty: bool
    ink: float
    sentence: str


@dataclass(frozen=True)
class Classification:
    """A network's answer.

    Attributes
    ----------
    probabilities
        Class -> probability; they sum to 1.
    thresholds
        Class -> least confidence to be confirmed, as frozen in the judging set.
    model
        The model's name.
    """

    probabilities: Mapping[str, float]
    thresholds: Mapping[str, float]
    model: str

    @property
    def winner(self) -> str:
        """The most probable class; of equal ones the first in the model's order."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def usable(self) -> bool:
        """Whether the numbers are numbers."""
        return bool(self.probabilities) and all(math.isfinite(value) for value in self.probabilities.values())


@dataclass(frozen=True)
class ItemEvidence:
    """All that is known of one item when it is judged."""

    status: ItemStatus
    reason: str = ""
    duplicate_of: str = ""
    """Source of an earlier chunk with the very same image."""
    held: bool = False
    """The plot type was new when the run was read: nobody had accepted it."""
    beam: bool | None = None
    """Whether there was beam; None where the run does not say."""
    content: Content | None = None
    classification: Classification | None = None
    labels_waiting: int = 0
    """Labelled images of this plot type, for the sentence on what a model still needs."""
    labels_needed: int = 0
    problem_classes: frozenset[str] = field(default_factory=frozenset)
    normal_classes: frozenset[str] = field(default_factory=frozenset)


def listed(names: Sequence[str]) -> str:
    """Return names as a phrase: ``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
