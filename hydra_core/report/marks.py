"""State = shape + word + colour: the one table that every page, shard and legend reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra_core.report.views import ClassStyle, State

_NORMAL_NAMES = frozenset({"Good", "Acceptable"})


@dataclass(frozen=True)
class Mark:
    """A shape with its word.

    Attributes
    ----------
    key
        Names the shape (``#m-KEY`` in ``marks.svg``) and the colour (``--KEY`` in the style sheet).
    meaning, action
        What the reader of Help learns: what it means, and what to do.
    """

    key: str
    word: str
    shape: str
    meaning: str
    action: str


_ALL = (
    Mark(
        "bad",
        "Bad",
        "triangle",
        "The plot shows a problem, and Hydra is sure of it.",
        "Look at the plot and at what changed in its first chunk, then tell the contact named on the card.",
    ),
    Mark(
        "novel",
        "Novel",
        "diamond",
        "The plot is unlike everything seen before. It may be a new failure, or a new and healthy condition. "
        "Not given in this version.",
        "Look at it as if nobody had judged it. If it is fine, label it, so that it is known the next time.",
    ),
    Mark(
        "unconfirmed",
        "Unconfirmed",
        "half circle",
        "Hydra leans to a class but is not sure enough: the confidence is below what that class needs.",
        "A glance is enough: compare it with the chunks beside it. A label helps most here.",
    ),
    Mark(
        "stuck",
        "Stuck",
        "two bars",
        "The image is the same as in the chunk before, to the last pixel, while the run went on.",
        "Check that the producer of this plot is alive and that its histogram is filled.",
    ),
    Mark(
        "missing",
        "Missing",
        "crossed square",
        "The plot was expected for this run and did not come.",
        "Check the job that makes it. When it comes later, a new revision of the run shows it.",
    ),
    Mark(
        "unreadable",
        "Unreadable",
        "crossed square",
        "A file came, but it is not an image that can be read; the card says why.",
        "Make the file again. It was kept as it came, and the run is judged again when it changes.",
    ),
    Mark(
        "undetermined",
        "Undetermined",
        "dotted circle",
        "Nobody has judged it: there is no model. It may be good or bad.",
        "Look at it yourself where it matters. Labels bring a model.",
    ),
    Mark(
        "no_data",
        "No data",
        "open circle",
        "The plot is empty, or as good as empty.",
        "Normal when its detector was off. If it should have been on, check high voltage and readout.",
    ),
    Mark(
        "no_beam",
        "No beam",
        "dash",
        "There was no beam in this run, so that plots which need beam are not judged.",
        "Nothing. If there was beam, the run conditions are wrong: tell the monitoring coordinator.",
    ),
    Mark(
        "special_run",
        "Special run",
        "open square",
        "The run is of a special kind (cosmics, LED, empty target), where this plot looks different for good reason. "
        "Not given in this version.",
        "Nothing, unless the run was meant to be an ordinary one.",
    ),
    Mark(
        "other",
        "Another class",
        "filled square",
        "Hydra is sure of a class that is neither good nor a problem, for instance Cosmic or LED. "
        "The square has the colour of the class.",
        "Nothing, if that class is what you expect of this run.",
    ),
    Mark(
        "acceptable",
        "Acceptable",
        "circle in a ring",
        "Not perfect, but good enough to use the data.",
        "Nothing now. Worth a note if it lasts.",
    ),
    Mark("good", "Good", "filled circle", "The plot looks as it should, and Hydra is sure of it.", "Nothing."),
)

#: Worst first: the order of every list, legend and filter.
MARKS: dict[str, Mark] = {mark.key: mark for mark in _ALL}
RANK: dict[str, int] = {key: rank for rank, key in enumerate(MARKS)}


@dataclass(frozen=True)
class Shown:
    """A mark as one verdict shows it: `colour` only where the class brings its own."""

    key: str
    word: str
    colour: str | None = None


def shown(state: State, class_name: str | None, classes: Sequence[ClassStyle]) -> Shown:
    """Return the mark of a verdict.

    A confirmed problem is a triangle: vermilion for Bad alone, otherwise in the colour of its class.
    """
    if state != "confirmed":
        return Shown(state, MARKS[state].word)
    style = next((known for known in classes if known.name == class_name), None)
    name = class_name or MARKS["undetermined"].word
    if class_name is None:
        return Shown("undetermined", name)
    if name == "Acceptable":
        return Shown("acceptable", name)
    if name in _NORMAL_NAMES or (style is not None and style.normal):
        return Shown("good", name)
    if name in ("NoData", "No data"):
        return Shown("no_data", MARKS["no_data"].word)
    if name == "Bad":
        return Shown("bad", name)
    if style is not None and style.problem:
        return Shown("bad", name, style.colour)
    return Shown("other", name, style.colour if style else None)
