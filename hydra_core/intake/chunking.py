"""The files of a run → the items of a block: each read once and decoded in full, so later tasks meet no bad image."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import BlockItem
from hydra_core.intake.decisions import Decisions
from hydra_core.intake.histogram_items import HistogramRules, histogram_items
from hydra_core.intake.images import ImageLimits, Unreadable, decode_image
from hydra_core.intake.kept_input import Prepare, keep_nothing
from hydra_core.intake.nodata import is_empty_plot
from hydra_core.intake.scan import SourceFile
from hydra_core.intake.sources import SourceProblem, read_source


@dataclass(frozen=True)
class Reading:
    """How the files of a run are read; the defaults are those of a site that says nothing.

    Attributes
    ----------
    expected
        Plot types that the run should have.
    prepare
        Makes of an image what is kept of it for networks.
    threads
        How many files are read and decoded at a time (decoding runs outside the interpreter's lock).
    """

    limits: ImageLimits = field(default_factory=ImageLimits)
    histograms: HistogramRules = field(default_factory=HistogramRules)
    decisions: Decisions = field(default_factory=Decisions)
    expected: Collection[PlotKey] = ()
    prepare: Prepare = keep_nothing
    threads: int = 2


@dataclass(frozen=True)
class Collected:
    """The items of a run, sorted, and what the page of the run is to say besides."""

    items: tuple[BlockItem, ...]
    notes: tuple[str, ...] = ()


def collect_items(files: Sequence[SourceFile], root: Path, reading: Reading | None = None) -> Collected:
    """Return the items of a run, one for each place (plot type, chunk); what is bad or missing with its reason.

    Of several files for one place the first by path is used, and the item's reason names the others. An expected plot
    type without any file gives one missing item; one drawn per chunk is also asked for each chunk that any expected
    plot type of this run has.

    Parameters
    ----------
    files
        As a scan found them; a file that has changed since is unreadable with that reason.
    """
    used = reading or Reading()
    pictures = [file for file in files if file.parsed.reads == "images"]
    numbers = sorted((file for file in files if file.parsed.reads == "histograms"), key=lambda file: file.relative)
    kept, ignored = [], 0
    for file in pictures:
        plot = used.decisions.resolve(file.parsed.plot)
        if plot is None:
            ignored += 1
        else:
            kept.append(replace(file, parsed=replace(file.parsed, plot=plot)))
    with ThreadPoolExecutor(max_workers=used.threads) as pool:
        items = list(pool.map(lambda file: read_item(file, root, used), kept))
    which = "image of an ignored plot type is" if ignored == 1 else "images of ignored plot types are"
    notes = [f"{ignored} {which} left out."] if ignored else []
    if numbers:
        drawn, said = histogram_items(
            numbers, root, used.histograms, used.decisions, used.prepare, threads=used.threads
        )
        items += drawn
        notes += said
    items = _one_each(items)
    items += _missing({(item.plot, item.chunk) for item in items}, used.expected)
    return Collected(tuple(_mark_duplicates(sorted(items, key=place_order))), tuple(notes))


def place_order(item: BlockItem) -> tuple[PlotKey, int]:
    """Return the key by which items are sorted: plot type, then chunk, once-a-run first."""
    return item.plot, -1 if item.chunk is None else item.chunk


def read_item(file: SourceFile, root: Path, reading: Reading) -> BlockItem:
    """Read, check and decode one image file; whatever is wrong with it becomes the reason of an unreadable item."""
    item = BlockItem(
        plot=file.parsed.plot,
        chunk=file.parsed.chunk,
        status="unreadable",
        source=str(file.relative),
        source_size=file.size,
        source_mtime_ns=file.mtime_ns,
        rule=file.parsed.rule,
        held=reading.decisions.held(file.parsed.plot),
    )
    limits = reading.limits
    try:
        data = read_source(root, file.relative, limits.max_bytes, expect=(file.size, file.mtime_ns))
    except SourceProblem as problem:
        return replace(item, reason=problem.reason)
    sha = sha256_bytes(data)
    item = replace(item, sha256=sha, source_sha256=sha)
    try:
        facts, pixels = decode_image(data, limits)
    except Unreadable as problem:
        return replace(item, reason=problem.reason)
    return replace(
        item,
        status="ok",
        data=data,
        packed=reading.prepare(data, pixels),
        content=is_empty_plot(pixels),
        width=facts.width,
        height=facts.height,
        mode=facts.mode,
    )


def _one_each(items: Sequence[BlockItem]) -> list[BlockItem]:
    """Keep one item a place, the first by path; note what else there was."""
    places: dict[tuple[PlotKey, int | None], list[BlockItem]] = {}
    for item in sorted(items, key=lambda item: (item.source, item.member)):
        places.setdefault((item.plot, item.chunk), []).append(item)
    return [_with_note(found[0], found[1:]) for found in places.values()]


def _with_note(item: BlockItem, others: Sequence[BlockItem]) -> BlockItem:
    if not others:
        return item
    names = ", ".join(_source_words(other) for other in others[:5]) + (" ..." if len(others) > 5 else "")
    note = f"not used, because this place has a file already: {names}"
    return replace(item, reason=f"{item.reason}; {note}" if item.reason else note)


def _source_words(item: BlockItem) -> str:
    return f"{item.member} of {item.source}" if item.member else item.source


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
