"""``hydra backup``, ``hydra restore``, ``hydra publish``: a site that is lost comes back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hydra_core.cli.output import say
from hydra_core.config.load import load_site
from hydra_core.labels.inbox import Received
from hydra_core.stages.backup import backup
from hydra_core.stages.context import open_site
from hydra_core.stages.republish import republish
from hydra_core.stages.restoring import restore
from hydra_core.store.session import shown_url, site_engine

#: Exit code of a command that found something damaged and went on.
FOUND = 8


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    take = commands.add_parser("backup", help="back up the database and the site's settings while passes run")
    take.add_argument("folder", metavar="DIR", type=Path, help="where backups are; each is a new folder in it")
    take.add_argument("--with-archive", action="store_true", help="copy blocks, models and requests too")
    take.add_argument("--verify", action="store_true", help="read every file of the archive and compare its content")
    take.add_argument("--keep", metavar="N", type=_count, help="remove all but the newest N backups of this site")
    take.set_defaults(command=_backup)
    back = commands.add_parser("restore", help="fill an empty database from a backup")
    back.add_argument("folder", metavar="DIR", type=Path, help="a backup, or a folder of backups: the newest is taken")
    back.add_argument("--verify", action="store_true", help="compare content of the archive's files, not only sizes")
    back.set_defaults(command=_restore)
    pages = commands.add_parser("publish", help="make lost pages anew from database and archive")
    pages.add_argument("--all", action="store_true", required=True, help="every page of the site")
    pages.set_defaults(command=_publish)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 backup is kept")
    return number


def _backup(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    done = backup(
        site,
        engine,
        given.folder,
        with_archive=given.with_archive,
        verify=given.verify,
        keep=given.keep,
        progress=say,
    )
    _tell(done.problems)
    for path in done.removed:
        print(f"removed {path}")
    print(f"{done.folder}: {done.rows} rows, {done.files} files known, {done.bytes / 1e6:.3f} MB")
    return FOUND if done.problems else 0


def _restore(given: argparse.Namespace) -> int:
    site = load_site(given.site)
    engine = site_engine(site)
    done = restore(site, engine, given.folder, verify=given.verify, progress=say)
    _tell(done.problems)
    for name in done.settings:
        print(f"{name} of this site is not as it was; that of the backup is in {done.folder / 'site'}")
    for request in done.requests:
        print(f"{request.file}, accepted after the backup: {_taken_again(request)}")
    brought = f", {done.brought} brought back" if done.brought else ""
    print(f"{shown_url(engine)}: {done.rows} rows; {done.files} files{brought}, {len(done.problems)} not as they were")
    if done.problems:
        print("next: put these files back from a copy of data_root; 'hydra fsck' says afterwards whether all agree")
    print("then 'hydra publish --all' makes lost pages, and 'hydra pass resume PASS' goes on")
    return FOUND if done.problems else 0


def _taken_again(request: Received) -> str:
    if request.request is not None:
        return "it is about a model; send it again if it is still wanted"
    return f"could not be taken in again: {request.refused}" if request.refused else request.said


def _publish(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    done = republish(site, engine, say)
    _tell(done.problems)
    print(f"{done.made} pages of runs made, {done.there} were there; lists and library made anew")
    return FOUND if done.problems else 0


def _tell(problems: tuple[str, ...]) -> None:
    for problem in problems:
        print(f"PROBLEM  {problem}")
