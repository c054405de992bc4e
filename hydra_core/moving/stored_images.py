"""The images of the original, as files below a folder: where each one lies, and its hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import safe_join
from hydra_core.intake.images import ImageLimits, Unreadable, inspect_image
from hydra_core.intake.sources import SourceProblem, read_source
from hydra_core.moving.moving import Place

NOT_LOOKED_FOR = "its image was not looked for: give the folder of images with --images"
_SHARED = "two folders there would be one folder below --images, so whose image it is cannot be told"
_NO_FILE = "no image is at its path"


class StoredImages:
    """Images below a folder that holds all of the original's storage, or a part of it.

    Parameters
    ----------
    root
        Read only.
    periods
        All starts of paths that there are. Below `root` only the last parts of them may be left, but never so few that
        two of them would be one folder: an image would get the label of another.
    """

    def __init__(self, root: Path, periods: Iterable[str], limits: ImageLimits, run_digits: int) -> None:
        self._root = root
        self._limits = limits
        self._digits = run_digits
        self._folders = _folders(root, periods)

    def look(self, place: Place) -> tuple[str | None, str]:
        """Return the SHA-256 of the image at a place and, where there is none, why."""
        ways = self._ways(place)
        reason = _NO_FILE if ways else _SHARED
        for path in ways:
            try:
                data = read_source(self._root, path, self._limits.max_bytes)
                inspect_image(data, self._limits)
            except SourceProblem as problem:
                # Of two ways the reason is that of the one which leads to something.
                reason = reason if "vanished" in problem.reason else problem.reason
            except Unreadable as problem:
                return None, problem.reason
            else:
                return sha256_bytes(data), ""
        return None, reason

    def _ways(self, place: Place) -> list[PurePosixPath]:
        path = PurePosixPath(place.path(self._digits))
        if place.simulated:
            return [path, path.relative_to(path.parts[0])]
        folder = self._folders.get(_folder_of(place.period))
        return [] if folder is None else [folder / path.relative_to(_folder_of(place.period))]


def _folder_of(period: str) -> PurePosixPath:
    """Return the folder of the runs of a period; the last part of a period may be the start of a run's folder."""
    return PurePosixPath(period) if period.endswith("/") else PurePosixPath(period).parent


def _folders(root: Path, periods: Iterable[str]) -> dict[PurePosixPath, PurePosixPath]:
    """Return for each folder of the original the one below `root`; those that two would share are left out."""
    found: dict[PurePosixPath, PurePosixPath] = {}
    for folder in {_folder_of(period) for period in periods}:
        parts = [part for part in folder.parts if part != "/"]
        ways = (PurePosixPath(*parts[start:]) for start in range(len(parts) + 1))
        found[folder] = next((way for way in ways if _is_folder(root, way)), PurePosixPath())
    shared = Counter(found.values())
    return {theirs: here for theirs, here in found.items() if shared[here] == 1}


def _is_folder(root: Path, below: PurePosixPath) -> bool:
    try:
        return safe_join(root, str(below)).is_dir()
    except (OSError, HydraError):
        return False
