"""Networks beside each other: figures on the same test images, differences with their intervals, disagreements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from hydra_core.models.arrays import Floats
from hydra_core.models.asked import Frozen, TrainSpec
from hydra_core.models.intervals import SAME, calibration_error, confusion_of_runs, draws, middle
from hydra_core.models.proof import measure
from hydra_core.models.spec import Epoch, Metrics, Range, Share


class Result(Frozen):
    """What is kept of a network that was trained for a comparison.

    Attributes
    ----------
    identity
        Of what all networks of the comparison share: images, labels, split, settings.
    number
        Its place in the table, from 1.
    images_seen
        Images that were shown to it in all epochs together.
    seconds
        Of the processor, for the training and its answers.
    milliseconds
        Of the processor, to judge one image with the exported engine.
    called, confidence
        For each test image the class it was called, as an index into `classes`, and the probability of that class.
    """

    identity: str
    number: int = Field(ge=1)
    spec: TrainSpec
    classes: tuple[str, ...] = Field(min_length=2)
    parameters: int = Field(ge=0)
    images_seen: int = Field(ge=0)
    seconds: float = Field(ge=0)
    milliseconds: float = Field(ge=0)
    best_epoch: int = Field(ge=0)
    curve: tuple[Epoch, ...]
    called: tuple[int, ...]
    confidence: tuple[Share, ...]


@dataclass(frozen=True)
class HeldOut:
    """The images that every network of a comparison is tested on, in one order.

    Attributes
    ----------
    truth, runs
        Class name and run number of each image.
    problems
        Names of the classes that mean a problem; may be none.
    """

    truth: tuple[str, ...]
    runs: tuple[int, ...]
    problems: frozenset[str]


@dataclass(frozen=True)
class Figure:
    """A figure of one network.

    Attributes
    ----------
    value
        None where it has no meaning, as the recall of problems in a test without one.
    gain
        What it is above the first network of the comparison; None for that one itself.
    """

    value: float | None
    span: Range | None = None
    gain: float | None = None
    gain_span: Range | None = None


@dataclass(frozen=True)
class Row:
    """A network in the table.

    Attributes
    ----------
    problems
        Mean recall of the classes that mean a problem.
    recalls
        Class -> recall and number of test images.
    level
        Whether its macro-F1 may be that of the best one: the range of their difference holds 0. Without ranges only
        an equal one may.
    """

    result: Result
    name: str
    metrics: Metrics
    accuracy: Figure
    macro_f1: Figure
    problems: Figure
    recalls: dict[str, tuple[Figure, int]]
    calibration_error: float
    level: bool = False


@dataclass(frozen=True)
class SeedGroup:
    """Trainings that differ in nothing but their seed: mean, smallest and largest macro-F1."""

    name: str
    seeds: int
    mean: float
    low: float
    high: float


def rows(results: Sequence[Result], test: HeldOut) -> tuple[Row, ...]:
    """Return a row for each network; every difference is to the first one.

    All are tested by the very same draws of runs, so that a difference is one of the networks and not of the draw.

    Raises
    ------
    ValueError
        When a result is not of these test images.
    """
    made: list[Row] = []
    all_drawn: list[dict[str, Floats]] = []
    for result, name in zip(results, short_names([one.spec for one in results]), strict=True):
        if len(result.called) != len(test.truth):
            raise ValueError(f"{name} answered for {len(result.called)} images, the test has {len(test.truth)}")
        metrics = measure(test.truth, [result.classes[one] for one in result.called], result.classes)
        values, drawn = _values(metrics, test), _drawn(result, test)
        all_drawn.append(drawn)
        figures = {
            key: _figure(value, drawn[key], getattr(made[0], key) if made else None, all_drawn[0][key])
            for key, value in values.items()
        }
        right = np.array([result.classes[one] for one in result.called]) == np.array(test.truth)
        made.append(
            Row(
                result=result,
                name=name,
                metrics=metrics,
                recalls={
                    known: (Figure(one.recall, _span(drawn[f"recall {place}"])), one.support)
                    for place, (known, one) in enumerate(metrics.per_class.items())
                },
                calibration_error=calibration_error(np.array(result.confidence), right),
                accuracy=figures["accuracy"],
                macro_f1=figures["macro_f1"],
                problems=figures["problems"],
            )
        )
    best = max(range(len(made)), key=lambda number: made[number].metrics.macro_f1, default=0)
    return tuple(
        replace(row, level=_level(row, made[best], _span(all_drawn[best]["macro_f1"] - drawn["macro_f1"])))
        for row, drawn in zip(made, all_drawn, strict=True)
    )


def short_names(specs: Sequence[TrainSpec]) -> tuple[str, ...]:
    """Return what tells each specification from the others: its network, and what is not the same for all."""
    parts = [
        (f"{spec.size[0]} x {spec.size[1]}", spec.sampling, f"{spec.epochs} epochs", f"seed {spec.seed}")
        for spec in specs
    ]
    telling = [number for number, column in enumerate(zip(*parts, strict=True)) if len(set(column)) > 1]
    return tuple(
        ", ".join([spec.network, *(part[number] for number in telling)])
        for spec, part in zip(specs, parts, strict=True)
    )


def over_seeds(table: Sequence[Row]) -> tuple[SeedGroup, ...]:
    """Return how much the seed alone does to macro-F1, for each network that was trained with several."""
    groups: dict[TrainSpec, list[float]] = {}
    for row in table:
        groups.setdefault(row.result.spec.model_copy(update={"seed": 0}), []).append(row.metrics.macro_f1)
    names = short_names(list(groups))
    return tuple(
        SeedGroup(name, len(values), float(np.mean(values)), min(values), max(values))
        for name, values in zip(names, groups.values(), strict=True)
        if len(values) > 1
    )


def disagreements(results: Sequence[Result], most: int) -> tuple[int, ...]:
    """Return the test images that the networks disagree on, at most `most`, those that split them most first.

    Of images that split them alike, those come first on which the networks are the surest.
    """
    if len(results) < 2:
        return ()
    found = []
    for place in range(len(results[0].called)):
        votes = Counter(one.classes[one.called[place]] for one in results)
        if len(votes) > 1:
            alike = sum(count * count for count in votes.values())
            sure = float(np.mean([one.confidence[place] for one in results]))
            found.append((alike, -sure, place))
    return tuple(place for _, _, place in sorted(found)[:most])


def _level(row: Row, best: Row, span: Range | None) -> bool:
    if span is None:
        return row.metrics.macro_f1 == best.metrics.macro_f1
    return span.low <= 0 <= span.high


def _values(metrics: Metrics, test: HeldOut) -> dict[str, float | None]:
    recalls = [metrics.per_class[name].recall for name in _problems(metrics.classes, test.problems)]
    known = [one for one in recalls if one is not None]
    return {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "problems": float(np.mean(known)) if known else None,
    }


def _problems(classes: Sequence[str], problems: Collection[str]) -> list[str]:
    return [name for name in classes if name in problems]


def _drawn(result: Result, test: HeldOut) -> dict[str, Floats]:
    place = {name: number for number, name in enumerate(result.classes)}
    true = np.array([place[name] for name in test.truth])
    counts = confusion_of_runs(true, np.array(result.called), np.array(test.runs), len(place))
    if len(counts) < 2:
        counts = np.zeros((1, len(place), len(place)), np.int64)
    found = draws(counts)
    recalls = [found[f"recall {place[name]}"] for name in _problems(result.classes, test.problems)]
    stacked = np.array(recalls) if recalls else np.full((1, len(found["accuracy"])), np.nan)
    known = ~np.isnan(stacked)
    with np.errstate(invalid="ignore"):
        found["problems"] = np.where(known, stacked, 0).sum(axis=0) / known.sum(axis=0)
    return found


def _figure(value: float | None, drawn: Floats, reference: Figure | None, drawn_reference: Floats) -> Figure:
    span = _span(drawn) if value is not None else None
    if value is None or reference is None or reference.value is None:
        return Figure(value, span)
    return Figure(value, span, value - reference.value, _span(drawn - drawn_reference))


def _span(values: Floats) -> Range | None:
    """Return where the middle 95 % lie; None where half of the draws have no such figure, or all have the same."""
    found = middle(values)
    # A range without width would look like proof, and says only that no drawn run differed.
    return None if found is None or found[1] - found[0] < SAME else Range(low=found[0], high=found[1])
