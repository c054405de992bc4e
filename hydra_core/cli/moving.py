"""``hydra db import-hydra``: a hall comes over from a database of the original Hydra."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hydra_core.base.errors import HydraError
from hydra_core.cli.output import say, table
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.moving.instants import find_zone
from hydra_core.moving.original import opened_original
from hydra_core.moving.outcome import Outcome
from hydra_core.moving.site_files import SiteFiles, check_room, write_site_files
from hydra_core.moving.take_over import ImageFolder, read_directory, rehearse, take_over
from hydra_core.stages.context import open_site
from hydra_core.store.directory import renew_directory

_DIGITS = range(1, 21)


def add_action(actions: Any) -> None:
    """Add ``import-hydra`` to the actions of ``hydra db``."""
    take = actions.add_parser("import-hydra", help="take a database of the original Hydra over; it is only read")
    take.add_argument("url", metavar="URL", help="mysql+pymysql://USER@HOST/DATABASE, or sqlite:///FILE of a copy")
    take.add_argument("--zone", required=True, help="the time zone of the times in it, as in America/New_York")
    take.add_argument("--images", type=Path, metavar="ROOT", help="the folder of its images: labels are given to them")
    take.add_argument("--run-digits", type=int, default=6, choices=_DIGITS, metavar="N",
                      help="digits of a run number in the paths of images (6)")  # fmt: skip
    take.add_argument("--write-site", type=Path, metavar="DIR", help="write plots.toml and people.toml there")
    take.add_argument("--dry-run", action="store_true", help="only say what would come of it")
    take.set_defaults(command=_import)


def _import(given: argparse.Namespace) -> int:
    zone, images = find_zone(given.zone), ImageFolder(_folder(given.images), given.run_digits)
    with opened_original(given.url) as original:
        found = read_directory(original)
        if given.write_site is not None:
            check_room(given.write_site, found.files)
        if given.dry_run:
            site = load_site(given.site)
            site = _with_files(site, found.files) if given.write_site is not None else site
            outcome = rehearse(site, original, found, zone, images, say)
        else:
            site, engine = open_site(given.site)
            if given.write_site is not None:
                write_site_files(given.write_site, found.files)
                site = load_site(given.site)
                renew_directory(engine, site)
            outcome = take_over(site, engine, original, found, zone, images, say)
    _print(outcome, dry=given.dry_run)
    return 0


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise HydraError(f"there is no folder of images {path}", next_step="give the folder that --images means")
    return path


def _with_files(site: Site, files: SiteFiles) -> Site:
    return site.model_copy(update={"plots": files.plots, "people": files.people})


def _print(outcome: Outcome, *, dry: bool) -> None:
    print(table(("would be taken" if dry else "taken", "how many"), _cells(sorted(outcome.taken.items()))))
    if outcome.left:
        print()
        print(table(("not taken, or not as it was", "how many", "why"), _cells(outcome.lines())))


def _cells(lines: list[Any]) -> list[tuple[str, ...]]:
    return [tuple(map(str, line)) for line in lines]
