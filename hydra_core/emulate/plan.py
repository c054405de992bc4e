"""What happens in the demo experiment: which runs are taken when, and which fault is planted where.

The story of a run depends on the seed and its place in the list alone, so a larger demo begins with the same runs; only
the phase in which a run arrives depends on how many there are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

from hydra_core.base.clock import iso
from hydra_core.base.errors import HydraError
from hydra_core.config.plots import PlotType
from hydra_core.config.training import PlotTraining
from hydra_core.emulate.catalogue import demo_names, demo_plot
from hydra_core.emulate.plots import FIRST_RUN, rng_for
from hydra_core.emulate.story import CYCLE, STORY, Chapter, planted_elsewhere

Phase = Literal["history", "late_run", "late_chunk", "fresh"]
PERIOD, VERSION = "RunPeriod-2026-01", "rawdata_ver01"
CHUNK_S = 300
DEFAULT_SEED = 20260117
_FIRST_START = datetime(2026, 1, 17, 20, 4, 49, tzinfo=UTC)
_BETWEEN_RUNS = timedelta(hours=5, minutes=30)
MAX_RUNS, MAX_CHUNKS = 20_000, 5_000


@dataclass(frozen=True)
class Planted:
    """One planted fault.

    Attributes
    ----------
    plot
        Name of the plot type, or None for a fault of the whole run.
    fault
        Its name: one of ``faults.FAULTS`` or ``faults.FILE_FAULTS``.
    chunks
        The chunks that have it; empty for a plot of the whole run or a fault of the whole run.
    part
        Which board or sector fails, counted through the types' own numbers.
    amount
        Strength; None for the fault's usual one.
    """

    plot: str | None
    fault: str
    chunks: tuple[int, ...] = ()
    part: int = 0
    amount: float | None = None


@dataclass(frozen=True)
class DemoRun:
    """One run of the demo experiment.

    Attributes
    ----------
    phase
        ``history``: there from the start; ``late_run``: arrives when later runs are done; ``fresh``: arrives after
        the experts' labels were used.
    late_chunks
        Chunks of a history run that arrive when the run has been judged already.
    """

    number: int
    phase: Phase
    beam_current_na: float
    start: datetime
    planted: tuple[Planted, ...]
    late_chunks: tuple[int, ...] = ()

    @property
    def has_images(self) -> bool:
        """Whether the run made any plot at all."""
        return all(fault.fault != "run_without_images" for fault in self.planted)

    @property
    def has_beam(self) -> bool:
        """Whether there was beam."""
        return self.beam_current_na > 5.0

    def folder(self) -> str:
        """Return the producers' folder of the run, relative to the intake folder."""
        return f"{PERIOD}/{VERSION}/Run{self.number:06d}"

    def conditions(self) -> dict[str, object]:
        """Return what ``metadata.json`` says of the run."""
        return {
            "beam_current_nA": self.beam_current_na,
            "run_type": "production",
            "start": iso(self.start),
            "chunk_s": CHUNK_S,
        }


@dataclass(frozen=True)
class PlanFile:
    """One file of the demo: an image, or a run's ``metadata.json`` where `plot` is None."""

    path: str
    run: DemoRun
    plot: str | None
    chunk: int | None
    phase: Phase


@dataclass(frozen=True)
class DemoPlan:
    """The whole demo, before anything is written.

    Attributes
    ----------
    names
        Plot types: chunked ones first, then those drawn once a run.
    chunks
        Chunks in each run, numbered from 1.
    """

    seed: int
    names: tuple[str, ...]
    chunks: int
    runs: tuple[DemoRun, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything in the plan: equal plans write equal files."""
        text = json.dumps(asdict(self), sort_keys=True, default=iso)
        return hashlib.sha256(text.encode()).hexdigest()

    def in_phase(self, phase: Phase) -> tuple[DemoRun, ...]:
        """Return the runs that arrive as a whole in a phase, by number."""
        return tuple(run for run in self.runs if run.phase == phase)

    def files(self) -> Iterator[PlanFile]:
        """Yield every file; the conditions of a run before its images."""
        for run in self.runs:
            yield PlanFile(f"{run.folder()}/metadata.json", run, None, None, run.phase)
            if not run.has_images:
                continue
            for name in self.names:
                if not demo_plot(name).chunked:
                    yield PlanFile(f"{run.folder()}/{name}.png", run, name, None, run.phase)
                    continue
                for chunk in range(1, self.chunks + 1):
                    phase: Phase = "late_chunk" if chunk in run.late_chunks else run.phase
                    yield PlanFile(f"{run.folder()}/{name}_{chunk:04d}.png", run, name, chunk, phase)

    def withheld(self, phase: Phase) -> tuple[str, ...]:
        """Return the relative paths that `release` must be given for a phase, in the order in which they arrive."""
        return tuple(file.path for file in self.files() if file.phase == phase and phase != "history")


def plan_demo(runs: int = 14, plot_types: int = 8, chunks: int = 6, seed: int = DEFAULT_SEED) -> DemoPlan:
    """Plan a demo.

    Parameters
    ----------
    runs
        How many runs; below 4 there is no late and no fresh run.
    plot_types
        How many chunked plot types; what is drawn once a run comes in addition.
    chunks
        Chunks in each run.
    seed
        Any whole number from 0.

    Raises
    ------
    HydraError
        When a number is out of range.
    """
    if not (1 <= runs <= MAX_RUNS and 1 <= chunks <= MAX_CHUNKS and seed >= 0):
        raise HydraError(
            f"a demo of {runs} runs with {chunks} chunks and seed {seed} cannot be made",
            next_step=f"choose 1 to {MAX_RUNS} runs, 1 to {MAX_CHUNKS} chunks and a seed from 0",
        )
    names = demo_names(plot_types)
    phases = _phases(runs)
    late_chunk_run = _late_chunk_run(phases) if chunks > 1 else None
    planned, number = [], FIRST_RUN
    for index in range(runs):
        planned.append(_run(index, number, phases[index], names, chunks, seed, index == late_chunk_run))
        number += 1 + int(rng_for(seed, "gap", index).geometric(0.4))
    return DemoPlan(seed, names, chunks, tuple(planned))


def demo_plot_types(plan: DemoPlan) -> tuple[PlotType, ...]:
    """Return the entries of ``plots.toml`` for a plan's plot types."""
    return tuple(
        PlotType(
            name=plot.name,
            chunked=plot.chunked,
            display=plot.display,
            group=plot.group,
            contact=plot.contact,
            description=plot.description,
            expected=True,
            training=PlotTraining(augment=plot.augment) if plot.augment else None,
        )
        for plot in map(demo_plot, plan.names)
    )


def _run(
    index: int, number: int, phase: Phase, names: tuple[str, ...], chunks: int, seed: int, late_chunk: bool
) -> DemoRun:
    chapter = STORY[index % CYCLE]
    rng = rng_for(seed, "conditions", index)
    current = round(float(rng.normal(150.0, 4.0)), 1) if chapter.beam else round(float(rng.uniform(0.0, 0.4)), 1)
    start = _FIRST_START + index * _BETWEEN_RUNS + (index > 0) * timedelta(seconds=int(rng.integers(0, 1500)))
    planted = list(_planted(index, chapter, names, chunks, seed))
    late = (chunks // 2 + 1,) if late_chunk else ()
    if phase == "late_run":
        planted.append(Planted(None, "late_run"))
    if late:
        planted.append(Planted(None, "late_chunk", late))
    return DemoRun(number, phase, current, start, tuple(planted), late)


def _planted(index: int, chapter: Chapter, names: tuple[str, ...], chunks: int, seed: int) -> Iterator[Planted]:
    if not chapter.images:
        yield Planted(None, "run_without_images")
        return
    if not chapter.beam:
        every = tuple(range(1, chunks + 1))
        for name in names:
            yield Planted(name, "empty_without_beam", every if demo_plot(name).chunked else ())
        return
    wanted = [*chapter.faults, *planted_elsewhere(index, names)]
    for order, scripted in enumerate(wanted):
        if scripted.plot not in names:
            continue
        chunked = demo_plot(scripted.plot).chunked
        hit = tuple(chunk for chunk in range(1, chunks + 1) if (chunk - 1) % 6 + 1 in scripted.chunks)
        if chunked and not hit:
            continue
        rng = rng_for(seed, "part", scripted.plot, index, order)
        # A later turn of the story plants its faults in other parts.
        part = index * 7 + order if scripted.part is None else scripted.part + 11 * (index // CYCLE)
        amount = scripted.amount
        if amount is not None and index >= CYCLE:
            amount *= float(rng.uniform(0.85, 1.25))
        yield Planted(scripted.plot, scripted.fault, hit if chunked else (), part, amount)


def _phases(runs: int) -> list[Phase]:
    fresh = 0 if runs < 4 else max(1, round(3 * runs / 14))
    phases: list[Phase] = ["history" if index < runs - fresh else "fresh" for index in range(runs)]
    if fresh:
        phases[_nearest(runs - fresh, 0.64, lambda index: STORY[index % CYCLE].beam and index > 0)] = "late_run"
    return phases


def _late_chunk_run(phases: list[Phase]) -> int | None:
    history = sum(phase != "fresh" for phase in phases)

    def suits(index: int) -> bool:
        chapter = STORY[index % CYCLE]
        return phases[index] == "history" and chapter.beam and chapter.images

    return _nearest(history, 0.36, suits) if len(phases) >= 4 else None


def _nearest(count: int, fraction: float, suits: Callable[[int], bool]) -> int:
    return min(range(count), key=lambda index: (not suits(index), abs(index - fraction * count)))
