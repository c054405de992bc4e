"""The page of what trainings are worth, written from the kept results alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tests.bench import on_a_gpu
from tests.bench import training_boards as boards
from tests.bench import training_networks as networks
from tests.bench import training_sampling as sampling
from tests.bench.training_figures import confusion, figure
from tests.bench.training_kept import EARLIER, Kept, defaults
from tests.bench.training_real_words import real_sections
from tests.bench.training_sampling_words import sampling_section
from tests.bench.training_weights_words import weights_section

Rows = Iterable[Sequence[object]]
MISSING = ["Not measured yet.", ""]


def table(header: Sequence[str], rows: Rows) -> list[str]:
    """Return the lines of a table, a blank one after it."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def page(kept: Kept) -> str:
    """Return the whole page."""
    results = [found for _, found in kept.all("")]
    days = sorted({found["made"] for found in results})
    lines = [
        "# What trainings are worth, and what they cost",
        "",
        f'Made by `make bench PYTEST="-k training"` on {" and ".join(dict.fromkeys([days[0], days[-1]]))}: '
        + "; ".join(sorted({found["machine"] for found in results}))
        + ". Seconds are processor seconds of one thread, and effort is counted in images: other work may have run "
        "on the machine, so the clock on the wall says nothing. In all "
        f"{sum(found['processor_seconds'] for found in results) / 60:.0f} minutes of processor time. Intervals hold "
        "95 % of 1,000 draws of as many test runs with repetition.",
        "",
        *_defaults(kept),
    ]
    sections: tuple[tuple[str, Callable[[Kept], list[str]]], ...] = (
        ("Is a part of the good plots enough?", lambda kept: sampling_section(kept, table)),
        ("Which weights should a training end with?", lambda kept: weights_section(kept, table)),
        ("Which outages are recognised that were never shown?", _boards),
        ("Every network", _networks),
        ("On a GPU", on_a_gpu.section),
        *real_sections(table),
    )
    for title, write in sections:
        lines += [f"## {title}", "", *(write(kept) or MISSING)]
    return "\n".join(lines).rstrip() + "\n"


#: Which section speaks of results whose names begin so.
_TITLES = {
    "sampling": "a part of the good plots",
    "weights": "which weights",
    "boards": "outages",
    "fit": "every network",
    "wafers": "wafers",
    "spectrograms": "spectrograms",
    "runs": "series of runs",
}


def _defaults(kept: Kept) -> list[str]:
    """Say what was measured with defaults that a training no longer has."""
    used: dict[str, list[str]] = {}
    for prefix, title in _TITLES.items():
        for found in dict.fromkeys(result.get("defaults", EARLIER) for _, result in kept.all(f"{prefix}-")):
            used.setdefault(found, []).append(title)
    if used.keys() <= {defaults()}:
        return []
    told = (f"{found} ({', '.join(titles)})" for found, titles in sorted(used.items()))
    return [f"Not all was measured with today's defaults: {'; '.join(told)}.", ""]


def _boards(kept: Kept) -> list[str]:
    named = ((case, [kept.find(f"{case.name}-seed{seed}") for seed in case.seeds]) for case in boards.CASES)
    done = [(case, results) for case, all_of in named if (results := [one for one in all_of if one])]
    if not done:
        return []
    test = kept.arrays("boards-test", boards.test_set)
    rows, header = [], ("positions x copies", "at reduced rates", "trainings")
    for case, results in done:
        counted = [boards.counts(result, test) for result in results]
        sums = {name: np.sum([one[name] for one in counted], axis=0) for name in counted[0]}
        cells = (f"{flagged / n:.2f} ({flagged} of {n})" if n else "-" for flagged, n in sums.values())
        rows.append((f"{case.positions} x {case.copies}", "half" if case.reduced else "none", len(results), *cells))
        header = (*header[:3], *sums)
    steps = done[0][1][0]["steps"]
    most = max(case.positions for case, _ in done)
    return [
        f"Emulated {boards.PLOT} cut into {boards.BOARDS} boards; {boards.GOOD} good plots and the emulated outages "
        f"of single boards train ({steps} steps of 16; another training shows other boards). Share of test plots that "
        "are flagged; *shown* means that an outage of that board was among the training images, whatever its rate. "
        f"Half of the outages at reduced rates count {', '.join(f'{100 * rate:.0f} %' for rate in boards.REDUCED)}, "
        "the other half nothing.",
        "",
        *table(header, rows),
        " ".join(
            _widest(case, [boards.counts(one, test) for one in results])
            for case, results in done
            if case.positions == most
        ),
        "",
    ]


def _widest(case: boards.Case, each: list[dict[str, tuple[int, int]]]) -> str:
    def told(*groups: str) -> str:
        flagged = [sum(one[group][0] for group in groups) for one in each]
        return f"{', '.join(map(str, flagged))} of {sum(each[0][group][1] for group in groups)}"

    return (
        f"From {case.positions} positions, {'half' if case.reduced else 'none'} of the outages at reduced rates, the "
        f"{len(each)} trainings flagged {told('single, shown', 'single, not shown')} plots of one dead board, "
        f"{told('all doubles')} of two, {told('30 %, shown', '30 %, not shown')} of a board at "
        f"{100 * boards.RATE:.0f} %, and {told('good')} good ones."
    )


def _other_set(one: networks.Trained) -> str:
    (good, bad), (test_good, test_bad) = one.given.train, one.given.test
    return f" *{one.words}*: {good} good and {bad} bad plots train, {test_good} and {test_bad} test."


def _chosen(one: networks.Trained, found: dict[str, Any]) -> str:
    counts = dict.fromkeys(cells[3] for cells in found["maps"]["class"].values())
    return (
        f" *{one.words}* is asked about {' or '.join(map(str, counts))} plots of each fault, and which of its stages "
        "is shown was chosen by this table, so its figures flatter that one a little."
    )


def _networks(kept: Kept) -> list[str]:
    few = [(name, found) for name in networks.FEW if (found := kept.find(f"few-{name}"))]
    if not few:
        return []
    rows = [
        (
            name,
            f"{found['parameters']:,}",
            " x ".join(map(str, found["map"])),
            found["first_step_seconds"],
            found["milliseconds_per_image"],
            f"{found['parity']:.0e}",
            f"{found['gradient_difference']:.0e}",
        )
        for name, found in few
    ]
    lines = [
        f"{networks.FEW_STEPS} steps of {networks.STEP} images at {networks.SIZE[1]} pixels, float32, one thread; "
        "`own` is the example of [Models](../models.md). *Parity* is the largest difference in probability between "
        "the exported engine and Keras; *Grad-CAM* the largest relative difference between the class map that the "
        "engine gives and Grad-CAM of the logit by gradients, which must be none but rounding.",
        "",
        *table(("network", "parameters", "map", "first step, s", "training, ms an image", "parity", "Grad-CAM"), rows),
    ]
    trained = [(one, found) for one in networks.TRAINED if (found := kept.find(f"trained-{one.name}"))]
    if not trained:
        return lines
    rows = []
    for one, found in trained:
        _, test = sampling.sets(kept, one.given)
        truth = test["bad"].astype(np.int64)
        counts = confusion(truth, list(map(int, found["called"])), test["runs"], 2)
        after = found["after_fresh_weights"]
        rows.append(
            (
                one.words,
                one.case.epochs,
                f"{found['images']:,}",
                f"{found['seconds']:.0f}",
                figure([counts], "macro_f1"),
                f"{found['macro_f1_fresh']:.2f}",
                f"{np.mean(after):.2f} ({min(after):.2f} to {max(after):.2f})",
            )
        )
    lines += [
        "Trained to the end with `rotating` on the set above, one seed, averaged weights kept. *Fresh weights*: rank "
        "correlation of the contrast maps that pages show of 40 bad plots with those of "
        f"{networks.DRAWS} networks that learned nothing (Adebayo et al. 2018), mean and range; near 0 means that the "
        "maps hang on what was learned."
        + "".join(_other_set(one) for one, _ in trained if one.given is not sampling.USUAL),
        "",
        *table(
            (
                "network",
                "epochs",
                "images",
                "seconds",
                "macro-F1",
                "macro-F1 with fresh weights",
                "map against fresh weights",
            ),
            rows,
        ),
        "Where the maps of the test's bad plots point: peak inside the planted fault / share of the map inside. The "
        "area is what the share of a flat map would be; a random peak hits a little more often, for half a cell is "
        "granted. A contrast map *at* a layer, with so many places, weighs each place there by the gradient of Bad "
        "rather than Good, and is laid over the plot; pages show the one that is marked, and where none is, the "
        "contrast of class maps." + "".join(_chosen(one, found) for one, found in trained if one.stages),
        "",
    ]
    maps = [
        (f"{one.words}, {kind}" + (" (**shown**)" if kind.startswith(f"contrast at {found['stage']},") else ""), made)
        for one, found in trained
        for kind, made in found["maps"].items()
    ]
    residual = kept.find("trained-residual")
    if residual is not None:
        maps.append(("residual map, no network", residual["maps"]["residual"]))
    faults = list(maps[0][1])
    area = ("*area*", *(f"{maps[0][1][fault][2]:.3f}" for fault in faults))
    cells = ((name, *(f"{made[fault][0]:.2f} / {made[fault][1]:.2f}" for fault in faults)) for name, made in maps)
    return [*lines, *table(("map", *(f"{fault} ({maps[0][1][fault][3]})" for fault in faults)), [area, *cells])]
