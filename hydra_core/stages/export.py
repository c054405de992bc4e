"""A run out of the archive as files: images as their producers wrote them, bin contents, and what is known of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from hydra_core.base.errors import DatabaseError, HydraError
from hydra_core.base.files import atomic_folder, sha256_file, write_json
from hydra_core.base.names import safe_join, slug
from hydra_core.intake.block import BLOCK_FORMAT, Block, BlockItem
from hydra_core.intake.provenance import Provenance
from hydra_core.stages.context import RunContext, block_file
from hydra_core.stages.export_bins import BinFiles
from hydra_core.store.items import VerdictRow, load_items, load_verdicts
from hydra_core.store.ledger import RevisionRow, revisions_of
from hydra_core.store.session import reading

MANIFEST, IMAGES, BINS = "manifest.json", "images", "bins"
_ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}


@dataclass(frozen=True)
class Exported:
    """What was written: images, histograms, and how many items are without an image."""

    revision: int
    images: int
    histograms: int
    without: int


def export_run(context: RunContext, out: Path, *, revision: int | None = None, plots: str = "*") -> Exported:
    """Write the archived images and bin contents of a run into a new folder, and ``manifest.json`` about them.

    Parameters
    ----------
    out
        The folder; it appears when all is written.
    revision
        Which one; the newest where not given.
    plots
        Shell pattern over the names of plot types.

    Raises
    ------
    HydraError
        When the folder is there already.
    DatabaseError
        When there is no such revision, or it has no block yet.
    DataError
        When the block is not what was written.
    """
    if out.exists() or out.is_symlink():
        raise HydraError(f"{out} is there already", next_step="name another folder with --out, or move that one away")
    row, verdicts = _look_up(context, revision)
    path = block_file(context, row)
    with Block.open(path, row.block_sha) as block, atomic_folder(out.absolute()) as folder:
        chosen = [number for number, item in enumerate(block.items) if fnmatchcase(item.plot.name, plots)]
        names, places = Names(), {}
        with BinFiles(folder / BINS) as bins:
            for number in chosen:
                item = block.items[number]
                image = names.image(context.run, item, block.data(number)) if block.has_image(number) else None
                if image is not None:
                    _write_image(folder, image, block.data(number), item)
                histogram = block.histogram(number)
                kept = bins.add(item.plot, item.chunk, histogram) if histogram is not None else None
                places[number] = (image, kept)
        manifest = {
            "hydra_export": 1,
            "pass": context.pass_row.name,
            "run": context.run,
            "revision": row.revision,
            "plots": plots,
            "block": {"file": path.name, "format": BLOCK_FORMAT, "sha256": row.block_sha or sha256_file(path)},
            "provenance": asdict(Provenance.of(block.attributes)),
            "items": [_entry(block.items[number], *places[number], verdicts.get(number)) for number in chosen],
        }
        write_json(folder / MANIFEST, manifest)
    images = sum(1 for image, _ in places.values() if image is not None)
    histograms = sum(1 for _, kept in places.values() if kept is not None)
    return Exported(row.revision, images, histograms, len(chosen) - images)


class Names:
    """File names that the default naming rules read back as the same plot type, run and chunk; no two are alike."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def image(self, run: int, item: BlockItem, data: bytes) -> PurePosixPath:
        """Return where an image goes, relative to the export."""
        ending = next((words for magic, words in _ENDINGS.items() if data.startswith(magic)), ".img")
        chunk = "" if item.chunk is None else f"_{item.chunk:04d}"
        *folders, name = [slug(part) for part in item.plot.name.split("/")]
        place = PurePosixPath(IMAGES, f"Run{run:06d}", *folders)
        found = place / f"{name}{chunk}{ending}"
        # Some file systems do not tell upper case from lower, and some plot types differ in nothing else.
        if str(found).casefold() in self._used:
            found = place / f"{slug(f'{name}/{item.plot}')}{chunk}{ending}"
        self._used.add(str(found).casefold())
        return found


def _look_up(context: RunContext, wanted: int | None) -> tuple[RevisionRow, Mapping[int, VerdictRow]]:
    with reading(context.engine) as connection:
        known = [row for row in revisions_of(connection, context.pass_row.id, context.run) if row.reached("chunked")]
        chosen = [row for row in known if wanted is None or row.revision == wanted]
        if not chosen:
            there = ", ".join(str(row.revision) for row in known) or "none yet"
            raise DatabaseError(
                f"{context.name} has no {'block' if wanted is None else f'revision {wanted} with a block'}",
                next_step=f"revisions with a block: {there}; 'hydra pass status' shows what a run waits for",
            )
        verdicts = load_verdicts(connection, chosen[-1].id)
        items = load_items(connection, chosen[-1].id)
        return chosen[-1], {item.block_index: verdicts[item.id] for item in items if item.id in verdicts}


def _write_image(folder: Path, place: PurePosixPath, data: bytes, item: BlockItem) -> None:
    path = safe_join(folder, *place.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if item.source_mtime_ns:
        os.utime(path, ns=(item.source_mtime_ns, item.source_mtime_ns))


def _entry(
    item: BlockItem, image: PurePosixPath | None, bins: tuple[str, str] | None, verdict: VerdictRow | None
) -> dict[str, Any]:
    known = {name: value for name, value in asdict(item).items() if name not in ("plot", "data", "bins", "packed")}
    return {
        "plot": item.plot.name,
        "chunked": item.plot.chunked,
        **known,
        "image": None if image is None else str(image),
        "histogram": None if bins is None else {"file": f"{BINS}/{bins[0]}", "group": bins[1]},
        "verdict": None
        if verdict is None
        else {"class": verdict.class_name, "state": verdict.state, "severity": verdict.severity},
    }
