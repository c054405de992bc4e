"""The files of a run → the items of a block: each read once and decoded in full, so later tasks meet no bad image."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import BlockItem
from hydra_core.intake.images import ImageLimits, Unreadable, decode_image
from hydra_core.intake.scan import SourceFile
from hydra_core.intake.sources import SourceProblem, read_source


def collect_items(
    files: Sequence[SourceFile],
    root: Path,
    limits: ImageLimits | None = None,
    expected: Collection[PlotKey] = (),
    *,
    threads: int = 2,
) -> list[BlockItem]:
    """Return the items of a run, one for each place (plot type, chunk), sorted; what is bad or missing with its reason.

    Of several files for one place the first by path is used, and the item's reason names the others. An expected plot
    type without any file gives one missing item; one drawn per chunk is also asked for each chunk that any expected
    plot type of this run has.

    Parameters
    ----------
    files
        As a scan found them; a file that has changed since is unreadable with that reason.
    expected
        Plot types that the run should have.
    threads
        How many files are read and decoded at a time (decoding runs outside the interpreter's lock).
    """
    used = limits or ImageLimits()
    places: dict[tuple[PlotKey, int | None], list[SourceFile]] = {}
    for file in sorted(files, key=lambda file: file.relative):
        places.setdefault((file.parsed.plot, file.parsed.chunk), []).append(file)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        items = list(pool.map(lambda found: _with_note(read_item(found[0], root, used), found[1:]), places.values()))
    items += _missing(places, expected)
    return _mark_duplicates(sorted(items, key=place_order))


def place_order(item: BlockItem) -> tuple[PlotKey, int]:
    """Return the key by which items are sorted: plot type, then chunk, once-a-run first."""
    return item.plot, -1 if item.chunk is None else item.chunk


def read_item(file: SourceFile, root: Path, limits: ImageLimits) -> BlockItem:
    """Read, check and decode one file; whatever is wrong with it becomes the reason of an unreadable item."""
    item = BlockItem(
        plot=file.parsed.plot,
        chunk=file.parsed.chunk,
        status="unreadable",
        source=str(file.relative),
        source_size=file.size,
        source_mtime_ns=file.mtime_ns,
        rule=file.parsed.rule,
    )
    try:
        data = read_source(root, file.relative, limits.max_bytes, expect=(file.size, file.mtime_ns))
    except SourceProblem as problem:
        return replace(item, reason=problem.reason)
    item = replace(item, sha256=sha256_bytes(data))
    try:
        facts, _ = decode_image(data, limits)
    except Unreadable as problem:
        return replace(item, reason=problem.reason)
    return replace(item, status="ok", data=data, width=facts.width, height=facts.height, mode=facts.mode)


def _with_note(item: BlockItem, others: Sequence[SourceFile]) -> BlockItem:
    if not others:
        return item
    names = ", ".join(str(file.relative) for file in others[:5]) + (" ..." if len(others) > 5 else "")
    note = f"not used, because this place has a file already: {names}"
    return replace(item, reason=f"{item.reason}; {note}" if item.reason else note)


def _missing(places: Collection[tuple[PlotKey, int | None]], expected: Collection[PlotKey]) -> Iterable[BlockItem]:
    present = {plot for plot, _ in places}
    chunks = sorted({chunk for plot, chunk in places if plot in expected and chunk is not None})
    for plot in sorted(set(expected)):
        if plot not in present:
            yield BlockItem(plot, None, "missing", "the run has no file of this plot type")
        elif plot.chunked:
            for chunk in chunks:
                if (plot, chunk) not in places:
                    reason = f"no file for chunk {chunk}, which other plots of this run have"
                    yield BlockItem(plot, chunk, "missing", reason)


def _mark_duplicates(items: Sequence[BlockItem]) -> list[BlockItem]:
    first: dict[tuple[PlotKey, str], str] = {}
    marked = []
    for item in items:
        if item.status == "ok":
            source = first.setdefault((item.plot, item.sha256), item.source)
            marked.append(replace(item, duplicate_of="" if source == item.source else source))
        else:
            marked.append(item)
    return marked
