"""What trainings on real input gave, in words and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tests.bench import training_run_series as run_series
from tests.bench import training_spectrograms as spectrograms
from tests.bench import training_wafers as wafers
from tests.bench.training_figures import auroc, auroc_told, confusion, figure
from tests.bench.training_kept import Kept

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], list[str]]
Section = tuple[str, Callable[[Kept], list[str]]]
#: What was seen when pictures were looked at; by eye, so it is not measured anew.
SEEN = (
    "Looked at by eye on 2026-11-21: eleven wafers of validation and test with their three maps side by side. On "
    "nine the contrast map lay on the defect and on little else: on the group of dies, along the scratch, on both of "
    "two scratches, along the arc at the edge, around the ring. On one it was brightest on a few failed dies at "
    "another place of the edge and faint on the defect. One scratch was called None: there is no contrast of None "
    "with None, and the class map was bright everywhere but on the scratch. Class maps show the same places with a "
    "haze over sound parts, and for one defect in the centre a ring around it with a hole at the defect itself. The "
    "residual map was empty, or a spot at the rim: the sound wafers differ too much in size and shape for it."
)
#: What the table of titles means.
TITLES_TOLD = (
    "The figures of one row differ only where the network reads the title: nothing else of the picture changes. With "
    "the title masked they must be the same, and are measured to be. Blip and Whistle differ so much that the title "
    "hardly matters. Where the picture tells less, it decides: a network that reads it seems right as long as titles "
    "go with classes as they did in the training, and is wrong wherever they do not. The mask takes that away, and "
    "shows what the rest of the picture is worth by itself, with as few plots as these hardly more than a guess. Small "
    "shifts of the training images hid this title from this network. That is luck of the size of its letters and no "
    "cure: mask what gives answers away."
)
#: A run with fewer entries shows statistics and not the detector.
FULL = 2000
WHOLE = ("accuracy", "macro_f1")
NOT_HERE = ["Not measured: `HYDRA_REAL_DATA` named no folder of real input.", ""]


def real_sections(table: Table) -> tuple[Section, ...]:
    """Return titles and writers of the sections about real input."""
    return (
        ("Real maps of wafers", lambda kept: _wafers(kept, table) or NOT_HERE),
        ("Real spectrograms with a telling title", lambda kept: _spectrograms(kept, table) or NOT_HERE),
        ("A real series of runs", lambda kept: _runs(kept, table) or NOT_HERE),
    )


def _wafers(kept: Kept, table: Table) -> list[str]:
    done = [(case, found) for case in wafers.CASES if (found := kept.find(case.name))]
    if not done:
        return []
    rows, counted = [], {}
    for case, found in done:
        n, truth = len(found["classes"]), found["truth"]
        counted[case] = confusion(truth, found["called"], list(range(len(truth))), n)
        images = f"{found['images']:,}"
        rows.append((_named(case), case.seed, images, *(figure([counted[case]], name) for name in WHOLE)))
    for augment in dict.fromkeys(case.augment for case in counted):
        each = [counts for case, counts in counted.items() if case.augment == augment]
        if len(each) > 1:
            rows.append((", ".join(augment), f"all {len(each)}", "", *(figure(each, name) for name in WHOLE)))
    shown, found = next(((case, found) for case, found in done if "rotate90" in case.augment), done[0])
    classes, counts = found["classes"], counted[shown]
    sides = found["sides"]
    confused = [
        (name, figure([counts], f"recall {i}"), figure([counts], f"precision {i}"), *counts.sum(axis=0)[i])
        for i, name in enumerate(classes)
    ]
    maps = []
    for name, kinds in found["maps"].items():
        for kind, (peak, chance, other, share, area, other_share, n) in kinds.items():
            cells = f"{peak:.2f} | {chance:.2f} | {other:.2f} | {share:.3f} | {area:.3f} | {other_share:.3f}"
            maps.append((name, kind, n, *cells.split(" | ")))
    return [
        f"Nine classes, network `compact` at {wafers.SIZE[1]} pixels, at most {wafers.EPOCHS} epochs, the best on "
        f"validation kept. {sides['train']} files train, {sides['validation']} validate, {sides['test']} test, dealt "
        f"at random; {found['copies']} near-copies were left out. The split is the same for all seeds; an interval of "
        "all seeds is over seeds and test files.",
        "",
        *table(("changes of training images", "seed", "images seen", "accuracy", "macro-F1"), rows),
        f"Rows: what it is; columns: what it is called ({_named(shown)}; seed {shown.seed}).",
        "",
        *table(("class", "recall", "precision", *classes), confused),
        "Is the heat on the defect? The defect is the largest group of failed dies. *Peak*: the cell with the map's "
        "largest value holds part of the defect; *by chance*: the share of cells that do; *other*: the peak of the "
        "map of another wafer of the class, so what knowing the class alone gives. *Share*: part of the map on the "
        "defect's dies, beside their share of the picture, and for the map of another wafer. Plots of validation and "
        f"test; class and contrast maps are of the class that is called, the contrast against {wafers.GOOD}; the "
        f"residual map knows the {wafers.GOOD} wafers of the training alone. Cells of the residual map are smaller, "
        "so its chance is less.",
        "",
        *table(
            ("class", "map", "wafers", "peak", "by chance", "other", "share", "area", "share of other"),
            maps,
        ),
        SEEN,
        "",
    ]


def _named(case: wafers.Case) -> str:
    return ", ".join(case.augment)


def _spectrograms(kept: Kept, table: Table) -> list[str]:
    stories = {
        "telling": "title tells the class in training",
        "mixed": "both sites in training",
        "site": "asked for the site of a Blip",
        "height": "asked how high a Blip reaches",
    }
    rows = []
    trained = 0
    kinds = dict.fromkeys((case.story, case.shifted, case.masked) for case in spectrograms.CASES)
    for story, shifted, masked in kinds:
        cases = [one for one in spectrograms.CASES if (one.story, one.shifted, one.masked) == (story, shifted, masked)]
        results = [found for case in cases if (found := kept.find(case.name))]
        if not results:
            continue
        trained = max(trained, results[0]["train"])
        cells = []
        for title in spectrograms.TITLES:
            right, n = _right(results, title)
            cells.append(f"{right / n:.2f} ({right} of {n})")
        blips = [_blips(results, title) for title in spectrograms.TITLES]
        told_blips = "-" if not blips[0][1] else ", ".join(f"{right}" for right, _ in blips) + f" of {blips[0][1]}"
        moved, seen = "yes" if shifted else "no", "masked" if masked else "shown"
        rows.append((stories[story], moved, seen, len(results), *cells, told_blips))
    if not rows:
        return []
    return [
        "Two classes, Blip and Whistle. The title names the site; every Whistle is of one site (L1), of the Blip "
        "plots some are. *Title tells the class*: all Blip plots of L1 are kept for the test, so that in the "
        f"training H1 means Blip and L1 means Whistle ({len(spectrograms.SEEDS)} seeds, each with other Whistle "
        f"plots). *Both sites*: {spectrograms.FOLDS} parts, each tested once. *Asked for the site*: networks that are "
        "asked which site a Blip plot is of, where the title is the answer and the rest of the plot hardly tells. "
        "*How high*: whether the bright part of a Blip reaches higher than in half of them, measured in the picture; "
        "those train of which H1 means high and L1 means low, the others test. "
        "Accuracy on test plots as given, with the title of the other site, and with none; Blip plots of L1 called "
        f"Blip likewise. `compact` at {spectrograms.SIZE[0]} x {spectrograms.SIZE[1]} pixels; with the mask the upper "
        f"{100 * spectrograms.TITLE[3]:.0f} % are filled before resizing. *Shifted*: training images are shifted by "
        f"up to 3 pixels at 128, as is the default. Trained on {trained} plots at most.",
        "",
        *table(
            (
                "training",
                "shifted",
                "title",
                "trainings",
                *spectrograms.TITLES,
                "Blip of L1 called Blip, likewise",
            ),
            rows,
        ),
        TITLES_TOLD,
        "",
    ]


def _right(results: list[dict[str, Any]], title: str) -> tuple[int, int]:
    pairs = [pair for found in results for pair in zip(found["called"][title], found["truth"], strict=True)]
    return sum(call == truth for call, truth in pairs), len(pairs)


def _blips(results: list[dict[str, Any]], title: str) -> tuple[int, int]:
    """Return how many Blip plots of L1 are called Blip, and how many there are."""
    right = [
        call == truth
        for found in results
        for call, truth, site in zip(found["called"][title], found["truth"], found["sites"], strict=True)
        if site == "L1" and found["classes"][truth] == "Blip"
    ]
    return sum(right), len(right)


def _runs(kept: Kept, table: Table) -> list[str]:
    rows, found_kinds = [], []
    for case in run_series.CASES:
        found = kept.find(case.name)
        if found is None:
            continue
        bad, entries = np.array(found["bad"]), np.array(found["entries"])
        score, residual, of_good = (np.array(found[name]) for name in ("score", "residual", "residual_of_good"))
        counts = confusion(bad.astype(int).tolist(), (score > 0.5).astype(int).tolist(), found["runs"], 2)
        rows.append(
            (
                case.path.rpartition("/")[2],
                case.trains,
                f"{found['train_bad']} of {found['train']}",
                f"{int(bad.sum())} of {len(bad)}",
                figure([counts], "recall 1"),
                figure([counts], "precision 1"),
                auroc_told(score, bad),
                auroc_told(of_good, bad),
                auroc_told(residual, bad),
                f"{auroc(-entries, bad):.3f}",
            )
        )
        full = bad & (entries >= FULL)
        empty = bad & ~full
        found_kinds.append(
            (
                case.path.rpartition("/")[2],
                case.trains,
                f"{int((score > 0.5)[empty].sum())} of {int(empty.sum())}",
                f"{int((score > 0.5)[full].sum())} of {int(full.sum())}",
                f"{int((score > 0.5)[~bad].sum())}, {int((score > 0.5)[~bad & (entries < FULL)].sum())} of them",
                f"{int((of_good > 1)[full].sum())} of {int(full.sum())}",
                f"{int((of_good > 1)[~bad].sum())} of {int((~bad).sum())}",
            )
        )
    if not rows:
        return []
    return [
        "Two histograms of 360 runs, read and drawn by Hydra (divided by entries, fixed range), labels from the "
        "experts' lists of bad runs. No list is of the segments' times: that of another histogram of the same "
        "detector part stands in. One half of the runs in the order of time trains `compact`, the other half tests. "
        "*Residual*: the largest difference from what the good runs of the training half show, or all of them "
        "without any label. *Entries*: fewest entries first, no picture at all.",
        "",
        *table(
            (
                "histogram",
                "half that trains",
                "bad in training",
                "bad in test",
                "recall of Bad",
                "precision of Bad",
                "AUROC of the network",
                "AUROC of the residual, good runs known",
                "AUROC of the residual, no labels",
                "AUROC of entries",
            ),
            rows,
        ),
        f"What the network finds of bad runs with fewer than {FULL:,} entries and of the others; and where the "
        "residual, good runs known, is more than nearly all good runs of the training half reach:",
        "",
        *table(
            (
                "histogram",
                "half that trains",
                "few entries, found",
                "many entries, found",
                "false alarms, with few entries",
                "many entries, residual more than usual",
                "good runs, residual more than usual",
            ),
            found_kinds,
        ),
        "What can be learned is what the training half holds. Nearly all bad runs of the first histogram are empty "
        "or nearly so, which the number of entries tells as well, and without labels they are so common that the "
        "residual takes them for one way of being good. What cannot be learned are bad runs of a kind that the "
        "training half lacks: full ones of another shape. There the residual of good runs is what is left. Where the "
        "experts' list leaves out a run of few entries, a network that learned from the others calls it a bad one. "
        "An interval from 1 to 1 over a handful of runs says only that none of these was missed.",
        "",
    ]
