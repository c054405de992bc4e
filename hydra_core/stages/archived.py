"""The files of the archive by their names: which run revision each belongs to, and how often images have left it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydra_core.base.errors import HydraError
from hydra_core.base.files import TEMP_PREFIX
from hydra_core.config.site import Site

_NAME = re.compile(r"(\d{1,9})-r(\d{1,9})(?:\.g(\d{1,9}))?\.h5\Z", re.ASCII)
_MAPS = ".maps.h5"


@dataclass(frozen=True)
class ArchiveFile:
    """An archive file and what its place says."""

    path: Path
    pass_name: str
    run: int
    revision: int
    generation: int

    @property
    def revision_key(self) -> tuple[str, int, int]:
        """The run revision that it belongs to: pass, run, revision."""
        return self.pass_name, self.run, self.revision


def files_below(root: Path) -> Iterator[Path]:
    """Yield every file below a folder, one folder at a time, by name; a folder that is not there has none."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            yield Path(folder, name)


def archive_files(site: Site, strange: list[Path] | None = None) -> Iterator[ArchiveFile]:
    """Yield every block of the archive, by pass and name; heat maps and unfinished files are left out.

    The files of one run revision follow each other.

    Parameters
    ----------
    strange
        Receives the files that are at no place where an archive file can be.
    """
    for path in files_below(site.root / "archive"):
        if path.name.startswith(TEMP_PREFIX) or path.name.endswith(_MAPS):
            continue
        found = _named(site, path)
        if found is not None:
            yield found
        elif strange is not None:
            strange.append(path)


def _named(site: Site, path: Path) -> ArchiveFile | None:
    match = _NAME.match(path.name)
    parts = path.relative_to(site.root / "archive").parts
    if match is None or len(parts) < 3:
        return None
    found = ArchiveFile(path, "/".join(parts[:-2]), int(match[1]), int(match[2]), int(match[3] or 0))
    try:
        place = site.archive_file(*found.revision_key, found.generation)
    except HydraError:
        return None
    return found if place == path else None
