"""``hydra try FOLDER``: a folder of plots, a throw-away site, and the whole pass under Cylc."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from sqlalchemy.engine import Engine

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_file
from hydra_core.base.names import slug
from hydra_core.base.words import counted
from hydra_core.config.plots import DEFAULT_CLASSES, IGNORE, PlotClass, PlotType
from hydra_core.config.site import Site
from hydra_core.intake.guess import Layout, guess_layout
from hydra_core.intake.labels_csv import read_labels_csv
from hydra_core.intake.listing import write_listing
from hydra_core.intake.naming import ParsedName
from hydra_core.labels.inbox import receive
from hydra_core.labels.request import write_request
from hydra_core.passes import scheduler
from hydra_core.passes.arrive import note_unmatched, runs_in_source
from hydra_core.passes.learn import hand_in, learn
from hydra_core.passes.life import WIDEST, create_pass
from hydra_core.passes.play_runs import bring_up, play_runs
from hydra_core.passes.started_here import started_here
from hydra_core.passes.throwaway import make_site, open_database, workflow_prefix
from hydra_core.passes.try_histograms import drawn_types
from hydra_core.stages.fsck import Check, fsck
from hydra_core.stages.publish import publish_models
from hydra_core.store.labelbook import Agreement, agreement
from hydra_core.store.ledger import PassRow
from hydra_core.store.registry import ModelRow, all_models
from hydra_core.store.session import reading
from hydra_core.store.summary import Totals, totals

TRIAL = "try/ver01"
#: Share of the runs that come first; where labels are given, the others are judged with what these taught.
FIRST_SHARE = 0.7
PATIENCE_S = 3600.0
#: One instant for all, so that repeating the command gives the same request.
_MADE_AT = datetime(2000, 1, 1, tzinfo=UTC)
#: Runs to train on, to set thresholds on, and to test on.
FEWEST_RUNS = 3
#: Colours for classes that only the labels name; told apart by people who do not see red and green as others do.
_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#8c6d1f",
    "#6a5acd",
    "#5d7896",
    "#3f9c93",
    "#a0522d",
)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class TrialOptions:
    """What a person may say instead of letting Hydra find it."""

    labels: Path | None = None
    plot_type: str | None = None
    run_pattern: str | None = None
    block: int = 50
    network: str = "compact"
    epochs: int = 60


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    index: Path
    counted: Totals
    models: tuple[ModelRow, ...]
    agreed: Agreement | None
    """Verdicts against labels, on the runs that came after the training."""
    check: Check
    seconds: float


def try_folder(folder: Path, out: Path, options: TrialOptions, say: Progress) -> Trial:
    """Judge every image and every histogram of a folder.

    Parameters
    ----------
    folder
        Read only: nothing is written into it.
    out
        Where everything goes; the same call goes on where an earlier one was stopped.

    Raises
    ------
    HydraError
        When the folder holds neither images nor files of histograms, or `out` holds something else.
    """
    begun = time.monotonic()
    folder, out = folder.absolute(), out.absolute()
    _check_folders(folder, out)
    labels = dict(read_labels_csv(options.labels)) if options.labels else {}
    layout = guess_layout(
        _paths(folder),
        folder.name,
        labels=labels,
        plot_type=options.plot_type,
        run_pattern=options.run_pattern,
        block=options.block,
    )
    for line in layout.explain():
        say(line)
    names = _within(layout)
    write_listing(out / "listing.jsonl", names)
    site = _site(folder, out, names, labels, options)
    engine, fresh = open_database(site)
    if fresh:
        scheduler.discard(f"{site.settings.cylc.workflow_prefix}/{TRIAL}")
    runs = sorted({parsed.run for parsed in names.values() if parsed.run is not None})
    span = _span(runs)
    row = create_pass(site, engine, TRIAL, span, folder)
    note_unmatched(engine, row, runs_in_source(site, row))
    cut = max(2, min(len(runs) - 1, round(len(runs) * FIRST_SHARE))) if len(runs) >= FEWEST_RUNS else 0
    if labels and not cut:
        say(f"the labels are not used: {len(runs)} runs are too few to learn from some and prove it on others")
    first, later = _requests(folder, labels, names, set(runs[:cut])) if cut else (None, None)
    with started_here(row.workflow, say):
        changed = _play(site, engine, row, (runs[:cut], runs[cut:]), first, say)
        scheduler.stop(row.workflow)
    if later is not None and hand_in(site, engine, later, "labels-of-later-runs.json"):
        receive(site, engine)
    if changed:
        publish_models(site, engine)
    with reading(engine) as connection:
        sums, models = totals(connection, row.id), tuple(all_models(connection))
        agreed = agreement(connection, row.id, runs[cut:]) if later is not None else None
    check = fsck(site, engine)
    return Trial(site.site_pages / "index.html", sums, models, agreed, check, time.monotonic() - begun)


def _check_folders(folder: Path, out: Path) -> None:
    if not folder.is_dir():
        raise HydraError(f"{folder} is not a folder", next_step="name the folder that holds the plots")
    if out.resolve().is_relative_to(folder.resolve()):
        raise HydraError(f"{out} is inside {folder}, which is only read", next_step="choose another place with --out")


def _paths(folder: Path) -> list[PurePosixPath]:
    found = []
    for path, _, files in os.walk(folder):
        found += [PurePosixPath(Path(path, name).relative_to(folder).as_posix()) for name in files]
    return sorted(found)


def _within(layout: Layout) -> Mapping[PurePosixPath, ParsedName]:
    """Map runs that are spread wider than a pass can be to a dense count; their names stay."""
    runs = sorted({parsed.run for parsed in layout.names.values() if parsed.run is not None})
    if not runs or runs[-1] - runs[0] < WIDEST:
        return layout.names
    if len(runs) >= WIDEST:
        raise HydraError(f"{len(runs)} runs are more than one pass holds", next_step="try a part of the folder")
    dense = {run: number for number, run in enumerate(runs, start=1)}
    return {
        path: replace(parsed, run=dense[parsed.run] if parsed.run is not None else None)
        for path, parsed in layout.names.items()
    }


def _span(runs: list[int]) -> tuple[int, int]:
    first = max(1, runs[0] // 1000 * 1000)
    return first, max(runs[-1], min(first + 999, 2_147_483_646))


def _site(
    folder: Path,
    out: Path,
    names: Mapping[PurePosixPath, ParsedName],
    labels: Mapping[str, str],
    options: TrialOptions,
) -> Site:
    plots = sorted({parsed.plot for parsed in names.values() if parsed.reads == "images"})
    return make_site(
        out,
        name="trial",
        experiment=folder.name,
        sections={
            "cylc": {"workflow_prefix": workflow_prefix("hydra-try", out)},
            "intake": {"settle_s": 0.0, "listing": "listing.jsonl", "new_types": "accept"},
            "training": {
                "network": options.network,
                "epochs": options.epochs,
                # Ends early where nothing is gained any more: somebody waits.
                "keep": "best",
                "problem_required": False,
                "min_macro_f1": 0.0,
            },
            "publish": {"full_images": "all"},
        },
        plots=[PlotType(name=key.name, chunked=key.chunked) for key in plots] + drawn_types(folder, names),
        classes=_classes(set(labels.values())),
    )


def _classes(names: set[str]) -> list[PlotClass]:
    known = {found.name: found for found in DEFAULT_CLASSES}
    new = sorted(names - set(known) - {IGNORE})
    # Without a word from a person nobody knows which of these classes is a problem, so none is.
    return [*known.values(), *(PlotClass(name=name, colour=_COLOURS[i % len(_COLOURS)]) for i, name in enumerate(new))]


def _requests(
    folder: Path, labels: Mapping[str, str], names: Mapping[PurePosixPath, ParsedName], first: set[int]
) -> tuple[bytes | None, bytes | None]:
    """Return the labels of the first runs, which teach, and those of the later ones, which only test."""
    items: dict[bool, list[tuple[str, str, str]]] = {True: [], False: []}
    for relative, known in labels.items():
        parsed = names.get(PurePosixPath(relative))
        path = folder / relative
        if parsed is not None and path.is_file() and not path.is_symlink():
            items[parsed.run in first].append((str(parsed.plot), sha256_file(path), known))
    if labels and not items[True] and not items[False]:
        raise HydraError(
            "no file that the labels name is among the images",
            next_step=f"paths in the labels are relative to {folder}",
        )
    who = "labels given to hydra try"
    teach, test = (write_request(who, _MADE_AT, items[side]) if items[side] else None for side in (True, False))
    return teach, test


def _play(
    site: Site, engine: Engine, row: PassRow, runs: tuple[list[int], list[int]], request: bytes | None, say: Progress
) -> bool:
    first, later = runs
    if request is None:
        return play_runs(site, engine, row, [*first, *later], say, patience_s=PATIENCE_S)
    changed = play_runs(site, engine, row, first, say, patience_s=PATIENCE_S)
    if hand_in(site, engine, request, "labels-given.json") or changed:
        bring_up(site, engine, row, say)
        learn(site, engine, row, first[-1], say, timeout_s=PATIENCE_S)
        say(f"now {counted(len(later), 'run')} that no model has seen")
    return play_runs(site, engine, row, later, say, patience_s=PATIENCE_S) or changed


def default_out(folder: Path) -> Path:
    """Return where a trial goes if nobody says: beside where the user is, named after the folder."""
    return Path(f"hydra-try-{slug(folder.absolute().name)}")
