"""``hydra pass …`` and ``hydra arrive``: the life of a pass, as a coordinator commands it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from hydra_core.base.errors import WorkflowError
from hydra_core.cli.output import say, table
from hydra_core.config.site import Site
from hydra_core.intake.scan import RunFiles
from hydra_core.passes import life
from hydra_core.passes.arrive import announce, hand_over, note_unmatched, runs_in_source
from hydra_core.passes.numbering import number_runs, runs_named
from hydra_core.stages.context import open_site
from hydra_core.store.ledger import PassRow, get_pass
from hydra_core.store.session import reading
from hydra_core.store.summary import pass_counts


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    group = commands.add_parser("pass", help="create, look at, resume or close a monitoring pass")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="enter a pass, install its workflow and start it")
    create.add_argument("name", help="for instance 2026-01/ver02")
    create.add_argument("--runs", required=True, help="FIRST:LAST, at most 10,000 run numbers")
    create.add_argument("--source", type=Path, help="the producers' folder (default: the site's intake)")
    create.add_argument("--no-play", action="store_true", help="install only; 'hydra pass resume' starts it")
    create.set_defaults(command=_create)
    status = actions.add_parser("status", help="runs wanted and published, and what each open run waits for")
    status.add_argument("name", nargs="?", help="all passes where not given")
    status.set_defaults(command=_status)
    resume = actions.add_parser("resume", help="start the scheduler if it is down, hand over what was lost")
    resume.add_argument("name")
    resume.set_defaults(command=_resume)
    close = actions.add_parser("close", help="let the scheduler end when its runs are done")
    close.add_argument("name")
    close.set_defaults(command=_close)
    arrive = commands.add_parser("arrive", help="tell a pass that runs have arrived or changed")
    arrive.add_argument("name", metavar="PASS")
    arrive.add_argument("runs", metavar="RUN", type=int, nargs="*")
    arrive.add_argument("--all", action="store_true", help="every run found in the source")
    arrive.add_argument(
        "--name", dest="names", action="append", default=[], help="the name of a run; may be given several times"
    )
    arrive.add_argument(
        "--again", action="store_true", help="judge the named runs anew, by the newest judging set, changed or not"
    )
    arrive.add_argument("--wait", action="store_true", help="until they are published")
    arrive.set_defaults(command=_arrive)


def _create(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    row = life.create_pass(site, engine, given.name, life.parse_span(given.runs), given.source)
    print(f"pass {row.name}: runs {row.first_run} to {row.last_run}, images from {row.source}")
    if not given.no_play:
        life.resume_pass(site, engine, row, say)
    print(f"workflow {row.workflow}; next: hydra arrive {row.name} RUN")
    return 0


def _status(given: argparse.Namespace) -> int:
    _, engine = open_site(given.site)
    if given.name is None:
        with reading(engine) as connection:
            counts = pass_counts(connection)
        rows = [(one.name, one.state, str(one.wanted), str(one.published)) for one in counts]
        print(table(("pass", "state", "wanted", "published"), rows))
        return 0
    state = life.pass_state(engine, given.name)
    print(
        f"pass {state.row.name} is {state.row.state}, its scheduler {'is up' if state.running else 'is down'}: "
        f"{state.published} of {state.wanted} runs published"
    )
    if state.waiting:
        waiting = [(str(run), at, ", ".join(failed) or "-") for run, at, failed in state.waiting]
        print(table(("run", "is", "failed tasks"), waiting))
        if not state.running or any(failed for _, _, failed in state.waiting):
            print(f"next: hydra pass resume {state.row.name}")
    return 0


def _open_pass(given: argparse.Namespace) -> tuple[Site, Engine, PassRow]:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        return site, engine, get_pass(connection, given.name)


def _resume(given: argparse.Namespace) -> int:
    site, engine, row = _open_pass(given)
    life.resume_pass(site, engine, row, say)
    return 0


def _close(given: argparse.Namespace) -> int:
    site, _, row = _open_pass(given)
    mark = life.close_pass(site, row)
    print(f"{row.name} closes when its runs are done ({mark} says so; within about 20 s)")
    return 0


def _arrive(given: argparse.Namespace) -> int:
    site, engine, row = _open_pass(given)
    runs = list(given.runs)
    if given.again and not (runs or given.names):
        raise WorkflowError("--again needs the runs that are meant", next_step=f"hydra arrive {row.name} RUN --again")
    if given.all or given.names or not runs:
        found = runs_in_source(site, row)
        note_unmatched(engine, row, found)
        named = runs_named(found.runs, given.names, row.source)
        runs += _numbers(site, engine, row, named if named and not given.all else found.runs)
        if found.unmatched:
            first = found.unmatched[0]
            print(f"{len(found.unmatched)} files are part of no run, for instance {first.relative}: {first.reason}")
    for arrival in announce(site, engine, row, runs, again=given.again):
        print(arrival.sentence)
    hand_over(site, engine, row, say)
    if given.wait:
        life.wait_for_pass(site, engine, row, say, timeout_s=1800)
    return 0


def _numbers(site: Site, engine: Engine, row: PassRow, found: Sequence[RunFiles]) -> list[int]:
    """Return the numbers of runs in the pass; those with a number of their own outside of it are told and left."""
    map_all = site.settings.intake.map_runs
    inside = [entry for entry in found if map_all or entry.run is None or row.first_run <= entry.run <= row.last_run]
    beyond = len(found) - len(inside)
    if beyond:
        print(f"{beyond} runs in {row.source} are outside {row.first_run} to {row.last_run}: not taken")
    return number_runs(engine, row, inside, map_all=map_all)
