"""What drawing histograms costs: by Hydra with a new frame and with a kept one, beside a figure of matplotlib a plot.

Run by ``make bench``; writes ``docs/results/drawing.md``. Where HYDRA_REAL_DATA names real files, their histograms are
drawn too.
"""

from __future__ import annotations

import io
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import matplotlib
import numpy as np
import PIL
import pytest

from hydra_core.base.clock import now
from hydra_core.emulate.catalogue import demo_plot
from hydra_core.emulate.plots import make_item
from hydra_core.intake.histograms.draw import DrawScale, draw_png
from hydra_core.intake.histograms.draw_frame import packed_frame
from hydra_core.intake.histograms.histogram import Axis, Histogram, Ratio
from hydra_core.intake.histograms.reader import ReadLimits, read_many
from hydra_core.intake.histograms.reference import scale_of

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "drawing.md"
ROUNDS = 15
#: Of the real files, one in so many histograms is drawn.
SHARE = 100


def kinds() -> dict[str, list[tuple[Histogram, DrawScale]]]:
    """Return for each kind of plot its histograms of some chunks with the fixed ranges of their plot type."""
    rng = np.random.default_rng(7)

    def spectrum(bins: int) -> Histogram:
        values = rng.poisson(900 * np.exp(-0.5 * np.linspace(-4, 4, bins) ** 2) + 20).astype(np.float64)
        return Histogram("s", "Drift time", Axis.regular(bins, -2, 2, "t [ns]"), None, values, values.sum())

    def grid(x: int, y: int) -> Histogram:
        values = rng.poisson(40.0, (x, y)).astype(np.float64)
        return Histogram(
            "m", "Hits", Axis.regular(x, 0, x, "wire"), Axis.regular(y, 0, y, "layer"), values, values.sum()
        )

    def profile(bins: int) -> Histogram:
        filled = rng.poisson(50.0, bins).astype(np.float64)
        means = filled * rng.normal(100.0, 0.5, bins)
        ratio = Ratio(means, filled, filled * 100.0**2 + filled)
        values, axis = ratio.quotient(), Axis.regular(bins, 0, 10, "z [cm]")
        return Histogram("p", "Mean time", axis, None, values, filled.sum(), kind="profile", ratio=ratio)

    makers: dict[str, Callable[[], Histogram]] = {
        "1-D, 100 bins": lambda: spectrum(100),
        "1-D, 10,000 bins": lambda: spectrum(10_000),
        "profile, 100 bins": lambda: profile(100),
        "2-D, 96 x 24 bins": lambda: grid(96, 24),
        "2-D, 1000 x 1000 bins": lambda: grid(1000, 1000),
    }
    found = {name: [make() for _ in range(ROUNDS)] for name, make in makers.items()}
    straws = demo_plot("CDC_occupancy")
    found["map of 3,522 straws"] = [make_item(straws, 1, 121264, chunk) for chunk in range(ROUNDS)]
    return {name: [(hist, ranges(hists[0])) for hist in hists] for name, hists in found.items()}


def ranges(reference: Histogram) -> DrawScale:
    """Return the fixed ranges that Hydra proposes."""
    return DrawScale(**scale_of(reference).model_dump())


def plain_matplotlib(hist: Histogram) -> bytes:
    """Draw a histogram as is usual: a figure, axes, ``stairs`` or ``pcolormesh``, ``savefig``; 600 x 400 pixels."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), dpi=100)
    if hist.geometry is not None:
        from matplotlib.collections import PolyCollection

        cells = PolyCollection(list(hist.geometry.polygons), array=hist.values, cmap="viridis")
        axes.add_collection(cells)
        axes.set(xlim=hist.geometry.x, ylim=hist.geometry.y, aspect="equal")
        figure.colorbar(cells)
    elif hist.y is not None:
        figure.colorbar(axes.pcolormesh(hist.x.edges, hist.y.edges, hist.values.T))
        axes.set_ylabel(hist.y.title)
    else:
        axes.stairs(hist.values, hist.x.edges, fill=hist.kind == "counts")
    axes.set_title(hist.title)
    axes.set_xlabel(hist.x.title)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    pyplot.close(figure)
    return stream.getvalue()


def seconds(work: Sequence[Callable[[], object]]) -> float:
    """Return the median processor time of some work."""
    spent = []
    for one in work:
        start = time.process_time()
        one()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def new_frame(hist: Histogram, scale: DrawScale) -> bytes:
    """Draw with nothing kept from before."""
    packed_frame.cache_clear()
    return draw_png(hist, scale=scale)


def real_histograms(folder: Path) -> dict[str, list[tuple[Histogram, DrawScale]]]:
    """Return one in so many of the filled histograms of all ROOT files below a folder, each with its own ranges."""
    files = [(PurePosixPath(path.relative_to(folder).as_posix()), None) for path in sorted(folder.rglob("*.root"))]
    found: dict[str, list[tuple[Histogram, DrawScale]]] = {"real, 1-D": [], "real, 2-D": []}
    number = 0
    for content in read_many(folder, files, ReadLimits()):
        for one in content.histograms:
            if np.nan_to_num(one.hist.values).any():
                number += 1
                if number % SHARE == 0:
                    found["real, 1-D" if one.hist.y is None else "real, 2-D"].append((one.hist, ranges(one.hist)))
    return found


def row(name: str, plots: Sequence[tuple[Histogram, DrawScale]]) -> str:
    """Return a line of the table: plots a second in the three ways, and bytes of a picture."""
    new = 1 / seconds([partial(new_frame, hist, scale) for hist, scale in plots])
    sizes = [len(draw_png(hist, scale=scale)) for hist, scale in plots]
    kept = 1 / seconds([partial(draw_png, hist, scale=scale) for hist, scale in plots])
    usual = 1 / seconds([partial(plain_matplotlib, hist) for hist, _ in plots])
    size = statistics.median(sizes) / 1024
    return f"| {name} | {len(plots)} | {new:.0f} | {kept:.0f} | {usual:.1f} | {kept / usual:.0f} | {size:.1f} |"


@pytest.mark.bench
def test_drawing_is_measured() -> None:
    """Draw plots of each kind in three ways and write the table."""
    lines = [
        "# What drawing costs",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, matplotlib {matplotlib.__version__}, numpy {np.__version__}, Pillow "
        f"{PIL.__version__}.",
        "",
        "Plots of 600 x 400 pixels in a second of processor time, PNG included: medians of single plots. A *new*",
        "frame is drawn by matplotlib for the first picture of a plot type; a *kept* one serves every further picture",
        "with the same fixed ranges. Beside them, in the same run on the same machine, a figure of matplotlib for",
        "every plot (`stairs`, `pcolormesh`, `savefig`), as most programs do it.",
        "",
        "| plot | plots | new frame, 1/s | kept frame, 1/s | matplotlib, 1/s | kept : matplotlib | KiB a plot |",
        "|---|---|---|---|---|---|---|",
        *(row(name, plots) for name, plots in kinds().items()),
    ]
    real = os.environ.get("HYDRA_REAL_DATA", "")
    if real:
        lines += [row(name, plots) for name, plots in real_histograms(Path(real)).items() if plots]
        lines += [
            "",
            f"*Real* are one in {SHARE} of the filled histograms of the ROOT files in the folder of real data.",
        ]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    assert len(lines) > 15
