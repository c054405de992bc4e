"""A small pass on the demo's images, in a folder of its own, with or without Cylc."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from hydra_core.config.load import load_site
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.config.site import Site
from hydra_core.emulate.plan import DemoPlan, demo_plot_types, plan_demo
from hydra_core.emulate.write import release, write_demo
from hydra_core.passes.arrive import announce
from hydra_core.passes.throwaway import make_site, open_database
from hydra_core.stages.archive import archive
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import RunContext
from hydra_core.stages.heatmap import heatmap
from hydra_core.stages.judge import judge
from hydra_core.stages.publish import publish_run
from hydra_core.store.ledger import PassRow, add_pass, get_pass
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.session import reading, site_engine, writing

PASS = "2026-01/ver01"
FIRST, LAST = 121000, 121999
#: The smallest demo with a late run, a late chunk, a fresh run, one without images and one with an unreadable plot.
PLAN = plan_demo(runs=6, plot_types=7, chunks=2)
RUNS = tuple(run.number for run in PLAN.runs)
#: Schedulers of tests notice a killed job soon and try again soon.
QUICK = {"retry_delays": "PT1S, PT1S, PT5S", "poll_every": "PT5S"}
PIPELINE = (chunk_images, classify, judge, heatmap, archive, publish_run)


@functools.cache
def demo_files(base: Path) -> Path:
    """Write the files of the demo once; return their folder."""
    root = base / "demo-files"
    write_demo(PLAN, root)
    return root


@dataclass(frozen=True)
class SmallPass:
    """A site with one pass."""

    site: Site
    engine: Engine

    @property
    def root(self) -> Path:
        """The data root."""
        return self.site.root

    @property
    def folder(self) -> Path:
        """The site's folder, for ``--site``."""
        return self.site.folder

    @property
    def workflow(self) -> str:
        """The name that the pass has in Cylc."""
        return f"{self.site.settings.cylc.workflow_prefix}/{PASS}"

    @property
    def row(self) -> PassRow:
        """The pass as the database knows it."""
        with reading(self.engine) as connection:
            return get_pass(connection, PASS)

    def bring(self, files: Path, runs: Sequence[int], *, late_chunk: bool = True) -> None:
        """Put the images of runs into the producers' folder, with the times that they have in `files`."""
        kept_back = set() if late_chunk else set(PLAN.withheld("late_chunk"))
        for run in PLAN.runs:
            source = files / "incoming" / run.folder()
            for path in sorted(source.iterdir()) if run.number in runs else ():
                relative = f"{run.folder()}/{path.name}"
                if relative not in kept_back:
                    (self.site.intake / relative).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, self.site.intake / relative)

    def enter(self, source: Path | None = None) -> None:
        """Enter the pass into the database; no workflow is made."""

        def work(connection: object) -> None:
            add_pass(connection, PASS, self.workflow, (FIRST, LAST), str(source or self.site.intake))
            plot_type_ids(connection, [plot.key for plot in self.site.plots.plots])

        writing(self.engine, work)

    def context(self, run: int) -> RunContext:
        """Return what the stages of a run are given."""
        return RunContext(self.site, self.engine, self.row, run)

    def by_hand(self, runs: Sequence[int]) -> None:
        """Take runs through every stage, one after the other, in this process."""
        announce(self.site, self.engine, self.row, runs)
        for run in runs:
            for stage in PIPELINE:
                stage(self.context(run))


def open_small_pass(root: Path) -> SmallPass:
    """Open a pass whose data root was made, or copied, earlier."""
    site = load_site(root / "site-config" / "small")
    return SmallPass(site, site_engine(site))


def small_pass(folder: Path, prefix: str, plan: DemoPlan = PLAN, **sections: Mapping[str, object]) -> SmallPass:
    """Make a site with an empty database below `folder`; `sections` are further settings of ``site.toml``."""
    training = {"network": "tiny", "size": [32, 32], "epochs": 2, **sections.pop("training", {})}
    site = make_site(
        folder,
        name="small",
        experiment="Small experiment",
        sections={
            "cylc": {"workflow_prefix": prefix, **QUICK},
            "intake": {"settle_s": 0.0},
            "training": training,
            **sections,
        },
        plots=demo_plot_types(plan),
        classes=DEFAULT_CLASSES,
    )
    site.intake.mkdir(parents=True, exist_ok=True)
    engine, _ = open_database(site)
    return SmallPass(site, engine)


def everything_arrived(files: Path) -> Path:
    """Return `files` after all that was withheld has come."""
    for phase in ("late_run", "late_chunk", "fresh"):
        release(files, PLAN.withheld(phase))
    return files
