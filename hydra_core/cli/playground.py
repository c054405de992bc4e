"""``hydra playground``: networks trained on the same labelled images and put beside each other."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from hydra_core.base.errors import HydraError
from hydra_core.base.names import slug
from hydra_core.base.plot_names import find_one
from hydra_core.base.telling import teller
from hydra_core.cli.output import table
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.models.asked import TrainSpec
from hydra_core.models.comparison import over_seeds
from hydra_core.models.figures import told
from hydra_core.stages.context import open_site
from hydra_core.stages.labelled import labelled_set
from hydra_core.stages.labelled_folder import labelled_folder
from hydra_core.stages.playground import Asked, Place, Played, play
from hydra_core.stages.retrain import training_spec
from hydra_core.stages.wording import shown_name
from hydra_core.store.plot_types import all_plot_types
from hydra_core.store.session import reading

#: How figures are written, and differences of two.
FIGURE, DIFFERENCE = ".3f", "+.3f"


def add_commands(commands: Any) -> None:
    """Add the sub-command of this module."""
    game = commands.add_parser("playground", help="train several networks on the same labels and compare them")
    game.add_argument("plot_type", metavar="PLOT_TYPE", nargs="?", help="NAME, NAME:chunks or NAME:run")
    game.add_argument("--folder", type=Path, help="a folder of labelled images instead of a plot type")
    game.add_argument("--labels", type=Path, help="its labels: CSV with the columns file,label and perhaps run")
    game.add_argument("--problems", type=_words, help="its classes that mean a problem (default: those Hydra knows)")
    game.add_argument("--networks", type=_words, default=(), help="networks to try, with commas between them")
    game.add_argument("--sampling", type=_words, default=(), help="sampling schemes to try")
    game.add_argument("--sizes", type=_sizes, default=(), help="inputs to try in pixels: 128, or HEIGHTxWIDTH")
    game.add_argument("--seeds", type=_numbers, default=(), help="seeds to try: each network once with each of them")
    game.add_argument("--epochs", type=_positive, help="most epochs of each training")
    game.add_argument("--threads", type=_positive, default=2, help="cores to use (default: 2)")
    game.add_argument("--out", type=Path, help="where the page goes (default: below the site's pages)")
    game.set_defaults(command=_play)


def _play(given: argparse.Namespace) -> int:
    asked = Asked(given.networks, given.sampling, given.sizes, given.seeds, given.epochs)
    if (given.plot_type is None) == (given.folder is None) or (given.folder is None) != (given.labels is None):
        raise HydraError(
            "either a plot type or a folder with its labels can be tried",
            next_step="give PLOT_TYPE, or --folder FOLDER --labels FILE",
        )
    played = _folder(given, asked) if given.folder else _plot_type(given, asked)
    _tell(played)
    return 0 if played.rows else HydraError.exit_code


def _folder(given: argparse.Namespace, asked: Asked) -> Played:
    folder: Path = given.folder.absolute()
    out: Path = (given.out or Path(f"hydra-playground-{slug(folder.name)}")).absolute()
    if not folder.is_dir():
        raise HydraError(f"{folder} is not a folder", next_step="name the folder that holds the images")
    if out.resolve().is_relative_to(folder.resolve()):
        raise HydraError(f"{out} is inside {folder}, which is only read", next_step="choose another place with --out")
    tell = teller()
    problems = given.problems or [known.name for known in DEFAULT_CLASSES if known.problem]
    images = labelled_folder(folder, given.labels, tell)
    place = Place(out, "", "Labelled images of a folder", folder.name)
    return play(images, TrainSpec(), asked, place, problems=problems, threads=given.threads, tell=tell)


def _plot_type(given: argparse.Namespace, asked: Asked) -> Played:
    site, engine = open_site(given.site)
    with reading(engine) as connection:
        known = all_plot_types(connection)
        key = find_one(given.plot_type, known)
        images = labelled_set(connection, site, known[key])
    place = Place(
        given.out.absolute() if given.out else site.site_pages,
        "" if given.out else f"playground/{key.slug}",
        site.settings.site.experiment,
        shown_name(site, key),
    )
    problems = given.problems or [known.name for known in site.plots.classes if known.problem]
    base = training_spec(site, key)
    return play(images, base, asked, place, problems=problems, threads=given.threads, tell=teller())


def _tell(played: Played) -> None:
    columns = {
        "network": [row.name for row in played.rows],
        "accuracy": [told(row.accuracy.value, row.accuracy.span, FIGURE) for row in played.rows],
        "macro-F1": [told(row.macro_f1.value, row.macro_f1.span, FIGURE) for row in played.rows],
        "above the first": [told(row.macro_f1.gain, row.macro_f1.gain_span, DIFFERENCE) for row in played.rows],
        "recall of problems": [told(row.problems.value, row.problems.span, FIGURE) for row in played.rows],
        "calibration error": [f"{row.calibration_error:.3f}" for row in played.rows],
        "parameters": [str(row.result.parameters) for row in played.rows],
        "images shown": [str(row.result.images_seen) for row in played.rows],
        "training": [f"{row.result.seconds:.0f} s" for row in played.rows],
        "one image": [f"{row.result.milliseconds:.2f} ms" for row in played.rows],
    }
    shown = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    if played.rows:
        print(table(tuple(shown), list(zip(*shown.values(), strict=True))))
        print("in brackets: where it lies with 95 %, had other runs been the test; times are of the processor")
    for group in over_seeds(played.rows):
        print(f"{group.name}, {group.seeds} seeds: macro-F1 {group.mean:.3f}, {group.low:.3f} to {group.high:.3f}")
    for name, reason in played.refused:
        print(f"{name}: not trained: {reason}")
    print(played.page)


def _words(text: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found:
        raise argparse.ArgumentTypeError("name at least one")
    return found


def _sizes(text: str) -> tuple[tuple[int, int], ...]:
    found = []
    for word in _words(text):
        match = re.fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", word)
        if match is None:
            raise argparse.ArgumentTypeError(f"{word!r} is no size: 128, or HEIGHTxWIDTH as in 160x240")
        found.append((int(match[1]), int(match[2] or match[1])))
    return tuple(found)


def _numbers(text: str) -> tuple[int, ...]:
    words = _words(text)
    if not all(re.fullmatch(r"[0-9]{1,10}", word) for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} holds something that is no whole number")
    return tuple(int(word) for word in words)


def _positive(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
