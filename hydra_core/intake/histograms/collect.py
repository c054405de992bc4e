"""What the reading process says about one file, checked and put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from hydra_core.intake.histograms.content import FileContent, FoundHistogram, ObjectProblem, ReadLimits
from hydra_core.intake.histograms.encode import unpack_histogram
from hydra_core.intake.histograms.frames import BadAnswer, Kind, read_json
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.histograms.object_names import PathBook, clean_name, clean_title


@dataclass(frozen=True)
class _Entry:
    index: int
    path: str
    class_name: str
    claimed: str


class Collector:
    """The content of one file while it comes in; outlives the processes that read it.

    Attributes
    ----------
    first
        The number of the entry at which reading has to go on.
    room
        How many bytes of answers may still come.
    done
        Whether nothing more is to be read.
    gave_up
        Why the rest of the file is not read, or nothing.
    """

    def __init__(self, limits: ReadLimits) -> None:
        self.first = 0
        self.room = limits.max_content_mb << 20
        self.done = False
        self.gave_up = ""
        self._limits = limits
        self._histograms: list[FoundHistogram] = []
        self._problems: list[ObjectProblem] = []
        self._skipped: Counter[str] = Counter()
        self._left = 0
        self._problem = ""
        self._folder = ""
        self._listed = False
        self._entry: _Entry | None = None
        self._paths = PathBook()

    def accept(self, kind: Kind, content: bytes) -> None:
        """Take in one answer.

        Raises
        ------
        BadAnswer
            When it says something that the reading process never says.
        """
        self.room -= len(content)
        if kind is Kind.HISTOGRAM:
            self._add_histogram(content)
            return
        said = read_json(content)
        match kind:
            case Kind.FOLDER:
                self._folder = _name(said, "path")
            case Kind.LISTED:
                self._add_listing(said)
            case Kind.START:
                index, path = _count(said, "index"), _name(said, "path")
                self._entry = _Entry(index, path, _name(said, "class_name"), self._paths.claim(path))
            case Kind.PROBLEM:
                self._problems.append(
                    ObjectProblem(self._own(_name(said, "path")), _name(said, "class_name"), _name(said, "reason"))
                )
            case Kind.PASSED:
                self._pass_over(_name(said, "class_name"))
            case Kind.END:
                self._problem = _name(said, "problem")
                self.done = True

    def stumbled(self, how: str) -> None:
        """Note that the reader ended or was ended in the middle of an entry: it `how` (``crashed the reader``)."""
        if not self._listed:
            where = f" at {self._folder!r}" if self._folder else ""
            self.give_up(f"listing what it holds{where} {how}")
        elif self._entry is not None:
            self._problems.append(ObjectProblem(self._entry.claimed, self._entry.class_name, f"reading it {how}"))
            self.first = self._entry.index + 1
            self._entry = None

    def give_up(self, reason: str) -> None:
        """Note that nothing more of this file is read, and why."""
        self.done, self.gave_up = True, reason

    def content(self) -> FileContent:
        """Return what came together."""
        problems = list(self._problems)
        problem = ""
        if not self._histograms:
            problem = self.gave_up or self._problem or self._nothing()
        elif self.gave_up or self._problem:
            reason = f"the rest of the file was not read: {self.gave_up or self._problem}"
            problems.append(ObjectProblem("", "", reason))
        return FileContent(
            histograms=tuple(self._histograms),
            problems=tuple(problems),
            skipped=dict(sorted(self._skipped.items())),
            left=self._left,
            problem=problem,
        )

    def _nothing(self) -> str:
        if self._problems:
            first = self._problems[0]
            more = f", and {len(self._problems) - 1} more" if len(self._problems) > 1 else ""
            return f"nothing of it can be read: {first.path!r}{more}: {first.reason}"
        if self._left:
            return f"the patterns leave all of its {self._left} histograms"
        held = ", ".join(f"{count} {name}" for name, count in self._skipped.most_common(8))
        return f"it holds no histogram, only {held}" if held else "it holds no histogram and nothing else"

    def _add_listing(self, said: dict[str, Any]) -> None:
        skipped = said.get("skipped")
        if not isinstance(skipped, dict):
            raise BadAnswer("it lists nothing")
        # A reader that was started again lists the same once more.
        if not self._listed:
            self._left += _count(said, "left")
            for class_name in skipped:
                self._skipped[_cleaned(class_name)] += _count(skipped, class_name)
        self._listed = True

    def _pass_over(self, class_name: str) -> None:
        if class_name:
            self._skipped[class_name] += 1
        else:
            self._left += 1

    def _add_histogram(self, content: bytes) -> None:
        head, _, packed = content.partition(b"\n")
        said = read_json(head)
        if len(self._histograms) >= self._limits.max_histograms:
            self.give_up(f"it holds more than {self._limits.max_histograms} histograms")
            return
        try:
            hist = unpack_histogram(packed)
        except (ValueError, MemoryError) as error:
            raise BadAnswer(str(error)) from error
        if hist.values.size > self._limits.max_bins or not _is_clean(hist):
            raise BadAnswer("it has a histogram that is against the rules")
        path = self._own(_name(said, "path"))
        self._histograms.append(FoundHistogram(path, _name(said, "class_name"), replace(hist, name=path)))

    def _own(self, path: str) -> str:
        """Return the unique path of what the present entry gave."""
        if self._entry is None:
            return path
        return self._entry.claimed if path == self._entry.path else self._paths.claim(path)


def _name(said: dict[str, Any], key: str) -> str:
    return _cleaned(said.get(key))


def _cleaned(value: object) -> str:
    if not isinstance(value, str) or clean_name(value) != value:
        raise BadAnswer("it has a text with characters that cannot be seen")
    return value


def _count(said: dict[str, Any], key: str) -> int:
    value = said.get(key)
    if type(value) is not int or value < 0:
        raise BadAnswer("a number is missing")
    return value


def _is_clean(hist: Histogram) -> bool:
    axes: list[Axis] = [hist.x] if hist.y is None else [hist.x, hist.y]
    texts = [hist.title, *(axis.title for axis in axes), *(label for axis in axes for label in axis.labels or ())]
    return all(clean_title(text) == text for text in texts)
