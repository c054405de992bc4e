"""Files of histograms → items of a block: read in a limited process, differenced where they are sums, drawn by us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.intake.block import BlockItem
from hydra_core.intake.decisions import Decisions
from hydra_core.intake.histograms.cumulative import disjoint
from hydra_core.intake.histograms.draw import draw_png, drawing_style
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.intake.histograms.reader import FileContent, ReadLimits, read_many
from hydra_core.intake.images import decode_image
from hydra_core.intake.kept_input import Prepare
from hydra_core.intake.naming import Unmatched, file_plot, histogram_plot
from hydra_core.intake.nodata import is_empty_histogram
from hydra_core.intake.scan import SourceFile


@dataclass(frozen=True)
class HistogramRules:
    """How a site reads files of histograms.

    Attributes
    ----------
    take, leave
        Patterns over the path inside the file; ``*`` stands for any characters, ``/`` among them.
    only_listed
        Take nothing but plot types that the site lists or a coordinator accepted.
    size
        Width and height of the pictures in pixels.
    frames
        Folder in which empty frames are kept from run to run; None keeps none.
    """

    limits: ReadLimits = field(default_factory=ReadLimits)
    take: tuple[str, ...] = ("*",)
    leave: tuple[str, ...] = ()
    only_listed: bool = False
    size: tuple[int, int] = (600, 400)
    frames: Path | None = None


@dataclass(frozen=True)
class _Found:
    item: BlockItem
    hist: Histogram


def histogram_items(
    files: Sequence[SourceFile],
    root: Path,
    rules: HistogramRules,
    decisions: Decisions,
    prepare: Prepare,
    *,
    threads: int = 2,
) -> tuple[list[BlockItem], list[str]]:
    """Return an item for each histogram of some files, and notes for the page of the run.

    A file that gives nothing is one unreadable item of its own; an object that cannot be read is one too. No more than
    two files' contents are held at a time, however many there are.

    Parameters
    ----------
    files
        Files of histograms as a scan found them.
    prepare
        Makes of the drawn pixels what is kept for networks.
    """
    ordered = sorted(files, key=lambda file: (-1 if file.parsed.chunk is None else file.parsed.chunk, file.relative))
    contents = read_many(
        root,
        [(file.relative, (file.size, file.mtime_ns)) for file in ordered],
        rules.limits,
        take=rules.take,
        leave=rules.leave,
    )
    items: list[BlockItem] = []
    newest: dict[PlotKey, _Found] = {}
    tally: Counter[str] = Counter()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for file, content in zip(ordered, contents, strict=True):
            items += _problems(file, content)
            tally["left"] += content.left
            added = []
            for one in _taken(file, content, rules, decisions, items, tally):
                earlier = newest.get(one.item.plot)
                newest[one.item.plot] = one
                added.append(_added(one, earlier) if decisions.is_sum(one.item.plot) else one)
            items += pool.map(lambda one: _draw(one, rules, decisions, prepare), added)
    return items, list(_notes(tally["left"], tally["ignored"]))


def _taken(
    file: SourceFile,
    content: FileContent,
    rules: HistogramRules,
    decisions: Decisions,
    items: list[BlockItem],
    tally: Counter[str],
) -> Iterator[_Found]:
    """Yield the histograms of a file that become plots; what cannot be named joins the items as a problem."""
    for path, hist in ((one.path, one.hist) for one in content.histograms):
        item = replace(_item(file, content), member=path)
        named = histogram_plot(file.parsed, path)
        if isinstance(named, Unmatched):
            items.append(replace(item, reason=f"{path!a} cannot be a plot type: {named.reason}"))
            continue
        plot = decisions.resolve(named)
        if plot is None:
            tally["ignored"] += 1
        elif rules.only_listed and plot not in decisions.active:
            tally["left"] += 1
        else:
            yield _Found(replace(item, plot=plot, held=decisions.held(plot)), hist)


def _added(found: _Found, earlier: _Found | None) -> _Found:
    """Return what a sum since the start of the run holds beyond the one before it."""
    chunk = found.item.chunk
    if chunk is None or (earlier is not None and earlier.item.chunk in (None, chunk)):
        return found
    snapshots = [(chunk, found.hist)]
    if earlier is not None and earlier.item.chunk is not None:
        snapshots.insert(0, (earlier.item.chunk, earlier.hist))
    _, hist, note = disjoint(snapshots)[-1]
    return _Found(replace(found.item, reason=note), hist)


def _item(file: SourceFile, content: FileContent) -> BlockItem:
    return BlockItem(
        plot=file_plot(file.parsed, file.relative),
        chunk=file.parsed.chunk,
        status="unreadable",
        source=str(file.relative),
        source_size=file.size,
        source_mtime_ns=file.mtime_ns,
        source_sha256=content.sha256,
        rule=file.parsed.rule,
    )


def _problems(file: SourceFile, content: FileContent) -> Iterator[BlockItem]:
    item = _item(file, content)
    if content.problem:
        yield replace(item, reason=content.problem)
    for problem in content.problems:
        named = histogram_plot(file.parsed, problem.path)
        plot = item.plot if isinstance(named, Unmatched) else named
        what = f"the {problem.class_name or 'object'} {problem.path!a}" if problem.path else "the rest of the file"
        reason = f"{what} cannot be read: {problem.reason}"
        yield replace(item, plot=plot, member=problem.path, reason=reason)


def _draw(found: _Found, rules: HistogramRules, decisions: Decisions, prepare: Prepare) -> BlockItem:
    scale = decisions.drawings.get(found.item.plot)
    try:
        data = draw_png(found.hist, size=rules.size, scale=scale, frames=rules.frames)
    except ValueError as error:
        return replace(found.item, reason=f"it cannot be drawn: {error}", bins=encode_histogram(found.hist))
    facts, pixels = decode_image(data)
    return replace(
        found.item,
        status="ok",
        sha256=sha256_bytes(data),
        data=data,
        bins=encode_histogram(found.hist),
        packed=prepare(data, pixels),
        content=is_empty_histogram(found.hist),
        style=drawing_style(scale),
        width=facts.width,
        height=facts.height,
        mode=facts.mode,
    )


def _notes(left: int, ignored: int) -> Iterator[str]:
    if left:
        yield f"{left} {'histogram is' if left == 1 else 'histograms are'} not among those that this site takes."
    if ignored:
        yield f"{ignored} {'plot of an ignored type is' if ignored == 1 else 'plots of ignored types are'} left out."
