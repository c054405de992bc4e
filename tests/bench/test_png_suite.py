"""What intake makes of every file of the PNG test suite, against Pillow alone: docs/results/png-suite.md.

Run by ``make bench`` where HYDRA_REAL_DATA names the folders of real input.
"""

from __future__ import annotations

import csv
import os
import platform
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import PIL
import pytest

from hydra_core.base.clock import now
from hydra_core.intake.images import Unreadable, decode_image

RESULTS = Path(__file__).parents[2] / "docs" / "results"


@dataclass(frozen=True)
class Read:
    """What became of one file."""

    name: str
    words: str
    readable: bool


@pytest.mark.bench
@pytest.mark.real_data
def test_the_png_suite_is_read() -> None:
    """Read every file in a process of its own, compare, and write the table."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / "png_suite"
    with (folder / "expected_pillow.csv").open(encoding="utf-8", newline="") as stream:
        expected = {row["file"]: row for row in csv.DictReader(stream)}
    with ProcessPoolExecutor(max_workers=1) as pool:
        before, found, seconds, after = pool.submit(_read_all, folder, sorted(expected)).result()
    rows = [_row(one, expected[one.name]) for one in found]
    differ = [row for row in rows if row[3]]
    unexplained = [row[0] for row in differ if row[3] == "not explained"]
    text = "\n".join(
        [
            "# The PNG test suite",
            "",
            f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
            f"{platform.python_version()}, Pillow {PIL.__version__}. Every colour type and bit depth of PNG, and files "
            "that are damaged on purpose; `expected` is what Pillow alone makes of them.",
            "",
            "| what | figure |",
            "|---|---|",
            f"| files | {len(rows)} |",
            f"| read | {sum(one.readable for one in found)} |",
            f"| unreadable, each with its reason | {sum(not one.readable for one in found)} |",
            f"| other than expected | {len(differ)}, of which {len(unexplained)} not explained |",
            f"| time | {1000 * seconds / len(rows):.2f} ms a file |",
            f"| peak memory | {after:.0f} MB, {before:.0f} MB of it before the first file |",
            "",
            "| file | Hydra | expected | difference |",
            "|---|---|---|---|",
            *(f"| `{name}` | {ours} | {theirs} | {why} |" for name, ours, theirs, why in rows),
            "",
        ]
    )
    (RESULTS / "png-suite.md").write_text(text, encoding="utf-8")
    print(text)
    assert unexplained == []


def _read_all(folder: Path, names: list[str]) -> tuple[float, list[Read], float, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun, found = time.process_time(), []
    for name in names:
        try:
            facts, _ = decode_image((folder / name).read_bytes())
            found.append(Read(name, f"{facts.mode} {facts.width}x{facts.height}", readable=True))
        except Unreadable as problem:
            found.append(Read(name, problem.reason, readable=False))
    seconds = time.process_time() - begun
    return before, found, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _row(found: Read, expected: dict[str, str]) -> tuple[str, str, str, str]:
    fine = expected["pillow13_result"] == "ok"
    # What follows names the file where it lay when Pillow was asked.
    error = expected["error"].partition(" '")[0][:60]
    theirs = f"{expected['mode']} {expected['dims']}" if fine else f"refused: {error}"
    if found.readable and fine:
        return found.name, found.words, theirs, "" if found.words == theirs else "not explained"
    if not found.readable and not fine:
        return found.name, found.words, theirs, ""
    if "checksum" in found.words:
        return found.name, found.words, theirs, "Pillow does not compare the checksum of the pixels; Hydra does"
    return found.name, found.words, theirs, "not explained"
