"""What differs between a run revision and the one that was published before it, in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from hydra_core.base.names import PlotKey, reading_order
from hydra_core.base.words import counted
from hydra_core.judge.evidence import listed
from hydra_core.store.items import ItemRow, VerdictRow

#: Plot types that a sentence names, and groups of them that it tells apart; the others are counted.
_NAMED = 3

_Place = tuple[PlotKey, int | None]


def revision_changes(
    before: tuple[Sequence[ItemRow], Mapping[int, VerdictRow]],
    after: tuple[Sequence[ItemRow], Mapping[int, VerdictRow]],
    number: int,
    name: Callable[[PlotKey], str],
) -> tuple[str, ...]:
    """Return a sentence for each way in which plots of a run differ from those of an earlier revision.

    Parameters
    ----------
    before, after
        The plots of the two revisions, and their verdicts by item.
    number
        Which revision the earlier one is.
    name
        What people call a plot type.

    Returns
    -------
    tuple of str
        New, changed and gone plots, then those of the same image that are judged otherwise; never empty.
    """
    old, new = _by_place(before[0]), _by_place(after[0])
    had, has = ({place for place, item in found.items() if item.status != "missing"} for found in (old, new))
    same = {place for place in had & has if old[place].sha256 == new[place].sha256}
    otherwise = {place for place in same if _says(old[place], before[1]) != _says(new[place], after[1])}
    every = {plot for plot, chunk in old.keys() | new.keys() if chunk is not None}
    told = [
        *_told(f"New since revision {number}", has - had, every, name),
        *_told(f"Changed since revision {number}", (had & has) - same, every, name),
        *_told(f"Gone since revision {number}", had - has, every, name),
        *_told(f"The same image as in revision {number}, judged otherwise", otherwise, every, name),
    ]
    return tuple(told) or (f"Every plot and its verdict are those of revision {number}.",)


def _by_place(items: Sequence[ItemRow]) -> dict[_Place, ItemRow]:
    return {(item.plot, item.chunk): item for item in items}


def _says(item: ItemRow, verdicts: Mapping[int, VerdictRow]) -> tuple[str, str | None] | None:
    verdict = verdicts.get(item.id)
    return None if verdict is None else (verdict.state, verdict.class_name)


def _told(
    what: str, places: Collection[_Place], every: Collection[PlotKey], name: Callable[[PlotKey], str]
) -> Iterator[str]:
    if not places:
        return
    chunks: dict[PlotKey, list[int]] = {}
    for plot, chunk in places:
        chunks.setdefault(plot, []).extend([] if chunk is None else [chunk])
    alike: dict[tuple[int, ...], list[str]] = {}
    for plot, numbers in chunks.items():
        alike.setdefault(tuple(sorted(numbers)), []).append(name(plot))
    groups = sorted(alike.items(), key=lambda group: (-len(group[1]), group[0]))
    pieces = [f"{_chunks(numbers)}{_names(names, numbers, len(every))}" for numbers, names in groups[:_NAMED]]
    left = sum(len(names) for _, names in groups[_NAMED:])
    pieces += [f"plots of {counted(left, 'more plot type')}"] if left else []
    yield f"{what}: {'; '.join(pieces)} ({counted(len(places), 'plot')})."


def _chunks(numbers: tuple[int, ...]) -> str:
    if not numbers:
        return ""
    solid = numbers == tuple(range(numbers[0], numbers[-1] + 1))
    if solid and len(numbers) > 2:
        return f"chunks {numbers[0]} to {numbers[-1]} of "
    few = len(numbers) <= 2 * _NAMED
    said = listed([str(number) for number in numbers]) if few else f"{numbers[0]} to {numbers[-1]} in part"
    return f"{'chunk' if len(numbers) == 1 else 'chunks'} {said} of "


def _names(names: Sequence[str], numbers: tuple[int, ...], every: int) -> str:
    if numbers and len(names) == every > 1:
        return f"all {every} plot types that come in chunks"
    ordered = sorted(names, key=reading_order)
    left = len(ordered) - _NAMED
    return listed([*ordered[:_NAMED], *([counted(left, "more plot type")] if left > 0 else [])])
