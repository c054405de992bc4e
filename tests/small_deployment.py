"""A deployment of a test's own: a site, a database, a pass and two runs of hand-drawn plots; no Cylc."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_file
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.passes.arrive import announce
from hydra_core.stages.archive import archive
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import Outcome, RunContext
from hydra_core.stages.heatmap import heatmap
from hydra_core.stages.judge import judge
from hydra_core.stages.publish import publish_run
from hydra_core.store.ledger import PassRow, add_pass, get_pass
from hydra_core.store.session import reading, writing
from tests.store_samples import open_sqlite, sqlite_copy, table_rows

SITE = """
[site]
name = "small"
experiment = "Small experiment"
[paths]
data_root = "data"
[intake]
settle_s = 0.0
"""
PLOTS = """
[[plot]]
name = "CDC"
expected = true
[[plot]]
name = "Extra"
[[plot]]
name = "RICH"
chunked = false
expected = true
"""
BEAM, DARK = 11, 12
STAGES: tuple[Callable[[RunContext], Outcome], ...] = (chunk_images, classify, judge, heatmap, archive, publish_run)


def a_plot(seed: int | None) -> bytes:
    """Return a PNG of a frame with bars in it; without a seed the frame is empty."""
    image = Image.new("RGB", (120, 90), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((15, 10, 110, 75), outline="black")
    if seed is not None:
        heights = np.random.default_rng(seed).integers(10, 55, 12)
        for number, height in enumerate(heights.tolist()):
            draw.rectangle((20 + 7 * number, 75 - height, 25 + 7 * number, 74), fill="#336699")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class Deployment:
    """Everything that a test of stages touches."""

    site: Site
    engine: Engine
    row: PassRow

    def put(self, run: int, name: str, data: bytes, second: int = 0) -> Path:
        """Write a file of a run, with a time that does not depend on the clock."""
        path = self.site.intake / f"Run{run:06d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_790_000_000 + second, 1_790_000_000 + second))
        return path

    def put_runs(self) -> None:
        """Write two runs: one with beam and every kind of bad file, one without beam."""
        self.put(
            BEAM, "metadata.json", json.dumps({"conditions": {"beam_current_nA": 150.0, "target": "LH2"}}).encode()
        )
        self.put(BEAM, "CDC_0000.png", a_plot(1))
        self.put(BEAM, "CDC_0001.png", a_plot(2)[:-200])
        self.put(BEAM, "CDC_0002.png", b"")
        self.put(BEAM, "CDC_0003.png", a_plot(1))
        self.put(BEAM, "CDC_0004.png", a_plot(None))
        self.put(BEAM, "RICH.png", a_plot(3))
        self.put(DARK, "metadata.json", json.dumps({"conditions": {"beam_current_nA": 0.0}}).encode())
        self.put(DARK, "CDC_0000.png", a_plot(None))
        self.put(DARK, "CDC_0001.png", a_plot(4))

    def context(self, run: int) -> RunContext:
        """Return the surroundings of a stage."""
        return RunContext(self.site, self.engine, self.row, run)

    def want(self, *runs: int) -> list[str]:
        """Enter runs into the ledger; return what it decided."""
        return [one.decision for one in announce(self.site, self.engine, self.row, runs)]

    def work(self, run: int, stages: Sequence[Callable[[RunContext], Outcome]] = STAGES) -> list[tuple[str, ...]]:
        """Run the stages of a run; return their outputs."""
        return [stage(self.context(run)).outputs for stage in stages]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the content of the database, with the folder of this deployment called ROOT."""
        with reading(self.engine) as connection:
            found = table_rows(connection)
        here = str(self.site.root)
        return {
            name: [tuple(cell.replace(here, "ROOT") for cell in row) for row in rows] for name, rows in found.items()
        }

    def files(self) -> dict[str, str]:
        """Return every file below the data root but the database: path -> hash, or nothing for pages with a time."""
        found = {}
        for path in sorted(self.site.root.rglob("*")):
            name = path.relative_to(self.site.root).as_posix()
            if path.is_file() and not name.startswith(("hydra.sqlite", "incoming")):
                found[name] = "" if name.startswith("site/") else sha256_file(path)
        return found


def open_deployment(folder: Path, opening: ExitStack) -> Deployment:
    """Open the deployment in `folder`; an empty folder becomes one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("site", SITE), ("plots", PLOTS), ("people", "anyone_may_label = true\n")):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    site = load_site(folder)
    fresh = not (site.root / "hydra.sqlite").exists()
    if fresh:
        engine = opening.enter_context(sqlite_copy(site.root / "hydra.sqlite"))
        writing(engine, lambda connection: add_pass(connection, "p/v1", "w/p/v1", (1, 5000), str(site.intake)))
        site.intake.mkdir(parents=True)
    else:
        engine = open_sqlite(site.root / "hydra.sqlite")
        opening.callback(engine.dispose)
    with reading(engine) as connection:
        return Deployment(site, engine, get_pass(connection, "p/v1"))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Deployment]]:
    """Return a function that makes an empty deployment in a folder of that name."""
    with ExitStack() as opening:
        yield lambda name: open_deployment(tmp_path / name, opening)


class Snapshots:
    """Deployments that are made once and put back, at the same place, for every test that starts from them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def here(self) -> Path:
        """Where the deployment of the running test lies."""
        return self.root / "here"

    def start_from(self, dark: int, beam: int) -> None:
        """Put back a deployment in which so many stages of each run are done."""
        kept = self.root / f"{dark}-{beam}"
        if not kept.exists():
            with ExitStack() as opening:
                self._clear()
                deployment = open_deployment(self.here, opening)
                deployment.put_runs()
                deployment.want(BEAM, DARK)
                deployment.work(DARK, STAGES[:dark])
                deployment.work(BEAM, STAGES[:beam])
            self.here.rename(kept)
        self._clear()
        shutil.copytree(kept, self.here)

    def _clear(self) -> None:
        if self.here.exists():
            shutil.rmtree(self.here)


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """Return what deployments are put back from."""
    return Snapshots(tmp_path_factory.mktemp("deployments"))


@pytest.fixture
def after(snapshots: Snapshots) -> Iterator[Callable[[int, int], Deployment]]:
    """Return a function that gives a deployment with so many stages of the dark and of the beam run done."""
    with ExitStack() as opening:

        def deployment(dark: int, beam: int) -> Deployment:
            snapshots.start_from(dark, beam)
            return open_deployment(snapshots.here, opening)

        yield deployment


@pytest.fixture
def deployment(after: Callable[[int, int], Deployment]) -> Deployment:
    """Return a deployment with two runs in the ledger; nothing is done with them yet."""
    return after(0, 0)


@pytest.fixture
def finished(after: Callable[[int, int], Deployment]) -> Deployment:
    """Return a deployment with two published runs."""
    return after(len(STAGES), len(STAGES))
