"""What the pages beside those of runs show: status, front page, model library, news, training reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class TaskTiming:
    """What one task cost, over the runs that are counted."""

    task: str
    jobs: int
    wall_s_median: float
    cpu_s_median: float
    max_rss_mb: float
    images_per_s: float | None


@dataclass(frozen=True)
class NewTypeView:
    """A plot type that waits for a decision."""

    name: str
    """As commands take it, not quoted yet: ``NAME``, ``NAME:chunks`` or ``NAME:run``."""
    first_seen_at: datetime
    images: int
    more_images: bool = False
    """Whether there are more than `images`, which are not counted any further."""


@dataclass(frozen=True)
class StatusView:
    """How Hydra itself is doing."""

    experiment: str
    updated_at: datetime
    passes: tuple[tuple[str, str, int, int], ...]
    """(name, state, runs wanted, runs published)."""
    waiting: tuple[tuple[str, int, str], ...]
    """(pass, run, why it is not published yet)."""
    timings: tuple[TaskTiming, ...]
    images_per_day: tuple[tuple[str, int], ...]
    """(ISO date, images)."""
    versions: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[str, int], ...]
    """(what, bytes)."""
    unmatched: tuple[tuple[str, str], ...]
    """(file, why no rule took it)."""
    expected_every_s: float = 86400.0
    """The page turns amber when it was not rewritten for longer than this."""
    new_types: tuple[NewTypeView, ...] = ()
    """Plot types that wait for a decision, by name; of thousands the first ones."""
    more_new_types: int = 0
    """How many more wait than are named."""


@dataclass(frozen=True)
class PassSummary:
    """A pass in the list on the front page; its headline comes from its own ``latest.js``."""

    name: str
    state: str
    runs_published: int


@dataclass(frozen=True)
class FrontView:
    """All passes of a site, newest first."""

    experiment: str
    updated_at: datetime
    passes: tuple[PassSummary, ...]


@dataclass(frozen=True)
class ModelView:
    """A model in the library."""

    name: str
    plot: str
    plot_slug: str
    status: str
    """``live``, ``candidate``, ``rejected`` or ``retired``."""
    reason: str
    network: str
    made_at: datetime
    classes: tuple[str, ...]
    training_images: int
    validation_images: int
    test_images: int
    test_runs: tuple[int, ...]
    accuracy: float | None
    macro_f1: float | None
    thresholds: tuple[tuple[str, float, str, int], ...]
    """(class, value, method, number of validation examples)."""
    confusion: tuple[tuple[int, ...], ...]
    """Test runs; rows: the expert's label, columns: the model's class; order of `classes`."""
    curve: tuple[tuple[int, float, float, float], ...]
    """(epoch, training loss, validation loss, validation accuracy)."""
    facts: tuple[tuple[str, str], ...] = field(default=())
    confidences: tuple[tuple[tuple[int, ...], ...], ...] = ()
    """Test images as `confusion`, each cell counted by the confidence of the called class in bins of equal width."""
    fares: tuple[tuple[str, str, str, str, str, int], ...] = ()
    """(class, share of its test images that is found, where that lies, share right of those called so, where that
    lies, number of test images)."""
    reliability: tuple[tuple[float, float, int], ...] = ()
    """(mean confidence, share of right answers, number of test images), from low to high confidence."""
    calibration: str = ""
    """How confidence was brought in line with the share of right answers."""
    faults: tuple[tuple[str, int, int, float, float], ...] = ()
    """(emulated fault, images not called good, images, and the interval of that share)."""


@dataclass(frozen=True)
class LibraryView:
    """All models, live ones first, and plot types that have none with what they lack."""

    experiment: str
    updated_at: datetime
    models: tuple[ModelView, ...]
    without: tuple[tuple[str, str], ...]
    """(plot type, what is needed before it can have a model)."""
    judging_set: int


@dataclass(frozen=True)
class NewsView:
    """A line for the top of every page; an empty one hides those before it."""

    text: str
    who: str
    begins_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class ReportCase:
    """An image of which a model and its label say different things.

    Attributes
    ----------
    place
        Where it was first, in words; `page` is the page of that run relative to the site, or None.
    label, says
        The class that people had given it when the model was made, and the class that the model gives it.
    answer
        What an expert answered, in words; empty as long as nobody has.
    """

    image_sha: str
    place: str
    page: str | None
    side: str
    label: str
    says: str
    confidence: float
    answer: str


@dataclass(frozen=True)
class ReportView:
    """The training report of a model; `more` cases are left out."""

    plot: str
    plot_slug: str
    plot_argument: str
    model: str
    status: str
    made_at: datetime
    images: int
    cases: tuple[ReportCase, ...]
    more: int
    labels: tuple[str, ...]
