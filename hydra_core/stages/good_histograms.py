"""Reading archived histograms of good plots, to make others from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hydra_core.config.site import Site
from hydra_core.intake.block import Block
from hydra_core.intake.histograms.histogram import Histogram
from hydra_core.store.labelbook import LabelledImage

#: Contents from here on are no longer whole numbers in double precision.
MOST_CONTENT = 2.0**53


def are_counts(hist: Histogram) -> bool:
    """Say whether contents are counts, of which there are some; weights below zero or beyond all counting are none."""
    values = hist.values
    return hist.kind == "counts" and bool(((values >= 0) & (values < MOST_CONTENT)).all() and values.sum() > 0)


def good_histograms(
    site: Site, images: Sequence[LabelledImage], passes: dict[int, str], which: Sequence[int], *, most: int
) -> dict[int, Histogram]:
    """Return the bin contents of some archived images, by number; those that came as pictures are left out.

    Parameters
    ----------
    passes
        Names of the passes, by their row.
    which
        Numbers in `images`; of more than `most` an even selection is read.

    Raises
    ------
    DataError
        When a block cannot be read.
    """
    chosen = [which[i] for i in np.unique(np.linspace(0, len(which) - 1, most).astype(int))] if which else []
    good: dict[int, Histogram] = {}
    for number in chosen:
        image = images[number]
        path = site.archive_file(passes[image.pass_id], image.run, image.revision, image.generation)
        with Block.open(path) as block:
            found = block.histogram(image.block_index)
        if found is not None:
            good[number] = found
    return good
