"""Believable views for pages: a small experiment with a dead sector, odd timing and all else that happens."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import numpy as np
from PIL import Image, ImageDraw

from hydra_core.report.paths import revision_href
from hydra_core.report.site_views import (
    FrontView,
    LibraryView,
    ModelView,
    NewTypeView,
    PassSummary,
    StatusView,
    TaskTiming,
)
from hydra_core.report.views import (
    Card,
    ClassStyle,
    EvidenceLine,
    HeatMap,
    IncidentView,
    IndexView,
    PlotCell,
    PlotColumn,
    RunRow,
    RunView,
)

NOW = datetime(2026, 11, 21, 20, 4, 49, tzinfo=UTC)
PASS = "2026-01/ver02"
EXPERIMENT = "Demo experiment"
CLASSES = (
    ClassStyle("Good", "#1b9e77", False, normal=True),
    ClassStyle("Acceptable", "#66a61e", False, normal=True),
    ClassStyle("Bad", "#d43d1a", True),
    ClassStyle("NoData", "#8c7b6b", False),
    ClassStyle("HotChannel", "#c9a400", True),
    ClassStyle("Cosmic", "#3f9c93", False),
    ClassStyle("LED", "#6a5acd", False),
)
DETECTORS = {
    "CDC": ("occupancy", "dEdx_vs_p", "time_to_distance", "residuals", "straw_efficiency", "gain"),
    "FDC": ("occupancy", "strip_pulls", "drift_time", "residuals", "package_1", "package_2"),
    "BCAL": ("occupancy", "adc_pedestal", "cluster_energy", "attenuation", "pi0_mass", "timing"),
    "FCAL": ("occupancy", "cluster_energy", "pi0_mass", "pulse_shape", "timing", "pedestal"),
    "TOF": ("matching", "occupancy", "ADC_walk", "time_difference", "paddle_ends"),
    "RF": ("timing", "period", "TDC_spread"),
    "Tagger": ("hodoscope_occupancy", "microscope_occupancy", "timing", "rate", "coincidence"),
    "Trigger": ("bits", "rates", "latency", "prescale"),
    "Kinematics": ("omega_mass", "rho_mass", "missing_mass", "vertex_xy", "vertex_z", "phi_angle"),
    "DIRC": ("occupancy", "LED_time", "hit_pattern"),
}
KINDS = ("map", "spectrum", "peak", "profile", "ring")


@cache
def drawn(kind: str, seed: int, fault: str = "", size: tuple[int, int] = (6, 4)) -> bytes:
    """Return a plot as a producer would make it: matplotlib, white, with a title and axes (PNG)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    rng = np.random.default_rng(seed)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    axes = figure.add_subplot()
    if kind in ("map", "ring"):
        y, x = np.mgrid[0:48, 0:72]
        rate = (
            60 * np.exp(-((x - 36) ** 2 + (y - 24) ** 2) / 900)
            if kind == "map"
            else 70 * np.exp(-((np.hypot((x - 36) / 1.4, y - 24) - 15) ** 2) / 12)
        )
        hits = rng.poisson(rate + 3).astype(float)
        if fault == "dead":
            hits[8:26, 44:62] = 0
        if fault == "hot":
            hits[30, 20] = 900
        if fault == "empty":
            hits[:] = 0
        picture = axes.imshow(hits, origin="lower", aspect="auto", cmap="viridis" if seed % 2 else "turbo")
        figure.colorbar(picture, ax=axes)
        axes.set(xlabel="column", ylabel="row")
    elif kind == "spectrum":
        values = np.concatenate([rng.exponential(1.1, 20000), rng.normal(3.2 + (1.3 if fault else 0), 0.22, 6000)])
        axes.hist(values, bins=120, range=(0, 6), histtype="stepfilled", color="#4477aa", alpha=0.8)
        axes.set(xlabel="energy (GeV)", ylabel="entries", yscale="log" if seed % 3 == 0 else "linear")
    elif kind == "peak":
        width = 2.1 if fault else 0.35
        counts, edges = np.histogram(rng.normal(0.6 if fault else 0, width, 20000), bins=100, range=(-4, 4))
        axes.step(edges[:-1], counts, where="post", color="black")
        grid = np.linspace(-4, 4, 300)
        axes.plot(grid, counts.max() * np.exp(-(grid**2) / (2 * width**2)), color="tab:red")
        axes.set(xlabel="$\\Delta t$ (ns)", ylabel="entries")
    else:
        channels = np.arange(64)
        level = 1 + 0.05 * rng.standard_normal(64)
        if fault:
            level[20:28] = 0.3
        axes.errorbar(channels, level, yerr=0.05, fmt="o", markersize=3, color="#222255")
        axes.axhline(1, color="gray", linewidth=0.8)
        axes.set(xlabel="channel", ylabel="relative gain", ylim=(0, 1.4))
    axes.set_title({"map": "occupancy", "ring": "hit pattern"}.get(kind, kind))
    axes.tick_params(direction="in")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


@cache
def simple(seed: int, width: int = 400, height: int = 300) -> bytes:
    """Return a small drawn image in a millisecond, where a test needs any image (PNG)."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    rng = random.Random(seed)
    top = [rng.randrange(height // 4, height - 2) for _ in range(24)]
    for position, level in enumerate(top):
        left = position * width // 24
        pen.rectangle([left, height - level, left + width // 24 - 1, height], fill=(60, 110, 160))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def later(kind: str, seed: int, fault: str = "") -> partial:
    """Return what draws a plot when it is asked for."""
    return partial(drawn, kind, seed, fault)


def blob(row: float, column: float, height: int = 16, width: int = 24) -> np.ndarray:
    """Return a heat map with one warm place at (row, column), both 0..1; float32 (height, width)."""
    y, x = np.mgrid[0:height, 0:width]
    spot = np.exp(-(((y / height - row) ** 2) + ((x / width - column) ** 2)) / 0.03)
    return spot.astype(np.float32)


def card(plot: str = "CDC_occupancy", chunk: int | None = None, *, image=None, **changes) -> Card:
    """Return a good card, changed as asked; `image` is bytes, or what makes them when the page is made."""
    image = image or partial(simple, 3)
    make = image if callable(image) else lambda: image
    name = changes.get("class_name", "Good")
    values: dict[str, object] = dict(  # noqa: C408 (reads as the call that it becomes)
        plot=plot, plot_slug=plot + ("" if chunk is None else "~chunks"), chunk=chunk, state="confirmed",
        class_name=name, severity=0, confidence=0.98, threshold=0.8,
        probabilities=((str(name), 0.98), ("Acceptable", 0.015), ("NoData", 0.005)), reasons=(), next_step="",
        made_at=NOW - timedelta(minutes=12), model=f"{plot}-ver3",
        sha256=hashlib.sha256(repr(image).encode()).hexdigest(),
        source=f"ver02/120445/{plot}.png", width=None, height=None, image=make,
        contact="", description="", group=plot.split("_")[0],
    )  # fmt: skip
    return Card(**{**values, **changes})


def absent(plot: str, state: str, reason: str, **changes) -> Card:
    """Return a card without an image."""
    return replace(
        card(plot, **changes), state=state, class_name=None, severity=2, confidence=None, threshold=None,
        probabilities=(), reasons=(reason,), model=None, sha256=None, image=None,
    )  # fmt: skip


def _faults() -> dict[str, Card]:
    look = "Compare with run 120440, then tell the detector expert."
    return {
        "FDC_strip_pulls": card(
            "FDC_strip_pulls", image=later("spectrum", 71, "shift"), state="novel", class_name=None, severity=2,
            confidence=None, threshold=None, probabilities=(),
            reasons=("The model has never seen anything like this: a second peak at 4.5 GeV.",
                     "The six runs before it agree with one another and not with this one (p = 0.00002)."),
            next_step="Label it, if you know what it is.", contact="fdc-experts@example.org",
            evidence=(
                EvidenceLine("content", "filled", "31 % of its frame differs from the background", (("ink", 0.31),)),
            ),
        ),
        "RF_timing": card(
            "RF_timing", image=later("peak", 72, "wide"), class_name="Bad", severity=3, confidence=0.93,
            probabilities=(("Bad", 0.93), ("Good", 0.05), ("NoData", 0.02)),
            reasons=("The peak is six times wider than in the six runs before.",),
            next_step=look, contact="Timing group, ext. 5012",
            maps=(HeatMap("Bad", "cam", blob(0.7, 0.5)),),
        ),
        "TOF_ADC_walk": card(
            "TOF_ADC_walk", image=later("profile", 73, "low"), state="unconfirmed", class_name="Bad", severity=2,
            confidence=0.61, threshold=0.8, probabilities=(("Bad", 0.61), ("Acceptable", 0.3), ("Good", 0.09)),
            reasons=("Channels 20 to 27 are at 30 % of their usual gain.",),
            next_step="A label helps most here.", contact="tof-experts@example.org",
            maps=(HeatMap("Bad", "cam", blob(0.6, 0.38)),),
        ),
        "BCAL_adc_pedestal": absent("BCAL_adc_pedestal", "unreadable", "The PNG ends after 1,204 of 28,411 bytes."),
        "Tagger_rate": absent("Tagger_rate", "missing", "Expected once a run, and no file came."),
    }  # fmt: skip


def _others(plot: str, number: int) -> Card:
    image = later(KINDS[number % 5], number)
    if number % 23 == 7:
        return card(plot, image=later("map", number, "empty"), state="no_data", class_name="NoData", severity=1,
                    reasons=("Fewer than 10 entries.",))  # fmt: skip
    if number % 23 == 12:
        return card(plot, image=image, class_name="Acceptable", confidence=0.88)
    if number % 23 == 15:
        return card(
            plot, image=image, state="undetermined", class_name=None, confidence=None, threshold=None,
            probabilities=(), model=None, reasons=("Two earlier runs to compare with; five are needed.",),
        )  # fmt: skip
    if number % 23 == 18:
        return card(plot, image=image, class_name="LED", confidence=0.97)
    return card(plot, image=image, confidence=0.9 + (number % 10) / 100)


def run_view(run: int = 120445, revision: int = 1) -> RunView:
    """Return a run of the demo experiment: 50 plot types, two of them in chunks, seven that need a look."""
    cards, special, number = [], _faults(), 0
    for group, names in DETECTORS.items():
        for name in names:
            plot, number = f"{group}_{name}", number + 1
            cards.append(special.get(plot) or replace(_others(plot, number), group=group))
    for chunk in range(9):
        dead = chunk >= 3
        data = later("map", 200 + chunk, "dead" if dead else "")
        bad = card(
            "CDC_occupancy", chunk, image=data, class_name="Bad", severity=3, confidence=0.97, threshold=0.8,
            probabilities=(("Bad", 0.97), ("HotChannel", 0.02), ("Good", 0.01)),
            reasons=("A block of 18 x 18 wires counts nothing.",
                     "The numbers differ from the six runs before by more than chance allows (p < 0.000001)."),
            next_step="Check the high voltage of sector 7; it was fine until chunk 2.",
            contact="cdc-experts@example.org",
            maps=(HeatMap("Bad", "cam", blob(0.62, 0.62)), HeatMap("Bad", "contrast", blob(0.6, 0.64))),
            tested=(197, 204),
            evidence=(
                EvidenceLine("content", "filled", "84 % of its frame differs from the background", (("ink", 0.84),)),
                EvidenceLine("classifier", "ok", "CDC_occupancy-ver3 says Bad.", (("Bad", 0.97), ("Good", 0.01))),
            ),
        )  # fmt: skip
        cards.append(bad if dead else card("CDC_occupancy", chunk, image=data))
    cards += [card("FCAL_led_monitor", chunk, image=later("ring", 300 + chunk)) for chunk in range(9)]
    return RunView(
        pass_name=PASS, run=run, run_name=str(run), revision=revision, experiment=EXPERIMENT, made_at=NOW,
        conditions=(("Beam", "148 nA"), ("Target", "LH2"), ("Events", "41.2 million"), ("Trigger", "PHYSICS")),
        judging_set=14, code_version="1.0.0", task=f"{run}/judge/01",
        archive=f"archive/2026-01/ver02/{run // 1000}/{run}-r{revision}.h5",
        notes=(
            "New since revision 1: chunk 8 of CDC_occupancy (1 plot)."
            if revision > 1
            else "One file matched no rule: notes.txt.",
        ),
        cards=tuple(cards), incidents=incidents()[:2], classes=CLASSES,
    )  # fmt: skip


def good_run(run: int = 120446) -> RunView:
    """Return a run with nothing wrong."""
    plots = tuple(card(name, image=later(KINDS[n % 5], n)) for n, name in enumerate(("CDC_gain", "TOF_rate", "RF_t")))
    return replace(run_view(run), cards=plots, incidents=(), notes=())


HOSTILE = (
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "{{ 7*7 }}{% raise %}",
    "\u202egnp.exe drawn \u05e2\u05d1\u05e8\u05d9\u05ea",
    "emoji \U0001f4a5\U0001f52c\u200d\U0001f9ea",
    "=HYPERLINK(1)",
    "x" * 300,
    "back\\slash 'quote' & amp; \u2028 line",
    "javascript:alert(3)",
)


def hostile_view() -> RunView:
    """Return a run whose every name and sentence comes from somebody unkind."""
    cards = tuple(
        replace(
            card(f"h{number}", severity=2 if number % 2 else 0, class_name="Bad" if number % 2 else "Good"),
            plot=text, reasons=(text,), next_step=text, contact=text, group=text, source=text, model=text,
            description=text, probabilities=((text, 0.5),), evidence=(EvidenceLine(text, text, text, ((text, 1.0),)),),
            maps=(HeatMap(text, "cam", blob(0.5, 0.5)),), label=text,
        )
        for number, text in enumerate(HOSTILE)
    )  # fmt: skip
    return replace(
        run_view(7), cards=cards, experiment=HOSTILE[0], run_name=HOSTILE[1], notes=HOSTILE, code_version=HOSTILE[0],
        task=HOSTILE[1], archive=HOSTILE[3], conditions=tuple((text, text) for text in HOSTILE),
        incidents=tuple(replace(incidents()[0], plot=text, sentence=text) for text in HOSTILE),
    )  # fmt: skip


def incidents() -> tuple[IncidentView, ...]:
    """Return what is open in the demo pass, worst first."""
    return (
        IncidentView("CDC_occupancy", "CDC_occupancy~chunks", "Bad", "confirmed", 120443, 3, 120445, 8, 24,
                     "CDC_occupancy: Bad from run 120443, chunk 3 to run 120445, chunk 8, 24 chunks in a row"),
        IncidentView("RF_timing", "RF_timing", "Bad", "confirmed", 120445, None, 120445, None, 1,
                     "RF_timing: Bad in run 120445"),
        IncidentView("FDC_strip_pulls", "FDC_strip_pulls", None, "novel", 120441, None, 120445, None, 5,
                     "FDC_strip_pulls: novel from run 120441 to run 120445, 5 runs in a row"),
    )  # fmt: skip


def columns(types: int = 80) -> tuple[PlotColumn, ...]:
    """Return the columns of the index."""
    names = [(group, f"{group}_{name}") for group, names in DETECTORS.items() for name in names]
    names += [("Online", f"Online_monitor_{number:02d}") for number in range(max(0, types - len(names)))]
    return tuple(PlotColumn(name, name, group, "expert@example.org", "") for group, name in names[:types])


def row(run: int, plots: tuple[PlotColumn, ...], pass_name: str = PASS) -> RunRow:
    """Return a run in the index, with faults that last for some runs."""
    rng = random.Random(run)
    cells = []
    for number, column in enumerate(plots):
        cell = PlotCell(column.slug, "confirmed", "Good", 0, 0, 9 if number % 9 == 0 else 1)
        if number == 0 and run >= 120443:
            cell = replace(cell, class_name="Bad", severity=3, flagged=6)
        elif number == 7 and run >= 120441:
            cell = replace(cell, state="novel", class_name=None, severity=2, flagged=1)
        elif (run // 7 + number * 13) % 211 == 5:
            cell = replace(cell, class_name="HotChannel", severity=3, flagged=1)
        elif (run // 3 + number * 7) % 97 == 3:
            cell = replace(cell, state="unconfirmed", class_name="Bad", severity=2, flagged=1)
        elif rng.random() < 0.012:
            cell = replace(cell, state="missing", class_name=None, severity=1)
        elif run % 41 == 0:
            cell = replace(cell, state="no_beam", class_name=None)
        elif number % 31 == 30:
            cell = replace(cell, state="undetermined", class_name=None)
        cells.append(cell)
    flagged = sum(cell.flagged for cell in cells)
    return RunRow(
        run, str(run), 1, NOW - timedelta(minutes=38 * (120445 - run)), sum(cell.total for cell in cells), flagged, 0,
        max(cell.severity for cell in cells), f"{revision_href(pass_name, run, 1)}/index.html", "148 nA, LH2",
        tuple(cells),
    )  # fmt: skip


def index_view(runs: int = 60, types: int = 50, last: int = 120445) -> IndexView:
    """Return a pass: `runs` runs that end with `last`, and `types` plot types."""
    plots = columns(types)
    rows = tuple(row(run, plots) for run in range(last - runs + 1, last + 1))
    blocks = tuple(sorted({one.run // 1000 for one in rows}))
    return IndexView(PASS, EXPERIMENT, plots, rows, incidents(), blocks, NOW, 4 * 3600.0, CLASSES)


def hostile_index() -> IndexView:
    """Return a pass whose every name comes from somebody unkind."""
    plots = tuple(PlotColumn(f"h{n}", text, text, text, text) for n, text in enumerate(HOSTILE))
    cells = tuple(
        PlotCell(column.slug, "confirmed", text, 3, 1, 1) for column, text in zip(plots, HOSTILE, strict=True)
    )
    line = replace(row(7, plots), run_name=HOSTILE[0], conditions=HOSTILE[1], cells=cells)
    troubles = tuple(replace(incidents()[0], plot=text, sentence=text) for text in HOSTILE)
    name = "unkind <img src=x onerror=alert(5)>"
    return IndexView(name, HOSTILE[0], plots, (line,), troubles, (0,), NOW, 3600.0, CLASSES)


def front_view() -> FrontView:
    """Return the list of passes."""
    return FrontView(EXPERIMENT, NOW, (PassSummary(PASS, "running", 60), PassSummary("2025-08/ver11", "closed", 1841)))


def status_view() -> StatusView:
    """Return a status page with a run that waits, a file that nobody wanted, and plot types that are new."""
    names = ("CDC_occupancy_v2:chunks", "hists/module_energy/" + "a_long_name_" * 12, "--<b>odd</b> 'name'", "FDC:run")
    new = tuple(NewTypeView(name, NOW, 12 * number) for number, name in enumerate(names, start=1))
    timings = (
        TaskTiming("chunk_images", 60, 3.1, 2.8, 210.0, 23.0),
        TaskTiming("classify", 60, 2.2, 6.4, 380.0, 41.5),
        TaskTiming("judge", 60, 0.6, 0.5, 120.0, None),
        TaskTiming("publish_run", 60, 2.9, 2.5, 190.0, 25.0),
    )
    rng = random.Random(4)
    days = tuple(
        ((NOW - timedelta(days=27 - day)).date().isoformat(), 0 if day % 9 == 4 else rng.randrange(2000, 7000))
        for day in range(28)
    )
    return StatusView(
        EXPERIMENT, NOW, ((PASS, "running", 62, 60), ("2025-08/ver11", "closed", 1841, 1841)),
        ((PASS, 120446, "waits for a place in the scheduler"), (PASS, 120447, "its files are younger than 5 seconds")),
        timings, days, (("Hydra", "1.0.0"), ("Cylc", "8.5.4"), ("Database", "schema 1, SQLite"), ("Python", "3.11.2")),
        (("archive", 41_200_000_000), ("site", 1_840_000_000), ("models", 96_000_000), ("database", 310_000_000)),
        (("ver02/120445/notes.txt", "no rule takes a .txt file"),), new_types=new,
    )  # fmt: skip


def _confidences(confusion):
    """Return cells whose images are sure where they are right."""
    rng = np.random.default_rng(1)

    def cell(images: int, right: bool) -> tuple[int, ...]:
        drawn = 0.3 + 0.7 * rng.beta(8 if right else 2, 1 if right else 2, images)
        return tuple(int(n) for n in np.histogram(drawn, 20, (0, 1))[0])

    return tuple(tuple(cell(n, i == j) for j, n in enumerate(row)) for i, row in enumerate(confusion))


def library_view() -> LibraryView:
    """Return a library with a live model, one that was refused, and plot types without any."""
    live = ModelView(
        "CDC_occupancy-ver3", "CDC_occupancy", "CDC_occupancy", "live",
        "Better than CDC_occupancy-ver2 on the frozen test runs: macro F1 0.957 against 0.912.", "compact",
        NOW - timedelta(days=3), ("Good", "Bad", "NoData", "HotChannel"), 812, 190, 204,
        (120101, 120118, 120160, 120201), 0.966, 0.957,
        (("Good", 0.71, "max F1", 120), ("Bad", 0.8, "max F1", 41), ("NoData", 0.5, "set by hand", 0),
         ("HotChannel", 0.77, "max F1", 29)),
        ((118, 1, 0, 0), (2, 39, 0, 1), (0, 0, 22, 0), (1, 2, 0, 18)),
        tuple((n, 1.4 * 0.86**n + 0.04, 1.45 * 0.87**n + 0.09, 1 - 0.6 * 0.83**n) for n in range(1, 25)),
        (("Parameters", "184,612"), ("Input", "128 x 128 pixels, one channel"), ("Seed", "20260117"),
         ("Labels by", "4 people")),
        confidences=_confidences(((118, 1, 0, 0), (2, 39, 0, 1), (0, 0, 22, 0), (1, 2, 0, 18))),
        fares=(("Good", "0.99", "0.97 to 1.00", "0.98", "0.95 to 1.00", 119),
               ("Bad", "0.93", "0.84 to 0.98", "0.93", "0.85 to 0.98", 42),
               ("NoData", "1.00", "", "1.00", "", 22),
               ("HotChannel", "0.86", "0.70 to 0.97", "0.95", "0.84 to 1.00", 21)),
        reliability=((0.55, 0.5, 4), (0.66, 0.71, 7), (0.86, 0.8, 15), (0.97, 0.99, 178)),
        calibration="temperature 1.62, fitted on 190 validation images, 14 of them called wrong; "
        "calibration error on the test 0.041 before, 0.012 after",
        faults=(("no fault at all", 0, 20, 0.0, 0.16), ("dead board", 20, 20, 0.84, 1.0),
                ("board at 30 percent", 13, 20, 0.43, 0.82)),
    )  # fmt: skip
    refused = replace(
        live, name="RF_timing-ver1", plot="RF_timing", plot_slug="RF_timing", status="rejected", curve=(),
        reason="Never saw a Bad example, so it could not tell one.", accuracy=None, macro_f1=None, confusion=(),
        thresholds=(), test_runs=(), test_images=0, confidences=(), fares=(), reliability=(), calibration="", faults=(),
    )  # fmt: skip
    without = (("TOF_matching", "18 more labels (6 of 24)"), ("DIRC_LED_time", "a label of a class other than Good"))
    return LibraryView(EXPERIMENT, NOW, (live, refused), without, 14)


def fast(view: RunView) -> RunView:
    """Return the same run with images that take a millisecond."""
    cards = (replace(one, image=one.image and partial(simple, number)) for number, one in enumerate(view.cards))
    return replace(view, cards=tuple(cards))
