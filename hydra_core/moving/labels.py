"""The labels of the original: each one kept as it was, and given to its image where the file is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hydra_core.base.names import PlotKey
from hydra_core.moving.classes import PSEUDO
from hydra_core.moving.foreign import number_of
from hydra_core.moving.history import History, Said, Spot
from hydra_core.moving.label_files import SAME_IMAGE, ImageLabel, LabelFiles
from hydra_core.moving.moving import Moving, Place
from hydra_core.moving.original import Row
from hydra_core.moving.stored_images import NOT_LOOKED_FOR, StoredImages
from hydra_core.store.earlier import NewEarlierLabel, known_labels, save_labels
from hydra_core.store.session import reading, writing

_LONGEST_NAME = 120
_PSEUDO_REASON = "it says what to train on, which is chosen by runs here"
_REPLACED = "labels that were replaced later"
_NO_PLOT = "the plot is not there, or its plot type was not taken"


@dataclass(frozen=True)
class _Label:
    """One row of Users_Plots with all that belongs to it."""

    row: NewEarlierLabel
    place: Place
    comment: str

    @property
    def plot(self) -> PlotKey:
        return self.place.theirs.plot


class Labels:
    """Takes labels over, in pieces.

    Parameters
    ----------
    images
        None where images are not looked for.
    run_digits
        How many digits a run number has at least, in paths.
    """

    def __init__(self, moving: Moving, images: StoredImages | None, run_digits: int, history: History) -> None:
        self._moving = moving
        self._engine = moving.engine
        self._outcome = moving.outcome
        self._images = images
        self._digits = run_digits
        self._history = history
        self._files = LabelFiles(moving.site, moving.engine, moving.original.source)

    def take(self) -> None:
        """Take every label over."""
        count = 0
        for batch in self._moving.original.batches("Users_Plots", ("plot",)):
            self._take(list(self._labels(batch)))
            count += len(batch)
            self._moving.tell(f"{count} labels read")
        self._outcome.leave(
            "labels of the history", "the plot has no label now, or is not there", self._history.unused()
        )

    def _labels(self, batch: list[Row]) -> Iterator[_Label]:
        """Yield the labels of a piece; those whose plot is not there are only counted."""
        numbers = [number for row in batch if (number := number_of(row.get("plot"))) is not None]
        plots = self._moving.original.by_number("Plots", numbers)
        for row in batch:
            number = number_of(row.get("id", row.get("plot")))
            place = self._moving.place_of(plots.get(number_of(row.get("plot")) or 0, {}))
            if number is None or place is None:
                self._outcome.leave("labels", _NO_PLOT)
                continue
            found = NewEarlierLabel(
                number=number,
                plot_type_id=place.plot_type_id,
                period=place.kept_period,
                run=place.run,
                chunk=place.kept_chunk,
                class_name=self._moving.class_of(row),
                who=str(row.get("user") or ""),
                made_at=self._moving.instants.instant(row.get("at")),
                path=place.path(self._digits),
                image_sha=None,
                reason="",
            )
            yield _Label(found, place, str(row.get("comment") or ""))

    def _take(self, labels: list[_Label]) -> None:
        if not labels:
            return
        numbers = [label.row.number for label in labels]
        with reading(self._engine) as connection:
            known = known_labels(connection, self._moving.import_id, min(numbers), max(numbers))
        rows: list[NewEarlierLabel] = []
        asked: list[ImageLabel] = []
        for label in labels:
            row, before = self._with_time(label)
            sha, reason = known.get(row.number, (None, ""))
            why = _why_not(row.class_name, row.who) or self._files.reason(label.plot, row.class_name)
            if why:
                sha, reason = None, why
            elif sha is None and reason != SAME_IMAGE:
                sha, reason = self._look(label, reason)
            row = replace(row, who=row.who[:_LONGEST_NAME], image_sha=sha, reason=reason)
            rows.append(row)
            if sha is None:
                self._outcome.leave(_REPLACED, "the label that replaced it was not taken", len(before))
                continue
            self._outcome.take(_REPLACED, len(before))
            if known.get(row.number) != (sha, ""):
                new = ImageLabel(row.number, label.plot, sha, row.class_name, row.who, row.made_at, label.comment)
                asked.append(new)
                asked += [
                    replace(new, number=None, class_name=one.known, who=one.who, at=one.at, comment="")
                    for one in before
                ]
        refused = self._files.enter(asked)
        rows = [
            replace(row, image_sha=None, reason=refused[row.number]) if row.number in refused else row for row in rows
        ]
        for row in rows:
            self._outcome.leave("labels", row.reason, int(bool(row.reason)))
        self._outcome.take("labels", sum(not row.reason for row in rows))
        changed = [row for row in rows if known.get(row.number) != (row.image_sha, row.reason)]
        if changed:
            writing(
                self._engine, lambda connection: save_labels(connection, self._moving.import_id, changed, known.keys())
            )

    def _look(self, label: _Label, before: str) -> tuple[str | None, str]:
        if self._images is None:
            return None, before or NOT_LOOKED_FOR
        return self._images.look(label.place)

    def _with_time(self, label: _Label) -> tuple[NewEarlierLabel, list[Said]]:
        """Return a label with the time that the history knows, and the labels that were there before it."""
        run = label.place.period if label.place.simulated else str(label.place.run)
        said = self._history.of(Spot(label.plot, run, label.place.chunk or 0))
        row = label.row
        now = next((one for one in reversed(said) if (one.known, one.who) == (row.class_name, row.who)), None)
        if now is not None and row.made_at is None:
            row = replace(row, made_at=now.at)
        if row.made_at is None:
            self._outcome.leave("times of labels", "they are not known; whatever is said here counts more")
        before = []
        for one in said:
            if one is now:
                continue
            why = _why_not(one.known, one.who) or self._files.reason(label.plot, one.known)
            # It must not beat the label that counts.
            if not why and (row.made_at is None or one.at >= row.made_at):
                why = "it is not older than the label that counts, or the time of that one is not known"
            if why:
                self._outcome.leave(_REPLACED, why)
            else:
                before.append(one)
        return row, before


def _why_not(known: str, who: str) -> str:
    if not known:
        return "its class was not taken"
    if known in PSEUDO:
        return _PSEUDO_REASON
    if not who.strip() or len(who) > _LONGEST_NAME or not who.isprintable():
        return "who gave it is not said in a way that can be kept"
    return ""
