"""Does an engine in 8 bits that passed its gate decide as f32 on images that nothing of it saw?

Writes ``docs/results/int8.md``; alone with ``make bench PYTEST="tests/bench/test_int8.py"``. With
``HYDRA_BENCH_KEEP=FOLDER`` results are kept there part by part, and a measurement that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hydra_core.models.int8 import CALIBRATED
from hydra_core.models.precision import machine_has_vnni
from hydra_core.models.split import SIDES
from tests.bench.int8_cases import BY_HAND, EMULATED, MIXED, REAL, Case, measured
from tests.bench.training_kept import Kept, small

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "int8.md"

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]


@pytest.mark.parametrize("case", EMULATED, ids=lambda case: case.name)
def test_emulated_plots(case: Case, kept: Kept) -> None:
    assert kept.result(f"int8-{case.name}", lambda: measured(case, kept))["told"]


@pytest.mark.real_data
@pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
def test_real_plots(case: Case, kept: Kept) -> None:
    assert kept.result(f"int8-{case.name}", lambda: measured(case, kept))["told"]


def test_the_page_is_written(kept: Kept) -> None:
    """Last: it tells of all parts that are kept."""
    found = [(case, made) for case in (*REAL, *EMULATED) if (made := kept.find(f"int8-{case.name}")) is not None]
    written = "\n".join(_page(found)) + "\n"
    (kept.folder / "int8.md" if small() else RESULTS).write_text(written, encoding="utf-8")
    print(written)


def _page(found: list[tuple[Case, dict[str, Any]]]) -> Iterator[str]:
    days = sorted({made["made"] for _, made in found})
    machines = sorted({made["machine"] for _, made in found})
    yield "# 8 bits on images that nothing saw"
    yield ""
    yield (
        f"Made by `make bench` on {' and '.join(days)} ({'; '.join(machines)}; the processor has "
        f"{'' if machine_has_vnni() else 'no '}VNNI), by one core."
    )
    yield ""
    yield (
        "Each model was trained with `int8 = true`: its gate saw the validation and test images, and up to "
        f"{CALIBRATED} training images showed the ranges of the layers. *Fresh* images were used by none of that."
    )
    yield ""
    yield "\n".join(
        [
            "- *wafers*: real maps of nine classes; five models, each with another fifth of the wafers as fresh ones.",
            "- *runs*: `Digis/hWireTBin_p11b` of real runs with the experts' list of bad ones. The older two thirds "
            "train and are the gate's, the newest third is fresh.",
            "- *emulated faults*: fresh plots of other runs; and plots of yet later runs at half the beam current, "
            "every other one with a fault that no training showed.",
            "- *mixtures of two* fresh images: no plot looks so, but many are close calls.",
            "- The other networks, after few steps: half of the detector counts less, from hardly to be seen to plain. "
            "What is right on test images tells how far they came; one that knows nothing yet is near a decision "
            "everywhere.",
        ]
    )
    yield ""
    yield "## What the gate said"
    yield ""
    yield (
        "*Second time*: how many times as fast as f32 a refused engine was when it was made once more at once. What "
        "else the machine did moves this figure, so a verdict near what is worth it may fall either way; it concerns "
        "time alone, no decision."
    )
    yield ""
    yield "| model | training, validation, test images | right on test | the gate | second time |"
    yield "|---|---|---|---|---|"
    for case, made in found:
        sides = ", ".join(str(made["sides"][side]) for side in SIDES)
        again = "-" if made["passed"] else f"{made['all_the_same']['faster']:.2f}"
        yield f"| {case.words} | {sides} | {made['accuracy']:.3f} | {made['told']} | {again} |"
    yield ""
    yield "## Fresh images"
    yield ""
    yield (
        "An engine that was refused for too few images, or because it gains too little, was made for this page all the "
        "same. *Moved*: largest change of a log odds, beside the band in which images are judged again in f32. "
        "*Alone*: images that 8 bits alone decide otherwise than f32 (another class, or confirmed or not). *Differ*: "
        "those that still are after the second look. Before the stroke at the thresholds of the card, behind it at "
        f"{BY_HAND} for every class."
    )
    yield ""
    yield "| model | passed | fresh images | number | moved | band | alone | differ | judged again |"
    yield "|---|---|---|---|---|---|---|---|---|"
    looked = [(case, made, kind, one) for case, made in found for kind, one in made["fresh"].items()]
    looked.sort(key=lambda row: row[2] == MIXED)
    for case, made, kind, one in looked:
        both = [one["card"], one["by_hand"]]
        alone, differ = (" / ".join(str(each[name]) for each in both) for name in ("alone", "differ"))
        again = " / ".join(f"{each['again'] / one['images']:.1%}" for each in both)
        moved, band = f"{one['drift']:.2f}", f"{made['all_the_same']['band']:.2f}"
        row = (case.words, "yes" if made["passed"] else "no", kind, one["images"], moved, band, alone, differ, again)
        yield f"| {' | '.join(map(str, row))} |"
    yield ""
    plain = [(made["passed"], one) for _, made, kind, one in looked if kind != MIXED]
    for words, some in (
        ("Models that passed", [one for passed, one in plain if passed]),
        ("All models", [one for _, one in plain]),
        ("Mixtures, all models", [one for *_, kind, one in looked if kind == MIXED]),
    ):
        number = sum(one["images"] for one in some)
        alone, differ = (sum(one["card"][name] for one in some) for name in ("alone", "differ"))
        yield (
            f"- {words}: {differ} of {number} decisions differ at the thresholds of the cards{_bound(differ, number)}; "
            f"in 8 bits alone {alone} would."
        )
    beyond = sum(one["drift"] > made["all_the_same"]["band"] for _, made, _, one in looked)
    yield f"- On {beyond} of these {len(looked)} sets an image moved by more than the band."


def _bound(differ: int, number: int) -> str:
    """Return what none in so many says: were it a larger share, it would be seen at least once in 19 of 20 times."""
    if differ or not number:
        return ""
    return f" (fewer than 1 in {int(1 / (1 - 0.05 ** (1 / number)))} with 95 % confidence, of images like these)"
