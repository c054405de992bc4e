"""A question as it was understood, and the refusal of one that was not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hydra_core.base.errors import HydraError

Subject = Literal[
    "detectors", "plots", "runs", "incidents", "labels", "people", "models", "images", "passes", "requests", "news"
]
#: What an answer is: rows, how many there are, or rows by their time.
Intent = Literal["list", "count", "when"]
Order = Literal["most", "fewest", "newest", "oldest"]
Grouping = Literal["detector", "plot", "run", "day", "class", "state", "person", "pass", "model"]


class QuestionError(HydraError):
    """A question was not understood, or asks for what does not go together."""

    exit_code = 2


@dataclass(frozen=True)
class Span:
    """A span of time, `until` left out; None is open."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Named:
    """A name of the database that a question holds; `plots` are the rows of the plot types that it stands for."""

    kind: Literal["detector", "plot", "class", "model", "pass", "person"]
    name: str
    plots: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Understood:
    """A piece of a question, and what it was taken for; `likeness` where it says what plots are like."""

    text: str
    meaning: str
    likeness: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    labelled
        Whether it is about classes that people gave, not about those that Hydra found.
    since_when
        Whether it asks when something began.
    either
        Whether it says ``or``.
    severity
        Least severity; `fine` asks for severity 0.
    states, statuses
        States of verdicts; statuses of models, requests and runs.
    runs
        First and last run number, None where it is open.
    newest_runs
        Only the newest so many judged runs.
    pieces
        How each part of the text was understood.
    """

    subject: Subject | None = None
    intent: Intent = "list"
    labelled: bool = False
    since_when: bool = False
    either: bool = False
    severity: int | None = None
    fine: bool = False
    states: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    named: tuple[Named, ...] = ()
    runs: tuple[int | None, int | None] | None = None
    newest_runs: int | None = None
    span: Span | None = None
    by: Grouping | None = None
    order: Order | None = None
    limit: int | None = None
    pieces: tuple[Understood, ...] = ()

    def of_kind(self, kind: str) -> tuple[Named, ...]:
        """Return the names of one kind."""
        return tuple(one for one in self.named if one.kind == kind)

    @property
    def about_verdicts(self) -> bool:
        """Whether it says what plots must look like."""
        return self.severity is not None or self.fine or bool(self.states)
