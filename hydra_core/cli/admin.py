"""``hydra db``, ``hydra fsck``, ``hydra verify``: looking after a deployment."""

from __future__ import annotations

import argparse
from typing import Any

from hydra_core.base.errors import DatabaseError
from hydra_core.cli import moving
from hydra_core.cli.output import say
from hydra_core.config.load import load_site
from hydra_core.stages.context import open_run, open_site
from hydra_core.stages.fsck import look_through
from hydra_core.stages.verify import verify
from hydra_core.store.counts import recount
from hydra_core.store.directory import renew_directory
from hydra_core.store.ledger import all_passes
from hydra_core.store.schema import SCHEMA_REVISION
from hydra_core.store.session import reading, site_engine, writing
from hydra_core.store.upgrade import upgrade

#: Exit code of a check that found something.
FOUND = 8


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    database = commands.add_parser("db", help="the database")
    actions = database.add_subparsers(title="actions", metavar="ACTION", required=True)
    up = actions.add_parser("upgrade", help="make the tables, or bring them to this program's schema")
    up.set_defaults(command=_upgrade)
    moving.add_action(actions)
    check = commands.add_parser("fsck", help="check that database, archive, models and pages agree")
    check.set_defaults(command=_fsck)
    again = commands.add_parser("verify", help="derive a run's verdicts again from its archived images and compare")
    again.add_argument("name", metavar="PASS", nargs="?", help="may be left out where the site has one pass")
    again.add_argument("run", metavar="RUN", type=int)
    again.set_defaults(command=_verify)


def _upgrade(given: argparse.Namespace) -> int:
    site = load_site(given.site)
    engine = site_engine(site)
    upgrade(engine)
    writing(engine, recount)
    renew_directory(engine, site)
    print(f"{engine.url.render_as_string(hide_password=True)} has schema {SCHEMA_REVISION}")
    return 0


def _fsck(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    problems = 0

    def tell(problem: str) -> None:
        nonlocal problems
        problems += 1
        print(f"PROBLEM  {problem}", flush=True)

    looked = look_through(site, engine, tell, say)
    print(
        f"{looked.revisions} run revisions, {looked.images} images, {looked.models} models: "
        + (f"{problems} problems" if problems else "everything agrees, 0 lost")
    )
    return FOUND if problems else 0


def _verify(given: argparse.Namespace) -> int:
    context = open_run(given.site, given.name or _only_pass(given.site), given.run)
    result = verify(context)
    for difference in result.differences:
        print(f"DIFFERS  {difference}")
    note = f" ({result.note})" if result.note else ""
    same = "all the same" if not result.differences else f"{len(result.differences)} came out differently"
    print(f"{context.name}: {result.checked} verdicts derived again, {same}{note}")
    return FOUND if result.differences else 0


def _only_pass(given: str | None) -> str:
    _, engine = open_site(given)
    with reading(engine) as connection:
        names = [row.name for row in all_passes(connection)]
    if len(names) != 1:
        raise DatabaseError(
            f"the site has {len(names)} passes", next_step=f"name one of them: {', '.join(names[:8]) or 'none yet'}"
        )
    return names[0]
