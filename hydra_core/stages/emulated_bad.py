"""Emulated faults on archived histograms: a class that nobody has met yet can be trained, and is marked so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.engine import Connection

from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.emulate.faults import apply_fault
from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.models.arrays import Images
from hydra_core.models.asked import InputSpec
from hydra_core.models.pixels import model_input
from hydra_core.stages.fault_cells import boards, struck
from hydra_core.stages.good_histograms import are_counts, good_histograms
from hydra_core.stages.reading import decisions_of
from hydra_core.store.labelbook import LabelledImage

#: What becomes of a board, and the strengths that take turns: a board that counts less is learned only from such.
FAULTS: tuple[tuple[str, float], ...] = (
    ("dead_board", 0.0),
    ("board_at_30_percent", 0.3),
    ("dead_board", 0.0),
    ("board_at_30_percent", 0.5),
    ("dead_board", 0.0),
    ("board_at_30_percent", 0.1),
)


#: Good histograms that are held at a time to make others from.
MOST_SOURCES = 200


@dataclass(frozen=True, eq=False)
class Emulated:
    """An image of a fault that nobody saw.

    Attributes
    ----------
    source
        Number of the histogram that it was made from.
    image
        uint8, shape (h, w, 3), as a network takes it.
    fault
        What was done to which board.
    image_sha
        SHA-256 of the image.
    """

    source: int
    image: Images
    fault: str
    image_sha: str


def emulate_bad(
    good: dict[int, Histogram],
    count: int,
    spec: InputSpec,
    *,
    scale: DrawScale | None,
    size: tuple[int, int] = (600, 400),
    seed: int,
) -> Iterator[Emulated]:
    """Yield images of faults, each board in turn: many positions teach more than many copies of one.

    Parameters
    ----------
    good
        Histograms of counts that are known to be good, by number.
    count
        How many images; at most as many as there are histograms times boards.
    spec
        How a network takes a plot.
    scale, size
        How histograms of this plot type are drawn: ranges, and width and height in pixels.
    """
    usable = {number: hist for number, hist in good.items() if are_counts(hist)}
    if not usable:
        return
    numbers = sorted(usable)
    rng = np.random.default_rng([seed, 31])
    order = rng.permutation(numbers)
    places = rng.permutation(boards(usable[numbers[0]]))
    made = 0
    for turn in range(min(count, len(numbers) * len(places)) * 3):
        if made >= count:
            return
        source = int(order[turn % len(order)])
        hist = usable[source]
        board = int(places[turn % len(places)])
        name, amount = FAULTS[turn % len(FAULTS)]
        changed = apply_fault(name, hist, struck(hist, "board", board), rng, amount)
        if np.array_equal(changed.values, hist.values):
            continue
        image = model_input(draw_rgb(changed, size=size, scale=scale), spec)
        made += 1
        yield Emulated(source, image, f"{name} {amount:g} of board {board}", sha256_bytes(image.tobytes()))


def emulated_images(
    site: Site,
    connection: Connection,
    plot: PlotKey,
    images: Sequence[LabelledImage],
    passes: dict[int, str],
    spec: InputSpec,
    *,
    seed: int,
) -> list[Emulated]:
    """Return what ``emulate_bad`` asks for of a plot type; nothing where a problem class has a label of its own.

    Parameters
    ----------
    images
        The labelled images; the number of a source is its place in them.
    passes
        Names of the passes, by their row.
    """
    entry = site.plot_type(plot)
    wanted = entry.training.emulate_bad if entry.training is not None else 0
    if not wanted or any(site.plot_class(image.class_name).problem for image in images):
        return []
    normal = [number for number, image in enumerate(images) if site.plot_class(image.class_name).normal]
    good = good_histograms(site, images, passes, normal, most=MOST_SOURCES)
    scale = decisions_of(connection, site).drawings.get(plot)
    size = site.settings.intake.histograms.size
    return list(emulate_bad(good, wanted, spec, scale=scale, size=size, seed=seed))
