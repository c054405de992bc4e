"""What ``hydra try`` makes of folders of real images: one file in ``docs/results`` for each.

Run by ``make bench`` where HYDRA_REAL_DATA names the folders; ``make bench PYTEST="-k wafer"`` runs one of them.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydra_core.base.clock import now
from hydra_core.passes import scheduler
from hydra_core.passes.throwaway import workflow_prefix
from hydra_core.passes.try_folder import TRIAL, Trial, TrialOptions, try_folder
from hydra_core.store.schema import Item, Verdict
from hydra_core.store.session import open_engine, reading

RESULTS = Path(__file__).parents[2] / "docs" / "results"
FOLDERS = {"png_suite": False, "wafer_maps": True, "hallb_calorimeter_maps": False}


@pytest.mark.bench
@pytest.mark.real_data
@pytest.mark.parametrize("name", FOLDERS)
def test_a_real_folder_is_tried(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a folder and write what came of it."""
    folder = Path(os.environ["HYDRA_REAL_DATA"]) / name
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    out = tmp_path / "trial"
    lines: list[str] = []
    try:
        trial = try_folder(
            folder, out, TrialOptions(labels=folder / "labels.csv" if FOLDERS[name] else None), lines.append
        )
    finally:
        scheduler.discard(f"{workflow_prefix('hydra-try', out)}/{TRIAL}")
    text = _report(name, trial, out, lines)
    (RESULTS / f"try-{name}.md").write_text(text, encoding="utf-8")
    print(text)
    assert trial.check.problems == ()
    assert trial.counted.images > 0


def _report(name: str, trial: Trial, out: Path, lines: list[str]) -> str:
    with reading(open_engine(f"sqlite:///{out / 'hydra.sqlite'}")) as connection:
        states = Counter(connection.execute(sa.select(Verdict.state)).scalars())
        reasons = Counter(connection.execute(sa.select(Item.reason).where(Item.status == "unreadable")).scalars())
    rows = [
        f"# `hydra try` on {name}",
        "",
        f"Made by `make bench` on {now().date()}, {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}.",
        "",
        "| what | figure |",
        "|---|---|",
        f"| runs, or blocks of images | {trial.counted.runs} |",
        f"| images | {trial.counted.images} |",
        f"| flagged | {trial.counted.flagged} |",
        f"| unreadable, each a card | {trial.counted.unreadable} |",
        f"| problems found by `hydra fsck` | {len(trial.check.problems)} |",
        f"| time | {trial.seconds:.0f} s |",
        f"| verdicts by state | {', '.join(f'{state} {count}' for state, count in sorted(states.items()))} |",
    ]
    rows += [f"| model | {model.name} is {model.status}: {model.reason} |" for model in trial.models]
    if trial.agreed is not None:
        agreed = trial.agreed
        rows.append(
            f"| runs that came after the training | {agreed.same} of {agreed.judged} verdicts say what the labels say; "
            f"{agreed.confirmed_same} of {agreed.confirmed} where Hydra was sure |"
        )
    rows += ["", "What was found of runs and plot types:", "", *(f"    {line}" for line in lines[:4])]
    if reasons:
        rows += ["", "| why a file is unreadable | files |", "|---|---|"]
        rows += [f"| {reason} | {count} |" for reason, count in reasons.most_common()]
    return "\n".join(rows) + "\n"
