"""Faults planted into good archived histograms of the test: how a finished model is tried on what nobody labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.engine import Connection

from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.emulate.faults import FAULTS, FaultKind, apply_fault
from hydra_core.intake.histograms.draw import DrawScale, draw_rgb
from hydra_core.intake.histograms.histogram import BoolArray, Histogram
from hydra_core.models.arrays import Images, Ints
from hydra_core.models.asked import InputSpec
from hydra_core.models.pixels import model_input
from hydra_core.models.planted import NO_FAULT, Planted
from hydra_core.stages.fault_cells import boards, struck
from hydra_core.stages.good_histograms import are_counts, good_histograms
from hydra_core.stages.reading import decisions_of
from hydra_core.store.labelbook import LabelledImage

#: Images of each kind: enough to see that a kind is missed, and a second or two for all of them.
MOST_EACH = 20

#: Kinds that mean something in a spectrum alone, and in a map alone.
SPECTRUM_KINDS = frozenset({"shifted_peak", "doubled_peak", "low_gain_spectrum"})
MAP_KINDS = frozenset({"dead_sector", "swapped_cable"})

#: Boards of a swapped cable differ at least so much, or nobody could see it.
PAIR_RATIO = 1.6

#: A change below so many standard deviations of the counts, or of a part with less than this share of the usual
#: content, is none.
SIGNIFICANT, LEAST_PART = 5.0, 0.2

_OF_ITS_OWN = 37


@dataclass(frozen=True)
class _Drawing:
    scale: DrawScale | None
    size: tuple[int, int]
    spec: InputSpec

    def of(self, hist: Histogram) -> Images:
        return model_input(draw_rgb(hist, size=self.size, scale=self.scale), self.spec)


def planted_faults(
    site: Site,
    connection: Connection,
    plot: PlotKey,
    images: Sequence[LabelledImage],
    passes: dict[int, str],
    spec: InputSpec,
    *,
    seed: int,
) -> Callable[[Ints], Planted | None]:
    """Return the function that makes the trial of a model from its test images; see `planted`.

    Parameters
    ----------
    images
        The labelled images in the order of the training; good ones are those of a normal class.
    passes
        Names of the passes, by their row.
    """
    drawing = _Drawing(decisions_of(connection, site).drawings.get(plot), site.settings.intake.histograms.size, spec)
    normal = {known.name for known in site.plots.classes if known.normal}

    def of_test(tested: Ints) -> Planted | None:
        which = [int(i) for i in tested if images[i].class_name in normal]
        good = good_histograms(site, images, passes, which, most=MOST_EACH)
        return planted(list(good.values()), drawing.of, normal, seed=seed)

    return of_test


def planted(
    good: Sequence[Histogram], draw: Callable[[Histogram], Images], normal: set[str], *, seed: int
) -> Planted | None:
    """Plant each kind of fault that suits them into good histograms, and add these as they are.

    Parameters
    ----------
    good
        Histograms that are known to be good; those of counts are used, up to 20.
    draw
        From a histogram to uint8 (h, w, 3), as the network takes it.
    normal
        Classes that mean that nothing is wrong.

    Returns
    -------
    Planted or None
        None where there is no histogram of counts. What nobody could see in a plot is left out.
    """
    usable = [hist for hist in good if are_counts(hist)][:MOST_EACH]
    if not usable:
        return None
    rng = np.random.default_rng([seed, _OF_ITS_OWN])
    images, kinds = [draw(hist) for hist in usable], [NO_FAULT] * len(usable)
    for kind in FAULTS.values():
        if not _suits(kind, usable[0]):
            continue
        for changed in _struck_by(kind, usable, rng):
            images.append(draw(changed))
            kinds.append(kind.name)
    return Planted(np.stack(images), tuple(kinds), normal)


def _struck_by(kind: FaultKind, good: Sequence[Histogram], rng: np.random.Generator) -> Iterator[Histogram]:
    """Yield up to `MOST_EACH` histograms with a fault that can be seen, plots and places in turn."""
    places = rng.permutation(boards(good[0]))
    # A fault of the whole plot is another one in another plot alone.
    turns = len(good) if kind.scope == "all" else 3 * MOST_EACH
    made = 0
    for turn in range(turns):
        if made == MOST_EACH:
            return
        hist = good[turn % len(good)]
        cells = struck(hist, kind.scope, int(places[turn % len(places)]))
        changed = apply_fault(kind.name, hist, cells, rng)
        if _shows(kind, hist, changed, cells):
            made += 1
            yield changed


def _shows(kind: FaultKind, before: Histogram, after: Histogram, cells: BoolArray) -> bool:
    """Say whether a fault can be seen at all: a part that hardly counts anyway shows nothing when it is dead."""
    values = before.values[cells]
    if not values.size:
        return False
    if kind.scope == "pair":
        first, second = np.array_split(values, 2)
        low, high = sorted((float(first.mean()), float(second.mean())))
        return high >= PAIR_RATIO * low
    if after.values.sum() < before.values.sum() and values.mean() < LEAST_PART * before.values.mean():
        return False
    change = np.abs(after.values - before.values)
    one_bin = change > SIGNIFICANT * np.sqrt(before.values + after.values + 1)
    return bool(one_bin.any() or change.sum() > SIGNIFICANT * np.sqrt(values.sum() + 1))


def _suits(kind: FaultKind, hist: Histogram) -> bool:
    if kind.expected_class != "Bad" or kind.scope == "beam":
        return False
    is_map = hist.values.ndim == 2 or hist.geometry is not None
    return kind.name not in (SPECTRUM_KINDS if is_map else MAP_KINDS)
