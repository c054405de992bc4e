"""One run with a live network, kept as it stands before each stage, and processes in which a stage can be killed."""

from __future__ import annotations

import importlib
import multiprocessing
import multiprocessing.process
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.base.names import PlotKey
from hydra_core.cli.run import STAGES
from hydra_core.emulate.plan import plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.models.engine import read_card
from hydra_core.models.spec import TrainSpec
from hydra_core.models.train import train
from hydra_core.passes.arrive import announce
from hydra_core.stages.fsck import fsck
from hydra_core.stages.judging import rules_in_force
from hydra_core.stages.rebuild import rebuild
from hydra_core.stages.retention import apply_retention
from hydra_core.store.registry import ThresholdRow, add_judging_set, add_model, set_model_status
from hydra_core.store.session import writing
from tests.final_state import final_state
from tests.small_pass import SmallPass, open_small_pass, small_pass

PLAN = plan_demo(runs=1, plot_types=1, chunks=2)
RUN = PLAN.runs[0].number
CDC = PlotKey("CDC_occupancy", True)
NAMES = ("chunk-images", "classify", "judge", "heatmap", "archive-run", "publish-run", "publish-library")
_SPEC = TrainSpec(network="tiny", size=(32, 32), epochs=1, min_steps=1, batch=8, patience=1)


@dataclass(frozen=True)
class StagedRun:
    """Where the data roots lie: ``before`` has one for each stage and one for the end."""

    before: dict[str, Path]

    def copy(self, stage: str, target: Path) -> SmallPass:
        """Return a copy of the run as it stands before `stage`; an earlier copy there is replaced."""
        shutil.rmtree(target, ignore_errors=True)
        return open_small_pass(Path(shutil.copytree(self.before[stage], target)))

    def after(self, stage: str) -> dict[str, Any]:
        """Return the state in which `stage` leaves the run."""
        return final_state(self.before[(*NAMES, "end")[NAMES.index(stage) + 1]])


def finish(made: SmallPass, stage: str) -> None:
    """Do a stage in this process."""
    module, name, _ = STAGES[stage]
    getattr(importlib.import_module(f"hydra_core.stages.{module}"), name)(made.context(RUN))


def problems(made: SmallPass) -> tuple[str, ...]:
    """Return what ``hydra fsck`` finds."""
    return fsck(made.site, made.engine).problems


def staged_run(folder: Path) -> StagedRun:
    """Take a run of three images, one judged by a network that is never sure, through every stage."""
    made = small_pass(folder / "first", "staged", PLAN)
    write_demo(PLAN, folder / "files")
    (folder / "files" / "incoming").rename(folder / "incoming")
    made.enter(folder / "incoming")
    go_live(made)
    announce(made.site, made.engine, made.row, [RUN])
    before = {}
    for stage in NAMES:
        before[stage] = Path(shutil.copytree(made.root, folder / f"before-{stage}"))
        finish(made, stage)
    before["end"] = made.root
    return StagedRun(before)


def go_live(made: SmallPass) -> None:
    """Let a network judge the plots of the pass; one that lies in its folder already is taken as it is."""
    rng = np.random.default_rng(1)
    names = [("Good", "Bad")[number % 2] for number in range(32)]
    images = rng.integers(110, 150, (32, 32, 32, 3)).astype(np.uint8)
    images[1::2, 4:16, 4:16] = 10
    name = "CDC-by-hand"
    folder = made.site.model_folder(CDC, name)
    if not folder.exists():
        runs, hashes = [number // 4 for number in range(32)], [str(number) for number in range(32)]
        train(_SPEC, images, names, runs, hashes, folder, lambda _line: None)
    _, identity = read_card(folder)

    def enter(connection: Connection) -> None:
        # No probability reaches 1, so every image needs a look and gets a heat map.
        sure = [ThresholdRow(known, 1.0, "by hand", 0) for known in ("Bad", "Good")]
        kind = connection.exec_driver_sql("SELECT id FROM plot_types WHERE name = 'CDC_occupancy'").scalar_one()
        model = add_model(connection, int(kind), name, identity, _SPEC.network, sure, [])
        set_model_status(connection, model.id, "live", "by hand")
        add_judging_set(connection, "by hand", rules_in_force(made.site))

    writing(made.engine, enter)


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.staged_run"])
Process = multiprocessing.process.BaseProcess


def _quietly(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Run `work`; whatever stops it ends the process with code 1 and, for a crash, a traceback for the reader."""
    try:
        work(*arguments)
    except OSError:
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def in_process(work: Callable[..., None], *arguments: Any) -> Process:
    """Start `work` in a fresh process that has the program loaded already."""
    process = _FORKS.Process(target=_quietly, args=(work, arguments))
    process.start()
    return process


def do_stage(root: Path, stage: str) -> None:
    """Do one stage, in a process of its own."""
    finish(open_small_pass(root), stage)


def do_stage_with_little_room(root: Path, stage: str, room: int) -> None:
    """Do one stage while no file may grow beyond `room` bytes, which is what a full disk looks like to a writer."""
    made = open_small_pass(root)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    finish(made, stage)


def do_retention(root: Path) -> None:
    """Delete what the site's rules take out of the archive, in a process of its own."""
    made = open_small_pass(root)
    apply_retention(made.site, made.engine, now())


def do_rebuild(root: Path) -> None:
    """Fill the database from the files, in a process of its own."""
    made = open_small_pass(root)
    rebuild(made.site, made.engine, lambda _line: None)
