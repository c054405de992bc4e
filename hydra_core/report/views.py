"""What the pages of runs and passes show, as frozen values.

They are the contract between those who know (stages) and those who draw (report); `site_views` holds the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

State = Literal[
    "confirmed",
    "unconfirmed",
    "novel",
    "no_data",
    "no_beam",
    "special_run",
    "stuck",
    "missing",
    "unreadable",
    "undetermined",
]

#: How much a verdict asks for a person: 0 nothing, 1 note, 2 look, 3 problem.
Severity = Literal[0, 1, 2, 3]


@dataclass(frozen=True)
class ClassStyle:
    """A class as pages show it: its name, its colour (``#rrggbb``) and whether it means a problem."""

    name: str
    colour: str
    problem: bool
    normal: bool = False
    """A confident verdict of this class asks for nobody (``Good`` and ``Acceptable`` are so by name)."""


@dataclass(frozen=True)
class HeatMap:
    """Where the model looked, or where a plot differs from good ones.

    Attributes
    ----------
    class_name
        The class that the map speaks for; Good for ``residual``.
    kind
        ``cam`` (evidence for the class), ``contrast`` (this class rather than Good), ``active`` (where a site's own
        network is active, whatever the class) or ``residual`` (what good plots do not explain).
    values
        float32, shape (h, w), scaled to 0..1; stretched over the whole image.
    """

    class_name: str
    kind: str
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EvidenceLine:
    """What one judge said of one plot: whether it is empty, which class it is, whether its plot type is accepted."""

    judge: str
    status: str
    sentence: str
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Card:
    """One plot of one chunk, judged."""

    plot: str
    plot_slug: str
    chunk: int | None
    state: State
    class_name: str | None
    severity: Severity
    confidence: float | None
    threshold: float | None
    probabilities: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]
    next_step: str
    made_at: datetime | None
    model: str | None
    sha256: str | None
    source: str
    width: int | None
    height: int | None
    image: Callable[[], bytes] | None
    """Returns the encoded image as it was read; None where there is none (missing, unreadable, not kept)."""
    tombstone: str = ""
    """Why the archive does not keep the image; the page then shows it in small alone."""
    maps: tuple[HeatMap, ...] = ()
    label: str | None = None
    """The class a person gave to this image before publication, if any."""
    contact: str = ""
    description: str = ""
    group: str = ""
    evidence: tuple[EvidenceLine, ...] = ()
    """What each judge said, for those who open the verdict down to the bottom."""
    tested: tuple[int, int] | None = None
    """In how many of how many test images its model was right; None where that is not known or not asked for."""


@dataclass(frozen=True)
class IncidentView:
    """Consecutive flagged chunks of one plot type, in words."""

    plot: str
    plot_slug: str
    class_name: str | None
    state: State
    first_run: int
    first_chunk: int | None
    last_run: int
    last_chunk: int | None
    count: int
    sentence: str
    open: bool = True
    """Whether it lasts up to the newest plot of its plot type; otherwise it is over."""


@dataclass(frozen=True)
class RunView:
    """Everything the page of one run revision shows."""

    pass_name: str
    run: int
    run_name: str
    revision: int
    experiment: str
    made_at: datetime
    """When the verdicts were made (not when the page was)."""
    conditions: tuple[tuple[str, str], ...]
    judging_set: int
    code_version: str
    task: str
    """Cylc cycle/task/submit, or ``by hand``."""
    archive: str
    """Path of the archive file, relative to the data root."""
    notes: tuple[str, ...]
    """Sentences on the run as a whole: a late chunk, duplicates, unmatched files."""
    cards: tuple[Card, ...]
    incidents: tuple[IncidentView, ...]
    classes: tuple[ClassStyle, ...]


@dataclass(frozen=True)
class PlotCell:
    """What one run says of one plot type: its worst card, in the index matrix."""

    plot_slug: str
    state: State
    class_name: str | None
    severity: Severity
    flagged: int
    total: int


@dataclass(frozen=True)
class RunRow:
    """A run in the index: one row of the matrix (its newest published revision)."""

    run: int
    run_name: str
    revision: int
    made_at: datetime
    images: int
    flagged: int
    unreadable: int
    severity: Severity
    href: str
    """Path of the run's page relative to the site's root."""
    conditions: str
    cells: tuple[PlotCell, ...]


@dataclass(frozen=True)
class PlotColumn:
    """A plot type in the index."""

    slug: str
    name: str
    group: str
    contact: str
    description: str


@dataclass(frozen=True)
class IndexView:
    """A pass at a glance. `rows` holds only the rows of the shards that are to be rewritten."""

    pass_name: str
    experiment: str
    columns: tuple[PlotColumn, ...]
    rows: tuple[RunRow, ...]
    incidents: tuple[IncidentView, ...]
    """Those of the recent runs: the open ones, worst first, then those that are over, newest first."""
    blocks: tuple[int, ...]
    """Numbers of all index blocks that exist (block = run // 1000)."""
    updated_at: datetime
    expected_every_s: float
    """Pages turn amber when no run was published for longer than this."""
    classes: tuple[ClassStyle, ...]
    newest_run: int | None = None
    """Newest published run of the pass: an incident that reaches it is told as "since"."""
    new_types: int = 0
    """How many plot types wait for a decision."""
    without_plots: tuple[int, ...] = ()
    """Recent runs of which no plot came and that need a look for it, newest first."""
    recent_runs: int = 50
    """Of how many of the newest runs incidents are told."""
