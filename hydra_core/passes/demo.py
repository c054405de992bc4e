"""The demo: an emulated experiment and its monitoring pass, from images to pages, and what it learns on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from hydra_core.config.load import load_site, shipped
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.config.site import Site
from hydra_core.emulate.plan import DemoPlan, demo_plot_types, plan_demo
from hydra_core.emulate.write import DemoTruth, release, write_demo
from hydra_core.passes import scheduler
from hydra_core.passes.arrive import note_unmatched, runs_in_source
from hydra_core.passes.learn import hand_in, learn, learning_is_due
from hydra_core.passes.life import WIDEST, create_pass
from hydra_core.passes.play_runs import bring_up, play_runs
from hydra_core.passes.started_here import started_here
from hydra_core.passes.throwaway import make_site, open_database, workflow_prefix
from hydra_core.stages.publish import publish_models
from hydra_core.store.ledger import PassRow
from hydra_core.store.registry import all_models
from hydra_core.store.session import reading
from hydra_core.store.summary import totals

MONITORING = "2026-01/ver01"
#: Nothing at all happening in the pass for so long means that something is wrong.
PATIENCE_S = 900.0
Progress = Callable[[str], None]


@dataclass(frozen=True)
class DemoResult:
    """What the demo ends with."""

    index: Path
    site: Path
    runs: int
    images: int
    flagged: int
    unreadable: int
    models: int
    seconds: float
    changed: bool


@dataclass(frozen=True)
class _Demo:
    site: Site
    engine: Engine
    row: PassRow
    plan: DemoPlan
    truth: DemoTruth
    say: Progress


def run_demo(
    folder: Path,
    say: Progress,
    *,
    runs: int = 14,
    plot_types: int = 8,
    chunks: int = 6,
    seed: int | None = None,
    cylc: Mapping[str, object] | None = None,
) -> DemoResult:
    """Write the demo experiment into `folder`, play its pass and publish its pages.

    Every step looks first whether it is done, so a demo that was killed anywhere goes on where it was.

    Parameters
    ----------
    cylc
        Settings of ``[cylc]`` that differ from the shipped demo site's.
    """
    begun = time.monotonic()
    folder = folder.absolute()
    plan = plan_demo(runs, plot_types, chunks) if seed is None else plan_demo(runs, plot_types, chunks, seed)
    say(f"looking after the demo experiment in {folder}")
    truth = write_demo(plan, folder, progress=_every(say, 200))
    site = _site(folder, plan, cylc or {})
    engine, fresh = open_database(site)
    prefix = f"{site.settings.cylc.workflow_prefix}/{MONITORING}"
    if fresh:
        scheduler.discard(prefix)
    first = plan.runs[0].number // WIDEST * WIDEST
    demo = _Demo(site, engine, create_pass(site, engine, MONITORING, (first, first + WIDEST - 1)), plan, truth, say)
    with started_here(demo.row.workflow, say):
        changed = _play(demo)
    with reading(engine) as connection:
        sums = totals(connection, demo.row.id)
    return DemoResult(
        index=site.site_pages / "index.html",
        site=site.folder,
        runs=sums.runs,
        images=sums.images,
        flagged=sums.flagged,
        unreadable=sums.unreadable,
        models=_live_models(engine),
        seconds=time.monotonic() - begun,
        changed=changed,
    )


def _site(folder: Path, plan: DemoPlan, cylc: Mapping[str, object]) -> Site:
    example = load_shipped(folder)
    training = example.settings.training
    return make_site(
        folder,
        name="demo",
        experiment=example.settings.site.experiment,
        sections={
            "cylc": {
                **example.settings.cylc.model_dump(),
                "workflow_prefix": workflow_prefix(example.settings.cylc.workflow_prefix, folder),
                **cylc,
            },
            "intake": {"settle_s": example.settings.intake.settle_s},
            "conditions": example.settings.conditions.model_dump(),
            "training": training.model_dump(mode="json", exclude_none=True),
            "publish": example.settings.publish.model_dump(),
        },
        plots=demo_plot_types(plan),
        classes=DEFAULT_CLASSES,
    )


def load_shipped(folder: Path) -> Site:
    """Return the demo site that travels with Hydra, with its data below `folder`."""
    os.environ.setdefault("HYDRA_DATA_ROOT", str(folder))
    # A folder of that name may lie where the command is called.
    return load_site(shipped("site-config") / "demo")


def _play(demo: _Demo) -> bool:
    """Play the story of the demo; say whether anything had to be done."""
    plan = demo.plan
    note_unmatched(demo.engine, demo.row, runs_in_source(demo.site, demo.row))
    changed = _through(demo, "the runs taken so far", [run.number for run in plan.in_phase("history")])
    hand_in(demo.site, demo.engine, demo.truth.labels.read_bytes(), "labels-of-the-demo-expert.json")
    release(demo.truth.root, plan.withheld("late_run"))
    late = [run.number for run in plan.in_phase("late_run")]
    changed |= _through(demo, "a run that comes late; the expert's labels are in the inbox", late)
    release(demo.truth.root, plan.withheld("late_chunk"))
    added_to = [run.number for run in plan.runs if run.late_chunks]
    changed |= _through(demo, "a chunk that comes late, for a run that is published already", added_to)
    # A demo that was killed before it had learnt finds every run published, and still has to learn.
    if changed or scheduler.busy_tasks(demo.row.workflow) or learning_is_due(demo.site, demo.engine):
        bring_up(demo.site, demo.engine, demo.row, demo.say)
        last = max(run.number for run in plan.in_phase("history"))
        learn(demo.site, demo.engine, demo.row, last, demo.say, timeout_s=PATIENCE_S)
    release(demo.truth.root, plan.withheld("fresh"))
    fresh = [run.number for run in plan.in_phase("fresh")]
    changed |= _through(demo, "new runs, judged with what was learnt", fresh)
    if changed:
        publish_models(demo.site, demo.engine)
    scheduler.stop(demo.row.workflow)
    return changed


def _through(demo: _Demo, what: str, runs: Sequence[int]) -> bool:
    return play_runs(demo.site, demo.engine, demo.row, runs, demo.say, patience_s=PATIENCE_S, what=what)


def _live_models(engine: Engine) -> int:
    with reading(engine) as connection:
        return sum(1 for model in all_models(connection) if model.status == "live")


def _every(say: Progress, step: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done % step == 0 or done == total:
            say(f"{done} of {total} files written")

    return progress
