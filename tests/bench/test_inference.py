"""What it costs to judge a run of 80 plots: image by image with Keras, Keras in batches, and Hydra's jobs.

Run by ``make bench``; writes ``docs/results/inference.md``. Every way is a whole process, start included, pinned to one
core and to two, in turns, so that a change of the machine's load meets all of them.
"""

from __future__ import annotations

import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.base.clock import now
from hydra_core.config.load import load_site
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.plots import make_item
from hydra_core.intake.histograms.draw import draw_png
from hydra_core.intake.images import read_image
from hydra_core.judge.rules import LOOK
from hydra_core.models.asked import InputSpec
from hydra_core.models.engine import Engine, read_card
from hydra_core.models.export import Exported, convert, export, predict_keras
from hydra_core.models.int8 import Trial
from hydra_core.models.lazy import tensorflow
from hydra_core.models.networks import build
from hydra_core.models.pixels import model_input, preprocessing_hash
from hydra_core.models.precision import machine_has_bf16
from hydra_core.models.quantise import quantise
from hydra_core.models.spec import ModelCard
from hydra_core.stages.chunk_images import chunk_images
from hydra_core.stages.classify import classify
from hydra_core.stages.judge import judge
from hydra_core.stages.judging import rules_in_force
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import ThresholdRow, add_judging_set, add_model, set_model_status
from hydra_core.store.schema import Verdict
from hydra_core.store.session import reading, writing
from tests.colours import CDC, CLASSES, card
from tests.small_deployment import SITE, Deployment, open_deployment

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results" / "inference.md"
NETWORKS = {"inceptionv3": 299, "compact": 128}
PLOTS, BAD, ROUNDS = 80, 8, 2
#: So many seconds are short, and so often a short way is measured in a round.
SHORT = 8
FIRST, MANY, ONE, CALM = 10, 11, 12, 13
#: Difference of the two logits of each plot.
SURE = 4.0


@dataclass
class Cost:
    """The cheapest of several rounds: wall seconds, processor seconds, MiB."""

    wall: float = float("inf")
    cpu: float = float("inf")
    memory: float = 0.0

    def take(self, wall: float, cpu: float, memory: float) -> None:
        self.wall, self.cpu, self.memory = min(self.wall, wall), min(self.cpu, cpu), max(self.memory, memory)


#: A small program that starts another one: the memory of a child counts from what its parent had.
LAUNCH = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
said = child.stdout.read().decode()
_, status, used = os.wait4(child.pid, 0)
wall, cpu = time.perf_counter() - begun, used.ru_utime + used.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), wall, cpu, used.ru_maxrss / 1024, said]))
os._exit(0)
"""


def run(command: list[str], cores: int, **environment: str) -> tuple[float, float, float, str]:
    """Run a program on so many cores; return wall seconds, processor seconds, MiB and what it printed."""
    threads = {"HYDRA_THREADS": str(cores), "OMP_NUM_THREADS": str(cores)}
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **threads, **environment}
    pinned = ["taskset", "-c", ",".join(map(str, range(cores))), *command]
    launch = [sys.executable, "-S", "-c", LAUNCH, *pinned]
    done = subprocess.run(launch, capture_output=True, text=True, env=env, cwd=ROOT, check=True)
    code, wall, cpu, memory, said = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, (command, said)
    return wall, cpu, memory, said


def make_model(folder: Path, name: str, side: int, plots: list[bytes]) -> None:
    """Write a network with fresh weights as Keras and as Hydra keep it."""
    _, keras = tensorflow()
    keras.utils.set_random_seed(3)
    spec = InputSpec(size=(side, side))
    images = np.stack([model_input(read_image(data), spec) for data in plots])
    model = build(name, spec.size, 2)
    # Sure of itself, as trained networks mostly are: else every image would lie near a decision. Exactly the first ones
    # are called Bad, so that every way makes heat maps of the same plots.
    # In 8 bits, too: with fresh weights a change of features means anything.
    features = np.concatenate([predict_keras(model, images).embed, features_in_8_bits(model, images, folder)])
    logits = np.tile(np.where(np.arange(len(plots)) < BAD, SURE, -SURE), 2)
    bad, *_ = np.linalg.lstsq(features.astype(np.float64), logits, rcond=None)
    model.get_layer("cam").kernel.assign(np.stack([-bad / 2, bad / 2], axis=1)[None, None].astype(np.float32))
    model.save_weights(folder / "start.weights.h5")

    def card_of(exported: Exported) -> ModelCard:
        values = card(
            datetime(2026, 1, 1, tzinfo=UTC),
            network=name,
            size=spec.size,
            preprocessing=preprocessing_hash(spec),
            files=exported.files,
            golden=exported.golden,
            int8=exported.int8,
        )
        return ModelCard.model_validate(values)

    # The number that the gate wants; these plots prove nothing of decisions, and are not meant to.
    often = np.concatenate([images] * 2)
    export(
        model,
        images[:12],
        folder / "model",
        card_of,
        classes=CLASSES,
        threads=1,
        good=images[BAD:],
        trial=Trial(images, often, often, np.full(2, 0.5)),
    )


def features_in_8_bits(model: Any, images: np.ndarray, folder: Path) -> np.ndarray:
    """Return what the last layer is given in 8 bits; it stays in f32 itself, so its weights do not matter."""
    convert(model, folder / "any.xml")
    quantise(folder / "any.xml", folder / "any-int8.xml", images)
    data = [(folder / f"any-int8.{kind}").read_bytes() for kind in ("xml", "bin")]
    engine = Engine.compile(*data, size=images.shape[1:3], threads=1, precision="int8")
    return engine.predict(images).embed


def set_precision(site: Path, side: int, precision: str) -> None:
    """Write the settings of the deployment; jobs read them when they start."""
    settings = f'{SITE}[training]\nsize = [{side}, {side}]\n[inference]\nprecision = "{precision}"\n'
    (site / "site.toml").write_text(settings, encoding="utf-8")


def make_site(folder: Path, side: int, plots: list[bytes], opening: ExitStack) -> Deployment:
    """Return a deployment with runs read in: 80 plots of which 8 are judged Bad, one plot, and the good ones alone."""
    deployment = open_deployment(folder / "site", opening)
    set_precision(folder / "site", side, "f32")
    deployment = replace(deployment, site=load_site(folder / "site"))
    for number, count in ((FIRST, 1), (MANY, PLOTS), (ONE, 1), (CALM, PLOTS - BAD)):
        deployment.put(number, "metadata.json", b'{"beam_current_nA": 100}')
        # A single one is good, so that the first verdict waits for no heat map.
        for chunk, data in enumerate(plots[-count:]):
            deployment.put(number, f"CDC_{chunk:04d}.png", data)

    def live(connection: Connection) -> None:
        kind = plot_type_ids(connection, [CDC])[CDC]
        target = deployment.site.model_folder(CDC, "bench")
        shutil.copytree(folder / "model", target)
        _, identity = read_card(target)
        rows = [ThresholdRow(known, 0.5, "a bench", 4) for known in CLASSES]
        model = add_model(connection, kind, "bench", identity, "bench", rows, [])
        set_model_status(connection, model.id, "live", "a bench")
        add_judging_set(connection, "a bench", rules_in_force(deployment.site))

    # A run keeps the judging set of its first reading, and a model needs its plot type to be known.
    deployment.want(FIRST)
    chunk_images(deployment.context(FIRST))
    writing(deployment.engine, live)
    for number in (MANY, ONE, CALM):
        deployment.want(number)
        chunk_images(deployment.context(number))
    classify(deployment.context(MANY))
    judge(deployment.context(MANY))
    with reading(deployment.engine) as connection:
        flagged = connection.execute(
            sa.select(sa.func.count()).where(Verdict.severity >= LOOK, Verdict.model_id.is_not(None))
        ).scalar_one()
    assert flagged == BAD, f"{flagged} plots need a look"
    return deployment


def measure(name: str, side: int, folder: Path, plots: list[bytes], cores: tuple[int, ...]) -> dict[str, Any]:
    (folder / "plots").mkdir(parents=True)
    for number, data in enumerate(plots):
        (folder / "plots" / f"{number:03d}.png").write_bytes(data)
    (folder / "bad.txt").write_text(str(BAD), encoding="utf-8")
    (folder / "network.txt").write_text(f"{name} {side}", encoding="utf-8")
    make_model(folder, name, side, plots)
    found: dict[str, Any] = {}
    with ExitStack() as opening:
        deployment = make_site(folder, side, plots, opening)

        def job(task: str, number: int) -> tuple[list[str], dict[str, str]]:
            environment = {
                "HYDRA_SITE": str(deployment.site.folder),
                "HYDRA_PASS": deployment.row.name,
                "CYLC_TASK_CYCLE_POINT": str(number),
                "CYLC_TASK_NAME": task,
            }
            return [sys.executable, str(ROOT / "tasks" / f"{task}.py")], environment

        def way(told: str, count: int) -> tuple[list[str], dict[str, str]]:
            script = str(Path(__file__).with_name("ways_of_judging.py"))
            return [sys.executable, script, told, str(folder), str(count)], {}

        for count in cores:
            precision = "bf16" if machine_has_bf16() else "f32"
            made, _ = read_card(folder / "model")
            extra = () if made.int8.why_not else ("int8",)
            costs = {told: Cost() for told in ("one_by_one", "batches", "classify", "first", "calm", "judge", *extra)}
            for _ in range(ROUNDS):
                asked = {
                    "one_by_one": way("one_by_one", count),
                    "batches": way("batches", count),
                    "classify": job("classify", MANY),
                    "first": job("classify", ONE),
                    "calm": job("classify", CALM),
                    "judge": job("judge", MANY),
                    **{told: job("classify", MANY) for told in extra},
                }
                for told, (command, environment) in asked.items():
                    set_precision(folder / "site", side, told if told in extra else precision)
                    # Short ones are done more often: a second of another program would be a large part of theirs.
                    for _ in range(SHORT if costs[told].wall < SHORT or told == "first" else 1):
                        wall, cpu, memory, _ = run(command, count, **environment)
                        costs[told].take(wall, cpu, memory)
            rates = {
                kind: json.loads(run(way(f"bare-{kind}", count)[0], count)[3])
                for kind in dict.fromkeys(("f32", precision, *extra))
            }
            found[str(count)] = (costs, rates, precision)
    return found


def rows_of(
    name: str, count: str, costs: dict[str, Cost], rates: dict[str, dict[str, float]], precision: str
) -> dict[str, str]:
    original, classified, after = costs["one_by_one"], costs["classify"], costs["judge"]
    whole = Cost(classified.wall + after.wall, classified.cpu + after.cpu, max(classified.memory, after.memory))

    def row(words: str, cost: Cost) -> str:
        return (
            f"| {name} | {count} | {words} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.memory:.0f} "
            f"| {original.wall / cost.wall:.1f} | {original.cpu / cost.cpu:.1f} |"
        )

    each = 1000 * (costs["calm"].cpu - costs["first"].cpu) / (PLOTS - BAD - 1)
    heat = 1000 * (classified.cpu - costs["calm"].cpu - BAD * each / 1000) / BAD
    in_8_bits = f"{rates['int8']['images_per_s']:.1f}" if "int8" in rates else "-"
    return {
        "whole": "\n".join(
            [
                row("image by image, Grad-CAM by tape", original),
                row("Keras in batches of 32, no heat maps", costs["batches"]),
                row(f"Hydra, `classify`, heat maps made ({precision})", classified),
                *([row("Hydra, `classify`, heat maps made (int8)", costs["int8"])] if "int8" in costs else []),
                row(f"Hydra, `classify` and `judge` ({precision})", whole),
            ]
        ),
        "engine": (
            f"| {name} | {count} | {costs['first'].wall:.2f} | {costs['first'].cpu:.2f} "
            f"| {rates['f32']['images_per_s']:.1f} | {rates[precision]['images_per_s']:.1f} "
            f"| {in_8_bits} | {rates[precision]['cpu_ms']:.2f} | {each:.2f} | {rates[precision]['cpu_ms'] / each:.0%} "
            f"| {heat:.0f} |"
        ),
    }


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_judging_a_run_is_measured(tmp_path: Path) -> None:
    """Judge the same 80 plots in every way and write the table."""
    # As an installation does: else every start would pay for reading source text.
    compileall.compile_dir(ROOT / "hydra_core", quiet=1)
    kind = demo_plot("CDC_occupancy")
    plots = [draw_png(make_item(kind, 5, 130_000 + i, 0), scale=kind.scale) for i in range(PLOTS)]
    allowed = len(os.sched_getaffinity(0))
    cores = tuple(count for count in (1, 2) if count <= allowed)
    loads = [os.getloadavg()[0]]
    whole, engine = [], []
    for name, side in NETWORKS.items():
        found = measure(name, side, tmp_path / name, plots, cores)
        loads.append(os.getloadavg()[0])
        for count, (costs, rates, precision) in found.items():
            rows = rows_of(name, count, costs, rates, precision)
            whole.append(rows["whole"])
            engine.append(rows["engine"])
    bf16 = "has bf16" if machine_has_bf16() else "has no bf16"
    lines = [
        "# What it costs to judge a run",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. The processor {bf16}. Load average of the machine before, between and after: "
        f"{', '.join(f'{load:.1f}' for load in loads)}; this bench itself makes 1 to 2.",
        "",
        f"A run of {PLOTS} plots (PNG, 600 x 400) of one type, of which {BAD} get a heat map. Whole processes, start "
        f"of Python included; the least of {ROUNDS} rounds, all ways in turns, pinned to the cores. InceptionV3 at 299 "
        "pixels, compact at 128, with fresh weights (speed does not depend on them).",
        "",
        "- *image by image*: the plots as files, one at a time through Keras' `predict`, and a gradient tape for each "
        "plot that gets a heat map, as the online Hydra is documented to do.",
        "- *Hydra*: the jobs as Cylc starts them, database, evidence rows and checks of the model included. `classify` "
        "makes the heat maps of what its models flag. `judge`, which the other ways have not, writes verdicts and "
        "incidents and keeps the maps with the run; with them no third job is needed. *int8*: the engine in 8 bits, "
        "where the processor has VNNI; the last layer was fitted to its features as well as to those of f32, so that "
        "both call the same plots Bad; the band for a second look is what was measured on these plots.",
        "",
        "| network | cores | way | wall s | CPU s | MiB | times faster, wall | times less CPU |",
        "|---|---|---|---|---|---|---|---|",
        *whole,
        "",
        "## Start, and how near to the engine's own speed",
        "",
        "*First verdict*: the whole `classify` job of a run with one plot. *Bare*: the engine alone on images that lie "
        "ready. *In the job*: what one more plot without a heat map costs `classify`, reading and evidence included. "
        "*A heat map*: what it costs `classify` besides, a share of compiling what makes them included. The last four "
        "columns are processor time, as that depends less on what else the machine does.",
        "",
        "| network | cores | first verdict, wall s | CPU s | bare f32, images/s | bare as used | bare int8 "
        "| bare, CPU ms a plot | in the job, CPU ms a plot | share | a heat map, CPU ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *engine,
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    assert len(whole) == len(NETWORKS) * len(cores)
