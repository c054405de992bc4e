"""What the original said of plots: its log of problems, its history of all outputs, its looks at labelled plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from hydra_core.labels.request_kinds import EARLIEST
from hydra_core.moving.foreign import LONGEST_CLASS, class_numbers, fraction_of, number_of, truth_of
from hydra_core.moving.moving import Moving, Place
from hydra_core.moving.original import BATCH, Row
from hydra_core.store.earlier import NewEarlierModel, NewEarlierVerdict, save_verdicts
from hydra_core.store.session import writing

_NO_PLACE = "plot type or run cannot be read, or the plot type was not taken"
_LOG, _HISTORY, _LOOKS = "MonitoringLog", "RunHistory", "AI_Plots"
_OfRow = Callable[[Moving, Row, Place, datetime, int], NewEarlierVerdict | None]


def take_verdicts(moving: Moving, models: Mapping[int, NewEarlierModel]) -> None:
    """Take the verdicts of all three tables over, in pieces.

    Parameters
    ----------
    models
        By their numbers there.
    """
    for name, found in (
        (_LOG, _rows(moving, _LOG, ("at", "run", "chunk", "plot_type", "model", "known", "confidence"), _of_log)),
        (_HISTORY, _rows(moving, _HISTORY, ("at", "run", "plot_type", "output"), _of_history)),
        (_LOOKS, _looks(moving, models)),
    ):
        count = 0
        for verdicts in found:
            _save(moving, verdicts)
            count += len(verdicts)
            moving.tell(f"{count} verdicts of {name} read")
        moving.outcome.take(f"verdicts of {name}", count)


def _save(moving: Moving, verdicts: list[NewEarlierVerdict]) -> None:
    if verdicts:
        writing(moving.engine, lambda connection: save_verdicts(connection, moving.import_id, verdicts))


def _rows(moving: Moving, name: str, order: tuple[str, ...], of_row: _OfRow) -> Iterator[list[NewEarlierVerdict]]:
    """Yield the verdicts of a table of which each row is one."""
    # Where rows have no numbers their places are: such a table only grows at its end.
    seen = 0
    for batch in moving.original.batches(name, order):
        verdicts = []
        for row in batch:
            seen += 1
            number = number_of(row.get("id", seen))
            place, at = moving.place_of(row), moving.instants.instant(row.get("at"))
            if place is None or at is None or number is None:
                moving.outcome.leave(f"verdicts of {name}", _NO_PLACE if place is None else "its time cannot be read")
            elif (verdict := of_row(moving, row, place, at, number)) is not None:
                verdicts.append(verdict)
        yield verdicts


def _of_log(moving: Moving, row: Row, place: Place, at: datetime, number: int) -> NewEarlierVerdict | None:
    name = str(row.get("known") or "")
    if not 0 < len(name) <= LONGEST_CLASS:
        moving.outcome.leave(f"verdicts of {_LOG}", "its class cannot be read")
        return None
    return NewEarlierVerdict(
        origin=_LOG,
        number=number,
        plot_type_id=place.plot_type_id,
        period=place.kept_period,
        run=place.run,
        chunk=place.kept_chunk,
        class_name=name,
        confidence=fraction_of(row.get("confidence")),
        confirmed=truth_of(row.get("confirmed")),
        transition=number_of(row.get("transition")),
        probs=None,
        thresholds=None,
        model=number_of(row.get("model")),
        made_at=at,
    )


def _of_history(moving: Moving, row: Row, place: Place, at: datetime, number: int) -> NewEarlierVerdict:
    probs, thresholds = class_numbers(row.get("output")), class_numbers(row.get("thresholds"))
    if probs is None:
        moving.outcome.leave(f"outputs of {_HISTORY}", "the text is no dictionary of classes; that verdict names none")
    name, confidence = _winner(probs)
    least = (thresholds or {}).get(name)
    return NewEarlierVerdict(
        origin=_HISTORY,
        number=number,
        plot_type_id=place.plot_type_id,
        period="",
        run=place.run,
        # That table does not say the chunk.
        chunk=place.kept_chunk,
        class_name=name,
        confidence=confidence,
        confirmed=None if confidence is None or least is None else confidence >= least,
        transition=None,
        probs=probs,
        thresholds=thresholds,
        model=None,
        made_at=at,
    )


def _winner(probs: Mapping[str, float] | None) -> tuple[str, float | None]:
    if not probs:
        return "", None
    name = max(probs, key=lambda one: (probs[one], one))
    return name, probs[name]


def _looks(moving: Moving, models: Mapping[int, NewEarlierModel]) -> Iterator[list[NewEarlierVerdict]]:
    """Yield what models said of labelled plots: one verdict from the rows of all classes of a plot."""
    waiting: dict[tuple[int, int], dict[str, float]] = {}
    last = (0, 0)
    for batch in moving.original.batches(_LOOKS, ("model", "plot")):
        for row in batch:
            model, plot = number_of(row.get("model")), number_of(row.get("plot"))
            known, confidence = moving.class_of(row), fraction_of(row.get("confidence"))
            if model is None or plot is None or not known or confidence is None:
                moving.outcome.leave(f"rows of {_LOOKS}", "model, plot, class or confidence cannot be read")
                continue
            last = (model, plot)
            waiting.setdefault(last, {})[known] = confidence
        if len(waiting) > BATCH:
            # The last one may go on in the next piece.
            rest = {last: waiting.pop(last)}
            yield _of_looks(moving, models, waiting)
            waiting = rest
    yield _of_looks(moving, models, waiting)


def _of_looks(
    moving: Moving, models: Mapping[int, NewEarlierModel], found: Mapping[tuple[int, int], dict[str, float]]
) -> list[NewEarlierVerdict]:
    plots = moving.original.by_number("Plots", {plot for _, plot in found})
    verdicts = []
    for (number, plot), probs in found.items():
        place, model = moving.place_of(plots.get(plot, {})), models.get(number)
        if place is None:
            moving.outcome.leave(f"verdicts of {_LOOKS}", _NO_PLACE)
            continue
        name, confidence = _winner(probs)
        verdicts.append(
            NewEarlierVerdict(
                # The rows there have no numbers: the plot is one, for each model.
                origin=f"{_LOOKS} {number}",
                number=plot,
                plot_type_id=place.plot_type_id,
                period=place.kept_period,
                run=place.run,
                chunk=place.kept_chunk,
                class_name=name,
                confidence=confidence,
                confirmed=None,
                transition=None,
                probs=probs,
                thresholds=None,
                model=number,
                # That table has no times: the model cannot have said it before it was made.
                made_at=EARLIEST if model is None or model.made_at is None else model.made_at,
            )
        )
    return verdicts
