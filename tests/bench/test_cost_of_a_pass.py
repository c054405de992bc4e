"""What a run costs: Cylc against images, images per second, peak memory of each task.

Run by ``make bench``; writes ``docs/results/pass.md``. Processor time is counted over the whole machine, since Cylc's
own processes are nobody's children: the machine must have nothing else to do.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import pytest

from hydra_core.base.clock import now
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.emulate.plan import demo_plot_types, plan_demo
from hydra_core.emulate.write import write_demo
from hydra_core.passes import scheduler
from hydra_core.passes.arrive import announce, hand_over
from hydra_core.passes.life import create_pass, resume_pass, wait_for_pass
from hydra_core.passes.throwaway import make_site, open_database
from hydra_core.store.session import reading
from hydra_core.store.summary import totals
from hydra_core.store.timings import timing_summaries

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "pass.md"
CASES = ((8, 8, 6), (8, 1, 1), (2, 24, 24))


def busy_seconds() -> float:
    """Return the processor seconds that the whole machine has spent on programs since it was started."""
    user, nice, system = Path("/proc/stat").read_text(encoding="ascii").split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def play(root: Path, runs: int, plot_types: int, chunks: int) -> dict[str, object]:
    """Play a pass of emulated runs and return what it cost."""
    plan = plan_demo(runs, plot_types, chunks)
    write_demo(plan, root)
    history = [run.number for run in plan.in_phase("history")]
    site = make_site(
        root,
        name="bench",
        experiment="bench",
        sections={"cylc": {"workflow_prefix": f"hydra-bench/{os.getpid()}-{root.name}"}, "intake": {"settle_s": 0.0}},
        plots=demo_plot_types(plan),
        classes=DEFAULT_CLASSES,
    )
    engine, _ = open_database(site)
    row = create_pass(site, engine, "bench", (121000, 122999))
    try:
        resume_pass(site, engine, row, print)
        announce(site, engine, row, history)
        wall, cpu = time.monotonic(), busy_seconds()
        hand_over(site, engine, row, print)
        wait_for_pass(site, engine, row, print, timeout_s=900)
        wall, cpu = time.monotonic() - wall, busy_seconds() - cpu
    finally:
        scheduler.discard(row.workflow)
    with reading(engine) as connection:
        counted, tasks = totals(connection, row.id), timing_summaries(connection)
    own = sum(task.cpu_s_total for task in tasks)
    return {"runs": counted.runs, "images": counted.images, "wall": wall, "cpu": cpu, "own": own, "tasks": tasks}


@pytest.mark.bench
def test_a_pass_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play passes of three shapes and write the table."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    found = [play(tmp_path / f"case{number}", *case) for number, case in enumerate(CASES)]
    lines = [
        "# What a run costs",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. Background jobs, SQLite, no model: reading, judging by rules, archiving, pages.",
        "Processor seconds are those of the whole machine, so they hold only where nothing else ran.",
        "",
        "| shape of a run | runs | images | Cylc : images | CPU s a run, Cylc | CPU s a run, images | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for (_, plot_types, chunks), one in zip(CASES, found, strict=True):
        cylc = float(one["cpu"]) - float(one["own"])
        runs = int(one["runs"])
        lines.append(
            f"| {plot_types} plot types x {chunks} chunks | {runs} | {one['images']} "
            f"| {cylc / float(one['own']):.2f} : 1 | {cylc / runs:.1f} | {float(one['own']) / runs:.1f} "
            f"| {int(one['images']) / float(one['wall']):.1f} |"
        )
    lines += [
        "",
        "## Tasks",
        "",
        "Of the first shape: median processor seconds (start of Python included) and largest memory of a job.",
        "",
        "| task | jobs | CPU s | peak MiB |",
        "|---|---|---|---|",
    ]
    tasks = found[0]["tasks"]
    assert isinstance(tasks, list)
    lines += [f"| {task.task} | {task.jobs} | {task.cpu_s:.2f} | {task.max_rss_mb:.0f} |" for task in tasks]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    assert all(int(one["runs"]) > 0 and int(one["images"]) > 0 for one in found)
