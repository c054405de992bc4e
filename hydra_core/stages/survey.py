"""What the files of a deployment hold without its database: blocks, pages, models, kept requests; only looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from hydra_core.base.errors import DataError
from hydra_core.base.files import TEMP_PREFIX
from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.provenance import Provenance
from hydra_core.stages.archived import ArchiveFile, archive_files
from hydra_core.stages.page_facts import PageFacts, page_facts

Progress = Callable[[str], None]
#: After so many files a line says how far it is.
EVERY = 200


@dataclass(frozen=True)
class FoundRevision:
    """A run revision in the archive.

    Attributes
    ----------
    at
        When it was judged as its page says, or else when its file was written.
    page
        What its page tells; None where it has none.
    """

    file: ArchiveFile
    origin: Provenance
    at: datetime
    items: int
    images: int
    page: PageFacts | None

    @property
    def name(self) -> str:
        """The revision as messages name it."""
        return f"{self.file.pass_name} run {self.file.run} r{self.file.revision}"


@dataclass(frozen=True)
class Survey:
    """All that was found.

    Attributes
    ----------
    revisions
        In the order in which they were judged.
    models
        Folders of models.
    requests
        Kept request files.
    problems
        Sentences on what cannot be used.
    notes
        Sentences on what was chosen.
    """

    revisions: tuple[FoundRevision, ...]
    models: tuple[Path, ...]
    requests: tuple[Path, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return what was found, in words."""
        lines = []
        for name, runs in sorted(Counter(one.file.pass_name for one in self.revisions).items()):
            mine = [one for one in self.revisions if one.file.pass_name == name]
            images, pages = sum(one.images for one in mine), sum(1 for one in mine if one.page is not None)
            lines.append(f"pass {name}: {runs} run revisions, {images} images, {pages} with a page")
        lines.append(f"{len(self.models)} models, {len(self.requests)} kept requests")
        return [*lines, *self.notes]


def survey(site: Site, progress: Progress) -> Survey:
    """Look at every file of the archive (its index), every page, and what models and requests there are."""
    strange: list[Path] = []
    problems: list[str] = []
    notes: list[str] = []
    found: list[FoundRevision] = []
    files = sorted(archive_files(site, strange), key=lambda file: (*file.revision_key, -file.generation))
    for number, (_, group) in enumerate(groupby(files, lambda file: file.revision_key), start=1):
        one = _newest_usable(site, list(group), problems, notes)
        found += [one] if one is not None else []
        if number % EVERY == 0:
            progress(f"{number} run revisions found")
    problems += [f"{path}: it is at no place where an archive file can be" for path in strange]
    problems += _contradictions(found)
    found.sort(key=lambda one: (one.at, one.file.revision_key))
    return Survey(
        tuple(found),
        tuple(sorted(path.parent for path in site.models.glob("*/*/model.json") if _plain(path.parent))),
        tuple(sorted(path for path in site.requests_kept.glob("*.json") if _plain(path))),
        tuple(problems),
        tuple(notes),
    )


def _plain(path: Path) -> bool:
    return not path.name.startswith(TEMP_PREFIX)


def _newest_usable(
    site: Site, files: Sequence[ArchiveFile], problems: list[str], notes: list[str]
) -> FoundRevision | None:
    """Return the first of several files of a revision, the newest being first, that can be used."""
    for number, file in enumerate(files):
        try:
            origin, items, images = _look(file)
        except DataError as error:
            problems.append(error.cause)
            continue
        name = f"{file.pass_name} run {file.run} r{file.revision}"
        if len(files) > 1:
            others = ", ".join(other.path.name for other in files if other is not file)
            newest = "the newest" if number == 0 else "the newest that can be read"
            notes.append(f"{name} has {len(files)} files: {file.path.name} counts, {newest}; not {others}")
        page, written = None, file.path.stat().st_mtime_ns // 1_000_000 / 1000
        try:
            page = page_facts(site, *file.revision_key)
        except DataError as error:
            problems.append(f"{name}: {error.cause}")
        at = page.judged_at if page is not None else datetime.fromtimestamp(written, UTC)
        return FoundRevision(file, origin, at, items, images, page)
    return None


def _look(file: ArchiveFile) -> tuple[Provenance, int, int]:
    with Block.open(file.path) as block:
        try:
            origin = Provenance.of(block.attributes)
        except DataError as error:
            raise DataError(f"{file.path}: {error.cause}", next_step=error.next_step) from error
        images = sum(1 for number in range(len(block.items)) if block.has_image(number))
        items = len(block.items)
    if (origin.pass_name, origin.run, origin.revision) != file.revision_key:
        raise DataError(
            f"{file.path} says that it is {origin.pass_name} run {origin.run} r{origin.revision}: it lies elsewhere",
            next_step="move it to its place",
        )
    return origin, items, images


def _contradictions(found: Sequence[FoundRevision]) -> list[str]:
    """Return a sentence on each pass whose files do not agree on what it is."""
    spans: dict[str, set[tuple[int, int, str]]] = {}
    for one in found:
        origin = one.origin
        spans.setdefault(origin.pass_name, set()).add((origin.first_run, origin.last_run, origin.workflow))
    return [
        f"the files of pass {name} tell {len(kinds)} different spans or workflows; the last one judged counts"
        for name, kinds in sorted(spans.items())
        if len(kinds) > 1
    ]
