"""Files that nobody knows: in the archive and among the pages, a pass at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hydra_core.base.files import TEMP_PREFIX
from hydra_core.config.site import Site
from hydra_core.report.paths import pass_href
from hydra_core.stages.archived import files_below


@dataclass
class Strangers:
    """Tells what lies in the folders of passes that no revision knows; of all passes it remembers the folders alone."""

    site: Site
    _seen: set[Path] = field(default_factory=set)

    def of_pass(self, pass_name: str, known: Collection[Path]) -> Iterator[str]:
        """Yield a sentence on each unknown file of a pass.

        Parameters
        ----------
        known
            Every archive file, and every folder of a page, that the revisions of the pass have.
        """
        folder = self.site.archive_file(pass_name, 0, 0).parent.parent
        # A pass may be named like a folder of another one; what lies below that is looked at under its own name.
        for thousand in sorted(folder.glob("*")) if folder.is_dir() else []:
            if thousand.name.isdigit() and thousand.is_dir() and thousand not in self._seen:
                self._seen.add(thousand)
                files = (path for path in sorted(thousand.glob("*")) if path.is_file())
                yield from self._unknown(path for path in files if path not in known)
        runs = self.site.site_pages / pass_href(pass_name) / "runs"
        self._seen.add(runs)
        pages = (path.parent for path in sorted(runs.glob("*/*/run.json")))
        yield from self._unknown(page for page in pages if page not in known)

    def elsewhere(self) -> Iterator[str]:
        """Yield a sentence on each file that lies in no folder of a pass that was asked for."""
        found = files_below(self.site.root / "archive")
        yield from self._unknown(path for path in found if path.parent not in self._seen)
        for path in files_below(self.site.site_pages / "passes"):
            if path.name == "run.json" and path.parent.parent.parent not in self._seen:
                yield from self._unknown(iter((path.parent,)))

    def _unknown(self, paths: Iterator[Path]) -> Iterator[str]:
        for path in paths:
            if not path.name.startswith(TEMP_PREFIX):
                yield f"{path}: no run revision knows it"
