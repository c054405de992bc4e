"""Labelled images of a folder that never passed through Hydra, with a table that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import safe_join
from hydra_core.base.telling import Tell
from hydra_core.base.words import counted
from hydra_core.config.plots import IGNORE
from hydra_core.intake.images import ImageLimits, Unreadable, read_image
from hydra_core.intake.labels_csv import LabelledFile, read_labelled_files
from hydra_core.models.asked import InputSpec
from hydra_core.models.pixels import model_input
from hydra_core.stages.labelled import LabelledSet, Pixels

_LIMITS = ImageLimits()


@dataclass(frozen=True)
class _Found:
    file: LabelledFile
    path: Path
    sha: str


def labelled_folder(folder: Path, table: Path, tell: Tell) -> LabelledSet:
    """Return the images of a folder that a labels table names; those that cannot be read are told and left out.

    Parameters
    ----------
    folder
        Read only.
    table
        Columns ``file``, ``label`` and, where runs are known, ``run``. Files without a run count as a run each, in
        the order of their hashes, since nothing is known of the order in which they were made.

    Raises
    ------
    HydraError
        When the table cannot be used, or names no image that can be read.
    """
    found, problems = [], []
    for file in read_labelled_files(table):
        if file.label == IGNORE:
            continue
        path = safe_join(folder, file.file)
        try:
            data = _bytes(path)
            read_image(data, _LIMITS)
            found.append(_Found(file, path, sha256_bytes(data)))
        except (OSError, Unreadable) as error:
            reason = error.reason if isinstance(error, Unreadable) else error.strerror or str(error)
            problems.append(f"{file.file}: {reason}")
    if problems:
        tell(f"{counted(len(problems), 'file')} cannot be read and {'is' if len(problems) == 1 else 'are'} left out; "
             f"first {problems[0]}")  # fmt: skip
    if not found:
        raise HydraError(
            f"no file that {table} names can be read as an image in {folder}",
            next_step=f"paths in the table are relative to {folder}; images are PNG, JPEG or WebP",
        )

    def fill(pixels: Pixels, spec: InputSpec) -> None:
        for number, one in enumerate(found):
            pixels[number] = model_input(read_image(_bytes(one.path), _LIMITS), spec)

    return LabelledSet(
        names=tuple(one.file.file for one in found),
        classes=tuple(one.file.label for one in found),
        runs=_runs(found),
        hashes=tuple(one.sha for one in found),
        gold=(False,) * len(found),
        fill=fill,
        picture=lambda number: read_image(_bytes(found[number].path), _LIMITS),
    )


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        # One byte more than the limit tells a file that is too large; the rest of it is not read.
        return stream.read(_LIMITS.max_bytes + 1)


def _runs(found: Sequence[_Found]) -> tuple[int, ...]:
    """Return run numbers: the table's own where all are numbers, else counted in the order in which they come."""
    words = [one.file.run for one in found]
    if all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        return tuple(int(word) for word in words)
    by_hash = sorted(range(len(found)), key=lambda number: (found[number].sha, found[number].file.file))
    alone = [(number, "") for number in by_hash if not words[number]]
    named = [(0, word) for word in dict.fromkeys(words) if word]
    place = {key: rank for rank, key in enumerate([*alone, *named], start=1)}
    return tuple(place[(number, "") if not word else (0, word)] for number, word in enumerate(words))
