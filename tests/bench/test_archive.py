"""What the archive costs: a block against a folder of PNG files, inputs of networks kept or not, small runs and large.

Run by ``make bench``; writes ``docs/results/archive.md``. Whatever is compared was measured in turns in one run, and
the best of three turns counts: time on the clock for writing, which waits for the disk, else processor time.
"""

from __future__ import annotations

import io
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from PIL import Image

from hydra_core.base.clock import now
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.intake.block import PREPROCESSING, Block, BlockItem, pack_input, write_block
from hydra_core.intake.histograms.draw import draw_png
from hydra_core.intake.histograms.encode import encode_histogram
from hydra_core.intake.histograms.histogram import Axis, Histogram
from hydra_core.intake.images import read_image
from hydra_core.models.pixels import PREPROCESSING_HASH, model_input
from hydra_core.passes.arrive import announce
from hydra_core.passes.throwaway import make_site, open_database
from hydra_core.stages.archive import archive
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.context import RunContext
from hydra_core.stages.judge import judge
from hydra_core.stages.publish import publish_run
from hydra_core.store.ledger import add_pass, get_pass
from hydra_core.store.session import reading, writing

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "archive.md"
TYPES, CHUNKS = 568, 4
TURNS = 3
INPUT = (128, 128)
STAGES = (chunk_images, classify, judge, archive, publish_run)
KINDS = ("line plot", "sparse map", "full map")


@dataclass(frozen=True)
class Plot:
    """A drawn plot with its bin contents."""

    kind: str
    name: str
    chunk: int
    png: bytes
    bins: bytes


def draw_plots() -> list[Plot]:
    """Draw the plots of a run as monitoring programs do, 600 x 400: line plots, and maps that fill little by little."""
    found = []
    for number in range(TYPES):
        rng = np.random.default_rng(number)
        kind = KINDS[0] if number % 2 == 0 else KINDS[1] if number % 4 == 1 else KINDS[2]
        x, y = Axis.regular(100, 0.0, 100.0, "channel"), Axis.regular(60, -3.0, 3.0, "time [ns]")
        for chunk in range(CHUNKS):
            if kind == "line plot":
                peak = 400 * np.exp(-(((np.arange(100) - 30 - number % 40) / 9) ** 2))
                values, other = rng.poisson(peak + 20).astype(float), None
            else:
                values, other = rng.poisson(0.3 if kind == "sparse map" else 60, (100, 60)).astype(float), y
            hist = Histogram(f"Plot_{number:03d}", f"Detector {number}", x, other, values, float(values.sum()))
            found.append(Plot(kind, hist.name, chunk, draw_png(hist), encode_histogram(hist)))
    return found


def items_of(plots: Sequence[Plot], *, bins: bool = False, packed: bool = False) -> list[BlockItem]:
    """Return the items of a block."""
    items = []
    for plot in plots:
        item = BlockItem(PlotKey(plot.name, True), plot.chunk, "ok", sha256=sha256_bytes(plot.png), data=plot.png)
        if bins:
            item = replace(item, bins=plot.bins)
        if packed:
            item = replace(item, packed=pack_input(model_input(read_image(plot.png), INPUT)))
        items.append(item)
    return items


def seconds(*works: Callable[[], object], clock: Callable[[], float] = time.process_time) -> list[float]:
    """Do several things in turns and return what each took by a clock, the best turn of each."""
    took = [[0.0] * TURNS for _ in works]
    for turn in range(TURNS):
        for number, work in enumerate(works):
            begun = clock()
            work()
            took[number][turn] = clock() - begun
    return [min(turns) for turns in took]


def on_disk(paths: Sequence[Path]) -> int:
    """Return the room that files take on the disk, in bytes."""
    return sum(path.stat().st_blocks * 512 for path in paths)


def compare_forms(plots: Sequence[Plot], folder: Path) -> list[str]:
    """Compare a block with a folder of files, both with the same images."""
    block, loose = folder / "block.h5", folder / "files"
    loose.mkdir()
    items = items_of(plots)
    paths = [loose / f"{plot.name}_{plot.chunk:04d}.png" for plot in plots]

    def write_files() -> None:
        for path, plot in zip(paths, plots, strict=True):
            path.write_bytes(plot.png)

    def write_files_for_good() -> None:
        for path, plot in zip(paths, plots, strict=True):
            with path.open("wb") as stream:
                stream.write(plot.png)
                os.fsync(stream.fileno())

    def read_block() -> None:
        with Block.open(block) as opened:
            for number in range(len(opened.items)):
                opened.data(number)

    def read_one() -> None:
        with Block.open(block) as opened:
            opened.data(len(plots) // 2)

    write = (lambda: write_block(block, items, {}), write_files, write_files_for_good)
    wrote, loosely, for_good = seconds(*write, clock=time.perf_counter)
    read, read_files = seconds(read_block, lambda: [path.read_bytes() for path in paths])
    one, one_file = seconds(read_one, lambda: [paths[len(plots) // 2].read_bytes() for _ in range(100)])
    one_file /= 100
    images = sum(len(plot.png) for plot in plots)
    rows = [
        ("files", "1", f"{len(paths)}"),
        ("size, MB", f"{block.stat().st_size / 1e6:.2f}", f"{images / 1e6:.2f}"),
        ("room on this disk, MB", f"{on_disk([block]) / 1e6:.2f}", f"{on_disk(paths) / 1e6:.2f}"),
        (
            "writing, s on the clock",
            f"{wrote:.2f} (synced, read back, every image compared)",
            f"{loosely:.2f}; {for_good:.2f} with every file synced",
        ),
        (
            "reading all, processor s",
            f"{read:.3f} (every image compared with its SHA-256)",
            f"{read_files:.3f} (not compared)",
        ),
        ("opening and reading one, processor ms", f"{one * 1e3:.1f}", f"{one_file * 1e3:.2f}"),
    ]
    lines = [
        "## A block against a folder of PNG files",
        "",
        f"{TYPES} plot types x {CHUNKS} chunks, {len(plots)} images of 600 x 400, drawn by Hydra: half of them line "
        "plots, a quarter sparse maps, a quarter full ones.",
        "",
        "| | block | folder of files |",
        "|---|---|---|",
        *(f"| {name} | {left} | {right} |" for name, left, right in rows),
        "",
        f"The block is {block.stat().st_size / images:.3f} times as large as its images and takes "
        f"{on_disk([block]) / on_disk(paths):.2f} times the room of the files on this disk. Files written one by one "
        f"and synced take {for_good / wrote:.1f} times as long as the block, without being read back. One image out of "
        f"the block costs as much as {one / one_file:.0f} files, since the index of its {len(plots)} items is read "
        f"first; all of them cost {read / read_files:.1f} times as much as the files, each compared with its SHA-256.",
    ]
    return [*lines, ""]


def compare_inputs(plots: Sequence[Plot], folder: Path) -> list[str]:
    """Compare decoding and resizing images with reading what was kept of them."""
    lines = [
        "## Keeping what networks take",
        "",
        f"Inputs of {INPUT[0]} x {INPUT[1]} pixels, packed with zlib, against decoding the PNG and resizing it.",
        "",
        "| images | PNG, kB | packed, kB | room added | ms: decode and resize | ms: read packed | times as fast "
        "| ms: make it | kept |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    pays: list[str] = []
    for kind in KINDS:
        chosen = [plot for plot in plots if plot.kind == kind][:100]
        path = folder / "inputs.h5"
        write_block(path, items_of(chosen, packed=True), {PREPROCESSING: PREPROCESSING_HASH})
        pixels = [read_image(plot.png) for plot in chosen]
        with Block.open(path) as block:
            numbers = range(len(chosen))
            plain, kept, made = seconds(
                lambda block=block, numbers=numbers: [  # type: ignore[misc]
                    model_input(read_image(block.data(number)), INPUT) for number in numbers
                ],
                lambda block=block, numbers=numbers: [  # type: ignore[misc]
                    block.model_input(number, INPUT, PREPROCESSING_HASH) for number in numbers
                ],
                lambda pixels=pixels: [pack_input(model_input(one, INPUT)) for one in pixels],  # type: ignore[misc]
            )
            sizes = [(len(plot.png), len(block.packed(number))) for number, plot in enumerate(chosen)]
        png, packed = (sum(column) / len(sizes) for column in zip(*sizes, strict=True))
        share = sum(small <= large for large, small in sizes) / len(sizes)
        per, kept_per, make = (took / len(chosen) * 1e3 for took in (plain, kept, made))
        lines.append(
            f"| {kind} | {png / 1e3:.1f} | {packed / 1e3:.1f} | {100 * packed / png:.0f} % | {per:.2f} "
            f"| {kept_per:.2f} | {per / kept_per:.1f} | {make:.2f} | {100 * share:.0f} % |"
        )
        looks = make / (per - kept_per) if per > kept_per else float("inf")
        verdict = "pays with the first look" if looks <= 1 else f"pays from look {np.ceil(looks):.0f} on"
        gain = (per - kept_per) / (packed / 1e3)
        pays.append(
            f"- {kind}: {verdict} in time; {gain:.2f} ms saved a look for each kB of room; "
            f"{'kept' if share > 0.5 else 'not kept'} by `keep_model_input`"
        )
    return [
        *lines,
        "",
        "Processor time. An input is made while the image is decoded anyhow, to see whether it is whole. Where keeping "
        "it pays:",
        "",
        *pays,
        "",
        "An input is kept only where it is not larger than its image (the last column says of how many that is so), so "
        "a block grows at most to twice its images.",
        "",
    ]


def add_parts(plots: Sequence[Plot], folder: Path) -> list[str]:
    """Measure what bin contents add."""
    sizes = []
    for number, more in enumerate(({}, {"bins": True})):
        path = folder / f"part{number}.h5"
        write_block(path, items_of(plots, **more), {})
        sizes.append(path.stat().st_size)
    return [
        "## Bin contents",
        "",
        f"The same block with the bin contents of every plot: {sizes[1] / 1e6:.2f} MB against {sizes[0] / 1e6:.2f} MB "
        f"with the images alone, {100 * (sizes[1] / sizes[0] - 1):.0f} % more.",
        "",
    ]


def cpu_of_stages(root: Path, plots: Sequence[Plot]) -> dict[str, float]:
    """Take one run of plots through the stages in this process; return the processor seconds of each."""
    site = make_site(
        root,
        name="bench",
        experiment="bench",
        sections={"intake": {"settle_s": 0.0, "new_types": "accept"}},
        plots=(),
        classes=DEFAULT_CLASSES,
    )
    engine, _ = open_database(site)
    folder = site.intake / "Run000007"
    folder.mkdir(parents=True)
    for plot in plots:
        (folder / f"{plot.name}_{plot.chunk:04d}.png").write_bytes(plot.png)
    writing(engine, lambda connection: add_pass(connection, "bench", "w/bench", (1, 9), str(site.intake)))
    with reading(engine) as connection:
        row = get_pass(connection, "bench")
    announce(site, engine, row, [7])
    took = {}
    for stage in STAGES:
        begun = time.process_time()
        stage(RunContext(site, engine, row, 7))
        took[stage.__name__] = time.process_time() - begun
    engine.dispose()
    return took


def compare_runs(plots: Sequence[Plot], folder: Path) -> list[str]:
    """Compare a run of one image with a run of all."""
    cpu_of_stages(folder / "warm", plots[:1])
    small = [cpu_of_stages(folder / f"small{turn}", plots[:1]) for turn in range(TURNS)]
    large = cpu_of_stages(folder / "large", plots)
    lines = [
        "## A run of one image against a run of many",
        "",
        f"Processor seconds in one process that is warm, no model: a run of 1 image (median of {TURNS}) and one of "
        f"{len(plots)}. The start of Python and Cylc come on top ([pass.md](pass.md)).",
        "",
        "| stage | 1 image, s | all, s | fixed part, ms | ms an image |",
        "|---|---|---|---|---|",
    ]
    fixed_sum = each_sum = 0.0
    for stage in STAGES:
        name = stage.__name__
        one, all_of_them = median(turn[name] for turn in small), large[name]
        each = (all_of_them - one) / (len(plots) - 1)
        fixed_sum, each_sum = fixed_sum + one - each, each_sum + each
        lines.append(f"| {name} | {one:.3f} | {all_of_them:.2f} | {(one - each) * 1e3:.0f} | {each * 1e3:.2f} |")
    lines.append(f"| all | | | {fixed_sum * 1e3:.0f} | {each_sum * 1e3:.2f} |")
    return [
        *lines,
        "",
        f"The fixed part of a run is worth {fixed_sum / each_sum:.0f} images.",
    ]


@pytest.mark.bench
def test_the_archive_is_measured(tmp_path: Path) -> None:
    """Measure and write the page."""
    plots = draw_plots()
    lines = [
        "# What the archive costs",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. Files were in the memory of the system when they were read.",
        "",
        *compare_forms(plots, tmp_path),
        *compare_inputs(plots, tmp_path),
        *add_parts(plots, tmp_path),
        *compare_runs(plots, tmp_path),
    ]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    assert len(plots) == TYPES * CHUNKS
    assert all(Image.open(io.BytesIO(plot.png)).size == (600, 400) for plot in plots[:8])
