"""What real ROOT files give: histograms read and drawn, what is not, time and memory; one file in ``docs/results``.

Run by ``make bench`` where HYDRA_REAL_DATA names the folders.
"""

from __future__ import annotations

import csv
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from hydra_core.base.clock import now
from hydra_core.intake.histograms.draw import draw_png
from hydra_core.intake.histograms.reader import FileContent, FoundHistogram, read_many
from tests.histogram_files import EXPECTED, compare_with_uproot

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "histogram-files.md"
FOLDERS = ("halld_hallc_eic_histograms", "hallb_calorimeter_histograms", "chamber_2d_540", "root_corner_cases")
MANY = "csc_1d_runs"


@dataclass
class Row:
    """One line of the table: a file, or a folder of many."""

    name: str
    files: int = 0
    found: int = 0
    drawn: int = 0
    empty: int = 0
    unreadable: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    draw_seconds: float = 0.0
    peak_mb: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, content: FileContent, pool: Executor) -> None:
        """Count what a file gave, and draw it."""
        self.files += 1
        self.found += len(content.histograms)
        self.empty += sum(not np.nansum(np.abs(one.hist.values)) for one in content.histograms)
        self.unreadable += len(content.problems)
        self.skipped.update(content.skipped)
        self.seconds += content.seconds
        self.peak_mb = max(self.peak_mb, content.peak_mb)
        self.reasons.update(problem.reason for problem in content.problems)
        if content.problem:
            self.reasons[content.problem] += 1
        for drawn, seconds in pool.map(_draw, content.histograms, chunksize=16):
            self.drawn += drawn
            self.draw_seconds += seconds

    def line(self) -> str:
        """Return the line."""
        skipped = ", ".join(f"{count} `{name}`" for name, count in self.skipped.most_common(4))
        more = len(self.skipped) - 4
        return (
            f"| {self.name} | {self.found} | {self.drawn} | {self.empty} | {self.unreadable} "
            f"| {skipped}{f', … ({more})' if more > 0 else ''} | {self.seconds:.2f} "
            f"| {self.draw_seconds:.1f} | {self.peak_mb:.0f} |"
        )


def _draw(found: FoundHistogram) -> tuple[bool, float]:
    begun = time.process_time()
    try:
        drawn = draw_png(found.hist).startswith(b"\x89PNG")
    except (ValueError, ArithmeticError, RuntimeWarning):
        drawn = False
    return drawn, time.process_time() - begun


def _read(root: Path, names: list[str]) -> Iterator[FileContent]:
    return read_many(root, [(PurePosixPath(name), None) for name in names])


@pytest.mark.bench
@pytest.mark.real_data
def test_real_histogram_files_are_read_and_drawn() -> None:
    """Read and draw all real files and write what came of it."""
    root = Path(os.environ["HYDRA_REAL_DATA"])
    tables: dict[str, list[Row]] = {}
    # Before anything is drawn: the longest part comes last.
    comparison = _comparison(root)
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("forkserver")) as pool:
        _fill(tables, root, pool)
    text = _report(tables, comparison)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    rows = [row for table in tables.values() for row in table]
    assert sum(row.found for row in rows) > 10_000
    assert all(row.drawn == row.found for row in rows)


def _fill(tables: dict[str, list[Row]], root: Path, pool: Executor) -> None:
    for folder in FOLDERS:
        names = sorted(str(path.relative_to(root / folder)) for path in (root / folder).rglob("*.root"))
        tables[folder] = []
        for name, content in zip(names, _read(root / folder, names), strict=True):
            row = Row(f"`{name}`")
            row.add(content, pool)
            tables[folder].append(row)
    names = sorted(str(path.relative_to(root)) for path in (root / MANY).rglob("*.root"))
    together = Row(f"{len(names)} files")
    for content in _read(root, names):
        together.add(content, pool)
    tables[MANY] = [together]


def _report(tables: dict[str, list[Row]], comparison: list[str]) -> str:
    rows = [row for table in tables.values() for row in table]
    total = Row("all")
    for row in rows:
        total.files += row.files
        total.found += row.found
        total.drawn += row.drawn
        total.empty += row.empty
        total.unreadable += row.unreadable
        total.seconds += row.seconds
        total.draw_seconds += row.draw_seconds
        total.peak_mb = max(total.peak_mb, row.peak_mb)
    lines = [
        "# Real histogram files, read and drawn",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}. {total.files} ROOT files of real detectors and of collections of odd cases; "
        "none of them was written for Hydra.",
        "",
        "| what | figure |",
        "|---|---|",
        f"| histograms read | {total.found} |",
        f"| drawn at the default size and scale | {total.drawn} |",
        f"| empty: no content that is not zero | {total.empty} |",
        f"| objects that could not be read | {total.unreadable} |",
        f"| reading | {total.seconds:.0f} s, {1000 * total.seconds / total.found:.1f} ms a histogram |",
        f"| drawing | {total.draw_seconds:.0f} processor s, {1000 * total.draw_seconds / total.found:.1f} ms each |",
        f"| most memory of the reading process | {total.peak_mb:.0f} MB |",
        "",
        "The memory is that of the process which reads, libraries included; the first file of a folder pays for "
        "starting it. Drawing is in processor seconds; nearly each histogram here needs a frame of its own, which is "
        "what takes the time. In a series of runs with fixed ranges frames are kept: see [a run of "
        "histograms](histogram-run.md).",
    ]
    for folder, table in tables.items():
        lines += ["", f"## {folder}", ""]
        lines += ["| file | histograms | drawn | empty | unreadable | passed over | read s | draw s | peak MB |"]
        lines += ["|---|---|---|---|---|---|---|---|---|", *(row.line() for row in table)]
        reasons = sum((row.reasons for row in table), Counter[str]())
        if reasons:
            lines += ["", "| why an object or a file gave nothing | times |", "|---|---|"]
            lines += [f"| `{reason}` | {count} |" for reason, count in sorted(reasons.items())]
    return "\n".join([*lines, "", *comparison]) + "\n"


def _comparison(root: Path) -> list[str]:
    corner = root / "root_corner_cases"
    rows = list(csv.DictReader((corner / EXPECTED).read_text(encoding="utf-8").splitlines()))
    contents = _read(corner, [row["file"] for row in rows])
    differences = [compare_with_uproot(row, content) for row, content in zip(rows, contents, strict=True)]
    explained = [found for found in differences if found.what]
    lines = [
        "## Compared with uproot's own view",
        "",
        f"`{EXPECTED}` of root_corner_cases says for {len(rows)} files how many histograms uproot finds and how many "
        f"of them are empty. {sum(not found.what for found in differences)} files agree; of the others, "
        f"{sum(found.is_explained for found in explained)} of {len(explained)} differences follow from a rule.",
    ]
    if explained:
        lines += ["", "| file | difference | rule |", "|---|---|---|"]
        lines += [f"| `{found.file}` | {found.what} | {found.rule or 'none'} |" for found in explained]
    return lines
