"""What a run costs whose plots are histograms in ROOT files, and which part of that is drawing."""

from __future__ import annotations

import os
import platform
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from hydra_core.base.clock import now
from hydra_core.config.plots import DEFAULT_CLASSES, DrawSettings, PlotType
from hydra_core.intake import histogram_items
from hydra_core.passes.arrive import announce
from hydra_core.passes.throwaway import make_site, open_database
from hydra_core.stages.context import RunContext
from hydra_core.store.ledger import add_pass, get_pass
from hydra_core.store.session import reading, writing
from tests.small_pass import PIPELINE

RESULTS = Path(__file__).parents[2] / "docs" / "results"
TYPES, CHUNKS = 568, 4


class Clock:
    """Processor time spent inside some functions, over all threads."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._lock = threading.Lock()

    def around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return `real` with its time added up under `name`."""

        def timed(*arguments: Any, **more: Any) -> Any:
            begun = time.thread_time()
            try:
                return real(*arguments, **more)
            finally:
                with self._lock:
                    self.spent[name] = self.spent.get(name, 0.0) + time.thread_time() - begun

        return timed


def _write_run(folder: Path, seed: int, types: int, chunks: int) -> None:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for chunk in range(1, chunks + 1):
        with uproot.recreate(folder / f"hists_{chunk:04d}.root") as file:
            for number in range(types):
                if number % 4 == 3:
                    counts = rng.poisson(20, (40, 30)).astype(np.float64)
                    file[f"map/h{number:03d}"] = (counts, np.linspace(0, 40, 41), np.linspace(0, 30, 31))
                else:
                    file[f"line/h{number:03d}"] = (rng.poisson(50, 100).astype(np.float64), np.linspace(0, 10, 101))


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@pytest.mark.bench
def test_what_a_run_of_histograms_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take three runs through every stage: one histogram, then twice the large run, with new frames and kept ones."""
    plots = [
        PlotType(
            name=f"hists/{'map' if number % 4 == 3 else 'line'}/h{number:03d}",
            draw=DrawSettings(colour=(0, 50)) if number % 4 == 3 else DrawSettings(y=(0, 100)),
        )
        for number in range(TYPES)
    ]
    site = make_site(
        tmp_path / "data",
        name="bench",
        experiment="Bench",
        sections={"intake": {"settle_s": 0.0}},
        plots=plots,
        classes=DEFAULT_CLASSES,
    )
    engine, _ = open_database(site)
    writing(engine, lambda connection: add_pass(connection, "p/v1", "w/p/v1", (1, 99), str(site.intake)))
    with reading(engine) as connection:
        row = get_pass(connection, "p/v1")
    _write_run(site.intake / "Run000001", 1, 1, 1)
    _write_run(site.intake / "Run000002", 2, TYPES, CHUNKS)
    _write_run(site.intake / "Run000003", 3, TYPES, CHUNKS)
    clock = Clock()
    for name, words in (
        ("draw_png", "drawing"),
        ("encode_histogram", "packing numbers"),
        ("is_empty_histogram", "rules"),
    ):
        monkeypatch.setattr(histogram_items, name, clock.around(words, getattr(histogram_items, name)))
    found = []
    for run in (1, 2, 3):
        announce(site, engine, row, [run])
        context, clock.spent, costs = RunContext(site, engine, row, run, threads=2), {}, {}
        for stage in PIPELINE:
            begun = _cpu()
            outcome = stage(context)
            costs[stage.__name__] = _cpu() - begun
            print(f"run {run} {outcome.line}: {costs[stage.__name__]:.1f} s")
        found.append((costs, dict(clock.spent)))
    block = site.archive_file("p/v1", 3, 1).stat().st_size
    source = sum(path.stat().st_size for path in (site.intake / "Run000003").iterdir())
    text = _report(found, block, source)
    (RESULTS / "histogram-run.md").write_text(text, encoding="utf-8")
    print(text)


def _report(found: list[tuple[dict[str, float], dict[str, float]]], block: int, source: int) -> str:
    (one, _), (first, drawn_first), (again, drawn_again) = found
    images = TYPES * CHUNKS
    fixed = sum(one.values())
    names = list(first)
    per_image = [1000 * (sum(costs.values()) - fixed) / (images - 1) for costs in (first, again)]
    lines = [
        "# A run of histograms",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. {TYPES} plot types in {CHUNKS} ROOT files, one a chunk: {images} histograms, a "
        "quarter of them maps, drawn in fixed ranges. All stages in one process, processor seconds, no network.",
        "",
        "| stage | one histogram | first run | next run: frames are kept |",
        "|---|---|---|---|",
        *(f"| {name} | {one[name]:.2f} | {first[name]:.2f} | {again[name]:.2f} |" for name in names),
        f"| all | {fixed:.2f} | {sum(first.values()):.2f} | {sum(again.values()):.2f} |",
        f"| of that drawing | | {_share(drawn_first, first)} | {_share(drawn_again, again)} |",
        "",
        f"Beyond the fixed part of {fixed:.2f} s a histogram costs {per_image[0]:.1f} ms in the first run and "
        f"{per_image[1]:.1f} ms in the next. The archive holds pictures and bin contents of the run in "
        f"{block / 1e6:.1f} MB; its ROOT files have {source / 1e6:.1f} MB.",
        "",
    ]
    return "\n".join(lines)


def _share(drawn: dict[str, float], costs: dict[str, float]) -> str:
    spent = drawn.get("drawing", 0.0)
    return f"{spent:.2f} ({100 * spent / sum(costs.values()):.0f} %)"
