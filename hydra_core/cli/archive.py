"""``hydra archive`` and ``hydra retention``: images back out of the archive, a lost database, what grows old."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra_core.base.clock import iso, now
from hydra_core.base.errors import HydraError
from hydra_core.base.names import slug
from hydra_core.cli.output import say
from hydra_core.config.load import load_site
from hydra_core.stages.context import open_run, open_site
from hydra_core.stages.export import export_run
from hydra_core.stages.rebuild import LOST, rebuild
from hydra_core.stages.retention import Deletion, apply_retention, plan_retention
from hydra_core.stages.survey import survey

#: Exit code of a command that found something damaged and went on.
FOUND = 8


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    group = commands.add_parser("archive", help="take images out of the archive, or a lost database")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write the images and histograms of an archived run as files")
    export.add_argument("name", metavar="PASS")
    export.add_argument("run", metavar="RUN", type=int)
    export.add_argument("--revision", type=int, help="which revision (default: the newest)")
    export.add_argument("--out", type=Path, help="a folder that is not there yet (default: named by the run)")
    export.add_argument("--plots", default="*", metavar="GLOB", help="only plot types whose name fits this pattern")
    export.set_defaults(command=_export)
    again = actions.add_parser("rebuild-db", help="fill an empty database from the archive")
    again.add_argument("--dry-run", action="store_true", help="say what would be entered, and write nothing")
    again.set_defaults(command=_rebuild)
    old = commands.add_parser("retention", help="list what the rules of site.toml take out of the archive")
    old.add_argument("--delete", action="store_true", help="delete exactly what is listed without it")
    old.add_argument("--at", metavar="TIME", help="as of this instant, ISO 8601 with a zone (default: now)")
    old.set_defaults(command=_retention)


def _export(given: argparse.Namespace) -> int:
    context = open_run(given.site, given.name, given.run)
    out = given.out or Path(f"hydra-export-{slug(given.name.replace('/', '_'))}-{given.run}")
    done = export_run(context, out, revision=given.revision, plots=given.plots)
    print(f"{context.name} r{done.revision}: {done.images} images, {done.histograms} histograms in {out}")
    if done.without:
        print(f"{done.without} plots have no image; {out / 'manifest.json'} says why")
    return 0


def _rebuild(given: argparse.Namespace) -> int:
    if given.dry_run:
        found = survey(load_site(given.site), say)
        lines, problems = tuple(found.lines()), found.problems
    else:
        site, engine = open_site(given.site)
        done = rebuild(site, engine, say)
        lines, problems = done.lines, done.problems
    for line in lines:
        print(line)
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print("What the files do not hold, so that it is lost:")
    for sentence in LOST:
        print(f"- {sentence}")
    return FOUND if problems else 0


def _retention(given: argparse.Namespace) -> int:
    at = now() if given.at is None else _instant(given.at)
    if given.delete and at > now():
        raise HydraError(
            f"--at {given.at} is in the future, and nothing is deleted ahead of its time",
            next_step="leave --delete out to see what will go until then",
        )
    site, engine = open_site(given.site)
    problems: list[str] = []
    images = revisions = room = 0
    last: tuple[str, int, int] | None = None

    def tell(deletion: Deletion) -> None:
        nonlocal images, revisions, room, last
        print(deletion)
        here = deletion.pass_name, deletion.run, deletion.revision
        # Those of one run revision follow each other, so nothing has to be remembered of a long list.
        revisions += here != last
        images, room, last = images + 1, room + deletion.bytes, here

    if given.delete:
        apply_retention(site, engine, at, tell, problem=problems.append)
    else:
        for deletion in plan_retention(site, engine, at, problem=problems.append):
            tell(deletion)
    print(f"{images} images of {revisions} run revisions, {room / 1e6:.3f} MB")
    for problem in problems:
        print(f"PROBLEM  {problem}; left as it is")
    # Beside the list, so that the list with --delete is the very same.
    if not site.settings.retention.rules:
        print("no [[retention.rule]] in site.toml: everything stays", file=sys.stderr)
    elif not given.delete and images and at <= now():
        print(f"nothing was deleted; 'hydra retention --delete --at {iso(at)}' deletes these", file=sys.stderr)
    return FOUND if problems else 0


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise HydraError(
            f"--at {text!r} is no time: {error}", next_step="write it like 2026-11-21T12:00:00Z"
        ) from error
    if found.tzinfo is None:
        raise HydraError(f"--at {text!r} has no zone", next_step="write it like 2026-11-21T12:00:00Z")
    return found.astimezone(UTC)
